"""Syncs: how much is read, what is committed when, what fails, what is killed, what was missed."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.history import known_syncs
from dxnotebook.archive.store import Store
from dxnotebook.archive.sync import Sync
from tests.archive.conftest import load, sync, version
from tests.conftest import page_of, pruned
from tests.faults import archive_kill
from tests.scripted import OPEN, Scripted, moment

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


class _Dying(Store):
    """A store that breaks off at the commit of a number, just before or just after it was made."""

    def __init__(self, uri, commits):
        super().__init__(uri)
        self.commits = self.left = commits

    def merge(self, make):
        return self._commit(super().merge, make)

    def append(self, syncs):
        return self._commit(super().append, syncs)

    def _commit(self, original, given):
        if self.left == 0:
            raise _Killed
        result = original(given)
        self.left -= 1
        if self.left == 0 and self.commits % 2:
            raise _Killed
        return result


def paged_sync(store, client, full=None):
    """Sync with a commit for each page."""
    return Sync(store, [client], full=full, progress=False, commit_pages=1).run()


def asked(endpoint):
    """Return how many pages of jobs an endpoint was asked for."""
    return sum(path == "/v1/jobs" for _, path, _ in endpoint.requests)


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.GapWarning")
@settings(max_examples=8)
@given(ACTIONS)
def test_after_any_syncs_the_newest_version_of_every_job_ever_seen_is_there(actions):
    account = Scripted(per_page=3)
    truth, seen = {}, {}
    with tempfile.TemporaryDirectory() as folder, demo.Endpoint(account) as endpoint:
        archive, client = dx.Archive(folder), endpoint.client()
        for action, *how in [*actions, ("sync", None)]:
            if action in ("create", "wait", "change"):
                act(account, action, *how)
                continue
            if action == "kill":
                with contextlib.suppress(_Killed):
                    paged_sync(_Dying(folder, how[0]), client)
            paged_sync(Store(folder), client, how[0] if action == "sync" else None)
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_sync_reads_down_to_the_oldest_job_that_was_open(archive, world):
    account, endpoint, client = world
    account.per_page = 10
    for number in range(200):
        account.now += timedelta(hours=2)
        account.create(number, state="COMPLETED")
    waiting = account.create(500, at=account.now - timedelta(hours=20))
    assert (sync(archive, client).new, asked(endpoint)) == (201, 21)
    endpoint.requests.clear()
    account.now += timedelta(hours=2)
    account.change(waiting, "ERROR")
    account.create(600, state="COMPLETED")
    result = sync(archive, client)
    assert (result.new, result.changed, asked(endpoint)) == (1, 1, 2)
    endpoint.requests.clear()
    assert sync(archive, client).unchanged == 10
    assert asked(endpoint) == 1
    account.now += timedelta(days=8)
    endpoint.requests.clear()
    sync(archive, client)
    assert asked(endpoint) == 21
    endpoint.requests.clear()
    sync(archive, client, full=True)
    assert asked(endpoint) == 21


@pytest.mark.filterwarnings("ignore:The Date of an answer:dxnotebook.DataWarning")
def test_what_was_read_is_noted_by_the_earliest_answer_and_the_newest_job(archive, world):
    account, _, client = world
    account.per_page = 1
    newest = account.now
    for number in range(3):
        account.create(number, state="COMPLETED", at=newest - timedelta(hours=number))
    true, clock = account.now, iter([30, 0, 30])
    page = account.page

    def late(*args, **kwargs):
        account.now = true + timedelta(days=next(clock))
        return page(*args, **kwargs)

    account.page = late
    with pytest.warns(dx.DataWarning, match=r"The Date of an answer .* was 30 d 0 h off"):
        sync(archive, client)
    [noted] = known_syncs(Store(archive.uri)).to_dict("records")
    assert noted["asked_at"] <= true + timedelta(hours=1)
    assert noted["oldest_open"] == newest


def test_an_account_is_known_from_its_first_job_though_the_first_page_is_empty(archive):
    account = demo.Account(1_000)
    with demo.Endpoint(account, faults=[demo.Fault("empty_page", 0, times=None)]) as endpoint:
        assert sync(archive, endpoint.client()).new == 1_000
        assert sync(archive, endpoint.client()).new == 0
    syncs = known_syncs(Store(archive.uri))
    assert syncs["account_id"].tolist() == [account.account_id] * 2
    assert sorted(syncs["since"].notna()) == [False, True]


def test_commits_come_every_few_pages(archive):
    Sync(Store(archive.uri), [demo.client(1_000)], progress=False, commit_pages=2).run()
    assert version(archive) == 3


@pytest.mark.slow
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
    syncs = known_syncs(Store(archive.uri))
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


@pytest.mark.slow
def test_a_killed_sync_loses_nothing_and_a_rerun_completes():
    assert "3 kills" in archive_kill.run(3, 0, say=lambda _: None)


def test_rejects_of_all_commits_are_warned_of_at_the_end(archive):
    token = demo.client(250).list_jobs(MaxResults=200)["NextToken"]
    bodies = (page_of("x", NextToken=token), page_of("x", "x"))
    faults = [demo.Fault("reply", page, body=body) for page, body in enumerate(bodies)]
    clients = [demo.client(250, faults=faults)]
    with pytest.warns(dx.DataWarning, match="^3 jobs could not be read"):
        result = Sync(Store(archive.uri), clients, progress=False, commit_pages=1).run()
    assert result.rejects == 3


@pytest.mark.parametrize("now", [demo.NOW, datetime.now(UTC).replace(microsecond=0)])
@pytest.mark.parametrize("before", [650, 100])
def test_a_clock_that_was_30_days_ahead_once_loses_nothing(archive, world, now, before):
    account, endpoint, client = world
    account.now = now
    for number in range(before):
        account.create(number, at=now - timedelta(hours=30 + number), state="COMPLETED")
    ahead = format_datetime(now + timedelta(days=30), usegmt=True)
    headers = (("Date", ahead),)
    endpoint.faults = (demo.Fault("reply", 0, body=account.page(), headers=headers),)
    with pytest.warns(dx.DataWarning, match="The Date of an answer .* d .* off"):
        assert sync(archive, client).new == before
    for number in range(900):
        account.now += timedelta(minutes=1)
        account.create(before + number, state="COMPLETED")
    assert sync(archive, client).new == 900
    assert len(archive.load()) == before + 900
