"""What divides the jobs of an explorer: values that each of them has, and periods of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, Mask, coded, text_array

_NO_TIME = np.iinfo(np.int64).min

_MOST_BINS = 120
_MINUTE_US = 60_000_000
_DAY_US = 1440 * _MINUTE_US
_STEPS = [n * _MINUTE_US for n in (1, 5, 15, 60, 180, 360, 720)]
_STEPS += [n * _DAY_US for n in (1, 2, 7, 14, 28, 91, 364)]
_MONDAY_US = 4 * _DAY_US  # the first one after 1970 began


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
        is_chosen = np.array([name in chosen for name in self.names], bool)[self.codes]
        return is_chosen if self.rows is None else _marked(self.rows[is_chosen], size)

    def has(self, value: str | None) -> bool:
        """Tell whether any job has a value."""
        return value in self.names and self._totals[self.names.index(value)] > 0

    def counts(self, kept: Array | None, size: int) -> Integers:
        """Return how many of the jobs in the kept rows, or of all, have each value."""
        if kept is None:
            return self._totals
        if self.rows is None:
            return self._count(self.codes.take(kept))
        return self._count(self.codes[_marked(kept, size).take(self.rows)])

    @cached_property
    def _totals(self) -> Integers:
        return self._count(self.codes)

    def _count(self, codes: Array) -> Integers:
        return np.bincount(codes, minlength=len(self.names))


def _marked(rows: Array, size: int) -> Mask:
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
    starts : numpy.ndarray of int64
        When the periods start, in microseconds since 1970.
    step : int
        How long they are, in microseconds.
    codes : numpy.ndarray of int
        The number of each job's period; that after the last where no one knows when it was created.
    """

    starts: Integers
    step: int
    codes: Array


def bins_of(created: Integers) -> Bins:
    """Return the periods that cover the times of jobs: the shortest of which there are few."""
    is_known = created != _NO_TIME
    if not is_known.any():
        return Bins(np.zeros(0, np.int64), _STEPS[0], np.zeros(len(created), np.int64))
    first, last = int(created[is_known].min()), int(created.max())
    step = next((step for step in _STEPS if (last - first) // step < _MOST_BINS), _STEPS[-1])
    step *= -(-(last - first + 1) // (step * _MOST_BINS))
    origin = (first - _MONDAY_US) // step * step + _MONDAY_US
    starts = np.arange(origin, last + 1, step)
    codes = np.where(is_known, (created - origin) // step, len(starts))
    return Bins(starts, step, codes.astype(np.int32))
