"""Archiving: dxnotebook's archive beside a DuckDB table with a primary key and pandas.read_parquet.

How to run it, from the repository with the ``benchmark`` and ``test`` extras installed::

    python -m benchmarks.archive            # some ten minutes: one and four million jobs
    python -m benchmarks.archive --quick    # a tenth of the jobs; targets are for all of them

What the figures mean: milliseconds on the clock, the median of the rounds, in which the contestants
take turns. *merge* puts 10,000 recent jobs into an archive, half of them new, half changed; each
round has jobs and changes of its own. DuckDB does the same with ``INSERT … ON CONFLICT DO UPDATE``
on the same columns, lists included, with the ARN as primary key. *load* reads the same archive
back; pandas reads the same files as they are. *growth* is the merge in an archive of four times as
many jobs, over four times as long. A ratio is dxnotebook's figure over the other's. The exit status
is 1 when a target is missed.

The jobs are those of `dxnotebook.demo` in accounts of 200,000, each copy of them 90 days older than
the one before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

import dxnotebook as dx
from benchmarks.analytics import ACCOUNT, accounts, compare
from benchmarks.load import Report, versions
from dxnotebook.archive.rows import MONTH, archived, months
from dxnotebook.archive.store import JOBS, Store
from dxnotebook.model import TEXT

RECENT = 10_000
QUARTER = pd.Timedelta(days=90)


def texts(*values: str) -> list[pa.Scalar]:
    return [pa.scalar(value, TEXT) for value in values]


def moved(rows: pa.Table, back: int) -> pa.Table:
    """Return rows as other jobs, created so many quarters earlier."""
    if not back:
        return rows
    changed = {"job_arn": pc.binary_join_element_wise(rows["job_arn"], *texts(str(back), "-"))}
    for name in ("created_at", "updated_at"):
        changed[name] = pc.subtract(rows[name], pa.scalar(QUARTER.to_pytimedelta() * back))
    changed[MONTH] = months(changed["created_at"].combine_chunks())
    for name, values in changed.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    return rows


def filled(folder: Path, rows: pa.Table, quarters: int) -> dx.Archive:
    """Return an archive of the rows, once for each quarter, as it is after its housekeeping."""
    archive, store = dx.Archive(folder), Store(folder)
    store.create()
    for quarter in range(quarters):
        for start in range(
            0, len(rows), ACCOUNT
        ):  # as accounts come, so that not all is in memory again
            part = moved(rows.slice(start, ACCOUNT), quarter)
            store.merge(lambda _, part=part: part)
    store.append([{"asked_at": dx.demo.NOW, "complete": False}])
    archive.optimize()
    return archive


class Changes:
    """10,000 recent jobs at a time, half of them new, half changed since the last time."""

    def __init__(self, rows: pa.Table) -> None:
        order = pc.sort_indices(rows["created_at"], sort_keys=[("", "descending")])[:RECENT]
        self._rows = rows.take(order)
        self._number = 0

    def __next__(self) -> pa.Table:
        self._number += 1
        half = RECENT // 2
        fresh = self._rows.slice(0, half)
        arns = pc.binary_join_element_wise(fresh["job_arn"], *texts(f"new {self._number}", "-"))
        fresh = fresh.set_column(fresh.column_names.index("job_arn"), "job_arn", arns)
        old = self._rows.slice(half)
        later = pc.add(
            old["updated_at"], pa.scalar(pd.Timedelta(seconds=self._number).to_pytimedelta())
        )
        old = old.set_column(old.column_names.index("updated_at"), "updated_at", later)
        return pa.concat_tables([fresh, old])


def merged(archive: dx.Archive, rows: pa.Table) -> None:
    given, new, changed = Store(archive.uri).merge(lambda _: rows)
    assert (given, new, changed) == (RECENT, RECENT // 2, RECENT // 2)


def upserted(database: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    names = [name for name in rows.column_names if name != "job_arn"]
    updates = ", ".join(f'"{name}" = excluded."{name}"' for name in names)
    database.register("incoming", rows)
    database.execute(
        f"INSERT INTO jobs SELECT * FROM incoming ON CONFLICT (job_arn) DO UPDATE SET {updates} "
        "WHERE excluded.updated_at > jobs.updated_at"
    )
    database.unregister("incoming")


def in_duckdb(folder: Path, rows: pa.Table) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(folder / "jobs.duckdb")
    database.register("rows", rows)
    database.execute("CREATE TABLE jobs AS SELECT * FROM rows")
    database.execute("ALTER TABLE jobs ADD PRIMARY KEY (job_arn)")
    database.unregister("rows")
    database.execute("CHECKPOINT")
    return database


def merging(report: Report, folder: Path, rows: pa.Table, archive: dx.Archive, repeat: int) -> None:
    database = in_duckdb(folder, rows)
    mine, other = Changes(rows), Changes(rows)
    contestants: dict[str, Any] = {
        "MERGE": lambda: merged(archive, next(mine)),
        "DuckDB upsert": lambda: upserted(database, next(other)),
    }
    compare(
        report, f"merge: 10,000 into {len(rows):,}", contestants, {"DuckDB upsert": 1 / 3}, repeat
    )
    database.close()


def loading(report: Report, archive: dx.Archive, repeat: int) -> None:
    files = DeltaTable(f"{archive.uri}/{JOBS}").file_uris()
    contestants: dict[str, Any] = {
        'load(since="7d")': lambda: archive.load(since="7d"),
        "load()": archive.load,
    }
    compare(report, "load: a week", contestants, {"load()": 1 / 5}, repeat)
    contestants = {"load()": archive.load, "pandas.read_parquet": lambda: pd.read_parquet(files)}
    compare(report, "load: everything", contestants, {"pandas.read_parquet": 2.0}, repeat)


def growth(report: Report, rows: pa.Table, one: dx.Archive, four: dx.Archive, repeat: int) -> None:
    print(f"\ngrowth: 10,000 into {len(rows):,} and into {4 * len(rows):,}")
    took: dict[str, list[float]] = {"one": [], "four": []}
    changes = {"one": Changes(moved(rows, 0)), "four": Changes(rows)}
    for _ in range(20):  # the jobs of the rounds before are there already
        next(changes["one"])
    for archive in (one, four):
        archive.optimize()
    for number in range(repeat + 1):
        for name, archive in (("one", one), ("four", four)):
            start = time.perf_counter()
            merged(archive, next(changes[name]))
            if number:
                took[name].append(1000 * (time.perf_counter() - start))
    figures = {name: median(times) for name, times in took.items()}
    print(f"  {'one':<40}{figures['one']:>10.0f} ms\n  {'four':<40}{figures['four']:>10.0f} ms")
    report.line("four / one", figures["four"] / figures["one"], 1.5)


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.archive", description="The archive beside other stores."
    )
    parser.add_argument("--jobs", type=int, help="how many jobs (default 1,000,000)")
    parser.add_argument(
        "--repeat", type=int, default=5, help="rounds, whose median is shown (default 5)"
    )
    parser.add_argument("--quick", action="store_true", help="100,000 jobs")
    options = parser.parse_args()
    libraries = ("deltalake", "duckdb", "pandas", "pyarrow")
    print(versions(libraries))
    tables = dx.read_jobs(accounts(options.jobs or (100_000 if options.quick else 1_000_000)))
    rows = archived(tables, pd.Timestamp(dx.demo.NOW))
    print(f"{len(rows):,} jobs", flush=True)
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = filled(folder / "one", rows, 1)
        loading(report, one, options.repeat)
        merging(report, folder, rows, one, options.repeat)
        growth(report, rows, one, filled(folder / "four", rows, 4), options.repeat)
    print(f"\n{report.missed} targets missed" if report.missed else "\nAll targets met")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
