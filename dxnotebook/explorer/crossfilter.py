"""What an explorer shows of tables under filters that cross: which jobs, how many of each value.

A dimension is a way to divide the jobs: a column, the code or cause of an error, time, a text. Each
dimension that is filtered has a mask over all jobs. What a control counts is what the masks of the
other dimensions leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial, reduce
from operator import and_
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, Integers, Mask, coded, text_array
from dxnotebook.errors import DxError
from dxnotebook.explorer import dimensions
from dxnotebook.explorer.filters import CAUSE, CODE, COLUMNS, NOT, SINCE, TEXT, UNTIL, normalized
from dxnotebook.explorer.search import Search
from dxnotebook.metrics.causes import fingerprints
from dxnotebook.metrics.rates import effective_n, wilson
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables

_CONFIDENCE = 0.95
_OUTCOMES = dict.fromkeys(FINISHED_STATES, 0) | dict.fromkeys(FAILED_STATES, 1)  # of others it is 2
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

    def others(self, dimension: str) -> Array | None:
        """Return the rows that the filters of the other dimensions leave; none when all are."""
        masks = {name: mask for name, mask in self.masks.items() if name != dimension}
        return View(self.filters, masks).rows if dimension in self.masks else self.rows


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
        self.tables, self.size = tables, len(tables)
        self._search = Search(tables)
        self._dimensions: dict[str, dimensions.Dimension] = {}
        self._latest = _Latest()

    @cached_property
    def created(self) -> Integers:
        """When each job was created, in microseconds since 1970."""
        return self.tables.jobs["created_at"].to_numpy("M8[us]").view(np.int64)

    @property
    def updated(self) -> Integers:
        """When each job was updated, in microseconds since 1970."""
        return self.tables.jobs["updated_at"].to_numpy("M8[us]").view(np.int64)

    @cached_property
    def bins(self) -> dimensions.Bins:
        """The periods of the chart."""
        return dimensions.bins_of(self.created)

    @cached_property
    def _durations(self) -> Array:
        return self.tables.jobs["duration_s"].to_numpy("float64", na_value=np.nan)

    @cached_property
    def _by_duration(self) -> Array:
        """The rows of the jobs that have a duration, the shortest first."""
        order = np.argsort(self._durations).astype(np.int32)
        return order[: np.count_nonzero(np.isfinite(self._durations))]

    @cached_property
    def _revisions(self) -> Array:
        """The number of each job's revision, whose jobs share their fate; without one, its own."""
        revision, texts = coded(text_array(self.tables.jobs["revision_id"]))
        alone = revision < 0
        return np.where(alone, len(texts) + np.cumsum(alone) - 1, revision).astype(np.int32)

    @cached_property
    def _outcomes(self) -> Array:
        """Whether each job succeeded, failed or did neither."""
        states = self.dimension("state")
        outcomes = [_OUTCOMES.get(str(name), 2) for name in states.names]
        return np.array(outcomes, np.int8)[states.codes]

    def preparations(self) -> list[Callable[[], object]]:
        """Return, in pieces, what the first search or look at causes would else wait for."""
        errors = [partial(self.dimension, name) for name in (CODE, CAUSE)]
        return [lambda: self._by_duration, *errors, *self._search.preparations()]

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

    def alike(self, row: int) -> Mask:
        """Return which jobs are of the same type, data set, account and region as one of them."""
        codes = [self.dimension(name).codes for name in COLUMNS if name != "state"]
        return reduce(and_, (places == places[row] for places in codes))

    @property
    def knows_causes(self) -> bool:
        """Whether the causes have been found."""
        return CAUSE in self._dimensions

    def dimension(self, name: str) -> dimensions.Dimension:
        """Return a dimension of values."""
        if name not in self._dimensions:
            self._dimensions[name] = self._dimension(name)
        return self._dimensions[name]

    def _dimension(self, name: str) -> dimensions.Dimension:
        if name in COLUMNS:
            return dimensions.from_jobs(self.tables.jobs[name])
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
        return self.dimension(name).mask(value, self.size)

    def unknown(self, view: View) -> list[tuple[str, str | None]]:
        """Return what is filtered by though no job has it: names of filters and values."""
        sides = (view.filters, view.filters.get(NOT, {}))
        listed = [(n, v) for side in sides for n, v in side.items() if isinstance(v, list)]
        pairs = [(name, value) for name, values in listed for value in values]
        unknown = [(name, value) for name, value in pairs if not self.dimension(name).has(value)]
        is_text_unknown = TEXT in view.filters and not view.masks[TEXT].any()
        return [*unknown, (TEXT, view.filters[TEXT])] if is_text_unknown else unknown

    def _created_within(self, since: str | None, until: str | None) -> Mask:
        created, mask = self.created.view("M8[us]"), np.ones(self.size, bool)
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
        counts = dimension.counts(view.others(name), self.size)
        if text:
            labels = self.data_set_names if name == "data_set_id" else {}
            named = [text.lower() in str(labels.get(n, n)).lower() for n in dimension.names]
            counts = np.where(named, counts, 0)
        order = np.argsort(-counts, kind="stable")[:most]
        shown = {dimension.names[place]: int(counts[place]) for place in order if counts[place]}
        more = int(np.count_nonzero(counts)) - len(shown)
        sides = (view.filters, view.filters.get(NOT, {}))
        if chosen := [value for side in sides for value in side.get(name, ())]:
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

    @cached_property
    def data_set_names(self) -> dict[str | None, str]:
        """The names of data sets, where jobs have them."""
        jobs = self.tables.jobs
        if "data_set_name" not in jobs:
            return {}
        sets = self.dimension("data_set_id")
        first = pd.Series(sets.codes).drop_duplicates()
        names = zip(first, jobs["data_set_name"].iloc[first.index], strict=True)
        return {sets.names[int(code)]: name for code, name in names if pd.notna(name)}

    def by_type(self, view: View) -> pd.DataFrame:
        """Return how many of the shown jobs finished and failed, by type; those with any."""
        kinds = self.dimension("type")
        succeeded, failed, _ = self._by_outcome(kinds.codes, view.rows, len(kinds.names)).T
        names = [name or "none" for name in kinds.names]
        table = pd.DataFrame({"type": names, "finished": succeeded + failed, "failed": failed})
        return table[table["finished"] > 0].sort_values("type", ignore_index=True)

    def _by_outcome(self, codes: Array, rows: Array | None, size: int) -> Integers:
        """Return how many jobs of each code had each outcome, of all or of some rows."""
        outcomes = self._outcomes
        if rows is not None:
            codes, outcomes = codes.take(rows), outcomes.take(rows)
        return np.bincount(codes * np.int32(3) + outcomes, minlength=3 * size).reshape(-1, 3)

    def summary(self, view: View) -> dict[str, float | None]:
        """Return how many jobs are shown, open and failed, the failure rate, the median duration.

        The rate has its interval.
        """
        return self._latest.get("summary", self._summed, view)

    def _summed(self, view: View) -> dict[str, float | None]:
        state = self.dimension("state")
        states = dict(zip(state.names, state.counts(view.rows, self.size).tolist(), strict=True))
        groups = {"open": OPEN_STATES, "finished": FINISHED_STATES, "failed": FAILED_STATES}
        jobs = {name: sum(states.get(one, 0) for one in group) for name, group in groups.items()}
        k, n = np.array([jobs["failed"]]), np.array([jobs["finished"]])
        bounds = wilson(k, n, _CONFIDENCE, self._effective(view.rows))
        low, rate, high = (float(bound[0]) for bound in bounds)
        numbers = {"rate": rate, "low": low, "high": high, "median": self._median(view.mask)}
        known = {name: None if np.isnan(number) else number for name, number in numbers.items()}
        return {"jobs": sum(states.values()), "all": self.size, **jobs, **known}

    def _effective(self, rows: Array | None) -> Array:
        """Return how many jobs that share no fate the finished ones of some rows are worth."""
        size = int(self._revisions.max(initial=-1)) + 1
        done, failed, _ = self._by_outcome(self._revisions, rows, size).T
        n = done + failed
        sums = {"clusters": n > 0, "n": n, "failed": failed}
        sums |= {"nn": n * n, "nk": n * failed, "kk": failed * failed}
        return effective_n(pd.DataFrame({k: [v.sum()] for k, v in sums.items()})).to_numpy()

    def _median(self, mask: Mask | None) -> float:
        """Return the median duration of the jobs that have one.

        With all sorted once, that of some is in their middle.
        """
        if mask is None:
            known = self._durations[np.isfinite(self._durations)]
            return float(np.median(known)) if len(known) else np.nan
        places = self._by_duration[mask[self._by_duration]]
        middle = places[(len(places) - 1) // 2 : len(places) // 2 + 1]
        return float(self._durations[middle].mean()) if len(places) else np.nan

    def trend(self, view: View) -> dict[str, Any]:
        """Return how many jobs of each period succeeded, failed and did neither, at any time."""
        starts, step = self.bins.starts, self.bins.step
        counts = self._by_outcome(self.bins.codes, view.others(SINCE), len(starts) + 1)[:-1]
        succeeded, failed, others = counts.T.tolist()
        times = {"starts": (starts // 1000).tolist(), "step": step // 1000}
        return {**times, "succeeded": succeeded, "failed": failed, "others": others}

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
        if is_latest_first and (self.created[1:] <= self.created[:-1]).all():
            return None  # as AWS lists them, in no time; what has no time is last
        order = pc.sort_indices(_sortable(self.tables.jobs[name]), [("", direction)])
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
