"""Rows of jobs also where one of them cannot be made a row: it is kept as a reject.

Else one job that nobody thought of would keep all others out of the archive, in every sync to come.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from dxnotebook.archive.rows import archived, newest
from dxnotebook.errors import DataWarning, warn
from dxnotebook.records.redact import redact_value
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.text import valid_utf8

_HALF = re.compile("[\ud800-\udfff]")


def rows_of(tables: JobTables, seen_at: pd.Timestamp, stored: pa.Schema | None = None) -> pa.Table:
    """Return the rows of jobs and rejects as `archived` does, each in some form."""
    jobs, rejects = len(tables), len(tables.rejects)
    try:
        return archived(tables, seen_at, stored)
    except Exception as error:  # noqa: BLE001 (whatever it is)
        if jobs + rejects <= 1:
            return archived(_as_reject(tables, error), seen_at, stored)
    is_first = np.arange(jobs + rejects) < (jobs + rejects) // 2
    parts = [
        replace(tables.filter(chosen[:jobs]), rejects=tables.rejects[chosen[jobs:]])
        for chosen in (is_first, ~is_first)
    ]
    rows = [rows_of(part, seen_at, stored) for part in parts]
    return newest(pa.concat_tables(rows, promote_options="default"))


def _as_reject(tables: JobTables, error: Exception) -> JobTables:
    """Return one job or reject as a reject that can be a row: all of it, or else its name."""
    reason = f"no row could be made: {type(error).__name__}"
    names = [valid_utf8(name) for name in tables.jobs["job_arn"]]
    warn(f"{names or 'A reject'}: {reason}. It is kept as JSON; please report it.", DataWarning)
    raw = json.dumps([valid_utf8(raw) for raw in tables.rejects["raw"]] or names)
    with suppress(Exception):
        [whole] = [*map(json.loads, tables.rejects["raw"])] or tables.to_jobs()
        text = json.dumps(redact_value(whole), default=str, ensure_ascii=False)
        # of half a surrogate pair the escape: nothing that reads this makes half a pair of it
        raw = _HALF.sub(lambda half: rf"\\u{ord(half[0]):04x}", text)
    reject = {"source": "archive", "page": 0, "position": 0, "reason": reason, "raw": raw}
    rejects = pd.DataFrame([reject]).astype(tables.rejects.dtypes)[tables.rejects.columns]
    return replace(tables.filter(np.zeros(len(tables), bool)), rejects=rejects)
