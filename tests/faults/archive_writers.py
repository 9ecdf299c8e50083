"""Several writers at once sync into one archive: each sync lands, no job is lost or there twice.

By default 4 writers of 20 syncs each, and 3 racing creators: a minute or two.

python -m tests.faults.archive_writers
python -m tests.faults.archive_writers --uri s3://bucket/prefix --option AWS_REGION=us-east-1
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import timedelta

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.archive import Archive
from dxnotebook.archive.history import known_syncs
from dxnotebook.archive.store import Store
from tests.scripted import OPEN, Scripted

JOBS_A_SYNC = 20


def write(uri, options, writer, syncs, start_at=0.0):
    """Sync an account of this writer's own so often, each time changed; return what is true."""
    account = Scripted(account_id=f"{writer:012}", per_page=7)
    archive = Archive(uri, options)
    new = changed = 0
    with demo.Endpoint(account) as endpoint:
        client = endpoint.client()
        time.sleep(max(start_at - time.time(), 0))
        for number in range(syncs):
            account.now += timedelta(hours=3)
            for arn, job in list(account.jobs.items()):
                if job["State"] in OPEN:
                    account.change(arn, "COMPLETED")
            for n in range(JOBS_A_SYNC):
                account.create(
                    1_000_000 * writer + 1_000 * number + n, at=account.now - timedelta(seconds=n)
                )
            result = archive.sync(client, progress=False)
            new, changed = new + result.new, changed + result.changed
    return {
        "new": new,
        "changed": changed,
        "states": {arn: job["State"] for arn, job in account.jobs.items()},
    }


def run(uri, options, writers, syncs):
    """Start writers as processes, all at the same moment; return what each says is true."""
    start_at = time.time() + 3 + writers
    arguments = [uri, json.dumps(options), str(syncs), str(start_at)]
    command = [sys.executable, "-m", "tests.faults.archive_writers", "--write"]
    started = [
        subprocess.Popen([*command, *arguments, str(writer)], stdout=subprocess.PIPE, text=True)
        for writer in range(1, writers + 1)
    ]
    told = [process.communicate()[0] for process in started]
    assert not any(process.returncode for process in started)
    return [json.loads(text) for text in told]


def check(uri, options, told, syncs):
    """Return what is in the archive, having compared it with what is true."""
    archive = Archive(uri, options)
    jobs = archive.scan().to_table(columns=["job_arn", "state"]).to_pandas()
    expected = {arn: state for one in told for arn, state in one["states"].items()}
    landed = known_syncs(Store(uri, options))
    assert jobs["job_arn"].is_unique
    assert dict(zip(jobs["job_arn"], jobs["state"], strict=True)) == expected
    assert landed["complete"].all()
    assert len(landed) == syncs * len(told)
    assert sum(one["new"] for one in told) == len(expected)
    assert len(archive.load()) == len(expected)
    return f"{len(landed)} syncs landed, {len(expected):,} jobs, none lost, none twice"


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.archive_writers")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--syncs", type=int, default=20, help="of each writer")
    parser.add_argument("--uri")
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--write", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write:
        uri, options, syncs, start_at, writer = given.write
        print(json.dumps(write(uri, json.loads(options), int(writer), int(syncs), float(start_at))))
        return
    options = dict(option.split("=", 1) for option in given.option)
    with tempfile.TemporaryDirectory() as folder:
        uri = given.uri or folder
        began = time.perf_counter()
        told = run(f"{uri}/creators", options, 3, 1)
        print(f"3 racing creators: one table, {check(f'{uri}/creators', options, told, 1)}")
        told = run(f"{uri}/writers", options, given.writers, given.syncs)
        print(f"{given.writers} writers: {check(f'{uri}/writers', options, told, given.syncs)}")
        print(f"{time.perf_counter() - began:.0f} s, dxnotebook {dx.__version__}")


if __name__ == "__main__":
    main()
