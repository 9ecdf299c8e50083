"""Names of data sets in an archive: asked for seldom, never sinking a sync, as of a time."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.history import known_names
from dxnotebook.archive.store import Store
from tests.archive.conftest import load, sync


class Forbidden(demo.Endpoint):
    """An endpoint that does not list data sets, for a reason that a test gives."""

    refusal = (403, "AccessDeniedException", "not authorized")

    def _list_data_sets(self, query):
        if self.refusal is None:
            return super()._list_data_sets(query)
        raise demo.faults.RefusalError(*self.refusal)


def asked(endpoint):
    """Return how often an endpoint was asked for data sets since the last time."""
    count = sum(path == "/v1/data-sets" for _, path, _ in endpoint.requests)
    endpoint.requests.clear()
    return count


def names_of(tables):
    """Return the data sets' names by id, as `jobs` has them."""
    pairs = tables.jobs[["data_set_id", "data_set_name"]].drop_duplicates()
    return dict(pairs.itertuples(index=False, name=None))


def test_names_come_back_as_with_names_gives_them_without_asking(archive):
    with demo.Endpoint(demo.Account(500)) as endpoint:
        client = endpoint.client()
        assert len({one["Origin"] for one in endpoint.account.data_sets}) == 2
        sync(archive, client)
        expected = dx.with_names(load(client), client)
    found = dx.Archive(archive.uri).load()
    assert found.jobs["data_set_name"].tolist() == expected.jobs["data_set_name"].tolist()
    assert [*found.jobs] == [*expected.jobs]
    assert found.to_jobs() == expected.to_jobs()
    assert found.jobs["data_set_name"].dtype == "str"


def test_they_are_asked_for_once_a_day_and_when_there_are_new_data_sets(archive, world):
    account, endpoint, client = world
    account.create(3)
    for expected in (2, 0, 0):
        sync(archive, client)
        assert asked(endpoint) == expected
    account.create(4)
    sync(archive, client)
    assert asked(endpoint) == 2
    account.now += timedelta(hours=23)
    sync(archive, client)
    assert asked(endpoint) == 0
    account.now += timedelta(hours=2)
    sync(archive, client)
    assert asked(endpoint) == 2
    assert archive.load().jobs["data_set_id"].nunique() == 2  # which nobody could name


def test_after_a_rename_the_name_seen_last_counts_or_that_of_the_time(archive):
    account = demo.Account(200)
    with demo.Endpoint(account) as endpoint:
        sync(archive, endpoint.client())
        before = names_of(archive.load())
        account.now += timedelta(days=2)
        for data_set in account.data_sets:
            data_set["Name"] += " (new)"
        sync(archive, endpoint.client())
    assert names_of(archive.load()) == {key: f"{name} (new)" for key, name in before.items()}
    assert names_of(archive.as_of("1d")) == before
    seen = known_names(Store(archive.uri))
    assert (seen.groupby("data_set_id")["seen_at"].nunique() == 2).all()


def test_a_refusal_is_said_once_and_the_jobs_are_synced(archive):
    with Forbidden(demo.Account(300)) as endpoint:
        client = endpoint.client()
        with pytest.warns(dx.DataWarning, match="dataexchange:ListDataSets") as said:
            assert sync(archive, client).new == 300
        assert len(said) == 1
        asked(endpoint)
        assert sync(archive, client).unchanged  # warnings are errors here
        assert asked(endpoint) == 0
        assert "data_set_name" not in archive.load().jobs
        endpoint.refusal = None
        endpoint.account.now += timedelta(days=1)
        sync(archive, client)
    assert archive.load().jobs["data_set_name"].notna().all()


def test_what_passes_is_asked_for_again_by_the_next_sync(archive):
    with Forbidden(demo.Account(300)) as endpoint:
        endpoint.refusal = (400, "ValidationException", "for once")
        with pytest.warns(dx.DataWarning, match=r"for once.*Names that are known stay"):
            sync(archive, endpoint.client())
        endpoint.refusal = None
        sync(archive, endpoint.client())
    assert archive.load().jobs["data_set_name"].notna().all()


def test_names_of_added_tables_are_kept_without_secrets(archive):
    client = demo.client(50)
    tables = dx.with_names(load(client), client)
    names = names_of(tables)
    key = next(iter(names))
    secret = "see https://h/p?X-Amz-Signature=hush"
    is_it = tables.jobs["data_set_id"] == key
    tables.jobs["data_set_name"] = tables.jobs["data_set_name"].mask(is_it, secret)
    archive.add(tables)
    found = names_of(archive.load())
    assert "hush" not in found[key]
    assert found == names | {key: found[key]}


def test_several_accounts_name_their_own_and_one_that_fails_stops_none(archive):
    accounts = [demo.Account(100), demo.Account(100, account_id="444455556666")]
    with (
        Forbidden(accounts[0]) as refusing,
        demo.Endpoint(accounts[1]) as endpoint,
        pytest.warns(dx.DataWarning, match="ListDataSets"),
    ):
        sync(archive, [refusing.client(), endpoint.client()])
    jobs = archive.load().jobs
    is_named = jobs["data_set_name"].notna()
    assert is_named.equals(jobs["account_id"] == "444455556666")


def test_an_archive_from_before_opens_as_before_and_learns_names(archive):
    client = demo.client(50)
    sync(archive, client)
    shutil.rmtree(f"{archive.uri}/data_sets")
    assert "data_set_name" not in archive.load().jobs
    assert len(archive.as_of(demo.NOW)) == 50
    assert archive.optimize() == {"compacted": 0, "deleted": 0}
    sync(archive, client)
    assert archive.load().jobs["data_set_name"].notna().all()


def test_a_demo_is_synced_twice_and_across_days(archive):
    assert sync(archive, [demo.client()]).new == 6_000
    again = sync(archive, [demo.client()])
    assert (again.new, again.changed, again.oldest_gap) == (0, 0, None)
    with demo.Endpoint(demo.Account(now=demo.NOW + timedelta(days=3))) as endpoint:
        later = sync(archive, endpoint.client())
    assert (later.new, later.oldest_gap) == (0, None)
    assert later.changed > 0
    assert len(archive.load()) == 6_000
