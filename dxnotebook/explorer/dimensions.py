"""What divides the jobs of an explorer: values that each of them has, and periods of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, Mask, coded, text_array
from dxnotebook.metrics.periods import Step

#: The time of what has none.
NO_TIME = np.iinfo(np.int64).min

_MOST_BINS = 120
_MINUTE_US = 60_000_000
_DAY_US = 1440 * _MINUTE_US
_STEPS = [n * _MINUTE_US for n in (1, 2, 5, 15, 30, 60, 120, 180, 360, 720)]
_STEPS += [n * _DAY_US for n in (1, 2, 7, 14, 28, 91, 364)]


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
    labels : mapping
        What values are called.
    """

    names: list[str | None]
    codes: Array
    rows: Array | None = None
    labels: Mapping[str | None, str] = field(default_factory=dict)

    def label(self, value: str | None) -> str:
        """Return what a value is called."""
        return self.labels.get(value) or value or "none"

    def mask(self, chosen: list[str | None], size: int) -> Mask:
        """Return which jobs have one of the chosen values."""
        is_chosen = np.array([name in chosen for name in self.names], bool)[self.codes]
        return is_chosen if self.rows is None else marked(self.rows[is_chosen], size)

    def has(self, value: str | None) -> bool:
        """Tell whether any job has a value."""
        return value in self.names and self._totals[self.names.index(value)] > 0

    def counts(self, kept: Array | None, size: int) -> Integers:
        """Return how many of the jobs in the kept rows, or of all, have each value."""
        if kept is None:
            return self._totals
        if self.rows is None:
            return self._count(self.codes.take(kept))
        return self._count(self.codes[marked(kept, size).take(self.rows)])

    @cached_property
    def _totals(self) -> Integers:
        return self._count(self.codes)

    def _count(self, codes: Array) -> Integers:
        return np.bincount(codes, minlength=len(self.names))


def marked(rows: Array, size: int) -> Mask:
    """Return the mask of some rows."""
    mask = np.zeros(size, bool)
    mask[rows] = True
    return mask


def from_jobs(column: pd.Series[Any]) -> Dimension:
    """Return the dimension of a column of jobs."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        names: list[str | None] = [str(value) for value in column.cat.categories]
    else:
        codes, different = coded(text_array(column.astype("str")))
        names = different.to_pylist()
    if (codes < 0).any():
        codes, names = np.where(codes < 0, len(names), codes), [*names, None]
    return Dimension(names, codes)


def from_errors(values: pd.Series[Any], rows: Array) -> Dimension:
    """Return the dimension of a column of errors, given the rows of their jobs.

    A job has each value once.
    """
    is_known = rows >= 0  # not an error of a job that is not there
    codes, different = pd.factorize(values[is_known].astype("str").fillna(""))
    pairs = np.unique(rows[is_known] * len(different) + codes)
    rows, codes = np.divmod(pairs, max(len(different), 1))
    return Dimension([value or None for value in different], codes, rows)


@dataclass(frozen=True)
class Bins:
    """Periods of one length, and which of them each job was created in.

    Attributes
    ----------
    edges : numpy.ndarray of int64
        When the periods start, and when the last ends, in microseconds since 1970.
    step : int
        How long they are, in microseconds, but for days on which clocks change.
    codes : numpy.ndarray of int
        The number of each job's period; that after the last where it is in none.
    """

    edges: Integers
    step: int
    codes: Array

    @property
    def size(self) -> int:
        """How many periods there are."""
        return len(self.edges) - 1


def bins_of(
    created: Integers,
    zone: str = "UTC",
    since: int | None = None,
    until: int | None = None,
    *,
    days: bool = False,
) -> Bins:
    """Return the periods of a zone that cover some time, or all: the shortest that are few.

    Those of single days are as many as there are.
    """
    is_known = created != NO_TIME
    if not is_known.any():
        return Bins(np.zeros(1, np.int64), _STEPS[0], np.zeros(len(created), np.int32))
    first, last = int(created[is_known].min()), int(created.max())
    first = first if since is None else max(first, since)
    last = max(first, last if until is None else min(last, until - 1))
    step = next((step for step in _STEPS if (last - first) // step < _MOST_BINS), _STEPS[-1])
    step = _DAY_US if days else step * -(-(last - first + 1) // (step * _MOST_BINS))
    edges = _edges(step, zone, first, last)
    codes = np.searchsorted(edges, created, side="right") - 1
    return Bins(edges, step, np.where(codes < 0, len(edges) - 1, codes).astype(np.int32))


def _edges(step: int, zone: str, first: int, last: int) -> Integers:
    """Return the starts of the zone's periods from one time to another, and the end of the last."""
    periods = Step.of(f"{step // _MINUTE_US}min", zone)
    if zone != "UTC":
        periods = periods.between(*_in_zone(np.array([first, last]), "UTC"))
    ends = nw.from_native(pd.DataFrame({"at": [first // 10**6, last // 10**6]}), eager_only=True)
    low, high = periods.numbered(ends, "at").to_native()["at"].tolist()
    return periods.starts(np.arange(low, high + 2)).as_unit("us").asi8


def _in_zone(numbers: Integers, zone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(numbers.view("M8[us]"), tz="UTC").tz_convert(zone)


def days_of(created: Integers, zone: str) -> Dimension:
    """Return the days of a zone, as ISO intervals."""
    bins = bins_of(created, zone, days=True)
    texts = [edge.isoformat() for edge in _in_zone(bins.edges, zone)]
    return Dimension([*map("/".join, pairwise(texts)), None], bins.codes)
