"""The reference of the columns of every answer, from the answers of the simulated account."""

from __future__ import annotations

import inspect
import tempfile
from typing import Any

import pandas as pd

import dxnotebook as dx
from docs import names

INTRODUCTION = """\
# The columns of every answer

Each answer is a plain pandas frame. Below are the columns and dtypes of each, with the first row
that it gives of the [simulated account](demo.md); what they mean is said at the function. Grouping
columns (`by`) keep their names, a period's start is the column `period`.
"""
#: What an answer needs besides the jobs, to show all that it has.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "failure_rate": {"by": "type", "every": "1w", "cluster": "revision_id"},
    "durations": {"by": "type", "every": "1mo"},
    "check": {"max_failure_rate": 0.01, "max_stuck": 0},
    "compare": {"before": ("2026-08-24", "2026-08-31"), "after": ("2026-08-31", "2026-09-07")},
}


def text() -> str:
    """Return the page: a table for each answer."""
    client = dx.demo.client()
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    parts = [INTRODUCTION]
    for name, room in names.public().items():
        function = getattr(dx, name)
        if room in ("metrics", "published") and "DataFrame" in _returns(function):
            given = ARGUMENTS.get(name, {})
            if "client" in inspect.signature(function).parameters:
                given = {"client": client}
            first = next(iter(inspect.signature(function).parameters))
            frame = function(tables if first == "tables" else tables.jobs, **given)
            parts.append(_table(name, given, frame))
    parts.append(_archive(client))
    return "\n".join(parts)


def _returns(function: Any) -> str:
    returned = inspect.signature(function).return_annotation
    return "DataFrame" if "Frame" in str(returned) else str(returned)


def _table(name: str, given: dict[str, Any], frame: pd.DataFrame, link: str = "answers") -> str:
    arguments = "".join(f", {key}={value!r}" for key, value in given.items() if key != "client") + (
        ", client" if "client" in given else ""
    )
    asked = f"`{name}`{f' with `{arguments[2:]}`' if arguments else ''}"
    rows = [
        f"| `{column}` | {dtype} | {_shown(frame[column].iloc[0]) if len(frame) else ''} |"
        for column, dtype in frame.dtypes.items()
    ]
    head = f"## {name.rpartition('.')[2]}\n\n[{asked}]({link}.md#dxnotebook.{name})\n"
    return "\n".join([head, "| column | dtype | for example |", "|---|---|---|", *rows, ""])


def _shown(value: Any) -> str:
    if pd.api.types.is_list_like(value) or not pd.isna(value):
        value = f"{value:.4g}" if isinstance(value, float) else str(value)
        value = value if len(value) <= 60 else f"{value[:59]}…"
        return f"`{value}`".replace("|", "\\|")
    return ""


def _archive(client: Any) -> str:
    """Return the tables of an archive's own answers."""
    with tempfile.TemporaryDirectory() as folder:
        archive = dx.Archive(folder)
        archive.sync(client, progress=False)
        job_id = archive.load(state="ERROR").jobs["job_id"].iloc[0]
        answers = {
            "Archive.history": archive.history(job_id),
            "Archive.transitions": archive.transitions(),
            "Archive.gaps": archive.gaps(),
        }
        return "\n".join(_table(name, {}, frame, "archive") for name, frame in answers.items())
