"""An explorer that is refreshed without end, while news come fast and requests fail.

python -m tests.faults.live                  # ten minutes
python -m tests.faults.live --minutes 1

Nothing may be missed or be there twice, no memory grow, and no thread or socket be left at the end.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import timedelta

from botocore.config import Config

import dxnotebook as dx
from dxnotebook import demo
from tests.explorer.conftest import answer_to, view_of
from tests.explorer.test_live import refreshed, states
from tests.faults.soak import used
from tests.scripted import OPEN, Scripted

KINDS = ("throttle", "server_error", "unavailable", "reset", "truncate", "cut", "empty", "html",
         "stall", "empty_page", "expired")  # fmt: skip
MOST_JOBS = 5_000
SPENT = demo.Fault("reset", page=-1)


def told(use):
    return "{} MB, {} threads, {} files".format(*use)


def happens(account, chance, turn):
    """Let a minute go by in an account, in which jobs begin and end."""
    account.now += timedelta(minutes=1)
    for number in range(chance.randrange(4)):
        if len(account.jobs) < MOST_JOBS:
            account.create(1_000_000 + 10 * turn + number)
    opened = [arn for arn, job in account.jobs.items() if job["State"] in OPEN]
    for arn in chance.sample(opened, min(len(opened), 3)):
        account.change(arn, chance.choice(["IN_PROGRESS", "COMPLETED", "ERROR", "TIMED_OUT"]))


def run(endpoint, account, seconds):
    """Refresh for so long; return how often, how often in vain, and what was used by and by."""
    chance, turn, failed, marks = random.Random(0), 0, 0, []
    client = endpoint.client(config=Config(read_timeout=0.3))
    explorer = dx.explore(dx.load_jobs(client, progress=False), refresh=client)
    end, marked = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        turn += 1
        happens(account, chance, turn)
        if chance.random() < 0.5:
            kind, times = chance.choice(KINDS), chance.choice([1, 2, 9])
            fault = demo.Fault(kind, page=0, times=times, seconds=0.5)
            endpoint.faults = (*(SPENT,) * turn, fault)  # by place, it is counted how often one was
        failed += refreshed(explorer)["problem"] is not None
        endpoint.faults = ()
        view_of(explorer)
        jobs = explorer.tables.jobs["job_id"]
        assert jobs.is_unique
        if turn % 10 == 0:
            refreshed(explorer)
            true = {job["Id"]: job["State"] for job in account.listed()}
            assert states(explorer.tables) == true
        if time.monotonic() - marked > seconds / 10:
            marked = time.monotonic()
            marks.append(used())
            print(f"{turn} readings, {len(jobs):,} jobs:", told(marks[-1]), flush=True)
    answer_to(explorer, "refresh", start=True)
    explorer.close()
    client.close()
    return turn, failed, marks


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.live")
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    account, before = Scripted(), used()
    for number in range(MOST_JOBS - 500):
        account.create(number, state="COMPLETED")
    with demo.Endpoint(account) as endpoint:
        turn, failed, marks = run(endpoint, account, 60 * minutes)
    time.sleep(2)
    after = used()
    print(f"{turn} readings, {failed} of which failed")
    print("before:", told(before), "- after close():", told(after))
    early, late = marks[len(marks) // 2 - 1], marks[-1]
    grown = [late[0] > 1.1 * early[0], after[1] > before[1], after[2] > before[2] + 1]
    print("grows" if any(grown) else "flat")
    sys.exit(any(grown))


if __name__ == "__main__":
    main()
