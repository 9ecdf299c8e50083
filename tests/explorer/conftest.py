"""What the explorer's tests share: a demo account, made-up jobs and filters, an answer."""

from __future__ import annotations

import json
import time

import pandas as pd
import pytest
from hypothesis import strategies as st

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of

START = pd.Timestamp("2026-09-01", tz="UTC")
VALUES = {
    "state": ["COMPLETED", "ERROR", "TIMED_OUT", "WAITING", "PAUSED"],
    "type": ["IMPORT_ASSETS_FROM_S3", "EXPORT_ASSETS_TO_S3", "NEW"],
    "data_set_id": ["one", "two", None],
    "account_id": ["111122223333", "444455556666"],
    "region": ["us-east-1", "eu-west-1"],
    "code": ["ACCESS_DENIED_EXCEPTION", "VALIDATION_EXCEPTION", "NEW_ONE"],
    "cause": ["Access denied", "no <key> here", None],
}
MESSAGES = ["Access denied", "no data/k-1.csv here", "no data/k-2.csv here", None]
A_JOB = st.fixed_dictionaries({
    "State": st.sampled_from(VALUES["state"]),
    "Type": st.sampled_from(VALUES["type"]),
    "set": st.sampled_from(VALUES["data_set_id"]),
    "account": st.sampled_from(VALUES["account_id"]),
    "region": st.sampled_from(VALUES["region"]),
    "hour": st.integers(0, 50) | st.none(),
    "took": st.integers(0, 5000),
    "keys": st.lists(st.sampled_from(["a/Left.csv", "b/right.csv", "LEFT/ß.csv"]), max_size=2),
    "errors": st.lists(
        st.tuples(st.sampled_from(VALUES["code"]), st.sampled_from(MESSAGES)), max_size=3
    ),
})  # fmt: skip
TIMES = st.integers(-2, 52).map(lambda hour: (START + pd.Timedelta(hours=hour)).isoformat())
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: st.lists(st.sampled_from([*values, "other"]), min_size=1, unique=True)
            for name, values in VALUES.items()
        },
        "since": TIMES,
        "until": TIMES,
        "text": st.sampled_from(
            ["left", "ß", "ACCESS", "00000", "two", "nothing", "k-2", "S", "\u212a"]
        ),
    },
)
BOTH_WAYS = st.tuples(FILTERS, FILTERS | st.just({})).map(
    lambda pair: {**pair[0], "not": pair[1]} if pair[1] else pair[0]
)
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u202egnp.exe",
    "nul\0 bell\a",
    "x" * 10_000,
]


@pytest.fixture(scope="module")
def tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client, progress=False), client)


def tables_from(rows):
    return tables_of(page_of(*(as_job(number, row) for number, row in enumerate(rows))))


def as_job(number, row):
    sources = [{"Bucket": "bucket", "Key": key} for key in row["keys"]]
    created = None if row["hour"] is None else START + pd.Timedelta(hours=row["hour"])
    ended = (
        {}
        if created is None
        else {"UpdatedAt": (created + pd.Timedelta(seconds=row["took"])).isoformat()}
    )
    return job(
        number,
        State=row["State"],
        Type=row["Type"],
        CreatedAt=None if created is None else created.isoformat(),
        **ended,
        Arn=f"arn:aws:dataexchange:{row['region']}:{row['account']}:jobs/{number:032x}",
        Details={"ImportAssetsFromS3": {"DataSetId": row["set"], "AssetSources": sources}},
        Errors=[{"Code": code, "Message": message} for code, message in row["errors"]],
    )


def answer_to(explorer, kind, **content):
    """Return the answer to a message, as it arrives in the page, and the bytes beside it."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(
        (json.loads(json.dumps(content, allow_nan=False)), buffers)
    )
    explorer._receive(explorer, {"kind": kind, "id": "7", **content}, [])
    ((answer, buffers),) = [one for one in sent if one[0].get("id") == "7"]
    assert answer["id"] == "7"
    return answer, buffers


def view_of(explorer, first=0, count=20, *, only_rows=False, **view):
    """Return the answer to a page that changes some of the view, or that only asks."""
    view = {**explorer.view, **view} if view else None
    asked = {"first": first, "count": count, "only_rows": only_rows, "view": view}
    return answer_to(explorer, "view", **asked)[0]


def compared(explorer, sides):
    """Ask as the page does, until the answer is there."""
    for _ in range(1000):
        answer, _ = answer_to(explorer, "compare", sides=sides)
        if answer.get("rows") is not None or answer["kind"] == "error":
            return answer
        time.sleep(0.02)
    raise AssertionError("a comparison does not end")
