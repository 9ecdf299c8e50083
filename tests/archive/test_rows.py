"""Rows: any job there and back, without secrets, by older and newer models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import dxnotebook as dx
from dxnotebook.archive import rows
from dxnotebook.model import Model
from tests import strategies
from tests.archive.conftest import TABLES, assert_same, ordered
from tests.conftest import doctored, job, page_of, tables_of
from tests.scripted import START

SECRET = "5ecre7"


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@settings(max_examples=10)
@given(strategies.jobs())
def test_any_job_of_the_shape_comes_back(found):
    tables = tables_of(page_of(*found))
    table = rows.archived(tables, pd.Timestamp(START))
    stored = pa.schema([pa.field(f.name, f.type) for f in table.schema])
    back = rows.restored(rows.archived(tables, pd.Timestamp(START), stored))
    # a branch without members is none, but load_jobs says of it that it is not the one that the
    # type names
    plain = [
        replace(one, jobs=one.jobs.drop(columns="details_branch", errors="ignore"))
        for one in (back, tables)
    ]
    assert_same(*plain)


def planted(shape, name=""):
    """Return the JSON of a shape with a secret in every text."""
    kind = shape.type_name
    if kind == "structure":
        return {member: planted(inner, member) for member, inner in shape.members.items()}
    if kind == "list":
        return [planted(shape.member, name)]
    if kind == "timestamp":
        return "2026-09-01T00:00:00.123456789Z"
    if kind == "double":
        return 1.0
    return (
        SECRET if name.endswith("ApiKey") else f"https://b/k?X-Amz-Signature={SECRET}&X-Amz-Date=1"
    )


def secrets_everywhere(number, state="IN_PROGRESS"):
    shape = strategies.JOB.members
    url = f"https://b/k?X-Amz-Signature={SECRET}"
    branches = shape["Details"].members.items()
    for place, (branch, inner) in enumerate(branches):
        yield job(
            100 * number + place,
            State=state,
            Details={branch: planted(inner)},
            Errors=[planted(shape["Errors"].member)],
            Unknown={
                "Url": {"a": [url]},
                "ApiKey": 5,
                "Text": url,
                "List": [{"OtherApiKey": SECRET}, {"x": url}],
            },
        )
    yield job(100 * number + 90, Details="none", Message=url, SomeUrl=url)
    yield {"Id": "n", "ApiKey": SECRET, url: url}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@pytest.mark.parametrize("redact", [True, False])
def test_secrets_are_in_no_file_old_versions_included(archive, redact):
    for updated, state in (
        ("2026-09-01T00:01:00Z", "IN_PROGRESS"),
        ("2026-09-01T00:02:00Z", "COMPLETED"),
    ):
        jobs = [one | {"UpdatedAt": updated} for one in secrets_everywhere(1, state)]
        tables = tables_of(page_of(*jobs), redact=redact)
        assert (SECRET in str(tables.to_jobs())) is not redact
        archive.add(tables)
    archive.optimize()
    files = [path for path in Path(archive.uri).rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix == ".parquet" and "_delta_log" not in path.parts]
    assert len(data) > 3
    for path in files:
        assert SECRET.encode() not in path.read_bytes()
    for path in data:
        assert SECRET not in str(pq.ParquetFile(path).read().to_pylist())
    assert "REDACTED" in str(archive.load().to_jobs())


def test_members_that_a_newer_api_knows_become_columns_and_old_rows_are_read_by_it(archive):
    new = {
        "Priority": "HIGH",
        "ScheduledAt": "2026-09-01T01:00:00Z",
        "Weight": 2.5,
        "Details": {
            "ImportAssetsFromS3": {"AssetSources": [{"Bucket": "b", "Key": "k", "VersionId": "v"}]}
        },
    }
    page = page_of(job(1, **new), job(2))
    archive.add(tables_of(page))
    names = archive.scan().schema.names
    assert {"priority", "scheduled_at", "weight"} <= set(names)

    def grow(shapes):
        shapes["JobEntry"]["members"] |= {
            "Priority": {"shape": "Name"},
            "ScheduledAt": {"shape": "Timestamp"},
            "Weight": {"shape": "__double"},
        }
        shapes["AssetSourceEntry"]["members"]["VersionId"] = {"shape": "Name"}

    later = Model.of(doctored(grow))
    stored = archive.scan().to_table()
    expected = tables_of(page, model=later)
    found = rows.restored(stored, later)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(found, name), ordered(expected)[name], obj=name)
    # what the later one writes: times where the column holds texts
    archive.add(tables_of(page_of(job(3, **new)), model=later))
    stored = archive.scan().to_table()
    assert rows.restored(stored, later).to_jobs()[-1]["ScheduledAt"] == datetime(
        2026, 9, 1, 1, tzinfo=UTC
    )
    with pytest.warns(dx.UnknownFieldWarning):
        jobs = archive.load().jobs
    assert (
        jobs["priority"].tolist() == ["HIGH", None, "HIGH"] or jobs["priority"].notna().sum() == 2
    )


def test_an_older_botocore_shows_what_a_newer_one_wrote(archive):
    later = Model.of(
        doctored(lambda shapes: shapes["JobEntry"]["members"].update(Priority={"shape": "Name"}))
    )
    archive.add(tables_of(page_of(job(1, Priority="HIGH")), model=later))
    with pytest.warns(dx.UnknownFieldWarning, match="priority"):
        jobs = archive.load().jobs
    assert jobs["priority"].tolist() == ["HIGH"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_a_member_that_changes_its_kind_is_kept(archive):
    for number, value in enumerate(("text", 1.5, True, ["list"], {"deep": 1})):
        archive.add(tables_of(page_of(job(number, Odd=value))))
    found = sorted(archive.load().to_jobs(), key=lambda one: one["Arn"])
    assert [one["Odd"] for one in found] == ["text", 1.5, True, ["list"], {"deep": 1}]


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_a_member_named_like_a_column_of_the_archives_own_is_kept():
    tables = tables_of(page_of(job(1, Raw="r", Details={}, Observations=["o"])))
    back = rows.restored(rows.archived(tables, pd.Timestamp(START)))
    assert back.to_jobs() == tables.to_jobs()
    assert back.to_jobs()[0]["Raw"] == "r"


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_json_of_members_without_a_type_has_no_secrets_and_stays_where_there_is_none():
    odd = {"A": [1, {"ApiKey": SECRET}]}
    tables = tables_of(page_of(job(1, New=odd), job(2), job(3, New={"A": [2, "x"]})), redact=False)
    back = rows.restored(rows.archived(tables, pd.Timestamp(START))).to_jobs()
    assert [one.get("New") for one in back] == [
        {"A": [1, {"ApiKey": "REDACTED"}]},
        None,
        {"A": [2, "x"]},
    ]


def test_details_in_any_order_stay_with_their_jobs():
    sources = [{"Bucket": "b", "Key": f"k{number}"} for number in range(3)]
    several = [
        job(n, Details={"ImportAssetsFromS3": {"AssetSources": sources[:n]}}) for n in (3, 1, 2)
    ]
    tables = tables_of(page_of(*several))
    order = tables.details["job_id"].argsort(kind="stable")
    shuffled = replace(tables, details=tables.details.iloc[order].reset_index(drop=True))
    back = rows.restored(rows.archived(shuffled, pd.Timestamp(START)))
    assert ordered(back)["details"].equals(ordered(tables)["details"])


def test_a_reject_says_when_it_was_seen():
    seen_at = pd.Timestamp(START)
    [row] = rows.archived(tables_of(page_of(7)), seen_at).to_pylist()
    assert {row["first_seen_at"], row["last_seen_at"]} == {seen_at}
    assert row["observations"][0]["seen_at"] == seen_at


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_of_two_versions_of_one_time_the_one_that_could_be_read_is_kept(archive):
    plain = job(1)
    odd = plain | {"Details": {"New": {"A": "a"}, "Other": {"B": "b"}}}
    assert len(tables_of(page_of(odd)).rejects) == 1
    for pages in ([page_of(plain, odd)], [page_of(odd), page_of(plain), page_of(odd)]):
        for page in pages:
            archive.add(tables_of(page))
        assert archive.load().to_jobs() == tables_of(page_of(plain)).to_jobs()
        archive = dx.Archive(f"{archive.uri}-other")
