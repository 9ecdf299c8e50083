"""What an explorer shows of tables under filters that cross: which jobs, how many of each value.

A dimension is a way to divide the jobs: a column, the code or cause of an error, time, a text. Each
dimension that is filtered has a mask over all jobs. What a control counts is what the masks of the
other dimensions leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from operator import and_
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, Integers, Mask, located
from dxnotebook.errors import DxError
from dxnotebook.explorer import dimensions
from dxnotebook.explorer.facts import Facts, by_result
from dxnotebook.explorer.filters import (
    CAUSE,
    CODE,
    COLUMNS,
    COMBINED,
    DAY,
    NOT,
    OUTCOME,
    REVISION,
    SINCE,
    TEXT,
    UNTIL,
    WORK,
    normalized,
)
from dxnotebook.explorer.groups import Groups
from dxnotebook.explorer.search import Search
from dxnotebook.metrics.causes import fingerprints
from dxnotebook.metrics.reruns import runs_of_same_work
from dxnotebook.metrics.trend import judged
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables

_FATEFUL = {"state", OUTCOME, CODE, CAUSE}  # jobs that these choose make no rate
Zoom = Sequence[str | None] | None
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class View:
    """Which jobs some filters leave, and what the controls count.

    Attributes
    ----------
    filters : dict
        The filters, normalized.
    masks : dict of str to numpy.ndarray of bool
        Which jobs each filtered dimension leaves.
    """

    filters: dict[str, Any]
    masks: dict[str, Mask]

    @cached_property
    def mask(self) -> Mask | None:
        """Which jobs are shown; none when all are."""
        return reduce(and_, self.masks.values()) if self.masks else None

    @cached_property
    def rows(self) -> Array | None:
        """The rows of the jobs that are shown; none when all are.

        To take rows is many times faster than to mask.
        """
        return None if self.mask is None else np.flatnonzero(self.mask)

    def listed(self, name: str) -> list[str | None]:
        """Return the values of a dimension that are to be shown, and those that are not."""
        return [*self.filters.get(name, ()), *self.filters.get(NOT, {}).get(name, ())]

    def others(self, *dimensions: str) -> View:
        """Return what the filters of the other dimensions leave."""
        masks = {name: mask for name, mask in self.masks.items() if name not in dimensions}
        return self if len(masks) == len(self.masks) else View(self.filters, masks)


class _Latest:
    """The latest result of each name, kept for as long as it is of the same."""

    def __init__(self) -> None:
        self._results: dict[str, tuple[Any, Any]] = {}

    def get(self, name: str, make: Callable[..., _Result], *given: Any) -> _Result:
        """Return what is made of what is given, by name; made again when something else is."""
        if name not in self._results or self._results[name][0] != given:
            self._results[name] = given, make(*given)
        result: _Result = self._results[name][1]
        return result


class Crossfilter:
    """Tables under filters that cross.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.explorer.crossfilter import Crossfilter
    >>> crossfilter = Crossfilter(dx.load_jobs(dx.demo.client()))
    >>> crossfilter.summary(crossfilter.view({"type": ["EXPORT_REVISIONS_TO_S3"]}))["jobs"]
    508
    """

    def __init__(self, tables: JobTables) -> None:
        names = tables.jobs.columns
        if twice := names[names.duplicated()].tolist():
            problem = f"The jobs have several columns {twice[0]!r}"
            raise DxError(f"{problem}. Rename or drop all but one.")
        self.tables, self.size, self.facts = tables, len(tables), Facts(tables)
        self._search = Search(tables)
        self._dimensions: dict[str, dimensions.Dimension] = {}
        self._latest = _Latest()

    def preparations(self) -> list[Callable[[], object]]:
        """Return, in pieces, what the first search or look at causes would else wait for."""
        errors = [partial(self.dimension, name) for name in (CODE, CAUSE)]
        last = partial(self.dimension, OUTCOME)
        return [lambda: self.facts.by_duration, *errors, *self._search.preparations(), last]

    def part(self, mask: Mask) -> JobTables:
        """Return the tables of some jobs.

        `JobTables.filter` would look all of their ids up each time.
        """
        masks = {"jobs": mask}
        for name in ("details", "errors"):
            masks[name] = np.append(mask, False)[self._search.owners(name)]
        frames = {name: getattr(self.tables, name)[rows] for name, rows in masks.items()}
        parts = {name: frame.reset_index(drop=True) for name, frame in frames.items()}
        return replace(self.tables, **parts)

    def alike(self, row: int) -> JobTables:
        """Return the jobs of the same type, data set, account and region as one of them."""
        codes = [self.dimension(name).codes for name in COLUMNS if name != "state"]
        return self.part(reduce(and_, (places == places[row] for places in codes)))

    def runs(self, job_id: str) -> Integers:
        """Return the rows of the jobs that are to do the same as one, the first created first."""
        ids = self.tables.jobs["job_id"]
        (row,) = located(pd.Series([job_id], dtype="str"), ids)
        if row < 0:  # as in a view of other tables
            return located(ids[:0], ids)
        return located(runs_of_same_work(self.alike(row), job_id)["job_id"], ids)

    def knows(self, name: str) -> bool:
        """Tell whether a dimension can be had in no time."""
        return name in COLUMNS or name in self._dimensions

    def dimension(self, name: str) -> dimensions.Dimension:
        """Return a dimension of values."""
        if name not in self._dimensions:
            self._dimensions[name] = self._dimension(name)
        return self._dimensions[name]

    def _dimension(self, name: str) -> dimensions.Dimension:
        if name in COLUMNS:
            found = dimensions.from_jobs(self.tables.jobs[name])
            return replace(found, labels=self._names(found)) if name == "data_set_id" else found
        if name == REVISION:
            return self.facts.revision
        if name == OUTCOME:
            return self.facts.outcome
        values = self.tables.errors[CODE] if name == CODE else fingerprints(self.tables)
        return dimensions.from_errors(values, self._search.owners("errors"))

    def view(self, filters: Mapping[str, Any]) -> View:
        """Return what filters leave; for the same again, as in scrolling, the same view."""
        return self._latest.get("view", self._view, normalized(filters))

    def _view(self, filters: dict[str, Any]) -> View:
        shown, hidden = _by_dimension(filters), _by_dimension(filters.get(NOT, {}))
        latest = self._latest.get  # most clicks change one filter, and the others' masks stay
        masks = {
            name: latest(f"mask of {name}", self._left, name, shown.get(name), hidden.get(name))
            for name in {**shown, **hidden}
        }
        return View(filters, masks)

    def _left(self, name: str, shown: Any, hidden: Any) -> Mask:
        """Return which jobs have what is to be shown of a dimension, and not what is to be not."""
        if hidden is None:
            return self._having(name, shown)
        others = ~self._having(name, hidden)
        return others if shown is None else others & self._having(name, shown)

    def _having(self, name: str, value: Any) -> Mask:
        if name == TEXT:
            return self._search.mask(value)
        if name == SINCE:
            return self._created_within(*value)
        if name == WORK:
            return dimensions.marked(self.runs(value), self.size)
        return self.dimension(name).mask(value, self.size)

    def unknown(self, view: View) -> list[tuple[str, str | None]]:
        """Return what is filtered by though no job has it: names of filters and values."""
        listed = [name for name in view.masks if name not in (TEXT, WORK, SINCE)]
        pairs = [(name, value) for name in listed for value in view.listed(name)]
        unknown = [(name, value) for name, value in pairs if not self.dimension(name).has(value)]
        shown = [name for name in (TEXT, WORK) if name in view.filters]
        return [*unknown, *((n, view.filters[n]) for n in shown if not view.masks[n].any())]

    def _created_within(self, since: str | None, until: str | None) -> Mask:
        created, mask = self.facts.created.view("M8[us]"), np.ones(self.size, bool)
        if since is not None:
            mask &= created >= pd.Timestamp(since).as_unit("us").asm8
        if until is not None:
            mask &= created < pd.Timestamp(until).as_unit("us").asm8
        return mask

    def counts(
        self, view: View, name: str, most: int, text: str = ""
    ) -> tuple[list[tuple[str | None, int]], int]:
        """Return the commonest values of what the other filters leave, and how many more there are.

        They are those that have a text in their name. Each comes with the number of its jobs. A
        value that is chosen is always among them.
        """
        dimension = self.dimension(name)
        counts = dimension.counts(view.others(name).rows, self.size)
        if text:
            named = [text.lower() in dimension.label(one).lower() for one in dimension.names]
            counts = np.where(named, counts, 0)
        order = np.argsort(-counts, kind="stable")[:most]
        shown = {dimension.names[place]: int(counts[place]) for place in order if counts[place]}
        more = int(np.count_nonzero(counts)) - len(shown)
        if chosen := view.listed(name):
            numbers = dict(zip(dimension.names, counts.tolist(), strict=True))
            shown |= {value: numbers.get(value, 0) for value in chosen}
        return list(shown.items()), more

    def of_first_errors(self, name: str, rows: Array) -> pd.Series[Any]:
        """Return a column's value of the first error of each of some jobs.

        It is none where none is, or until it is known whose the errors are.
        """
        errors = self.tables.errors[name]
        owners = self._search.owners("errors") if self._search.knows("errors") else rows[:0]
        places = np.flatnonzero(np.isin(owners, rows))[::-1]  # so that the first one counts
        found = dict(zip(owners[places].tolist(), errors.iloc[places], strict=True))
        return pd.Series([found.get(row) for row in rows.tolist()], name=name, dtype="str")

    def _names(self, sets: dimensions.Dimension) -> dict[str | None, str]:
        """Return the names of data sets, where jobs have them."""
        jobs = self.tables.jobs
        if "data_set_name" not in jobs:
            return {}
        first = pd.Series(sets.codes).drop_duplicates()
        names = zip(first, jobs["data_set_name"].iloc[first.index], strict=True)
        return {sets.names[int(code)]: name for code, name in names if pd.notna(name)}

    def by_type(self, view: View) -> pd.DataFrame:
        """Return how many of the shown jobs of each type finished and failed; if any did."""
        types = self.dimension("type")
        counts = by_result(types.codes, self.facts.results, len(types.names), view.rows)
        table = pd.DataFrame({"type": map(types.label, types.names), "failed": counts[:, 1]})
        table.insert(1, "finished", counts[:, :2].sum(axis=1))
        return table[table["finished"] > 0].sort_values("type", ignore_index=True)

    def numbers(self, view: View) -> dict[str, int]:
        """Return how many jobs there are of which kind."""
        state = self.dimension("state")
        states = dict(zip(state.names, state.counts(view.rows, self.size).tolist(), strict=True))
        groups = {"open": OPEN_STATES, "finished": FINISHED_STATES, "failed": FAILED_STATES}
        jobs = {name: sum(states.get(one, 0) for one in group) for name, group in groups.items()}
        return {"jobs": sum(states.values()), "all": self.size, **jobs}

    def summary(self, view: View) -> dict[str, float | None]:
        """Return these numbers, what came of jobs, the failure rate, the median duration."""
        jobs = self.numbers(view)
        known = self._latest.get("fare", lambda one: self.facts.fare(one.rows), view)
        if self.knows(OUTCOME):
            came = self.dimension(OUTCOME)
            counts = came.counts(view.rows, self.size).tolist()
            jobs |= {str(name): n for name, n in zip(came.names, counts, strict=True)}
        return {**jobs, **known}

    def groups(self, view: View, by: str, sort: list[Any], *chart: Any) -> dict[str, Any]:
        """Return the groups of what the other filters leave, as the page has them."""
        groups = self._latest.get("groups", self._groups, by, chart[0])
        shown = view.others(*(SINCE if name == DAY else name for name in groups.names))
        return groups.rows(shown.mask, self.bins(*chart), sort[0], descending=sort[1])

    def _groups(self, by: str, zone: str) -> Groups:
        if by == DAY:
            return Groups(self.facts, {DAY: dimensions.days_of(self.facts.created, zone)})
        parts = {name: self.dimension(name) for name in COMBINED.get(by, (by,))}
        # of an account or a region that all jobs have, nothing need be said
        parts = {n: part for n, part in parts.items() if n == by or len(part.names) > 1}
        return Groups(self.facts, parts)

    def bins(self, zone: str = "UTC", zoom: Zoom = None) -> dimensions.Bins:
        """Return the periods of the chart: those of some time, or of all."""
        times = [time and int(pd.Timestamp(time).timestamp() * 1e6) for time in zoom or ()]
        name = "bins" if (zone, zoom) == ("UTC", None) else "zoomed bins"
        return self._latest.get(name, dimensions.bins_of, self.facts.created, zone, *times)

    def trend(self, view: View, zone: str = "UTC", zoom: Zoom = None) -> dict[str, Any]:
        """Return the jobs of each period by result, what rates are usual, and when they were not.

        The rate of jobs that are chosen by their fate says nothing.
        """
        return self._latest.get("trend", self._trend, view, zone, zoom)

    def _trend(self, view: View, zone: str, zoom: Zoom) -> dict[str, Any]:
        bins, rows, incidents = self.bins(zone, zoom), view.others(SINCE).rows, []
        shown = self._periods(bins, rows)
        if not _FATEFUL & set(view.masks) and len(shown):
            whole = judged(self._periods(self.bins(), rows))
            runs = whole.groupby("bad_since").agg({"until": "last", "failed": "sum", "n": "sum"})
            incidents = (runs.reset_index() // [1000, 1000, 1, 1]).astype(int).to_numpy().tolist()
            is_whole = bins is self.bins()
            shown = whole if is_whole else judged(shown, baseline=whole["baseline"].iloc[0])
        names = ["succeeded", "failed", "others", "lower", "upper"]
        table = shown.reindex(columns=names).astype(object)
        *starts, end = (bins.edges // 1000).tolist()
        times = {"starts": starts, "end": end, "step": bins.step // 1000, "incidents": incidents}
        values = {str(name): of.where(of.notna(), None).tolist() for name, of in table.items()}
        return {**times, **values}

    def _periods(self, bins: dimensions.Bins, rows: Array | None) -> pd.DataFrame:
        counts = by_result(bins.codes, self.facts.results, bins.size + 1, rows)[:-1]
        table = pd.DataFrame(counts, columns=["succeeded", "failed", "others"])
        n = table["succeeded"] + table["failed"]
        return table.assign(period=bins.edges[:-1], until=bins.edges[1:], n=n)

    def rows(self, view: View, sort: str, *, descending: bool) -> Array:
        """Return the rows of the jobs that are shown, sorted by a column; no value comes last."""
        if sort not in self.tables.jobs:
            raise DxError(f"Cannot sort by {sort!r}: the jobs have no such column.")
        direction = "descending" if descending else "ascending"
        return self._latest.get("rows", self._sorted_rows, view, sort, direction)

    def _sorted_rows(self, view: View, sort: str, direction: str) -> Array:
        order = self._latest.get(f"{direction} order of {sort}", self._order, sort, direction)
        if order is None:
            return np.arange(self.size) if view.rows is None else view.rows
        return order if view.mask is None else order[view.mask[order]]

    def _order(self, name: str, direction: str) -> Array | None:
        """Return the rows of all jobs sorted by a column; none if they are so as they are."""
        is_latest_first = (name, direction) == ("created_at", "descending")
        if is_latest_first and (self.facts.created[1:] <= self.facts.created[:-1]).all():
            return None  # as AWS lists them, in no time; what has no time is last
        jobs = self.tables.jobs
        values = pd.Series(self.facts.so_far) if name == "duration_s" else jobs[name]
        order = pc.sort_indices(_sortable(values), [("", direction)])
        rows = np.asarray(order).astype(np.int32)
        return None if (np.diff(rows) == 1).all() else rows


def _by_dimension(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters by what they divide the jobs by: both times are of one dimension."""
    values = {name: one for name, one in filters.items() if name not in (SINCE, UNTIL, NOT)}
    if SINCE in filters or UNTIL in filters:
        values[SINCE] = (filters.get(SINCE), filters.get(UNTIL))
    return values


def _sortable(column: pd.Series[Any]) -> pa.Array | pa.ChunkedArray:
    """Return values in their order, or else as texts."""
    if column.dtype not in ("category", object):
        values = pa.array(column)
        if pa.types.is_primitive(values.type) or values.type in (pa.string(), pa.large_string()):
            return values
    return pa.array(column.astype("str"))
