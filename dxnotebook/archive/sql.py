"""What an archive says to deltalake in SQL: which jobs are wanted, and how a MERGE goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.archive.rows import MONTH, UNDATED
from dxnotebook.model import OPEN_STATES
from dxnotebook.tables.rejects import FIRST_TIME, LAST_TIME
from dxnotebook.times import Window

_RANKS = " ".join(f"WHEN '{state}' THEN {rank}" for rank, state in enumerate(OPEN_STATES))
# the time in microseconds, long ago where there is none, then how far the job is, and then whether
# it could be read
_VERSION = (
    f"coalesce(CAST(_.updated_at AS BIGINT), {-(10**17)}) * 10 "
    f"+ CASE _.state {_RANKS} ELSE {len(OPEN_STATES)} END * 2 "
    "+ CASE _.reject_reason WHEN '' THEN 1 ELSE 0 END"
)
#: The condition of an update: the incoming version of a job is newer. So that a replay changes
#: nothing, and so makes no commit, equally new versions are left alone, unless the incoming one is
#: further on, as nobody promises that UpdatedAt moves with each change of State, or is a job where
#: the other one is a reject.
IS_NEWER = " > ".join(_VERSION.replace("_.", f"{side}.") for side in ("s", "t"))


def selection(window: Window, values: Mapping[str, Iterable[str]]) -> str:
    """Return, in SQL, which are the jobs of a window that have some values.

    Rejects are selected whatever the limits, and jobs without a time whatever those in time.
    """
    times, limits = [], []
    if window.start is not None:
        first = instant(window.start)
        times += [f"created_at >= {first}", f"{MONTH} >= {first[:8]}'"]
    if window.end is not None:
        times.append(f"created_at < {instant(window.end)}")
    if times:
        limits.append(f"({' AND '.join(times)} OR {MONTH} = '{UNDATED}')")
    for name, wanted in values.items():
        limits.append(f"{name} IN ({', '.join(map(quoted, wanted)) or 'NULL'})")
    return f"reject_reason > '' OR ({' AND '.join(limits)})" if limits else "true"


def instant(time: pd.Timestamp) -> str:
    """Return a time as SQL has it, none finer than a microsecond, as those of jobs are."""
    return f"'{min(max(time.ceil('us'), FIRST_TIME), LAST_TIME).isoformat()}'"


def quoted(text: str) -> str:
    """Return a text as SQL has it."""
    return "'{}'".format(text.replace("'", "''"))


def column_names(names: Iterable[str]) -> str:
    """Return columns to select, as SQL has them."""
    return ", ".join('"{}"'.format(name.replace('"', '""')) for name in names)


def merged_values(
    stored: Iterable[str], given: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values of columns in a job that a MERGE inserts, and in one that it updates."""
    values = {f"`{name}`": f"s.`{name}`" if name in {*given} else "NULL" for name in stored}
    observed = {"`observations`": "array_concat(t.observations, s.observations)"}
    return values, values | {"`first_seen_at`": "t.first_seen_at"} | observed


def same_job(rows: pa.Table) -> str:
    """Return the condition that a job is one of some rows.

    It says where they can be, so that other months, and times in these, are not read.
    """
    months = ", ".join(map(quoted, pc.unique(rows[MONTH]).to_pylist()))
    same, created = f"t.{MONTH} = s.{MONTH} AND t.job_arn = s.job_arn", rows["created_at"]
    if not created.null_count:
        first, last = (f"'{time.isoformat()}'" for time in pc.min_max(created).as_py().values())
        same += f" AND t.created_at >= TIMESTAMP {first} AND t.created_at <= TIMESTAMP {last}"
    return f"t.{MONTH} IN ({months}) AND {same}"
