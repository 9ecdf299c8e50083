"""The archive: what was ever seen is kept, whole, once, without secrets, whoever writes, whatever is killed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive import rows
from dxnotebook.archive import store as deltastore
from dxnotebook.archive import sync as syncing
from dxnotebook.archive.sync import known_syncs
from dxnotebook.model import Model
from tests import strategies
from tests.conftest import doctored, job, page_of, pruned, tables_of
from tests.faults import archive_kill, archive_writers
from tests.scripted import OPEN, START, Scripted, moment

TABLES = ("jobs", "details", "errors", "rejects")
SECRET = "5ecre7"


def ordered(tables):
    """Return tables as an archive loads them: newest first, ARNs decide between equals."""
    order = tables.jobs.sort_values(["created_at", "job_arn"], ascending=[False, True]).index
    ids = {job_id: place for place, job_id in enumerate(tables.jobs["job_id"].iloc[order])}
    frames = {"jobs": tables.jobs.iloc[order].reset_index(drop=True)}
    for name in ("details", "errors"):
        frame = getattr(tables, name)
        places = frame["job_id"].map(ids)
        frames[name] = frame.iloc[places.argsort(kind="stable")].reset_index(drop=True)
    rejects = tables.rejects.sort_values(["source", "page", "position"], ignore_index=True)
    return {**frames, "rejects": rejects}


def assert_same(archived, loaded):
    expected = ordered(loaded)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(archived, name), expected[name], obj=name)
    assert archived.to_jobs() == dx.JobTables(**expected).to_jobs()


def sync(archive, client, **kwargs):
    return archive.sync(client, progress=False, **kwargs)


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def version(archive, table="jobs"):
    return DeltaTable(f"{archive.uri}/{table}").version()


@pytest.fixture
def archive(tmp_path):
    return dx.Archive(tmp_path / "jobs archive")


@pytest.fixture
def world():
    """An account that a test changes, its endpoint and a client."""
    account = Scripted()
    with demo.Endpoint(account) as endpoint:
        yield account, endpoint, endpoint.client()


# what comes back


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


def test_an_account_without_jobs_is_an_empty_archive(archive):
    client = demo.client(0)
    assert str(sync(archive, client)) == "0 new, 0 changed, 0 unchanged, 0 rejects, no gap"
    assert_same(archive.load(), load(client))
    assert archive.history("x").empty
    assert archive.transitions().empty
    assert archive.gaps(demo.NOW).empty


# any sequence of syncs

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(1, 4)),
        st.tuples(
            st.just("change"),
            st.integers(0, 9),
            st.sampled_from(["IN_PROGRESS", "COMPLETED", "ERROR"]),
        ),
        st.tuples(st.just("wait"), st.sampled_from([1, 30, 24 * 5, 24 * 40, 24 * 89])),
        st.tuples(st.just("sync"), st.sampled_from([None, True])),
        st.tuples(st.just("kill"), st.integers(0, 3)),
    ),
    min_size=3,
    max_size=14,
)


class _Killed(BaseException):
    pass


def act(account, action, how, state=None):
    """Let something happen in an account."""
    account.now += timedelta(hours=how) if action == "wait" else timedelta(minutes=1)
    if action == "create":
        for _ in range(how):
            account.now += timedelta(minutes=1)
            account.create(
                len(account.jobs), state="COMPLETED" if len(account.jobs) % 3 else "WAITING"
            )
    opened = [one for one in account.listed() if one["State"] in OPEN]
    if action == "change" and opened:
        account.change(opened[how % len(opened)]["Arn"], state)


def killed_sync(archive, client, commits):
    """Sync, but break off at the commit of that number, just before or just after it was made."""
    left = [commits]
    merge, append = deltastore.Store.merge, deltastore.Store.append

    def dying(original):
        def call(*args):
            if left[0] == 0:
                raise _Killed
            result = original(*args)
            left[0] -= 1
            if left[0] == 0 and commits % 2:
                raise _Killed
            return result

        return call

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(_Killed):
        patch.setattr(deltastore.Store, "merge", dying(merge))
        patch.setattr(deltastore.Store, "append", dying(append))
        sync(archive, client)


@pytest.mark.filterwarnings("ignore::dxnotebook.GapWarning")
@settings(max_examples=8)
@given(ACTIONS)
def test_after_any_syncs_the_newest_version_of_every_job_ever_seen_is_there(actions):
    account = Scripted(per_page=3)
    truth, seen = {}, {}
    with (
        tempfile.TemporaryDirectory() as folder,
        demo.Endpoint(account) as endpoint,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(syncing, "_PAGES_A_COMMIT", 1)
        archive, client = dx.Archive(folder), endpoint.client()
        for action, *how in [*actions, ("sync", None)]:
            if action in ("create", "wait", "change"):
                act(account, action, *how)
                continue
            if action == "kill":
                killed_sync(archive, client, how[0])
            sync(archive, client, full=how[0] if action == "sync" else None)
            for one in account.listed():
                truth[one["Arn"]] = one
                states = seen.setdefault(one["Arn"], [])
                if states[-1:] != [one["State"]]:
                    states.append(one["State"])
        found = archive.load().to_jobs()
        expected = {arn: pruned({**one, **_times(one)}) for arn, one in truth.items()}
        assert {one["Arn"]: one for one in found} == expected
        assert len(found) == len(expected)
        for arn, states in list(seen.items())[:3]:
            history = archive.history(arn)["state"]
            assert history[history != history.shift()].tolist() == states


def _times(one):
    return {name: moment(one, name) for name in ("CreatedAt", "UpdatedAt")}


def test_a_replay_makes_no_commit(archive):
    client = demo.client(700)
    sync(archive, client)
    before = version(archive)
    for full in (True, False, None):
        assert sync(archive, client, full=full).new == 0
    assert archive.add(load(client)).unchanged == 700
    assert version(archive) == before


def test_older_versions_and_repeats_change_nothing(archive, world):
    account, _, client = world
    arn = account.create(1)
    old = load(client)
    account.now += timedelta(hours=1)
    account.change(arn, "COMPLETED")
    new = load(client)
    for tables in (new, old, new, old):
        archive.add(tables)
    assert archive.load().jobs["state"].tolist() == ["COMPLETED"]
    assert archive.history(arn)["state"].tolist() == ["COMPLETED"]


def test_a_state_that_moves_on_without_its_time_is_seen(archive, world):
    account, _, client = world
    arn = account.create(1)
    sync(archive, client)
    account.jobs[arn]["State"] = "IN_PROGRESS"
    assert sync(archive, client).changed == 1
    account.jobs[arn]["State"] = "WAITING"
    assert sync(archive, client).changed == 0
    assert archive.history(arn)["state"].tolist() == ["WAITING", "IN_PROGRESS"]


# how much is read


def test_a_sync_reads_down_to_the_oldest_job_that_was_open(archive, world):
    account, endpoint, client = world
    account.per_page = 10
    for number in range(200):
        account.now += timedelta(hours=2)
        account.create(number, state="COMPLETED")
    waiting = account.create(500, at=account.now - timedelta(hours=20))
    assert (sync(archive, client).new, len(endpoint.requests)) == (201, 21)
    endpoint.requests.clear()
    account.now += timedelta(hours=2)
    account.change(waiting, "ERROR")
    account.create(600, state="COMPLETED")
    result = sync(archive, client)
    assert (result.new, result.changed, len(endpoint.requests)) == (1, 1, 2)
    endpoint.requests.clear()
    assert sync(archive, client).unchanged == 10
    assert len(endpoint.requests) == 1
    account.now += timedelta(days=8)
    endpoint.requests.clear()
    sync(archive, client)
    assert len(endpoint.requests) == 21
    endpoint.requests.clear()
    sync(archive, client, full=True)
    assert len(endpoint.requests) == 21


def test_commits_come_every_few_pages(archive, monkeypatch):
    monkeypatch.setattr(syncing, "_PAGES_A_COMMIT", 2)
    sync(archive, demo.client(1_000))
    assert version(archive) == 3


def test_many_accounts_at_once_and_one_that_fails(archive):
    bad = demo.client(600, region="eu-west-1", faults=[demo.Fault("expired", 1, times=None)])
    with pytest.warns(dx.PartialLoadWarning, match="1 of 3 clients failed: eu-west-1"):
        result = sync(archive, [bad, demo.client(300), demo.client(300, account_id="999900001111")])
    assert list(result.failures) == ["eu-west-1"]
    assert str(result).endswith("failed: eu-west-1")
    assert archive.load().jobs["region"].value_counts().to_dict() == {
        "us-east-1": 600,
        "eu-west-1": 200,
    }
    syncs = known_syncs(archive._store)
    assert syncs.set_index("region")["complete"].to_dict() == {
        "us-east-1": True,
        "eu-west-1": False,
    }
    assert "ExpiredToken" in syncs["error"].dropna().item()
    good = demo.client(600, region="eu-west-1")
    assert sync(archive, good).new == 400


def test_when_all_clients_fail_the_sync_fails_and_keeps_what_it_read(archive):
    bad = demo.client(600, faults=[demo.Fault("denied", 2, times=None)])
    with pytest.raises(dx.LoadError, match=r"page 3, after 400 jobs.*is in the archive"):
        sync(archive, bad)
    assert len(archive.load()) == 400


# gaps


def test_more_than_90_days_without_a_sync_is_said_loudly(archive, world):
    account, _, client = world
    account.create(1)
    sync(archive, client)
    account.now += timedelta(days=100)
    account.create(2)
    with pytest.warns(
        dx.GapWarning, match=r"MORE THAN 90 DAYS.*111122223333 in us-east-1.*2026-01-01.*2026-01-11"
    ):
        result = sync(archive, client)
    assert "gap from 2026-01-01 to 2026-01-11" in str(result)
    assert str(sync(archive, client)).endswith("gap from 2026-01-01 to 2026-01-11")
    gaps = archive.gaps(account.now)
    assert gaps[["account_id", "region"]].to_numpy().tolist() == [["111122223333", "us-east-1"]]
    assert (gaps["end"] - gaps["start"]).tolist() == [pd.Timedelta(days=10)]
    assert len(archive.gaps(account.now + timedelta(days=91))) == 2


def test_an_account_that_has_no_jobs_any_more_is_still_watched(archive, world):
    account, _, client = world
    account.create(1, state="COMPLETED")
    for _ in range(4):
        sync(archive, client)
        account.now += timedelta(days=60)
    assert archive.gaps(account.now).empty


# reading


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    client = demo.client()
    archive = dx.Archive(tmp_path_factory.mktemp("large"))
    archive.sync([client, demo.client(500, region="eu-west-1")], progress=False)
    return archive


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


def test_jobs_are_chosen_by_their_columns(large):
    jobs = large.load().jobs
    ids = jobs["data_set_id"].unique()[:2].tolist()
    for chosen, mask in [
        ({"state": "ERROR"}, jobs["state"] == "ERROR"),
        ({"data_set_id": ids}, jobs["data_set_id"].isin(ids)),
        ({"type": "IMPORT_ASSETS_FROM_S3", "region": ["eu-west-1"]}, (jobs["type"] == "IMPORT_ASSETS_FROM_S3") & (jobs["region"] == "eu-west-1")),
        ({"account_id": "nobody"}, jobs["account_id"] == "nobody"),
        ({"revision_id": jobs["revision_id"].dropna().iloc[7]}, jobs["revision_id"] == jobs["revision_id"].dropna().iloc[7]),
    ]:  # fmt: skip
        assert large.load(**chosen).jobs["job_arn"].tolist() == jobs["job_arn"][mask].tolist()
    with pytest.raises(dx.DxError, match="Invalid state"):
        large.load(state=[5])
    with pytest.raises(dx.DxError, match="Invalid since"):
        large.load(since="soon")


def test_only_the_files_that_matter_are_read(large, monkeypatch):
    asked = []
    dataset = deltastore.Store.dataset
    monkeypatch.setattr(
        deltastore.Store,
        "dataset",
        lambda self, *args: asked.append(dataset(self, *args)) or asked[-1],
    )
    large.load(since="2026-09-10")
    assert {path.split("/")[0] for path in asked[-1].files} == {"created_month=2026-09"}


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


# history


def test_the_history_of_a_job_and_its_transitions(archive, world):
    account, _, client = world
    arn = account.create(1)
    times = [account.now]
    for state in (None, "IN_PROGRESS", None, "COMPLETED"):
        sync(archive, client)
        account.now += timedelta(minutes=10)
        if state:
            account.change(arn, state)
        times.append(account.now)
        account.now += timedelta(minutes=10)
    sync(archive, client)
    asked = known_syncs(archive._store)["asked_at"].tolist()
    history = archive.history("1".zfill(32))
    assert history["state"].tolist() == ["WAITING", "IN_PROGRESS", "COMPLETED"]
    assert history["updated_at"].tolist() == [times[0], times[2], times[4]]
    assert history["seen_at"].tolist() == [asked[0], asked[2], asked[4]]
    changes = archive.transitions()
    assert changes["from_state"].tolist()[1:] == ["WAITING", "IN_PROGRESS"]
    assert changes["to_state"].tolist() == ["WAITING", "IN_PROGRESS", "COMPLETED"]
    # not only since it was first seen waiting: the second sync found it so still
    assert changes["after"].tolist() == [times[0], asked[1], asked[3]]
    assert changes["before"].tolist() == [times[0], times[2], times[4]]
    assert archive.transitions(since="2027-01-01").empty


def test_as_of_gives_what_was_loaded_then(archive):
    then = {}
    for day in (60.0, 5.0, 4.99, 0.0):
        now = demo.NOW - timedelta(days=day)
        with demo.Endpoint(demo.Account(now=now)) as endpoint:
            sync(archive, endpoint.client())
            then[now] = archive.load()
    for now, tables in then.items():
        found = archive.as_of(now + timedelta(seconds=1))
        for name in TABLES:
            pd.testing.assert_frame_equal(
                getattr(found, name), getattr(tables, name), obj=f"{name} at {now}"
            )
        assert found.to_jobs() == tables.to_jobs()
    assert len(archive.as_of("2020-01-01")) == 0
    with pytest.raises(dx.DxError, match="Invalid time"):
        archive.as_of("then")


# secrets


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


# the API grows


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


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_a_member_that_changes_its_kind_is_kept(archive):
    for number, value in enumerate(("text", 1.5, True, ["list"], {"deep": 1})):
        archive.add(tables_of(page_of(job(number, Odd=value))))
    found = sorted(archive.load().to_jobs(), key=lambda one: one["Arn"])
    assert [one["Odd"] for one in found] == ["text", 1.5, True, ["list"], {"deep": 1}]


# many writers, kills


def test_racing_creators_make_one_table_and_writers_lose_nothing(tmp_path):
    told, failed = [], []

    def write(writer):
        try:
            told.append(archive_writers.write(str(tmp_path), {}, writer, 3))
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert "9 syncs landed" in archive_writers.check(str(tmp_path), {}, told, 3)


def test_a_conflict_is_done_again_and_given_up_at_last(archive, monkeypatch):
    archive.add(tables_of(page_of(job(1))))
    merger, calls, year = deltastore._merger, [], 2027

    def late(table, given):
        calls.append(1)
        if len(calls) < 4:
            stale = table.version()
            merger(DeltaTable(table.table_uri), given.set_column(
                given.column_names.index("updated_at"), "updated_at",
                pa.array([datetime(year, 1, len(calls), tzinfo=UTC)] * len(given), pa.timestamp("us", "UTC")),
            )).execute()  # fmt: skip
            table.load_as_version(stale)
        return merger(table, given)

    monkeypatch.setattr(deltastore, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(deltastore, "_merger", late)
    archive.add(tables_of(page_of(job(1, UpdatedAt="2028-01-01T00:00:00Z"))))
    assert len(calls) == 4
    assert archive.load().jobs["updated_at"].tolist() == [pd.Timestamp("2028-01-01", tz="UTC")]
    monkeypatch.setattr(deltastore, "_MOST_TRIES", 2)
    calls.clear()
    year = 2030
    with pytest.raises(dx.ArchiveError, match="were faster 2 times"):
        archive.add(tables_of(page_of(job(1, UpdatedAt="2031-01-01T00:00:00Z"))))


def test_a_killed_sync_loses_nothing_and_a_rerun_completes():
    assert "3 kills" in archive_kill.run(3, 0, say=lambda _: None)


@contextlib.contextmanager
def s3_server():
    """Run moto's S3 in a process of its own, as deltalake waits for it without letting other threads run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def test_two_writers_share_an_archive_in_s3():
    with s3_server() as url:
        s3 = boto3.client(
            "s3", "us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b"
        )
        s3.create_bucket(Bucket="archives")
        options = {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        options |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        told = []
        threads = [
            threading.Thread(
                target=lambda n=n: told.append(
                    archive_writers.write("s3://archives/dx", options, n, 2)
                )
            )
            for n in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "4 syncs landed" in archive_writers.check("s3://archives/dx", options, told, 2)
        dx.Archive("s3://archives/dx", options).optimize()
        assert "4 syncs landed" in archive_writers.check("s3://archives/dx", options, told, 2)


# housekeeping


def test_optimize_makes_few_files_and_deletes_only_what_is_old_and_unknown(archive, monkeypatch):
    for days in (3, 2, 1, 0):
        with demo.Endpoint(demo.Account(2_000, now=demo.NOW - timedelta(days=days))) as endpoint:
            sync(archive, endpoint.client())
    before = archive.load()
    orphan = Path(archive.uri) / "jobs" / "created_month=2026-09" / "part-orphan.parquet"
    orphan.write_bytes(b"left by a killed writer")
    done = archive.optimize()
    assert done["compacted"] > 1
    assert done["deleted"] == 0
    assert len(DeltaTable(f"{archive.uri}/jobs").file_uris()) == len(
        archive.scan().to_table()["created_month"].unique()
    )
    old = time.time() - 8 * 86_400
    os.utime(orphan, (old, old))
    assert archive.optimize() == {"compacted": 0, "deleted": 1}
    assert not orphan.exists()
    after = archive.load()
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(after, name), getattr(before, name), obj=name)


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(dx.ArchiveError, match="There is no archive at"):
        dx.Archive(tmp_path / "none").load()
    with pytest.raises(dx.ArchiveError, match="has none of %"):
        dx.Archive(tmp_path / "100%")
    (tmp_path / "file").write_text("")
    with pytest.raises(dx.ArchiveError, match="cannot be used"):
        sync(dx.Archive(tmp_path / "file"), demo.client(1))
    assert repr(dx.Archive("s3://b/p/")) == "Archive('s3://b/p')"


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
