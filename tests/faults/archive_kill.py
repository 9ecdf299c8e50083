"""`kill -9` of a sync at random moments: what was acknowledged is there, and nothing twice.

python -m tests.faults.archive_kill              # 100 kills; some minutes
python -m tests.faults.archive_kill --kills 10 --seed 3
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from dxnotebook import demo
from dxnotebook.archive.archive import Archive
from dxnotebook.archive.store import Store
from dxnotebook.archive.sync import Sync
from tests.scripted import OPEN, Scripted, moment


def sync_for_ever(uri, url):
    """Sync again and again, a commit a page, and say what was asked when each time it is done."""
    client = demo.Endpoint(demo.Account(0)).client(endpoint_url=url)
    store = Store(uri)
    print("ready", flush=True)
    while True:
        done = Sync(store, [client], progress=False, commit_pages=1).run()
        print(done.asked_at.isoformat(), flush=True)


class World(threading.Thread):
    """An account in which something happens every few milliseconds, and what its jobs were when."""

    def __init__(self, account, random):
        super().__init__(daemon=True)
        self.account = account
        self.random = random
        self.lock = threading.Lock()
        self.stop = threading.Event()
        page = account.page
        account.page = lambda *args, **kwargs: self._page(page, *args, **kwargs)

    def _page(self, page, *args, **kwargs):
        with self.lock:
            return page(*args, **kwargs)

    def run(self):
        number = 0
        while not self.stop.wait(0.1):
            with self.lock:
                self.account.now += timedelta(minutes=self.random.randint(1, 60))
                for arn in [arn for arn, job in self.account.jobs.items() if job["State"] in OPEN]:
                    if self.random.random() < 0.3:
                        self.account.change(
                            arn, self.random.choice(["IN_PROGRESS", "COMPLETED", "ERROR"])
                        )
                for _ in range(self.random.randint(0, 4)):
                    number += 1
                    self.account.create(number)


def lives(uri, url, lifetime):
    """Let a syncing process live for so long, and return the times it acknowledged."""
    command = [sys.executable, "-m", "tests.faults.archive_kill", "--sync", uri, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(lifetime)
        process.kill()
        lines = process.stdout.readlines()
    return [line.strip() for line in lines if line.endswith("\n")]


def check(archive, account, acknowledged):
    """Hold the archive against the jobs as they are: nothing twice, what was acknowledged there."""
    jobs = archive.scan().to_table(columns=["job_arn", "state", "updated_at"]).to_pandas()
    assert jobs["job_arn"].is_unique, "a job is there twice"
    found = dict(zip(jobs["job_arn"], jobs["updated_at"], strict=True))
    for arn, job in account.jobs.items():
        if acknowledged and moment(job) < acknowledged:
            assert arn in found, "an acknowledged job is lost"
            assert moment(job, "UpdatedAt") > acknowledged or found[arn] >= moment(
                job, "UpdatedAt"
            ), "a change is lost"
    return len(found)


def run(kills, seed, say=print):
    """Kill so many syncs, and return what was found."""
    chance = random.Random(seed)
    account = Scripted(per_page=25)
    world = World(account, chance)
    last, total = None, 0
    with tempfile.TemporaryDirectory() as folder, demo.Endpoint(account) as endpoint:
        archive = Archive(folder)
        world.start()
        for number in range(kills):
            acknowledged = lives(folder, endpoint.url, chance.uniform(0, 2))
            total += len(acknowledged)
            with world.lock:
                last = max(map(datetime.fromisoformat, acknowledged), default=last)
                jobs = check(archive, account, last)
            say(f"kill {number + 1}: {len(acknowledged)} syncs acknowledged, {jobs:,} jobs")
        world.stop.set()
        world.join()
        archive.sync(endpoint.client(), progress=False)
        expected = {arn: job["State"] for arn, job in account.jobs.items()}
        loaded = archive.load().jobs
        assert dict(zip(loaded["job_arn"], loaded["state"], strict=True)) == expected, (
            "a rerun did not complete"
        )
        orphans = _without_orphans(Path(folder), archive)
        assert dict(zip(loaded["job_arn"], archive.load().jobs["state"], strict=True)) == expected
    done = f"{kills} kills, {total} syncs acknowledged, {len(expected):,} jobs"
    return f"{done}, none lost, none twice; {orphans}"


def _without_orphans(folder, archive):
    """Make all files a month old, optimize, and return how many belonged to nobody before."""
    before = _unknown(folder, archive)
    old = time.time() - 30 * 86_400
    for path in folder.rglob("*.parquet"):
        os.utime(path, (old, old))
    archive.optimize()
    assert not [path for path in before if path.exists()], "an orphan is left"
    return f"{len(before)} orphans, gone after optimize"


def _unknown(folder, archive):
    """Return the data files that no commit of the archive names."""
    named = {path for log in folder.rglob("_delta_log/*.json") for path in [log.read_text()]}
    return [
        path
        for path in folder.rglob("*.parquet")
        if "_delta_log" not in path.parts and not any(path.name in text for text in named)
    ]


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.archive_kill")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sync", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.sync:
        sync_for_ever(*given.sync)
    print(run(given.kills, given.seed))


if __name__ == "__main__":
    main()
