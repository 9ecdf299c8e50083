"""Causes of failure: how well messages are grouped, and how long it takes.

How to run it, from the repository with the ``test`` extra installed::

    python -m benchmarks.causes

What the figures mean: the messages are those of the wordings of ``tests/data/wordings.toml``, each
filled at random twenty times. Best are as many causes as wordings, no message in a cause that is
mostly of another wording, and no wording that is split into causes or shares one. *tuned* are those
that were looked at while the rules were made, then *kept_back* and *fresh*; *last* was written
after, and the rules made for it are none. Time is the processor's, in milliseconds: the median of
the rounds, for 100,000 messages of the demo's jobs and of all wordings, and for one error that
names 4,000 keys. The exit status is 1 when a target is missed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import dxnotebook as dx
from benchmarks.analytics import MESSAGES, accounts
from benchmarks.load import Report, versions
from tests.conftest import job
from tests.metrics import wordings

KEYS = 4_000


def tables_of(messages: list[str], keys: int = 0) -> dx.JobTables:
    """Return the tables of jobs with an error each, the first of which names keys."""
    assets = [{"Bucket": "bucket", "Key": f"my file {key} of {key}.csv"} for key in range(keys)]
    errors: list[dict[str, Any]] = [{"Code": "ERROR", "Message": message} for message in messages]
    if keys:
        errors[0]["Details"] = {"ImportAssetsFromS3JobErrorDetails": assets}
    jobs = [job(n, State="ERROR", Errors=[error]) for n, error in enumerate(errors)]
    return dx.read_jobs(json.dumps({"Jobs": jobs}).encode())


def milliseconds(work: Callable[[], Any], repeat: int = 5) -> float:
    took = []
    for _ in range(repeat + 1):
        start = time.process_time()
        work()
        took.append(1000 * (time.process_time() - start))
    return median(took[1:])


def quality(report: Report) -> None:
    found = []
    print(f"\n  {'':<30}{'wordings':>10}{'causes':>10}{'split':>10}{'purity':>10}")
    for batch, texts in wordings.WORDINGS.items():
        numbers, messages = wordings.messages(batch)
        prints = dx.fingerprints(tables_of(messages)).tolist()
        causes, purity, alone = wordings.measures(numbers, prints)
        found.append([len(texts), causes, len(texts) - alone, purity])
        size, causes, split, purity = found[-1]
        print(f"  {batch:<30}{size:>10}{causes:>10}{split:>10}{purity:>10.3f}")
    sizes, causes, split, purities = zip(*found, strict=True)
    report.line("causes / wordings", sum(causes) / sum(sizes), 110 / 86)
    report.line("wordings split or mixed", sum(split) / sum(sizes), 11 / 86)
    report.line("messages beside other wordings", 1 - min(purities), 0.015)


def main() -> int:
    print(versions(("pandas", "pyarrow")))
    report = Report()
    quality(report)
    filler = wordings.Filler(1)
    texts = [text for batch in wordings.WORDINGS.values() for text in batch]
    demo = dx.read_jobs(accounts(600_000, first=100))
    demo = demo.filter(demo.errors["job_id"].drop_duplicates().iloc[:MESSAGES])
    names = "; ".join(f"my file {key} of {key}.csv" for key in range(KEYS))
    works: dict[str, dx.JobTables] = {
        "the demo's errors": demo,
        "messages of all wordings": tables_of(
            [filler.fill(texts[n % len(texts)]) for n in range(MESSAGES)]
        ),
        f"an error that names {KEYS:,} keys": tables_of([f"Cannot read {names}"], KEYS),
    }
    print()
    for name, tables in works.items():
        took = milliseconds(lambda tables=tables: dx.error_causes(tables))
        count = len(tables.errors.drop_duplicates(["job_id", "position"]))
        print(f"  {name + f' ({count:,})':<52}{took:>10.0f} ms")
    print(f"\n{report.missed} targets missed" if report.missed else "\nAll targets met")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
