"""What an explorer counts and sums of jobs: arrays with an element for each of them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers
from dxnotebook.explorer.dimensions import NO_TIME, Dimension, from_jobs
from dxnotebook.metrics.assets import ended
from dxnotebook.metrics.concurrency import stuck_jobs
from dxnotebook.metrics.rates import effective_n, wilson
from dxnotebook.metrics.reruns import done_with
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables, observed_at

#: The probability with which intervals cover the true rate.
CONFIDENCE = 0.95


class Facts:
    """What is known of each job: at once, but for what takes long, which is when somebody looks.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.

    Attributes
    ----------
    created, ended : numpy.ndarray of int64
        When, in microseconds since 1970; what has not ended, so far as is known, as it was created.
    now : int
        When the jobs were as the tables have them; `NO_TIME` where no time is known.
    is_open : numpy.ndarray of bool
        Which jobs are open.
    results : numpy.ndarray of int8
        Whether each job succeeded (0), failed (1) or did neither (2).
    durations, so_far : numpy.ndarray of float64
        How long each job took, in seconds, as far as that is known; open ones up to now.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.explorer.facts import Facts
    >>> came = Facts(dx.load_jobs(dx.demo.client())).outcome
    >>> dict(zip(came.names, came.counts(None, 6_000).tolist()))["stuck"]
    4
    """

    def __init__(self, tables: JobTables) -> None:
        self._tables, self._jobs = tables, tables.jobs
        jobs, state = tables.jobs, tables.jobs["state"]
        self.created = _in_microseconds(jobs["created_at"])
        self.ended = _in_microseconds(ended(jobs))
        now = pd.Series([observed_at(jobs)], dtype="datetime64[us, UTC]")
        self.now = int(_in_microseconds(now)[0])
        self.is_open = state.isin(OPEN_STATES).to_numpy()
        results = [state.isin(FAILED_STATES), state.isin(FINISHED_STATES)]
        self.results: Array = np.select(results, [np.int8(1), np.int8(0)], np.int8(2))
        self.durations = jobs["duration_s"].to_numpy("float64", na_value=np.nan)
        open_for = np.where(self.created == NO_TIME, np.nan, (self.now - self.created) / 1e6)
        self.so_far = np.where(self.is_open, open_for, self.durations)

    @cached_property
    def by_duration(self) -> Array:
        """The rows of the jobs that have a duration, the shortest first."""
        order = np.argsort(self.durations).astype(np.int32)
        return order[: np.count_nonzero(np.isfinite(self.durations))]

    @cached_property
    def revision(self) -> Dimension:
        """The revision that each job is to make."""
        return from_jobs(self._jobs["revision_id"])

    @cached_property
    def clusters(self) -> Array:
        """The number of each job's revision, whose jobs share their fate; without one, its own."""
        codes, names = self.revision.codes, self.revision.names
        alone = codes == (names.index(None) if None in names else -1)
        return np.where(alone, len(names) + np.cumsum(alone), codes).astype(np.int32)

    @cached_property
    def done_with(self) -> pd.Series[int]:
        """By the row of each failed job that of the one with which its work was done, else -1."""
        return done_with(self._tables)

    @cached_property
    def outcome(self) -> Dimension:
        """What came of failures, which have been done since or not, and comes of open jobs."""
        codes, by = np.full(len(self._jobs), 4, np.int8), self.done_with
        codes[by.index] = by >= 0
        ids, stuck = self._jobs["job_id"][self.is_open], stuck_jobs(self._jobs)["job_id"]
        codes[self.is_open] = 3 - ids.isin(stuck)
        return Dimension(["undone", "recovered", "stuck", "running", None], codes)

    def fare(self, rows: Array | None) -> dict[str, float | None]:
        """Return the failure rate of the jobs in some rows, or of all, and the median duration."""
        counts = by_result(self.clusters, self.results, int(self.clusters.max(initial=0)) + 1, rows)
        sums = clustered(counts, np.zeros(len(counts), np.int8), 1)
        low, rate, high = rates_of_clusters(sums)
        took = self.durations if rows is None else self.durations.take(rows)
        took = took[np.isfinite(took)]
        # the middle is found many times faster than all of them are sorted
        median = np.median(took) if len(took) else np.nan
        found = {"rate": rate[0], "low": low[0], "high": high[0], "median": median}
        return {name: None if np.isnan(one) else float(one) for name, one in found.items()}


def _in_microseconds(times: pd.Series[Any]) -> Integers:
    return times.to_numpy("M8[us]").view(np.int64)


def by_result(codes: Array, results: Array, size: int, rows: Array | None = None) -> Integers:
    """Return how many jobs of each code succeeded, failed and did neither, of all or some rows."""
    if rows is not None:
        codes, results = codes.take(rows), results.take(rows)
    return np.bincount(codes * np.int32(3) + results, minlength=3 * size).reshape(-1, 3)


def clustered(counts: Integers, group: Array, groups: int) -> pd.DataFrame:
    """Return what `effective_n` needs of groups, given each cluster's results and group."""
    failed, n = counts[:, 1], counts[:, :2].sum(axis=1)
    sums = {"clusters": n > 0, "n": n, "failed": failed}
    sums |= {"nn": n * n, "nk": n * failed, "kk": failed * failed}
    return pd.DataFrame({name: np.bincount(group, of, groups) for name, of in sums.items()})


def rates_of_clusters(sums: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Return the failure rates of groups between their bounds, given what `clustered` sums."""
    n, k = sums["n"].to_numpy(), sums["failed"].to_numpy()
    return wilson(k, n, CONFIDENCE, effective_n(sums).to_numpy())
