"""Scenarios of an account that changes, a network that fails, and syncs that are killed.

A state machine makes jobs, changes them, lets time pass, plants faults, loads, syncs and kills, in
any order; after each step what was read is held against the jobs as they are: all of them, or an
error with what was read, never a silent loss.

python -m tests.faults.world                       # 10,000 scenarios; an hour
python -m tests.faults.world --scenarios 200
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import shutil
import sys
import tempfile
import warnings
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.store import Store
from dxnotebook.archive.sync import Sync
from dxnotebook.aws import pages
from tests.scripted import OPEN, Scripted

PER_PAGE = 4
PASSING = ("throttle", "server_error", "unavailable", "reset", "truncate", "cut", "empty", "html",
           "empty_page")  # fmt: skip
LASTING = ("expired", "denied", "repeat_token", "cycle_token", "cut", "reset", "unavailable")
BODIES = (
    b"null",
    b"[]",
    b'"x"',
    b'{"message": null}',
    b'{"__type": 7}',
    b"\xff<html>",
    b"[" * 9999,
)
SHORT = pages.Pauses(first_s=0.0001, longest_s=0.0002)
#: What was tried in this process.
TALLY = collections.Counter()

forking = multiprocessing.get_context("forkserver")
forking.set_forkserver_preload(["tests.faults.world", "deltalake"])


def sync_from(url, folder):
    """Sync an archive, a commit a page; what a process does that is to be killed."""
    client = demo.Endpoint(demo.Account(0)).client(endpoint_url=url)
    warnings.simplefilter("ignore")
    pages.PAUSES = SHORT
    with suppress(dx.LoadError):
        Sync(Store(folder), [client], progress=False, commit_pages=1).run()


class World(RuleBasedStateMachine):
    """An account, its endpoint and an archive, and what the archive has acknowledged."""

    @initialize()
    def begin(self):
        TALLY["scenarios"] += 1
        self.account = Scripted(per_page=PER_PAGE)
        self.endpoint = demo.Endpoint(self.account)
        self.client = self.endpoint.client()
        self.folder = tempfile.mkdtemp(prefix="world-")
        self.archive = dx.Archive(self.folder)
        self.number = 0
        self.states = collections.defaultdict(set)  # of each job: all that it ever was
        self.acknowledged = {}  # of each job: what it was when a sync last said that it is there

    def teardown(self):
        if hasattr(self, "endpoint"):
            self.endpoint.close()
            shutil.rmtree(self.folder)

    @rule(many=st.integers(1, 9), state=st.sampled_from([*OPEN, "COMPLETED", "ERROR"]))
    def create(self, many, state):
        for _ in range(many):
            self.number += 1
            self.account.now += timedelta(seconds=7)
            self._was(self.account.create(self.number, state=state), state)

    @rule(state=st.sampled_from(["IN_PROGRESS", "COMPLETED", "ERROR", "CANCELLED", "TIMED_OUT"]),
          which=st.integers(0, 50))  # fmt: skip
    def change(self, state, which):
        still_open = [job["Arn"] for job in self.account.jobs.values() if job["State"] in OPEN]
        if still_open:
            arn = still_open[which % len(still_open)]
            self.account.now += timedelta(seconds=1)
            self.account.change(arn, state)
            self._was(arn, state)

    @rule(hours=st.integers(1, 200))
    def wait(self, hours):
        self.account.now += timedelta(hours=hours)

    @rule(kind=st.sampled_from(PASSING), page=st.integers(0, 4), times=st.integers(1, 3))
    def passing_fault(self, kind, page, times):
        self._plant(demo.Fault(kind, page, times=times))

    @rule(body=st.sampled_from(BODIES), page=st.integers(0, 4), times=st.integers(1, 3),
          status=st.sampled_from([429, 500, 502, 503, 504]))  # fmt: skip
    def odd_answer(self, body, page, times, status):
        self._plant(demo.Fault("reply", page, times=times, status=status, body=body))

    @rule(kind=st.sampled_from(LASTING), page=st.integers(0, 4))
    def lasting_fault(self, kind, page):
        self._plant(demo.Fault(kind, page, times=None))

    @rule(body=st.sampled_from(BODIES), page=st.integers(0, 4),
          status=st.sampled_from([200, 202, 400, 403, 404, 413]))  # fmt: skip
    def lasting_odd_answer(self, body, page, status):
        self._plant(demo.Fault("reply", page, times=None, status=status, body=body))

    @rule()
    def load(self):
        TALLY["loads"] += 1
        expected = {job["Arn"]: job["State"] for job in self.account.listed()}
        try:
            tables, whole = dx.load_jobs(self.client, progress=False), True
        except dx.LoadError as error:
            tables, whole = error.partial, False
            assert any(fault.times is None for fault in self.endpoint.faults), "no reason to fail"
            TALLY["loads with an error"] += 1
        self._heal()
        assert not len(tables.rejects)
        states = dict(zip(tables.jobs["job_arn"], tables.jobs["state"], strict=True))
        assert len(states) == len(tables.jobs), "a job is there twice"
        assert states.items() <= expected.items(), "a job is there that is not"
        assert not whole or states == expected, "a job is lost, in silence"

    @rule(full=st.sampled_from([None, None, True]))
    def sync(self, full):
        TALLY["syncs"] += 1
        asked_at = self.account.now
        try:
            result = self.archive.sync(self.client, full=full, progress=False)
        except dx.LoadError:
            assert any(fault.times is None for fault in self.endpoint.faults), "no reason to fail"
            TALLY["syncs with an error"] += 1
        else:
            assert not result.failures
            for job in self.account.listed():
                self.acknowledged[job["Arn"]] = job["State"]
        assert self.account.now == asked_at
        self._heal()

    @rule(page=st.integers(0, 3))
    def killed_sync(self, page):
        """Kill a sync when it asks for a page; it may be done before it gets there."""
        TALLY["kills"] += 1
        process = forking.Process(target=sync_from, args=(self.endpoint.url, self.folder))
        listing = self.account.page

        def deadly(start=0, *args, **kwargs):
            if start >= page * PER_PAGE:
                process.kill()
            return listing(start, *args, **kwargs)

        self.account.page = deadly
        process.start()
        process.join(60)
        assert process.exitcode is not None, "a sync does not end"
        del self.account.page
        self._heal()

    @invariant()
    def archive_is_whole(self):
        if not self.acknowledged or TALLY["checked"] == TALLY["syncs"] + TALLY["kills"]:
            return
        TALLY["checked"] = TALLY["syncs"] + TALLY["kills"]
        jobs = self.archive.load().jobs
        states = dict(zip(jobs["job_arn"], jobs["state"], strict=True))
        assert len(states) == len(jobs), "a job is there twice"
        for arn, state in states.items():
            assert state in self.states[arn], "a job is what it never was"
        for arn, state in self.acknowledged.items():
            assert arn in states, "an acknowledged job is lost"
            # a killed sync may have committed what came later
            assert states[arn] == state or state in OPEN, "an acknowledged change is lost"

    def _was(self, arn, state):
        self.states[arn].add(state)

    def _plant(self, fault):
        TALLY["faults"] += 1
        self.endpoint.faults = (*self.endpoint.faults, fault)

    def _heal(self):
        self.endpoint.faults = tuple(replace(fault, times=0) for fault in self.endpoint.faults)


def run(scenarios, steps=12):
    """Try so many scenarios, and return what was tried."""
    TALLY.clear()
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    pauses = pages.PAUSES
    pages.PAUSES = SHORT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dx.DxWarning)
            run_machine(
                World,
                settings=settings(
                    max_examples=scenarios,
                    stateful_step_count=steps,
                    deadline=None,
                    suppress_health_check=quiet,
                    derandomize=True,
                    database=None,
                ),
            )
    finally:
        pages.PAUSES = pauses
    return dict(TALLY)


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.world")
    parser.add_argument("--scenarios", type=int, default=10_000)
    sys.modules["__main__"].__spec__ = None  # or each process that is to be killed imports it anew
    print(json.dumps(run(parser.parse_args().scenarios), indent=1))


if __name__ == "__main__":
    main()
