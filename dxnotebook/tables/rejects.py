"""What can be told of rejects, though they cannot be typed."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from dxnotebook.tables.flatten import ARN
from dxnotebook.text import valid_utf8
from dxnotebook.times import instant

_TEXTS = {"Id": "job_id", "Arn": "job_arn", "State": "state", "Type": "type"}
_TIMES = {"CreatedAt": "created_at", "UpdatedAt": "updated_at"}
#: Between these, times fit nanoseconds in 64 bits, by which Delta Lake merges.
FIRST_TIME, LAST_TIME = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_TOLD = {"job_id": "str", "job_arn": "str", "state": "str", "created_at": "datetime64[us, UTC]"}


def legible(job: Any) -> dict[str, Any]:
    """Return what can be typed of a reject.

    Examples
    --------
    >>> from dxnotebook.tables.rejects import legible
    >>> legible({"Id": "a1", "State": 7, "CreatedAt": "soon"})
    {'job_id': 'a1'}
    """
    row: dict[str, Any] = {}
    for name, value in job.items() if isinstance(job, dict) else ():
        if name in _TEXTS and value and isinstance(value, str):
            row[_TEXTS[name]] = valid_utf8(value)
        elif name in _TIMES:
            with suppress(ValueError):
                time = instant(value)[0]
                row |= {_TIMES[name]: time} if FIRST_TIME < time < LAST_TIME else {}
    return row


def told(rejects: pd.DataFrame) -> pd.DataFrame:
    """Return ids, account, state and time of rejects; `key` is the ARN, id or JSON they go by."""
    rows = [legible(json.loads(raw)) for raw in rejects["raw"]]
    frame = pd.DataFrame(rows, rejects.index, list(_TOLD)).astype(_TOLD)
    key = frame["job_arn"].fillna(frame["job_id"]).fillna(rejects["raw"])
    return frame.join(frame["job_arn"].str.extract(ARN)).assign(key=key)
