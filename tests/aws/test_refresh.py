"""Refreshes equal a fresh load and what AWS has deleted since, for few requests."""

from __future__ import annotations

import warnings
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws.progress import Progress
from tests.conftest import page_of
from tests.scripted import OPEN, Scripted

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(1, 4)),
        st.tuples(st.just("change"), st.integers(0, 9), st.sampled_from(["IN_PROGRESS", "ERROR"])),
        st.tuples(st.just("retitle"), st.integers(0, 9)),
        st.tuples(st.just("break"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([1, 30, 24 * 40, 24 * 89])),
        st.tuples(st.just("refresh")),
        st.tuples(st.just("fail"), st.integers(0, 3)),
    ),
    min_size=3,
    max_size=10,
)


class Busy(Scripted):
    """An account in which `coming` jobs appear while its pages are read, or a page is `broken`."""

    coming = 0
    broken = None

    def page(self, start=0, *given, **how):
        page = super().page(start, *given, **how)
        if start // self.per_page == self.broken:
            return page[:-1]
        if self.coming:
            self.coming -= 1
            self.now += timedelta(seconds=1)
            self.create(len(self.jobs))
        return page


def load(client, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dx.DataWarning)
        return dx.load_jobs(client, progress=False, **how)


def refreshed(tables, client, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dx.DataWarning)
        return dx.refresh(tables, client, progress=False, **how)


def by_arn(tables):
    found = {one.get("Arn"): one for one in tables.to_jobs()}
    assert len(found) == len(tables) + len(tables.rejects)
    return found


def act(account, action, how=0, state=None):
    """Let something happen in an account."""
    account.now += timedelta(hours=how) if action == "wait" else timedelta(minutes=1)
    if action == "create":
        for _ in range(how):  # all at the same time
            number = len(account.jobs)
            account.create(number, state="COMPLETED" if number % 3 else "WAITING")
    opened = [one for one in account.listed() if one["State"] in OPEN]
    if opened:
        arn = opened[how % len(opened)]["Arn"]
        if action == "change":
            account.change(arn, state)
        if action == "retitle":  # no new time of update
            account.jobs[arn]["State"] = "IN_PROGRESS"
        if action == "break":
            account.jobs[arn] |= {"Details": [1], "UpdatedAt": account.now.isoformat()}


@pytest.mark.property
@settings(max_examples=6)
@given(ACTIONS, st.integers(0, 2))
def test_a_refresh_is_a_fresh_load_and_what_was_deleted_since(actions, coming):
    accounts = Busy(per_page=3), Busy(per_page=2, region="eu-west-1")
    with demo.Endpoint(accounts[0]) as here, demo.Endpoint(accounts[1]) as there:
        clients = [here.client(), there.client(region_name="eu-west-1")]
        tables, seen = load(clients), {}
        for action, *how in [*actions, ("refresh",)]:
            if action not in ("refresh", "fail"):
                for account in accounts[: 1 + len(how)]:
                    act(account, action, *how)
                continue
            if action == "fail":
                accounts[1].broken = how[0]
            for account in accounts:
                account.coming = coming
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tables = dx.refresh(tables, clients, progress=False)
            except dx.LoadError as error:
                tables = error.partial
            for account in accounts:
                account.coming, account.broken = 0, None
            tables = refreshed(tables, clients)
            fresh = load(clients)
            seen |= by_arn(fresh)
            assert by_arn(tables) == seen
            assert tables.jobs.attrs["as_of"] >= fresh.jobs.attrs["as_of"]
            assert not tables.failures
            pd.testing.assert_series_equal(tables.jobs.dtypes, fresh.jobs.dtypes)


@pytest.fixture
def world():
    account = Scripted(per_page=10)
    with demo.Endpoint(account) as endpoint:
        for number in range(200):
            account.now += timedelta(hours=2)
            account.create(number, state="COMPLETED")
        yield account, endpoint, endpoint.client()


def asked(endpoint, tables, clients):
    endpoint.requests.clear()
    found = refreshed(tables, clients)
    return found, len(endpoint.requests)


def test_requests_are_as_few_as_it_takes(world):
    account, endpoint, client = world
    tables = load(client)
    assert asked(endpoint, tables, client)[1] == 1
    account.now += timedelta(days=3)
    assert asked(endpoint, tables, client)[1] == 1
    for number in range(25):
        account.create(300 + number)
    tables, requests = asked(endpoint, tables, client)
    assert (len(tables), requests) == (225, 3)
    waiting = account.create(500)
    tables = refreshed(tables, client)
    for number in range(40):
        account.now += timedelta(hours=1)
        account.create(600 + number, state="COMPLETED")
    account.change(waiting, "ERROR")
    for arn in list(account.jobs):
        if account.jobs[arn]["State"] in OPEN:
            account.change(arn, "COMPLETED")
    tables, requests = asked(endpoint, tables, client)
    assert (by_arn(tables), requests) == (by_arn(load(client)), 7)
    assert asked(endpoint, tables, client)[1] == 1


def test_an_open_job_that_is_listed_no_longer_is_not_waited_for(world):
    account, endpoint, client = world
    account.create(300)
    tables = load(client)
    for day in range(100):
        account.now += timedelta(days=1)
        account.create(400 + day, state="COMPLETED")
    tables = refreshed(tables, client)
    assert (tables.jobs["state"] == "WAITING").sum() == 1
    assert asked(endpoint, tables, client)[1] == 1


@pytest.mark.parametrize("change", [{"Details": [1]}, {"Details": [1], "CreatedAt": "soon"}])
def test_an_open_reject_is_followed(world, change):
    account, endpoint, client = world
    arn = account.create(300, at=account.now - timedelta(days=10))
    good = dict(account.jobs[arn])
    account.jobs[arn] |= change
    account.moment = None
    tables = load(client) if "CreatedAt" not in change else read(account, client)
    assert len(tables.rejects) == 1
    account.jobs[arn] = good
    account.change(arn, "COMPLETED")
    tables, requests = asked(endpoint, tables, client)
    assert len(tables.rejects) == 0
    assert by_arn(tables) == by_arn(load(client))
    assert requests > 10
    assert asked(endpoint, tables, client)[1] == 1


def read(account, client):
    listed = page_of(*account.jobs.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dx.DataWarning)
        return dx.read_jobs(listed)


def test_a_typed_job_that_becomes_a_reject_is_one_only(world):
    account, _, client = world
    arn = account.create(300)
    tables = load(client)
    account.jobs[arn]["Details"] = [1]
    for _ in range(2):
        tables = refreshed(tables, client)
        assert (len(tables), len(tables.rejects)) == (200, 1)
    assert refreshed(tables, client).details["job_id"].nunique() == 200


def test_what_stands_still_is_not_undone_by_an_older_answer(world):
    account, _, client = world
    arn = account.create(300)
    before = dict(account.jobs[arn])
    account.change(arn, "COMPLETED")
    tables = load(client)
    account.jobs[arn] = before
    assert refreshed(tables, client).jobs["state"].iloc[0] == "COMPLETED"
    account.jobs[arn]["UpdatedAt"] = (account.now + timedelta(hours=1)).isoformat()
    assert refreshed(tables, client).jobs["state"].iloc[0] == "WAITING"


def test_accounts_and_regions_have_their_own_limits(world):
    account, endpoint, client = world
    other = Scripted(now=account.now, region="eu-west-1", per_page=10)
    with demo.Endpoint(other) as there:
        other.create(1, at=other.now - timedelta(days=30))
        for number in range(20):
            other.create(10 + number, state="COMPLETED")
        clients = [client, there.client(region_name="eu-west-1")]
        tables = load(clients)
        found, requests = asked(endpoint, tables, clients)
        assert by_arn(found) == by_arn(tables)
        assert requests == 1
        assert len(asked(there, tables, clients)[0]) == len(tables)
        assert len(there.requests) == 3
        # an account that the tables have nothing of is read whole
        assert len(refreshed(load(client), clients)) == len(tables)


def test_tables_of_limits_files_exports_and_archives_get_what_is_newer(world, tmp_path):
    account, _, client = world
    fresh = by_arn(load(client))
    assert by_arn(refreshed(load(client, until="3d"), client)) == fresh
    assert by_arn(refreshed(load(client).filter([]), client)) == fresh
    assert by_arn(refreshed(dx.read_jobs([]), client)) == fresh
    assert len(refreshed(load(client, since="3d"), client)) == len(load(client, since="3d"))
    assert by_arn(refreshed(read(account, client), client)) == fresh
    dx.export(load(client, until="3d"), tmp_path / "jobs.parquet")
    assert by_arn(refreshed(dx.read_tables(tmp_path / "jobs.parquet"), client)) == fresh
    archive = dx.Archive(str(tmp_path / "archive"))
    archive.add(load(client, until="3d"))
    assert by_arn(refreshed(archive.load(), client)) == fresh


def test_a_time_far_ahead_hides_nothing(world):
    account, _, client = world
    account.create(300, at=account.now.replace(year=9990), state="COMPLETED")
    tables = load(client)
    account.now += timedelta(hours=3)
    account.create(301)
    assert by_arn(refreshed(tables, client)) == by_arn(load(client))


def test_names_that_are_known_are_filled_in():
    account = demo.Account(300)
    with demo.Endpoint(account) as endpoint:
        client = endpoint.client()
        tables = dx.with_names(load(client, until="10d"), client)
        found = refreshed(tables, client)
        assert list(found.jobs) == list(tables.jobs)
        names = {one["Id"]: one["Name"] for one in account.data_sets}
        known = found.jobs["data_set_id"].isin(tables.jobs["data_set_id"])
        expected = found.jobs["data_set_id"].map(names).where(known)
        assert found.jobs["data_set_name"].fillna("").tolist() == expected.fillna("").tolist()
        assert found.jobs["data_set_name"].dtype == "str"


def test_attributes_move_on_and_what_was_given_stays(world):
    account, _, client = world
    tables = load(client)
    before = (tables.jobs.copy(), dict(tables.jobs.attrs))
    account.now += timedelta(hours=3)
    account.create(300, Strange="member", State="PAUSED")
    with pytest.warns(dx.UnknownFieldWarning):
        found = dx.refresh(tables, client, progress=False)
    assert found.jobs.attrs["as_of"] == account.now.isoformat()
    pd.testing.assert_frame_equal(tables.jobs, before[0])
    assert tables.jobs.attrs == before[1]
    assert found.to_jobs()[0]["Strange"] == "member"
    with pytest.warns(dx.UnknownFieldWarning):
        found, fresh = dx.refresh(found, client), dx.load_jobs(client)
    assert "PAUSED" in found.jobs["state"].cat.categories
    pd.testing.assert_frame_equal(found.jobs, fresh.jobs)


def test_ids_that_accounts_share_are_told_apart():
    here, there = Scripted(), Scripted(account_id="999900001111")
    with demo.Endpoint(here) as one, demo.Endpoint(there) as two:
        here.create(1, state="COMPLETED")
        clients = [one.client(), two.client()]
        tables = load(clients)
        there.create(1, state="COMPLETED")
        for _ in range(2):
            tables = refreshed(tables, clients)
            assert set(tables.jobs["job_id"]) == {*here.jobs, *there.jobs}


@pytest.mark.parametrize("page", [0, 1])
def test_clients_that_fail_are_asked_for_all_the_next_time(page):
    accounts = Busy(per_page=5), Busy(per_page=5, account_id="999900001111")
    with demo.Endpoint(accounts[0]) as here, demo.Endpoint(accounts[1]) as there:
        clients = [here.client(), there.client()]
        for number in range(12):
            accounts[number % 2].create(number, state="COMPLETED")
        tables = load(clients)
        for number in range(12, 60):
            accounts[number % 2].now += timedelta(hours=2)
            accounts[number % 2].create(number, state="COMPLETED")
        accounts[1].broken = page
        with pytest.warns(dx.PartialLoadWarning, match="1 of 2 clients failed"):
            some = dx.refresh(tables, clients, progress=False)
        assert list(some.failures) == ["us-east-1 (2)"]
        assert len(some) == 12 + 24 + 5 * page
        assert list(refreshed(some, clients[0]).failures) == ["us-east-1 (2)"]
        with pytest.raises(dx.LoadError, match=r"`.partial` \(\d+ jobs\)") as caught:
            dx.refresh(tables, clients[1], progress=False)
        partial = caught.value.partial
        assert len(partial) == 12 + 5 * page
        accounts[1].broken = None
        for one in (some, refreshed(some, clients[0]), partial):
            found = refreshed(one, clients)
            assert by_arn(found) == by_arn(load(clients))
            assert not {"us-east-1 (1)", "us-east-1 (2)"} & {*found.failures}


def test_an_interrupt_keeps_both_and_the_next_refresh_has_all(world, monkeypatch):
    account, _, client = world
    tables = load(client)
    for number in range(40):
        account.now += timedelta(hours=2)
        account.create(300 + number, state="COMPLETED")
    show = Progress.show

    def interrupted(self, index, arrived, window):
        show(self, index, arrived, window)
        if arrived.number == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "show", interrupted)
        with pytest.raises(dx.LoadInterrupted) as caught:
            dx.refresh(tables, client, progress=False)
    assert len(caught.value.partial) == 220
    assert list(caught.value.partial.failures) == ["us-east-1"]
    assert by_arn(refreshed(caught.value.partial, client)) == by_arn(load(client))


@pytest.mark.parametrize("redact", [True, False])
def test_secrets_are_taken_out_unless_they_are_wanted(redact):
    client = demo.client(300)
    found = refreshed(load(client, until="30d"), client, redact=redact)
    assert ("X-Amz-Signature" in found.jobs.to_csv()) is not redact


def test_a_refresh_is_for_tables():
    client = demo.client(5)
    with pytest.raises(dx.DxError, match=r"Invalid tables: a DataFrame. Give JobTables"):
        dx.refresh(load(client).jobs, client)
