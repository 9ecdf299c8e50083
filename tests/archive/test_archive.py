"""The archive: what was ever seen comes back, whole, once, chosen as asked, to any engine."""

from __future__ import annotations

import shutil
from datetime import timedelta

import duckdb
import pandas as pd
import polars as pl
import pytest

import dxnotebook as dx
from dxnotebook import demo
from tests.archive.conftest import assert_same, load, sync
from tests.conftest import job, page_of


def test_what_was_synced_comes_back_as_load_jobs_has_it(archive):
    client = demo.client()
    result = sync(archive, client)
    assert (result.new, result.changed, result.unchanged, result.rejects) == (6_000, 0, 0, 0)
    loaded = archive.load()
    assert_same(loaded, load(client))
    assert loaded.jobs.attrs["as_of"] == demo.NOW.isoformat()


ODD_JOBS = [
    job(1, CreatedAt="2026-09-01T00:00:00.123456789Z"),
    job(2, Priority="high", Retries=[{"At": "2026-09-01T00:00:00Z", "Deep": {"er": [1, 2]}}]),
    job(3, Type="EXPORT_ASSETS_TO_S3", Details={"ImportAssetsFromS3": {"DataSetId": "d"}}),
    job(4, CreatedAt=None, UpdatedAt=None),
    job(5, Details="none"),
    job(
        6,
        State="PAUSED",
        Errors=[{"Code": "NEW", "Message": "m", "Hint": {"more": True}}, {"Code": "OLD"}],
    ),
    {"Id": "no arn", "State": "ERROR", "Text": "half a surrogate: \ud83d"},
    job(7, UpdatedAt="2026-08-31T00:00:00Z"),
    job(8, Id=12),
    None,
]


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_what_no_column_carries_comes_back_too(archive):
    client = demo.client(300, faults=[demo.Fault("reply", 0, times=None, body=page_of(*ODD_JOBS))])
    result = sync(archive, client)
    assert (result.new, result.rejects) == (10, 3)
    assert_same(archive.load(), load(client))
    found = archive.scan().to_table().to_pandas().set_index("job_id")
    assert found["priority"].dropna().tolist() == ["high"]
    assert found["raw"].notna().sum() == 3 + 4
    assert sync(archive, client, full=True).unchanged == 10


def test_an_account_without_jobs_is_an_empty_archive(archive):
    client = demo.client(0)
    assert str(sync(archive, client)) == "0 new, 0 changed, 0 unchanged, 0 rejects, no gap"
    assert_same(archive.load(), load(client))
    assert archive.history("x").empty
    assert archive.transitions().empty
    assert archive.gaps(demo.NOW).empty


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    client = demo.client()
    archive = dx.Archive(tmp_path_factory.mktemp("large"))
    archive.sync([client, demo.client(500, region="eu-west-1")], progress=False)
    return archive


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits",
    [
        {"since": "7d"},
        {"until": "80d"},
        {"since": "2026-08-01", "until": "2026-08-03"},
        {
            "since": "2026-07-31 12:00:00.0000001",
            "until": pd.Timestamp("2026-08-02", tz="Asia/Tokyo"),
        },
        {"since": "2030-01-01"},
    ],
)
def test_limits_are_those_of_load_jobs(large, limits):
    clients = [demo.client(), demo.client(500, region="eu-west-1")]
    assert_same(large.load(**limits), load(clients, **limits))


@pytest.mark.slow
def test_jobs_are_chosen_by_their_columns(large):
    jobs = large.load().jobs
    ids = jobs["data_set_id"].unique()[:2].tolist()
    revision, kind, region = (
        jobs["revision_id"].dropna().iloc[7],
        "IMPORT_ASSETS_FROM_S3",
        "eu-west-1",
    )
    for chosen, mask in [
        ({"state": "ERROR"}, jobs["state"] == "ERROR"),
        ({"data_set_id": ids}, jobs["data_set_id"].isin(ids)),
        ({"type": kind, "region": [region]}, (jobs["type"] == kind) & (jobs["region"] == region)),
        ({"account_id": "nobody"}, jobs["account_id"] == "nobody"),
        ({"revision_id": revision}, jobs["revision_id"] == revision),
    ]:
        assert large.load(**chosen).jobs["job_arn"].tolist() == jobs["job_arn"][mask].tolist()
    with pytest.raises(dx.DxError, match="Invalid state"):
        large.load(state=[5])
    with pytest.raises(dx.DxError, match="Invalid since"):
        large.load(since="soon")


def test_only_the_files_that_matter_are_read(large, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(large.uri, copy)
    for month in copy.glob("jobs/created_month=*"):
        if month.name < "created_month=2026-09":
            shutil.rmtree(month)
    expected = large.load(since="2026-09-10").jobs["job_arn"].tolist()
    assert dx.Archive(copy).load(since="2026-09-10").jobs["job_arn"].tolist() == expected
    with pytest.raises(dx.ArchiveError, match="damaged or missing"):
        dx.Archive(copy).load(since="2026-08-30")


def test_values_are_no_sql(large):
    for text in ("ERROR' OR '1' = '1", "'; DROP TABLE jobs; --", '"', "\\", "\0"):
        assert len(large.load(state=text)) == 0
        assert large.history(text).empty
    assert len(large.load(state=["ERROR", "O'Hara"])) == len(large.load(state="ERROR"))


def test_other_engines_read_it(large):
    expected = int((large.load().jobs["state"] == "ERROR").sum())
    relation = duckdb.arrow(large.scan())
    assert relation.filter("state = 'ERROR'").aggregate("count(*)").fetchall() == [(expected,)]
    assert (
        pl.scan_pyarrow_dataset(large.scan()).filter(pl.col("state") == "ERROR").collect().height
        == expected
    )
    assert (
        pl.scan_delta(f"{large.uri}/jobs").filter(pl.col("state") == "ERROR").collect().height
        == expected
    )
    jobs = large.load().jobs
    rate = dx.failure_rate(pl.scan_pyarrow_dataset(large.scan()), by="type").collect()
    by_type = dx.failure_rate(jobs, by="type").set_index("type")["failed"].to_dict()
    found = dict(zip(rate["type"], rate["failed"], strict=True))
    assert found == {name: count for name, count in by_type.items() if name in found}


@pytest.mark.slow
def test_an_empty_account_is_not_taken_for_another_of_the_same_client_label(archive):
    def at(days, jobs, account):
        return demo.Account(jobs, account_id=account, now=demo.NOW + timedelta(days=days))

    for days, jobs, account in (
        (-20, 600, "111122223333"),
        (-1, 0, "444455556666"),
        (0, 600, "111122223333"),
    ):
        with demo.Endpoint(at(days, jobs, account)) as endpoint:
            sync(archive, endpoint.client())
            expected = load(endpoint.client())
    known = archive.load(account_id="111122223333").jobs
    missing = set(expected.jobs["job_id"]) - set(known["job_id"])
    assert not missing


def test_relative_times_hold_also_when_no_sync_came_to_its_end(archive):
    with (
        demo.Endpoint(demo.Account(50), faults=[demo.Fault("denied", 0, times=None)]) as endpoint,
        pytest.raises(dx.LoadError),
    ):
        sync(archive, endpoint.client())
    assert len(archive.load(since="30d")) == len(archive.transitions(since="30d")) == 0
    with pytest.raises(dx.DxError, match="there was none"):
        archive.as_of("1d")


def test_arguments_that_cannot_be_are_refused_or_match_nothing(archive):
    sync(archive, demo.client(50))
    assert len(archive.load(state=[])) == 0
    assert len(archive.load(since="9999999d")) == 50
    with pytest.raises(dx.DxError, match="Invalid account_id: 123456789012"):
        archive.load(account_id=123456789012)
    with pytest.raises(dx.DxError, match="Invalid job_id: 5"):
        archive.history(5)
    for path in ("/tmp/[x]", "a|b", "a%20b"):
        with pytest.raises(dx.ArchiveError, match="Invalid path of an archive"):
            dx.Archive(path)
    for uri in (None, 5, b"a", ["a"]):
        with pytest.raises(dx.DxError, match="Invalid uri"):
            dx.Archive(uri)
    with pytest.raises(dx.DxError, match="Invalid storage_options: 'x'"):
        dx.Archive("a", "x")
