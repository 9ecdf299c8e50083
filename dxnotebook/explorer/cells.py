"""What an explorer's messages carry of jobs: cells, titles, and which columns there are."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.explorer.filters import CAUSE, CODE, COLUMNS, COMBINED, DAY, OF_ERRORS, OUTCOME
from dxnotebook.text import shortened, title, visible

#: The longest texts in a row of a table, and in the details of a job.
LONGEST_CELL, LONGEST_TEXT = 300, 20_000
#: How many rows a message carries at most.
MOST_ROWS = 200

_TITLES = {"account_id": "Account", "code": "Error code", "job_id": "Job ID", "job_arn": "ARN"}
_FACET_TITLES = _TITLES | {"data_set_id": "Data set"}
_COLUMN_TITLES = _TITLES | {"data_set_id": "Data set ID", "data_set_name": "Data set"}
_ASSET_COLUMNS = ("asset_name", "bucket", "key")


def as_text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Return any value as a text that a message can carry and a page can show, if need be short."""
    text = "none" if value is None else str(value)
    characters = f" ({len(text):,} characters)" if len(text) > longest else ""
    return visible(shortened(text, longest) + characters)


def values(column: pd.Series[Any]) -> list[Any]:
    """Return a column's cells as a message can carry them.

    Times are in milliseconds since 1970, durations in seconds, all else are texts.
    """
    missing = column.isna().to_numpy(bool)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        cells: list[Any] = (column.to_numpy("M8[us]").view(np.int64) // 1000).tolist()
    elif column.name == "duration_s":
        seconds = column.to_numpy("float64", na_value=np.nan)
        cells, missing = seconds.tolist(), ~np.isfinite(seconds)
    else:
        cells = [as_text(value, LONGEST_CELL) for value in column]
    return [None if gone else cell for cell, gone in zip(cells, missing, strict=True)]


def table_of(frame: pd.DataFrame, job_id: str, *, once: str | None = None) -> dict[str, Any]:
    """Return the rows of a job in a frame, without the columns that are empty.

    Of rows that have the same in a column, only the first tells what they have in common: an error
    of many assets.
    """
    rows = frame[frame["job_id"] == job_id].drop(columns="job_id").dropna(axis="columns", how="all")
    first = rows.head(MOST_ROWS).astype(object).fillna("")
    if once in first:
        in_common = [name for name in first if name not in _ASSET_COLUMNS]
        first.loc[first[once].duplicated(), in_common] = ""
    cells = [[as_text(value) for value in row] for row in first.itertuples(index=False)]
    return {"columns": [_heading(name) for name in rows], "rows": cells, "in_all": len(rows)}


def command(job: pd.Series[Any]) -> str:
    """Return the command that looks at a job."""
    identity = shlex.quote(job.get("id_text", job["job_id"]))
    region = f" --region {shlex.quote(job['region'])}" if "region" in job else ""
    return as_text(f"aws dataexchange get-job --job-id {identity}{region}")


def contents(jobs: pd.DataFrame) -> dict[str, Any]:
    """Return what the page has to know once: the columns of jobs, and what divides these."""
    facets = [*COLUMNS, OUTCOME, CODE]
    for name in ("account_id", "region"):
        if not jobs[name].ne(jobs[name].head(1).squeeze()).any():  # all are of the same
            facets.remove(name)
    # most columns have a value soon
    rare = jobs.columns[jobs.head(100).isna().all()]
    empty = [name for name in rare if len(jobs) and jobs[name].isna().all()]
    columns = [str(name) for name in jobs if name not in empty]
    shown = ["state", "type", "data_set_name" if "data_set_name" in columns else "data_set_id"]
    shown += [name for name in ("account_id", "region") if name in facets]
    shown += ["created_at", "duration_s", CODE, "job_id"]
    kinds = dict.fromkeys(map(str, jobs.select_dtypes("datetimetz")), "time")
    kinds["duration_s"] = "duration"
    order = dict.fromkeys([*shown, *OF_ERRORS, *columns])
    groups = [*facets[1:3], *COMBINED, *facets[3:], CAUSE, DAY]
    return {
        "groups": [[n, _FACET_TITLES.get(n) or _heading(n)] for n in groups if n != OUTCOME],
        "columns": [[n, _COLUMN_TITLES.get(n) or _heading(n), kinds.get(n, "text")] for n in order],
        "shown": shown,
        "facets": [[name, _FACET_TITLES.get(name) or _heading(name)] for name in facets],
    }


def _heading(name: object) -> str:
    return title(str(name)).capitalize()
