"""Tables that are read anew while they are explored."""

from __future__ import annotations

import gc
import threading
import time
import tracemalloc
import weakref
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from botocore.config import Config

import dxnotebook as dx
from dxnotebook import DxError, demo
from dxnotebook.explorer.live import in_cell
from tests.explorer.conftest import answer_to, view_of
from tests.scripted import Scripted


def refreshed(explorer):
    """Have jobs read anew as a page does, and return what came of it."""
    answer, _ = answer_to(explorer, "refresh", start=True)
    while answer["reading"]:
        time.sleep(0.005)
        answer, _ = answer_to(explorer, "refresh", start=False)
    return answer


def states(tables):
    return dict(zip(tables.jobs["job_id"], tables.jobs["state"].astype("str"), strict=True))


@pytest.fixture
def account():
    account = Scripted()
    for number in range(30):
        account.create(number)
    return account


def test_what_is_new_or_changed_is_told_and_unseen_until_it_was_seen(tables):
    older = tables.filter(tables.jobs["created_at"] < "2026-09-30T08:00")
    stale = older.jobs.assign(state=older.jobs["state"].where(older.jobs.index != 2, "WAITING"))
    explorer = dx.explore(
        dx.JobTables(stale, older.details, older.errors, older.rejects), refresh=lambda: tables
    )
    explorer.selected = stale["job_id"][:3]
    explorer.view = {"filters": {"not": {"state": ["CANCELLED"]}}, "zone": "America/New_York"}
    view = explorer.view
    seen = []
    explorer.observe(lambda change: seen.append(change.name), ["selection", "selected"])
    new = len(tables) - len(older)
    answer = refreshed(explorer)
    assert (answer["new"], answer["changed"], answer["problem"]) == (new, 1, None)
    assert answer["at"] == pd.Timestamp("2026-09-30T12:00Z").value // 10**6  # the service's clock
    assert (seen, explorer.view) == (["selection", "selected"], view)
    assert len(explorer.selected) == 3
    assert set(explorer.selected.jobs["job_id"]) == set(stale["job_id"][:3])
    unseen = view_of(explorer)["unseen"]
    assert stale["job_id"][2] in unseen
    answer_to(explorer, "seen", jobs=unseen[:1])
    assert view_of(explorer)["unseen"] == unseen[1:]
    again = refreshed(explorer)
    assert (again["new"], again["changed"]) == (0, 0)
    assert view_of(explorer)["unseen"] == unseen[1:]


def test_other_tables_keep_the_view_and_are_no_news(tables):
    explorer = dx.explore(
        tables, view={"filters": {"state": ["ERROR"]}, "sort": ["duration_s", True]}
    )
    view = explorer.view
    others = dx.load_jobs(dx.demo.client(jobs=50, account_id="999988887777"), progress=False)
    explorer.tables = others
    pd.testing.assert_frame_equal(explorer.tables.jobs, others.jobs)
    assert explorer.view == view | {"columns": explorer._about["shown"]}
    assert "data_set_name" not in explorer.view["columns"]
    assert set(explorer.selection.jobs["state"]) == {"ERROR"}
    assert view_of(explorer)["unseen"] == []
    explorer.tables = others.filter([])
    assert view_of(explorer)["total"] == len(explorer.selected) == 0
    with pytest.raises(DxError, match="Give JobTables"):
        explorer.tables = others.jobs
    with pytest.raises(AttributeError):
        explorer.refresh()


def test_news_come_from_clients_an_archive_or_a_callable(account, tmp_path):
    with demo.Endpoint(account) as endpoint:
        client = endpoint.client()
        archive = dx.Archive(tmp_path / "archive")
        archive.sync(client)
        first = dx.load_jobs(client, progress=False)
        part = first.filter(first.jobs["created_at"] >= first.jobs["created_at"].iloc[9])
        explorers = [
            *(dx.explore(first, refresh=source) for source in (client, [client], archive)),
            dx.explore(first, refresh=lambda: dx.load_jobs(client, progress=False)),
        ]
        of_a_part = dx.explore(part, refresh=archive)
        account.now += timedelta(minutes=1)
        account.create(100)
        archive.sync(client)
        for explorer in explorers:
            assert refreshed(explorer)["new"] == 1
            assert states(explorer.tables) == states(dx.load_jobs(client, progress=False))
        assert refreshed(of_a_part)["new"] == 1
        assert len(of_a_part.tables) == len(part) + 1


def test_tables_may_be_empty_at_first_and_set_while_others_are_read(tables):
    go_on = threading.Event()

    def read():
        assert go_on.wait(10)
        return tables

    explorer = dx.explore(tables.filter([]), refresh=read)
    answer_to(explorer, "refresh", start=True)
    others = tables.filter(tables.jobs["state"] == "ERROR")
    explorer.tables = others
    go_on.set()
    refreshed(explorer)
    assert len(explorer.tables) in (len(others), len(tables))
    explorer.tables = others
    assert refreshed(explorer)["new"] == len(tables) - len(others)
    assert len(explorer.tables) == len(tables)


def test_what_cannot_be_read_from_is_refused(tables):
    with pytest.raises(DxError, match="clients"):
        dx.explore(tables, refresh=5)
    answer, _ = answer_to(dx.explore(tables), "refresh", start=True)
    assert (answer["kind"], "refresh=" in answer["text"]) == ("error", True)


def test_a_failure_is_told_with_what_to_do_and_keeps_what_is_there(account, caplog):
    with demo.Endpoint(account, faults=[demo.Fault("expired", page=0, times=3)]) as endpoint:
        account_tables = dx.load_jobs(demo.Endpoint(account).client(), progress=False)
        explorer = dx.explore(account_tables, refresh=endpoint.client())
        explorer.selected = account_tables.jobs["job_id"][:2]
        problem = refreshed(explorer)["problem"]
        assert "Renew the credentials (for example with 'aws sso login')" in problem
        assert states(explorer.tables) == states(account_tables)
        assert len(explorer.selected) == 2
    signed = "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=0123456789abcdef"

    def fail():
        raise ValueError(signed)

    answer = refreshed(dx.explore(account_tables, refresh=fail))
    assert answer["problem"].startswith("ValueError: https://bucket")
    assert "0123456789abcdef" not in answer["problem"]
    assert "Give JobTables" in refreshed(dx.explore(account_tables, refresh=lambda: 5))["problem"]


def test_nothing_is_missed_or_twice_while_news_come_fast_and_requests_fail(account):
    faults = [
        demo.Fault(kind, page=0, times=1)
        for kind in ("server_error", "truncate", "reset", "empty", "throttle", "html")
    ]
    spent = demo.Fault("reset", page=-1)
    with demo.Endpoint(account) as endpoint:
        explorer = dx.explore(
            dx.load_jobs(endpoint.client(), progress=False), refresh=endpoint.client()
        )
        ticked = explorer.tables.jobs["job_id"].tolist()[::3]
        explorer.selected = ticked
        for turn in range(12):
            account.now += timedelta(minutes=1)
            for number in range(turn % 4):
                account.create(1000 + 10 * turn + number)
            account.change(list(account.jobs)[turn], "ERROR")
            if turn % 2:
                # by place, it is counted how often one was
                endpoint.faults = (*(spent,) * turn, faults[turn // 2])
            requests = len(endpoint.requests)
            answer = refreshed(explorer)
            endpoint.faults = ()
            assert len(endpoint.requests) - requests == 1 + turn % 2  # that is asked once more
            if answer["problem"]:
                refreshed(explorer)
            jobs = explorer.tables.jobs["job_id"]
            assert jobs.is_unique
            assert states(explorer.tables) == states(
                dx.load_jobs(endpoint.client(), progress=False)
            )
            assert set(explorer.selected.jobs["job_id"]) == set(ticked)
        explorer.close()


def reading_threads():
    return [one for one in threading.enumerate() if one.name.startswith("dxnotebook-aws")]


def test_a_read_that_stalls_asks_for_nothing_more_once_the_explorer_is_closed(account):
    stall = demo.Fault("stall", page=0, times=None, seconds=3.0)
    with demo.Endpoint(account) as endpoint:
        tables = dx.load_jobs(endpoint.client(), progress=False)
        endpoint.faults = (stall,)
        client = endpoint.client(config=Config(read_timeout=0.5))
        explorer = dx.explore(tables, refresh=client)
        answer_to(explorer, "refresh", start=True)
        asked = len(endpoint.requests)
        while len(endpoint.requests) == asked:
            time.sleep(0.005)
        explorer.close()
        deadline = time.monotonic() + 10
        while reading_threads():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(endpoint.requests) <= asked + 2  # of eight


def test_nothing_is_left_after_an_explorer_was_closed(account):
    with demo.Endpoint(account, delay=0.2) as endpoint:
        tables = dx.load_jobs(endpoint.client(), progress=False)
        client = endpoint.client()
        before = {*threading.enumerate()}
        explorer = dx.explore(tables, refresh=client)
        answer_to(explorer, "refresh", start=True)
        assert {*threading.enumerate()} - before
        explorer.close()
        client.close()
    left = {*threading.enumerate()} - before
    assert "tqdm_monitor" not in [one.name for one in left]
    deadline = time.monotonic() + 5
    while not_ended := reading_threads():
        assert time.monotonic() < deadline, not_ended
        time.sleep(0.01)


@pytest.mark.slow
def test_memory_stays_flat_however_often_is_read(tables):
    explorer = dx.explore(tables, refresh=lambda: tables.filter(tables.jobs["job_id"] != ""))
    sizes, files = [], []
    tracemalloc.start()
    for _ in range(3):
        for _ in range(15):
            refreshed(explorer)
            view_of(explorer)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        files.append(len([*Path("/proc/self/fd").glob("*")]))
    tracemalloc.stop()
    # pandas forgets weak references to what shares its arrays in bulk, at last
    assert sizes[-1] - sizes[1] < 600_000
    assert files[-1] <= files[0]
    earlier = weakref.ref(explorer._explored)
    refreshed(explorer)
    gc.collect()
    assert earlier() is None


class Cells:
    """A shell of a notebook, which says which cell runs."""

    def __init__(self, cell, run):
        self.parent = {"metadata": {"cellId": cell}, "header": {"msg_id": run}}

    def get_parent(self):
        return self.parent


def test_a_cell_that_runs_again_closes_what_it_showed(tables, monkeypatch):
    def run(cell, number):
        monkeypatch.setattr("dxnotebook.explorer.live.get_ipython", lambda: Cells(cell, number))

    run("one", 1)
    first, second = dx.explore(tables), dx.explore(tables)
    run("two", 2)
    other = dx.explore(tables)
    run("one", 3)
    again = dx.explore(tables)
    assert [one.comm is None for one in (first, second, other, again)] == [True, True, False, False]
    assert first._about["key"] == again._about["key"] != second._about["key"]
    assert in_cell(other) == "one:1"
    monkeypatch.setattr("dxnotebook.explorer.live.get_ipython", lambda: None)
    assert in_cell(other).startswith(":")
