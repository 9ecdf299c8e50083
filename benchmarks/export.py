"""Exporting jobs: dxnotebook beside pandas' own writers, on the same frames, in one run.

How to run it, from the repository with the ``benchmark`` and ``excel`` extras installed::

    python -m benchmarks.export            # some minutes: a million jobs
    python -m benchmarks.export --quick    # a tenth of the jobs; targets are for all of them

What the figures mean: milliseconds on the clock, the median of the rounds, in which the contestants
take turns. pandas writes the same three frames to three files; dxnotebook also makes the CSV safe
to open, writes beside the target, has all of it on the disk (``fsync``) and swaps. *export, no
fsync* leaves the disk out, as pandas does; only *export* has targets. A ratio is dxnotebook's
figure over the other's. The exit status is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import dxnotebook as dx
from benchmarks.analytics import accounts, compare
from benchmarks.load import Report, versions

FRAMES = ("jobs", "details", "errors")


def with_pandas(tables: dx.JobTables, folder: Path, suffix: str) -> None:
    for name in FRAMES:
        frame = getattr(tables, name)
        if suffix == ".csv":
            frame.to_csv(folder / f"{name}.csv", index=False)
        else:
            (frame.to_parquet if suffix == ".parquet" else frame.to_feather)(
                folder / f"{name}{suffix}"
            )


def without_fsync(tables: dx.JobTables, path: Path) -> None:
    with mock.patch.object(os, "fsync"):
        dx.export(tables, path, progress=False)


def formats(report: Report, tables: dx.JobTables, folder: Path, repeat: int) -> None:
    for suffix, most in ((".parquet", 1.5), (".feather", None), (".csv", 1.0)):
        path = folder / f"tables{suffix}"
        contestants = {
            "export": lambda path=path: dx.export(tables, path, progress=False),
            "pandas": lambda suffix=suffix: with_pandas(tables, folder, suffix),
            "export, no fsync": lambda path=path: without_fsync(tables, path),
        }
        compare(report, suffix, contestants, {"pandas": most} if most else {}, repeat)


def once(tables: dx.JobTables, folder: Path) -> None:
    """Print what the slow formats take, and the reading back."""
    print("\nOnce each")
    for suffix in (".jsonl", ".xlsx"):
        start = time.perf_counter()
        path = dx.export(tables, folder / f"tables{suffix}", progress=False)
        took = 1000 * (time.perf_counter() - start)
        print(f"  export {suffix:<33}{took:>10.0f} ms {path.stat().st_size:>15,} bytes")
    for suffix in (".parquet", ".feather", ".jsonl"):
        start = time.perf_counter()
        dx.read_tables(folder / f"tables{suffix}")
        print(
            f"  read_tables {suffix:<28}{1000 * (time.perf_counter() - start):>10.0f} ms",
            flush=True,
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.export", description="dxnotebook beside pandas' writers."
    )
    parser.add_argument("--jobs", type=int, help="how many jobs (default 1,000,000)")
    parser.add_argument(
        "--repeat", type=int, default=3, help="rounds, whose median is shown (default 3)"
    )
    parser.add_argument("--quick", action="store_true", help="100,000 jobs")
    parser.add_argument(
        "--only-targets", action="store_true", help="leave Excel, JSON Lines and reading out"
    )
    options = parser.parse_args()
    libraries = ("pandas", "pyarrow", "xlsxwriter")
    print(versions(libraries))
    tables = dx.read_jobs(accounts(options.jobs or (100_000 if options.quick else 1_000_000)))
    print(", ".join(f"{len(getattr(tables, name)):,} {name}" for name in FRAMES))
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        formats(report, tables, Path(folder), options.repeat)
        if not options.only_targets:
            once(tables, Path(folder))
    print(f"\n{report.missed} targets missed" if report.missed else "\nAll targets met")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
