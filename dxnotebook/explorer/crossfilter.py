"""What an explorer shows of tables under filters that cross: which jobs, and how many there are of each value.

A dimension is a way to divide the jobs: a column, the code or cause of an error, time, a text. Each dimension that is
filtered has a mask over all jobs. What a control counts is what the masks of the other dimensions leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, Mask
from dxnotebook.errors import DxError
from dxnotebook.explorer.search import Haystack
from dxnotebook.metrics.causes import fingerprints
from dxnotebook.metrics.rates import wilson
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.times import moment

Filters = Mapping[str, Any]

#: The columns of jobs that divide them, and what of their errors does.
COLUMNS = ("state", "type", "data_set_id", "account_id", "region")
CODE, CAUSE = "code", "cause"
SINCE, UNTIL, TEXT = "since", "until", "text"
NAMES = (*COLUMNS, CODE, CAUSE, SINCE, UNTIL, TEXT)

_MOST_BINS = 120
_MINUTE = 60_000_000  # microseconds
_STEPS = [n * _MINUTE for n in (1, 5, 15, 60, 180, 360, 720)] + [
    n * 1440 * _MINUTE for n in (1, 2, 7, 14, 28, 91, 364)
]
_MONDAY = 4 * 1440 * _MINUTE  # the first one after 1970 began
_NO_TIME = np.iinfo(np.int64).min
_CONFIDENCE = 0.95


def normalized(filters: Filters) -> dict[str, Any]:
    """Return filters in the one form that they are kept and compared in, or raise DxError.

    Values are lists of texts (None is the value of jobs that have none), times are texts in UTC;
    what filters nothing is left out.

    Examples
    --------
    >>> from dxnotebook.explorer.crossfilter import normalized
    >>> normalized({"state": "ERROR", "since": "2026-08-31", "type": [], "text": ""})
    {'state': ['ERROR'], 'since': '2026-08-31T00:00:00+00:00'}
    """
    if not isinstance(filters, Mapping):
        raise DxError(
            f"Invalid filters: a {type(filters).__name__}. Valid is a dict such as {{'state': ['ERROR']}}."
        )
    if unknown := [name for name in filters if name not in NAMES]:
        raise DxError(
            f"Invalid filters: no filter is named {unknown[0]!r}. Valid names are: {', '.join(NAMES)}."
        )
    kept: dict[str, Any] = {}
    for name in NAMES:
        given = filters.get(name)
        if given is None or (isinstance(given, str | list | tuple | set) and not given):
            continue
        if name in (SINCE, UNTIL):
            kept[name] = moment(name, given).isoformat()
        elif name == TEXT:
            if not isinstance(given, str):
                raise DxError(f"Invalid filters: 'text' cannot be {given!r}. Valid is a text.")
            kept[name] = given.encode("utf-8", "backslashreplace").decode()
        else:
            kept[name] = _values(name, given)
    return kept


def _microseconds(time: str) -> int:
    return int(pd.Timestamp(time).as_unit("us").asm8.view(np.int64))


def _values(name: str, given: object) -> list[str | None]:
    values = (
        [given]
        if isinstance(given, str)
        else list(given)
        if isinstance(given, list | tuple | set)
        else [given]
    )
    if wrong := [value for value in values if not (value is None or isinstance(value, str))]:
        raise DxError(
            f"Invalid filters: {name!r} cannot be {wrong[0]!r}. Valid is a list of texts."
        )
    return list(dict.fromkeys(values))


@dataclass(frozen=True)
class Dimension:
    """Which of some values each job has; of errors' values it may have several.

    Attributes
    ----------
    names : list of (str or None)
        The values; None is that of jobs without one.
    codes : numpy.ndarray of int
        The place of a value among these.
    rows : numpy.ndarray of int, optional
        The row of the job that each code is of; none where there is one code a job, in the order of
        the jobs.
    """

    names: list[str | None]
    codes: Array
    rows: Array | None = None

    def mask(self, chosen: list[str | None], size: int) -> Mask:
        """Return which jobs have one of the chosen values."""
        is_chosen = np.isin(
            np.arange(len(self.names)), [i for i, value in enumerate(self.names) if value in chosen]
        )
        if self.rows is None:
            return is_chosen[self.codes] if size else np.zeros(0, bool)
        mask = np.zeros(size, bool)
        mask[self.rows[is_chosen[self.codes]]] = True
        return mask

    def counts(self, kept: Array | None, size: int) -> Array:
        """Return how many of the jobs in the kept rows, or of all, have each value."""
        codes = self.codes
        if kept is not None and self.rows is None:
            codes = codes.take(kept)
        elif kept is not None and self.rows is not None:
            mask = np.zeros(size, bool)
            mask[kept] = True
            codes = codes[mask.take(self.rows)]
        return np.bincount(codes, minlength=len(self.names))


def _is_sortable(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_one(kind)
        for is_one in (types.is_primitive, types.is_string, types.is_large_string, types.is_boolean)
    )


def _dimension(column: pd.Series[Any]) -> Dimension:
    """Return the dimension of a column of jobs."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), [str(value) for value in column.cat.categories]
    else:
        array = pa.array(column.astype("str"), pa.large_string())
        encoded = (
            array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        ).dictionary_encode()
        codes, values = encoded.indices.fill_null(-1).to_numpy(), encoded.dictionary.to_pylist()
    if not (codes < 0).any():
        return Dimension(list(values), codes)
    return Dimension([*values, None], np.where(codes < 0, len(values), codes))


def _of_errors(values: pd.Series[Any], rows: Array) -> Dimension:
    """Return the dimension of a column of errors, each value of a job once."""
    known = rows >= 0  # of errors of jobs that are not there
    values, rows = values[known], rows[known]
    codes, different = pd.factorize(values.astype("str").fillna(""))
    pairs = np.unique(rows * max(len(different), 1) + codes)
    rows, codes = np.divmod(pairs, max(len(different), 1))
    return Dimension([value or None for value in different], codes, rows)


@dataclass(frozen=True)
class Bins:
    """Periods of one length, and which of them each job was created in.

    Attributes
    ----------
    starts : numpy.ndarray of int64
        When the periods start, in microseconds since 1970.
    step : int
        How long they are, in microseconds.
    codes : numpy.ndarray of int
        The number of each job's period; that after the last where no one knows when it was created.
    """

    starts: Array
    step: int
    codes: Array


def _bins(created: Array) -> Bins:
    known = created != _NO_TIME
    if not known.any():
        return Bins(np.zeros(0, np.int64), _STEPS[0], np.zeros(len(created), np.int64))
    first, last = int(created[known].min()), int(created.max())
    step = next((step for step in _STEPS if (last - first) // step < _MOST_BINS), _STEPS[-1])
    step *= -(-(last - first + 1) // (step * _MOST_BINS))
    origin = (first - _MONDAY) // step * step + _MONDAY
    starts = np.arange(origin, last + 1, step)
    return Bins(
        starts, step, np.where(known, (created - origin) // step, len(starts)).astype(np.int32)
    )


@dataclass(frozen=True, eq=False)
class View:
    """Which jobs some filters leave, and what the controls count.

    Attributes
    ----------
    filters : dict
        The filters, normalized.
    mask : numpy.ndarray of bool, optional
        Which jobs are shown; none when all are.
    masks : dict of str to numpy.ndarray of bool
        Which jobs each filtered dimension leaves.
    """

    filters: dict[str, Any]
    mask: Mask | None
    masks: dict[str, Mask]
    _missed: Array | None

    @cached_property
    def rows(self) -> Array | None:
        """The rows of the jobs that are shown; none when all are. To take rows is many times faster than to mask."""
        return None if self.mask is None else np.flatnonzero(self.mask)

    def others(self, dimension: str) -> Array | None:
        """Return the rows that the filters of the other dimensions leave; none when all are."""
        own = self.masks.get(dimension)
        if own is None:
            return self.rows
        return None if self._missed is None else np.flatnonzero(self._missed == ~own)


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
        if not tables.jobs.columns.is_unique:
            twice = tables.jobs.columns[tables.jobs.columns.duplicated()][0]
            raise DxError(f"The jobs have several columns {twice!r}. Rename or drop all but one.")
        self.tables = tables
        self.size = len(tables.jobs)
        self._haystack = Haystack(tables)
        self._dimensions: dict[str, Dimension] = {}
        self._masks: dict[str, tuple[Any, Mask]] = {}
        self._last: View | None = None
        self._summary: tuple[dict[str, Any], dict[str, float | None]] | None = None
        self._totals: dict[str, Array] = {}
        self._orders: dict[tuple[str, bool], Array | None] = {}

    @cached_property
    def created(self) -> Array:
        """When each job was created, in microseconds since 1970."""
        return self.tables.jobs["created_at"].to_numpy("M8[us]").view(np.int64)

    @cached_property
    def bins(self) -> Bins:
        """The periods of the chart."""
        return _bins(self.created)

    @cached_property
    def _took(self) -> Array:
        took: Array = self.tables.jobs["duration_s"].to_numpy("float64", na_value=np.nan)
        return took

    @cached_property
    def _by_duration(self) -> Array:
        """The rows of the jobs that have a duration, the shortest first."""
        order = np.argsort(self._took).astype(np.int32)
        return order[: np.count_nonzero(np.isfinite(self._took))]

    def preparations(self) -> list[Callable[[], object]]:
        """Return, in pieces, what the first search or look at causes would else have to wait for."""
        return [
            lambda: self._by_duration,
            lambda: self.dimension(CODE),
            lambda: self.dimension(CAUSE),
            *self._haystack.preparations(),
        ]

    def part(self, mask: Mask) -> JobTables:
        """Return the tables of some jobs; `JobTables.filter` would look all of their ids up each time."""
        frames = [self.tables.jobs[mask]]
        for name in ("details", "errors"):
            owners = self._haystack.owners(name)
            frames.append(getattr(self.tables, name)[np.append(mask, False)[owners]])
        jobs, details, errors = (frame.reset_index(drop=True) for frame in frames)
        return replace(self.tables, jobs=jobs, details=details, errors=errors)

    def alike(self, row: int) -> Mask:
        """Return which jobs are of the same type, data set, account and region as one of them."""
        codes = [self.dimension(name).codes for name in COLUMNS if name != "state"]
        mask: Mask = np.logical_and.reduce([of_all == of_all[row] for of_all in codes])
        return mask

    @property
    def knows_causes(self) -> bool:
        """Whether the causes have been found."""
        return CAUSE in self._dimensions

    def dimension(self, name: str) -> Dimension:
        """Return a dimension of values."""
        if name not in self._dimensions:
            if name in COLUMNS:
                self._dimensions[name] = _dimension(self.tables.jobs[name])
            else:
                values = self.tables.errors[CODE] if name == CODE else fingerprints(self.tables)
                self._dimensions[name] = _of_errors(values, self._haystack.owners("errors"))
        return self._dimensions[name]

    def view(self, filters: Filters) -> View:
        """Return what filters leave; asked for the same again, as scrolling does, the same view."""
        filters = normalized(filters)
        if self._last is None or self._last.filters != filters:
            self._last = self._viewed(filters)
        return self._last

    def _viewed(self, filters: dict[str, Any]) -> View:
        masks = {}
        for name in (*COLUMNS, CODE, CAUSE, TEXT):
            if name in filters:
                masks[name] = self._mask(name, filters[name])
        if SINCE in filters or UNTIL in filters:
            masks[SINCE] = self._mask(SINCE, (filters.get(SINCE), filters.get(UNTIL)))
        if len(masks) < 2:
            return View(filters, next(iter(masks.values()), None), masks, None)
        missed = np.zeros(self.size, np.int8)
        for mask in masks.values():
            missed += ~mask
        return View(filters, missed == 0, masks, missed)

    def _mask(self, name: str, value: Any) -> Mask:
        """Return which jobs a filter leaves; that of each name is kept, as most clicks change one of them."""
        if name not in self._masks or self._masks[name][0] != value:
            if name == TEXT:
                mask = self._haystack.mask(value)
            elif name == SINCE:
                since, until = (None if time is None else _microseconds(time) for time in value)
                mask = self.created != _NO_TIME
                mask = mask if since is None else mask & (self.created >= since)
                mask = mask if until is None else mask & (self.created < until)
            else:
                mask = self.dimension(name).mask(value, self.size)
            self._masks[name] = (value, mask)
        return self._masks[name][1]

    def counts(self, view: View, name: str, most: int) -> tuple[list[tuple[str | None, int]], int]:
        """Return the values of most of the jobs that the other filters leave, with their number, and how many more.

        A value that is chosen is always among them.
        """
        dimension = self.dimension(name)
        others = view.others(name)
        if others is None and name not in self._totals:
            self._totals[name] = dimension.counts(None, self.size)
        counts = self._totals[name] if others is None else dimension.counts(others, self.size)
        order = np.argsort(-counts, kind="stable")
        told = [
            (dimension.names[place], int(counts[place])) for place in order[:most] if counts[place]
        ]
        number = (
            dict(zip(dimension.names, counts.tolist(), strict=True)) if name in view.filters else {}
        )
        first = {value for value, _ in told}
        told += [
            (value, number.get(value, 0))
            for value in view.filters.get(name, [])
            if value not in first
        ]
        return told, max(int((counts > 0).sum()) - len(first), 0)

    def first_codes(self, rows: Array) -> list[str | None]:
        """Return the code of an error of each of some rows; none where there is none, or none is known yet."""
        if CODE not in self._dimensions:
            return [None] * len(rows)
        codes = self._dimensions[CODE]
        assert codes.rows is not None
        places = np.searchsorted(codes.rows, rows)
        found = np.append(codes.rows, -1)[places] == rows
        return [
            codes.names[codes.codes[place]] if is_so else None
            for place, is_so in zip(places, found, strict=True)
        ]

    @cached_property
    def data_set_names(self) -> dict[str | None, str]:
        """The names of data sets, where jobs have them."""
        jobs = self.tables.jobs
        if "data_set_name" not in jobs or not self.size:
            return {}
        sets = self.dimension("data_set_id")
        first = np.zeros(len(sets.names), np.int64)
        first[sets.codes[::-1]] = np.arange(self.size)[::-1]
        names = jobs["data_set_name"].iloc[first]
        return {
            identity: name
            for identity, name in zip(sets.names, names, strict=True)
            if pd.notna(name)
        }

    def summary(self, view: View) -> dict[str, float | None]:
        """Return how many jobs are shown, open and failed, the failure rate with its interval, the median duration."""
        if self._summary is None or self._summary[0] != view.filters:
            self._summary = view.filters, self._summed(view)
        return self._summary[1]

    def states(self, view: View) -> dict[str | None, int]:
        """Return how many of the jobs that are shown are in each state."""
        state = self.dimension("state")
        return dict(zip(state.names, state.counts(view.rows, self.size).tolist(), strict=True))

    def by_type(self, view: View) -> pd.DataFrame:
        """Return how many of the jobs that are shown finished and failed, by type; those with any, by name."""
        kinds, states = self.dimension("type"), self.dimension("state")
        pairs = kinds.codes.astype(np.int64) * len(states.names) + states.codes
        pairs = pairs if view.rows is None else pairs.take(view.rows)
        counts = np.bincount(pairs, minlength=len(kinds.names) * len(states.names)).reshape(
            len(kinds.names), len(states.names)
        )
        finished, failed = (
            counts[:, [place for place, name in enumerate(states.names) if name in some]].sum(
                axis=1
            )
            for some in (FINISHED_STATES, FAILED_STATES)
        )
        table = pd.DataFrame(
            {
                "type": [name or "none" for name in kinds.names],
                "finished": finished,
                "failed": failed,
            }
        )
        return table[table["finished"] > 0].sort_values("type", ignore_index=True)

    def _summed(self, view: View) -> dict[str, float | None]:
        counts = self.states(view)
        finished, failed, still_open = (
            sum(counts.get(name, 0) for name in states)
            for states in (FINISHED_STATES, FAILED_STATES, OPEN_STATES)
        )
        low, rate, high = (
            bound[0] for bound in wilson(np.array([failed]), np.array([finished]), _CONFIDENCE)
        )
        numbers = {"rate": rate, "low": low, "high": high, "median": self._median(view.mask)}
        told: dict[str, float | None] = {
            "jobs": sum(counts.values()),
            "all": self.size,
            "open": still_open,
        }
        told |= {"finished": finished, "failed": failed}
        return told | {
            name: None if np.isnan(number) else float(number) for name, number in numbers.items()
        }

    def _median(self, mask: Mask | None) -> float:
        """Return the median duration of the jobs that have one: with all sorted once, that of some is in their middle."""
        if mask is None:
            known = self._took[np.isfinite(self._took)]
            return float(np.median(known)) if len(known) else np.nan
        places = self._by_duration[mask[self._by_duration]]
        middle = places[(len(places) - 1) // 2 : len(places) // 2 + 1]
        return float(self._took[middle].mean()) if len(places) else np.nan

    def trend(self, view: View) -> dict[str, Any]:
        """Return how many jobs of each period succeeded, failed and did neither, whatever time is filtered."""
        state = self.dimension("state")
        kind = np.array(
            [1 if v in FAILED_STATES else 0 if v in FINISHED_STATES else 2 for v in state.names],
            np.int32,
        )
        others = view.others(SINCE)
        bins, kinds = self.bins.codes, kind[state.codes] if self.size else np.zeros(0, np.int32)
        if others is not None:
            bins, kinds = bins.take(others), kinds.take(others)
        periods = len(self.bins.starts)
        counted = np.bincount(bins * 3 + kinds, minlength=3 * (periods + 1)).reshape(-1, 3)[
            :periods
        ]
        names = ("succeeded", "failed", "others")
        told = {"starts": (self.bins.starts // 1000).tolist(), "step": self.bins.step // 1000}
        return told | dict(zip(names, counted.T.tolist(), strict=True))

    def rows(self, view: View, sort: str, *, descending: bool) -> Array:
        """Return the rows of the jobs that are shown, sorted by a column; those without a value come last."""
        order = self._order(sort, descending)
        if order is None:
            return np.arange(self.size) if view.rows is None else view.rows
        return order if view.mask is None else order[view.mask[order]]

    def _order(self, name: str, descending: bool) -> Array | None:
        """Return the rows of all jobs sorted by a column; none if they are so as they are."""
        if (name, descending) not in self._orders:
            if name not in self.tables.jobs:
                raise DxError(f"Cannot sort by {name!r}: the jobs have no such column.")
            column = self.tables.jobs[name]
            if (
                name == "created_at"
                and descending
                and bool((self.created[1:] <= self.created[:-1]).all())
            ):
                self._orders[name, descending] = (
                    None  # as AWS lists them, in no time; what has no time is last
                )
                return None
            values = pa.array(
                column.astype("str") if column.dtype in ("category", object) else column
            )
            if not _is_sortable(values.type):
                values = pa.array(column.astype("str"))
            order = np.asarray(
                pc.sort_indices(values, [("", "descending" if descending else "ascending")])
            )
            is_natural = bool((np.diff(order.astype(np.int64)) == 1).all())
            self._orders[name, descending] = None if is_natural else order.astype(np.int32)
        return self._orders[name, descending]
