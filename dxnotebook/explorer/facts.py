"""What an explorer counts and sums of jobs: arrays with an element for each of them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, Mask, coded, text_array
from dxnotebook.explorer.dimensions import NO_TIME, Dimension
from dxnotebook.metrics.concurrency import stuck_jobs
from dxnotebook.metrics.reruns import done_with
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables, observed_at

#: The probability with which intervals cover the true rate.
CONFIDENCE = 0.95


class Facts:
    """What is known of each job, made when somebody looks.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.

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

    @cached_property
    def created(self) -> Integers:
        """When each job was created, in microseconds since 1970."""
        return self._jobs["created_at"].to_numpy("M8[us]").view(np.int64)

    @cached_property
    def ended(self) -> Integers:
        """When each job ended, as far as that is known, or else was created."""
        ended = self._jobs["updated_at"].fillna(self._jobs["created_at"])
        return ended.to_numpy("M8[us]").view(np.int64)

    @cached_property
    def now(self) -> int:
        """When the jobs were as the tables have them; the first time of all where none is known."""
        now = pd.Series([observed_at(self._jobs)], dtype="datetime64[us, UTC]")
        return int(now.to_numpy("M8[us]").view(np.int64)[0])

    @cached_property
    def is_open(self) -> Mask:
        """Which jobs are open."""
        return self._jobs["state"].isin(OPEN_STATES).to_numpy()

    @cached_property
    def results(self) -> Array:
        """Whether each job succeeded (0), failed (1) or did neither (2)."""
        failed, finished = (self._jobs["state"].isin(s) for s in (FAILED_STATES, FINISHED_STATES))
        return np.select([failed, finished], [np.int8(1), np.int8(0)], np.int8(2))

    @cached_property
    def durations(self) -> Array:
        """How long each job took, in seconds, as far as that is known."""
        return self._jobs["duration_s"].to_numpy("float64", na_value=np.nan)

    @cached_property
    def so_far(self) -> Array:
        """The same, with open jobs up to now."""
        open_for = np.where(self.created == NO_TIME, np.nan, (self.now - self.created) / 1e6)
        return np.where(self.is_open, open_for, self.durations)

    @cached_property
    def by_duration(self) -> Array:
        """The rows of the jobs that have a duration, the shortest first."""
        order = np.argsort(self.durations).astype(np.int32)
        return order[: np.count_nonzero(np.isfinite(self.durations))]

    @cached_property
    def revisions(self) -> Array:
        """The number of each job's revision, whose jobs share their fate; without one, its own."""
        revision, texts = coded(text_array(self._jobs["revision_id"]))
        alone = revision < 0
        return np.where(alone, len(texts) + np.cumsum(alone) - 1, revision).astype(np.int32)

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


def by_result(codes: Array, results: Array, size: int) -> Integers:
    """Return how many jobs of each code succeeded, failed and did neither."""
    return np.bincount(codes * np.int32(3) + results, minlength=3 * size).reshape(-1, 3)


def clustered(counts: Integers, group: Array, groups: int) -> pd.DataFrame:
    """Return what `effective_n` needs of groups, given each cluster's results and group."""
    failed, n = counts[:, 1], counts[:, :2].sum(axis=1)
    sums = {"clusters": n > 0, "n": n, "failed": failed}
    sums |= {"nn": n * n, "nk": n * failed, "kk": failed * failed}
    return pd.DataFrame({name: np.bincount(group, of, groups) for name, of in sums.items()})
