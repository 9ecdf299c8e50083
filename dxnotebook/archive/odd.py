"""Rows of jobs also where one of them cannot be made a row: it is kept as a reject.

Else one job that nobody thought of would keep all others out of the archive, in every sync to come.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dxnotebook.archive.rows import archived, newest
from dxnotebook.errors import DataWarning, warn
from dxnotebook.records.redact import redact_value
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.text import valid_utf8


def rows_of(tables: JobTables, seen_at: pd.Timestamp, stored: pa.Schema | None = None) -> pa.Table:
    """Return the rows of jobs and rejects as `archived` does, each in some form."""
    try:
        return archived(tables, seen_at, stored)
    except Exception as error:  # noqa: BLE001 (whatever it is)
        parts = list(_halves(tables))
        if not parts:
            return _kept(tables, seen_at, stored, error)
    rows = [rows_of(part, seen_at, stored) for part in parts]
    return newest(pa.concat_tables(rows, promote_options="default"))


def _halves(tables: JobTables) -> Iterator[JobTables]:
    """Yield tables in two parts, or none if they have but one job or reject."""
    jobs, rejects = len(tables), len(tables.rejects)
    if jobs + rejects > 1:
        is_first = np.arange(jobs + rejects) < (jobs + rejects) // 2
        for chosen in (is_first, ~is_first):
            part = tables.filter(chosen[:jobs])
            yield replace(part, rejects=tables.rejects[chosen[jobs:]].reset_index(drop=True))


def _kept(
    tables: JobTables, seen_at: pd.Timestamp, stored: pa.Schema | None, error: Exception
) -> pa.Table:
    """Return the row of one job or reject in the first form in which it can be one."""
    what = f"of {', '.join(map(valid_utf8, tables.jobs['job_arn']))}" if len(tables) else "a reject"
    remedy = "It is kept as JSON; please report it"
    warn(f"No row could be made {what}: {type(error).__name__}. {remedy}.", DataWarning)
    for reject in _forms(tables, f"no row could be made: {type(error).__name__}"):
        rejects = pd.DataFrame([reject])[tables.rejects.columns].astype(tables.rejects.dtypes)
        with suppress(Exception):
            nothing = tables.filter(np.zeros(len(tables), bool))
            return archived(replace(nothing, rejects=rejects), seen_at, stored)
    raise error


def _forms(tables: JobTables, reason: str) -> Iterator[dict[Any, Any]]:
    """Yield what can be kept of a job or reject: all members, or its text, or its name."""
    reject: dict[Any, Any] = {"source": "archive", "page": 0, "position": 0, "reason": reason}
    for given in tables.rejects.to_dict("records"):
        yield given | {"reason": valid_utf8(given["reason"]), "source": valid_utf8(given["source"])}
        yield reject | {"raw": json.dumps(valid_utf8(given["raw"]))}
    with suppress(Exception):
        for job in tables.to_jobs():
            yield reject | {"raw": json.dumps(redact_value(job), default=str)}
    yield reject | {"raw": json.dumps([*map(valid_utf8, tables.jobs["job_arn"])])}
