"""Analysing jobs: dxnotebook beside the pandas that one would write by hand, on the same jobs.

How to run it, from the repository with the ``benchmark`` and ``test`` extras installed::

    python -m benchmarks.analytics            # some minutes: a million jobs
    python -m benchmarks.analytics --quick    # a tenth of the jobs; targets are for all of them

What the figures mean: milliseconds on the clock, the median of the rounds, in which the contestants
take turns. By hand is what one writes on the frame that `pandas.json_normalize` makes of what boto3
returns: *text* as pandas 3 types it, *object* with the columns of Python objects that pandas 2
made. Making these frames is not timed. A ratio is dxnotebook's figure over the other's. The exit
status is 1 when a target is missed.

The jobs are those of `dxnotebook.demo`, in accounts of 200,000. The messages are those of all
errors of several such accounts, 100,000 of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import dxnotebook as dx
from benchmarks.load import Report, versions

ACCOUNT, MESSAGES = 200_000, 100_000
MEMBERS = ("Id", "Type", "State", "CreatedAt", "UpdatedAt")
# what one would mask, each by a pattern of its own
MASKS = (
    (r"https?://\S+", "<url>"),
    (r"s3://\S+", "<s3>"),
    (r"arn:\S+", "<arn>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"[0-9a-f]{16,}", "<id>"),
    (r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?", "<date>"),
    (r"\S+/\S+", "<key>"),
    (r"\d+", "<n>"),
)

Work = Callable[[], Any]


def accounts(jobs: int, first: int = 0) -> list[bytes]:
    """Return the pages of so many jobs, of accounts numbered from there."""
    sizes = [min(ACCOUNT, jobs - start) for start in range(0, jobs, ACCOUNT)]
    numbered = (
        dx.demo.Account(size, account_id=f"{number:012}")
        for number, size in enumerate(sizes, first)
    )
    return [page for account in numbered for page in account.pages()]


def normalized(pages: list[bytes]) -> pd.DataFrame:
    """Return what json_normalize makes of the jobs as boto3 returns them, of the members needed."""
    rows = []
    for page in pages:
        for job in json.loads(page)["Jobs"]:
            row = {name: job[name] for name in MEMBERS}
            rows.append(
                row
                | {name: datetime.fromisoformat(row[name]) for name in ("CreatedAt", "UpdatedAt")}
            )
    return pd.json_normalize(rows)


def rate_by_hand(jobs: pd.DataFrame, keys: list[Any]) -> pd.DataFrame:
    finished = jobs[jobs["State"].isin(["COMPLETED", "ERROR", "TIMED_OUT"])]
    finished = finished.assign(failed=finished["State"] != "COMPLETED")
    counts = finished.groupby(keys)["failed"].agg(["size", "sum"])
    return counts.assign(rate=counts["sum"] / counts["size"])


def durations_by_hand(jobs: pd.DataFrame, keys: list[Any]) -> pd.DataFrame:
    ended = jobs[~jobs["State"].isin(["WAITING", "IN_PROGRESS"])]
    took = ended.assign(took=(ended["UpdatedAt"] - ended["CreatedAt"]).dt.total_seconds()).groupby(
        keys
    )["took"]
    return took.quantile([0.5, 0.9, 0.95, 0.99]).unstack().join(took.agg(["size", "max"]))  # noqa: PD010


def causes_by_hand(messages: pd.Series, jobs: pd.Series) -> pd.DataFrame:
    for pattern, mask in MASKS:
        messages = messages.str.replace(pattern, mask, regex=True)
    return jobs.groupby(messages).agg(["size", "nunique"])


def rounds(contestants: dict[str, Work], repeat: int) -> dict[str, float]:
    """Return the median milliseconds of contestants that take turns, after a first round."""
    took: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(repeat + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            if number:
                took[name].append(1000 * (time.perf_counter() - start))
    return {name: median(times) for name, times in took.items()}


def compare(
    report: Report, title: str, contestants: dict[str, Work], targets: dict[str, float], repeat: int
) -> None:
    """Print the figures of a title: the first contestant is ours."""
    print(f"\n{title}")
    found = rounds(contestants, repeat)
    for name, figure in found.items():
        print(f"  {name:<40}{figure:>10.0f} ms")
    (mine, figure), *others = found.items()
    for name, other in others:
        report.line(f"{mine} / {name}", figure / other, targets.get(name))


def grouped(report: Report, jobs: pd.DataFrame, text: pd.DataFrame, repeat: int) -> None:
    by_object = text.astype(dict.fromkeys(("Id", "Type", "State"), object))
    day = pd.Grouper(key="CreatedAt", freq="D")
    metrics: dict[str, tuple[Work, Callable[[pd.DataFrame], Any]]] = {
        "failure_rate by type": (
            lambda: dx.failure_rate(jobs, "type"),
            lambda df: rate_by_hand(df, ["Type"]),
        ),
        "failure_rate by type and day": (
            lambda: dx.failure_rate(jobs, "type", "1d"),
            lambda df: rate_by_hand(df, ["Type", day]),
        ),
        "failure_trend a day": (lambda: dx.failure_trend(jobs), lambda df: rate_by_hand(df, [day])),
        "durations by type": (
            lambda: dx.durations(jobs, "type"),
            lambda df: durations_by_hand(df, ["Type"]),
        ),
        "durations by type and day": (
            lambda: dx.durations(jobs, "type", "1d"),
            lambda df: durations_by_hand(df, ["Type", day]),
        ),
    }
    for name, (mine, by_hand) in metrics.items():
        contestants: dict[str, Work] = {
            "dxnotebook": mine,
            "by hand, object": lambda by_hand=by_hand: by_hand(by_object),
            "by hand, text": lambda by_hand=by_hand: by_hand(text),
        }
        compare(report, name, contestants, {"by hand, object": 1.0, "by hand, text": 1.0}, repeat)


def causes(report: Report, tables: dx.JobTables, repeat: int) -> None:
    """Compare on the messages of the jobs with errors, as many as are wanted."""
    failing = tables.filter(tables.errors["job_id"].drop_duplicates())
    first = ~failing.errors.duplicated(["job_id", "position"])
    wanted = failing.errors["job_id"][first].iloc[:MESSAGES].drop_duplicates()
    failing = failing.filter(wanted)
    once = failing.errors.drop_duplicates(["job_id", "position"])
    contestants = {
        "error_causes": lambda: dx.error_causes(failing),
        "a str.replace chain": lambda: causes_by_hand(once["message"], once["job_id"]),
        "a str.replace chain, object": lambda: causes_by_hand(
            once["message"].astype(object), once["job_id"]
        ),
    }
    compare(
        report,
        f"error_causes: {len(once):,} messages",
        contestants,
        {"a str.replace chain": 1.0},
        repeat,
    )


def open_jobs(report: Report, jobs: pd.DataFrame, repeat: int) -> None:
    ended = jobs["updated_at"].where(~jobs["state"].isin(["WAITING", "IN_PROGRESS"])).dropna()
    events = np.concatenate([times.to_numpy("M8[us]") for times in (jobs["created_at"], ended)])
    numbers = events.view(np.int64)
    contestants = {
        "concurrency": lambda: dx.concurrency(jobs),
        "numpy.sort of its events": lambda: np.sort(events),
        "numpy.sort of them as integers": lambda: np.sort(numbers),
    }
    compare(
        report,
        f"concurrency: {len(events):,} events",
        contestants,
        # it sorts by group and time, and counts, where the other sorts times alone
        {"numpy.sort of its events": 4.0},
        repeat,
    )


def published(report: Report, tables: dx.JobTables, repeat: int) -> None:
    """Time what is asked of revisions: nobody writes that by hand, so it has seconds."""
    print("\nrevisions and re-runs, in seconds")
    questions = (dx.revisions, dx.deliveries, dx.missing_assets, dx.rerun)
    contestants = {ask.__name__: lambda ask=ask: ask(tables) for ask in questions}
    for name, figure in rounds(contestants, repeat).items():
        report.line(name, figure / 1000, 2.0, show="{:.2f} s".format)


def feeds(report: Report, tables: dx.JobTables, repeat: int) -> None:
    """Compare with the gaps between all jobs, which know neither runs nor rhythm."""
    keys = ["account_id", "region", "type", "data_set_id"]
    jobs = tables.jobs

    def by_hand() -> Any:
        gap = jobs.sort_values("created_at").groupby(keys, observed=True)["created_at"].diff()
        return jobs.assign(gap=gap).groupby(keys, observed=True)["gap"].median()

    work: dict[str, Work] = {
        "feeds": lambda: dx.feeds(tables),
        "the median gap by hand": by_hand,
    }
    # a million jobs take less than two seconds: the figure, not the ratio, is what is promised
    compare(report, f"feeds: {len(tables):,} jobs", work, {}, repeat)


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.analytics", description="dxnotebook beside pandas by hand."
    )
    parser.add_argument("--jobs", type=int, help="how many jobs (default 1,000,000)")
    parser.add_argument(
        "--repeat", type=int, default=5, help="rounds, whose median is shown (default 5)"
    )
    parser.add_argument("--quick", action="store_true", help="100,000 jobs")
    options = parser.parse_args()
    libraries = ("numpy", "pandas", "pyarrow", "narwhals")
    print(versions(libraries))
    pages = accounts(options.jobs or (100_000 if options.quick else 1_000_000))
    tables, text = dx.read_jobs(pages), normalized(pages)
    print(f"{len(tables):,} jobs")
    report = Report()
    grouped(report, tables.jobs, text, options.repeat)
    open_jobs(report, tables.jobs, options.repeat)
    feeds(report, tables, options.repeat)
    published(report, tables, options.repeat)
    more = (
        dx.read_jobs(pages + accounts(3 * ACCOUNT, first=100)) if len(tables) >= ACCOUNT else tables
    )
    causes(report, more, options.repeat)
    print(f"\n{report.missed} targets missed" if report.missed else "\nAll targets met")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
