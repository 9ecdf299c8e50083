"""Groups of rows by plain Python, for tests to compare with."""

from __future__ import annotations

import pandas as pd


def groups_of(jobs, by):
    """Return the rows of each group, null being one, by hand."""
    found = {}
    for row in jobs.to_dict("records"):
        key = tuple(None if pd.isna(row[name]) else row[name] for name in by)
        found.setdefault(key, []).append(row)
    return found


def keys_of(result, by):
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in result[by].itertuples(index=False)
    ]
