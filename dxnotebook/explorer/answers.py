"""The answers to the messages of an explorer's page.

The page holds no jobs but those on screen: it sends what it wants to see, the filters, the sorting,
the rows, and gets an answer. A message that is answered here always says what filters hold.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Mask, located
from dxnotebook.aws.background import in_background
from dxnotebook.errors import DxError
from dxnotebook.explorer import cells, dimensions
from dxnotebook.explorer.crossfilter import Crossfilter, View
from dxnotebook.explorer.filters import CAUSE, CODE, OF_ERRORS
from dxnotebook.explorer.views import brief
from dxnotebook.files.export import export
from dxnotebook.metrics.compare import differences
from dxnotebook.tables.jobtables import JOINED, JobTables, checked
from dxnotebook.text import counted, shortened

Message = dict[str, Any]
#: Under this key an answer has the bytes that go beside it.
BUFFERS = "buffers"

_MOST_VALUES, _MOST_CAUSES, _MOST_RUNS = 50, 8, 20
_LARGEST_DOWNLOAD = 100_000_000  # bytes
_FORMATS = {"parquet": ".parquet", "csv": ".csv", "excel": ".xlsx"}


class Exploration:
    """What an explorer answers from.

    Parameters
    ----------
    tables : JobTables
        The jobs.
    read_only : bool
        Whether nothing may be written where the kernel runs.

    Attributes
    ----------
    tables : JobTables
        The jobs.
    crossfilter : Crossfilter
        These under filters.
    ticked : numpy.ndarray of bool
        Which of them are ticked; another array where others are.
    unseen : numpy.ndarray of bool
        Which of them are new or changed, and were not seen since.
    news : dict
        How many are new, and how many changed, of those before.
    comparison : (list of dict, Future)
        The filters of the two groups that were compared last, and what comes of it.
    pending : list of callable
        What is yet to be prepared.
    contents : dict
        What the page has to know once.
    """

    def __init__(self, tables: JobTables, *, read_only: bool = False) -> None:
        self.read_only = read_only
        self.crossfilter = Crossfilter(checked(tables))
        self.tables = self.crossfilter.tables
        self.ticked = self.unseen = np.zeros(len(self.tables), bool)
        self.news = {"new": 0, "changed": 0}
        self.pending = self.crossfilter.preparations()
        self.contents = {**cells.contents(self.tables.jobs), "formats": list(_FORMATS)}
        self.contents["read_only"] = read_only
        self.comparison: tuple[Any, Future[pd.DataFrame]] = None, Future()
        self._parts: dict[str, tuple[Mask | None, JobTables]] = {}

    def renewal(self, tables: JobTables) -> Callable[[Exploration], Exploration]:
        """Return what makes of this exploration that of other tables, in no time.

        Jobs that were ticked stay so, and what is new or has changed is unseen; where no job is the
        same, nothing is new.
        """
        other = Exploration(tables, read_only=self.read_only)
        before, now = self.crossfilter, other.crossfilter
        places = located(other.tables.jobs["job_id"], self.tables.jobs["job_id"])
        is_known = places >= 0
        old, new = (one.tables.jobs["state"].astype("category").cat for one in (self, other))
        codes = old.set_categories(new.categories).cat.codes
        is_same = np.append(codes, -1)[places] == new.codes.to_numpy()
        is_same &= np.append(before.facts.ended, 0)[places] == now.facts.ended
        is_news = ~(is_known & is_same)
        changed = int((is_known & is_news).sum())
        other.news = {"new": len(places) - int(is_known.sum()), "changed": changed}

        def renew(latest: Exploration) -> Exploration:
            other.ticked, other.unseen = (
                np.append(mask, False)[places] for mask in (latest.ticked, latest.unseen)
            )
            other.unseen |= is_news & is_known.any()
            return other

        return renew

    def part(self, name: str, filters: Mapping[str, Any]) -> JobTables:
        """Return the tables of the "selected" jobs, or of the "selection" that filters leave."""
        mask = self.ticked if name == "selected" else self.crossfilter.view(filters).mask
        # a mask is kept as long as what it is of
        if name not in self._parts or self._parts[name][0] is not mask:
            part = self.tables if mask is None else self.crossfilter.part(mask)
            self._parts[name] = mask, part
        return self._parts[name][1]

    def tick(self, jobs: Iterable[str]) -> None:
        """Tick the jobs that `JobTables.filter` would return, and no others."""
        ids = self.tables.filter(jobs).jobs["job_id"]
        self.ticked = self.tables.jobs["job_id"].isin(ids).to_numpy(bool)

    def rows(self, rows: Array, names: list[str]) -> list[list[Any]]:
        """Return rows as the page shows them: the job's id, whether it is ticked, the cells."""
        jobs, of_errors = self.tables.jobs.iloc[rows], self.crossfilter.of_first_errors
        jobs = jobs.assign(duration_s=self.crossfilter.facts.so_far[rows])
        columns = [of_errors(n, rows) if n in OF_ERRORS else jobs[n] for n in names]
        ids, ticked = jobs["job_id"].tolist(), self.ticked[rows].tolist()
        return [list(row) for row in zip(ids, ticked, *map(cells.values, columns), strict=True)]

    def row(self, job_id: str) -> int:
        """Return the row of a job."""
        rows = np.flatnonzero(self.tables.jobs["job_id"].eq(job_id).to_numpy(bool))
        if not len(rows):
            raise DxError(f"There is no job {shortened(job_id, cells.LONGEST_CELL)!r}.")
        return int(rows[0])


def view(explored: Exploration, message: Message) -> Message:
    """Return the rows that are wanted and, unless only they are, what all controls show."""
    crossfilter = explored.crossfilter
    wanted = message["view"]
    current, (sort, descending) = crossfilter.view(wanted["filters"]), wanted["sort"]
    rows = crossfilter.rows(current, sort, descending=descending)
    first, number = max(int(message["first"]), 0), min(int(message["count"]), cells.MOST_ROWS)
    answer = {"total": len(rows), "first": first, "view": wanted}
    within = rows[first : first + number]
    answer["rows"] = explored.rows(within, wanted["columns"])
    answer["unseen"] = explored.tables.jobs["job_id"].iloc[within[explored.unseen[within]]].tolist()
    answer["brief"] = brief(wanted, explored.contents)
    answer["python"] = f"dx.explore(tables, view={answer['brief']!r})"
    if message.get("only_rows"):
        return answer
    names, chart = [*dict(explored.contents["facets"]), CAUSE], (wanted["zone"], wanted["zoom"])
    known = [name for name in names if crossfilter.knows(name)]
    if by := wanted["group"]:
        answer["groups"] = crossfilter.groups(current, by, wanted["group_sort"], *chart)
    sought = message.get("sought") or {}
    return {
        **answer,
        "summary": crossfilter.summary(current),
        "trend": crossfilter.trend(current, *chart),
        "now": crossfilter.facts.now // 1000,
        "unknown": crossfilter.unknown(current),
        "counts": {name: _control(crossfilter, current, name, sought.get(name)) for name in known},
        "ticked": int(explored.ticked.sum()),
        "more": bool(explored.pending),
    }


def _control(crossfilter: Crossfilter, current: View, name: str, text: str | None) -> Message:
    """Return the commonest values of a dimension, those with a text, with labels and numbers."""
    most = _MOST_CAUSES if name == CAUSE else _MOST_VALUES
    counts, more = crossfilter.counts(current, name, most, text or "")
    label = crossfilter.dimension(name).label
    values = [[v, cells.as_text(label(v), cells.LONGEST_CELL), n] for v, n in counts]
    return {"values": values, "more": more}


def prepare(explored: Exploration, _: Message) -> Message:
    """Do the next piece of what makes later answers quick, and say whether there is more."""
    if explored.pending:
        explored.pending.pop(0)()
    return {"more": bool(explored.pending), "causes": explored.crossfilter.knows(CAUSE)}


def tick(explored: Exploration, message: Message) -> Message:
    """Tick or untick a row, or all that are shown."""
    shown = explored.crossfilter.view(message["view"]["filters"]).mask
    rows = shown if message["job"] is None else explored.row(message["job"])
    ticked = explored.ticked.copy()
    ticked[slice(None) if rows is None else rows] = message["on"]
    explored.ticked = ticked
    return {"ticked": int(ticked.sum())}


def seen(explored: Exploration, message: Message) -> Message:
    """Take note that jobs were seen."""
    explored.unseen &= ~explored.tables.jobs["job_id"].isin(message["jobs"]).to_numpy(bool)
    return {"jobs": message["jobs"]}


def detail(explored: Exploration, message: Message) -> Message:
    """Return all that is known of a job."""
    row, jobs = explored.row(message["job"]), explored.tables.jobs
    job = jobs.iloc[row].dropna()
    alike, runs = explored.crossfilter.alike(row), explored.crossfilter.runs(job["job_id"])
    place = int(np.flatnonzero(runs == row)[0])
    first = max(min(place - _MOST_RUNS // 2, len(runs) - _MOST_RUNS), 0)
    around = runs[first : first + _MOST_RUNS]
    return {
        "job_id": message["job"],
        "job": [[str(name), cells.as_text(value)] for name, value in job.items()],
        "errors": cells.table_of(alike.errors, job["job_id"], once="position"),
        "details": cells.table_of(alike.details, job["job_id"]),
        "runs": explored.rows(around, ["state", "created_at", "duration_s", CODE]),
        "runs_in_all": len(runs),
        "outcome": _outcome(explored, row),
        "arn": cells.as_text(job.get("job_arn", "")),
        "command": cells.command(job),
    }


def _outcome(explored: Exploration, row: int) -> Message:
    """Return what came of a failure, or comes of an open job: by which job, after how long."""
    facts, jobs = explored.crossfilter.facts, explored.tables.jobs
    by = int(facts.done_with.get(row, -1))
    since = facts.created[row] if facts.is_open[row] else facts.ended[row]
    until = facts.ended[by] if by >= 0 else facts.now
    took = None if dimensions.NO_TIME in (since, until) else max(until - since, 0) / 1e6
    name = facts.outcome.names[facts.outcome.codes[row]]
    by_job = jobs["job_id"].iloc[by] if by >= 0 else None
    return {"name": name, "by": by_job, "took": took}


def compare(explored: Exploration, message: Message) -> Message:
    """Return what is different about the jobs of two groups, or nothing yet.

    It may take seconds, which nothing else waits for: the page asks again.
    """
    filters, all_jobs = message["view"]["filters"], np.ones(len(explored.tables), bool)
    sides = [{**filters, **side} for side in message["sides"]]
    if explored.comparison[0] != sides:
        masks = [explored.crossfilter.view(side).mask for side in sides]
        one, other = (all_jobs if mask is None else mask for mask in masks)
        works = [partial(differences, explored.tables, one, other)]
        explored.comparison = sides, in_background(works)[0]
    if not explored.comparison[1].done():
        return {"rows": None}
    table = explored.comparison[1].result().head(_MOST_RUNS).astype(object)
    names = ["measure", "fingerprint", "before", "after", "difference", "low", "high", "change"]
    rows = table.where(table.notna(), None)[names].to_numpy().tolist()
    return {"rows": [[n, cause and cells.as_text(cause), *numbers] for n, cause, *numbers in rows]}


def save(explored: Exploration, message: Message) -> Message:
    """Export the selection beside the notebook, or return its bytes to be downloaded."""
    if explored.read_only and not message["download"]:
        raise DxError("This explorer is read only; download the jobs.")
    table = message["table"] if message.get("table") in JOINED else None
    # to the microsecond, so that nothing has that name yet
    name = f"{table or 'jobs'}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{_FORMATS[message['format']]}"
    which = "selected" if message["ticked"] else "selection"
    tables = explored.part(which, message["view"]["filters"])
    jobs = counted(len(tables), "job")
    exported = getattr(tables, table) if table else tables
    if not message["download"]:
        export(exported, name)
        return {"text": f"Saved {jobs} as {name}."}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        export(exported, path)
        if path.is_dir():
            path = Path(shutil.make_archive(str(path), "zip", folder, name))
        content = path.read_bytes()
    if len(content) > _LARGEST_DOWNLOAD:
        raise DxError(f"{len(content):,} bytes are too many to download. Filter the jobs.")
    text = f"Downloaded {jobs} as {path.name}."
    return {"name": path.name, "text": text, BUFFERS: [content]}


#: What answers each kind of message.
ANSWERS = {one.__name__: one for one in (view, prepare, tick, seen, detail, compare)} | {
    "export": save
}
