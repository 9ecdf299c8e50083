"""Values as a message carries them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook.explorer import cells
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import HOSTILE, answer_to, view_of


def test_hostile_values_arrive_as_texts():
    jobs = []
    for number, text in enumerate(HOSTILE):
        details = {"DataSetId": text, "AssetSources": [{"Bucket": text, "Key": text}]}
        errors = [{"Code": "VALIDATION_EXCEPTION", "Message": text}]
        imports = {"ImportAssetsFromS3": details}
        jobs.append(job(number, State="ERROR", Details=imports, Errors=errors))
    explorer = dx.explore(tables_of(page_of(*jobs)))
    while answer_to(explorer, "prepare")[0]["more"]:
        pass
    answer = view_of(explorer, columns=["data_set_id"])
    shown = [row[2] for row in answer["rows"]]
    assert shown[:3] == [*HOSTILE[:2], "\\u202egnp.exe"]
    assert shown[3] == "nul␀ bell␇"
    assert shown[4] == "x" * 300 + "… (10,000 characters)"
    # a value is sent back as it is, so that what is shortened can be filtered for
    long = next(
        value
        for value, label, _ in answer["counts"]["data_set_id"]["values"]
        if label.endswith("characters)")
    )
    assert view_of(explorer, filters={"data_set_id": [long]})["total"] == 1
    assert (
        answer_to(explorer, "detail", job=explorer.tables.jobs["job_id"][4])[0]["errors"]["rows"][
            0
        ][-1]
        == HOSTILE[4]
    )


def test_cells_are_numbers_texts_or_none():
    times = pd.Series(pd.to_datetime(["1970-01-01T00:00:01.5Z", None], utc=True)).dt.as_unit("us")
    assert cells.values(times) == [1500, None]
    assert cells.values(pd.Series([1.5, np.inf], name="duration_s")) == [1.5, None]
    assert cells.values(pd.Series([["a"], None], name="tags")) == ["['a']", None]


@pytest.mark.parametrize(
    ("value", "longest", "text"),
    [
        (None, 300, "none"),
        (pd.Timestamp("2026-09-01 12:00:00.5", tz="UTC"), 300, "2026-09-01 12:00:00.500000+00:00"),
        ("a\tb\ud800", 300, "a␉b\\ud800"),
        ("x" * 12, 5, "xxxxx… (12 characters)"),
    ],
)
def test_any_value_has_a_text(value, longest, text):
    assert cells.as_text(value, longest) == text


def test_a_table_of_a_job_has_no_empty_columns_and_says_once_what_errors_share():
    errors = pd.DataFrame({
        "job_id": ["a", "a", "b"],
        "position": [0, 0, 0],
        "message": ["denied", "denied", "gone"],
        "key": ["k-1", "k-2", None],
        "resource_id": [None, None, None],
    })  # fmt: skip
    assert cells.table_of(errors, "a", once="position") == {
        "columns": ["Position", "Message", "Key"],
        "rows": [["0", "denied", "k-1"], ["", "", "k-2"]],
        "in_all": 2,
    }


def test_the_command_is_quoted_for_a_shell():
    job = pd.Series({"job_id": "a b", "region": "us-east-1"})
    command = "aws dataexchange get-job --job-id 'a b' --region us-east-1"
    assert cells.command(job) == command
    assert cells.command(pd.Series({"job_id": "1", "id_text": "$(x)"})).endswith(" '$(x)'")


def test_the_page_knows_the_columns_that_have_values_and_what_divides_the_jobs():
    accounts = (f"arn:aws:dataexchange:us-east-1:{n}:jobs/{n:032x}" for n in (10**11, 2 * 10**11))
    jobs = tables_of(page_of(*(job(n, Arn=arn) for n, arn in enumerate(accounts)))).jobs
    known = cells.contents(jobs)
    assert ["account_id", "Account"] in known["facets"]
    assert "region" not in [name for name, _ in known["facets"]]
    assert "api_name" not in [name for name, *_ in known["columns"]]
    assert ["created_at", "Created", "time"] in known["columns"]
    assert ["duration_s", "Duration", "duration"] in known["columns"]
    assert known["shown"][:4] == ["state", "type", "data_set_id", "account_id"]
