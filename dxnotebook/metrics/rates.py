"""Failure rates with their intervals, per group and period, on frames of any engine.

A pandas frame gives a pandas frame; a Polars, PyArrow, DuckDB, Dask or Spark one gives one of its
own kind. The engine groups; its result, a row for each group and period, is finished here.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from statistics import NormalDist
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.errors import invalid, texts
from dxnotebook.metrics.engines import FrameT, columns_of
from dxnotebook.metrics.grouping import PERIOD, Grid, Grouping, Names
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, States
from dxnotebook.times import At

RATES = ("n", "n_effective", "failed", "rate", "low", "high")


def failure_rate(
    jobs: FrameT,
    by: str | Sequence[str] | None = None,
    every: str | None = None,
    *,
    since: At = None,
    until: At = None,
    cluster: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    failed: States = FAILED_STATES,
    finished: States = FINISHED_STATES,
    tz: str = "UTC",
) -> FrameT:
    r"""Return how many jobs finished, how many of them failed, and the interval of the rate.

    Parameters
    ----------
    jobs : frame
        Jobs with the columns ``state``, `by`, and with `every` ``created_at``: `JobTables.jobs`, or
        a frame of Polars (also lazy), PyArrow, DuckDB, Dask or Spark.
    by : str or sequence of str, optional
        The column or columns to group by; null is a group, too.
    every : str, optional
        The length of a period: a count and "min", "h", "d", "w", "mo", "q" or "y". Weeks begin on
        Monday. Minutes and hours are counted on, whatever the clocks do, from those of the zone at
        its first job. A job belongs to the period in which it was created.
    cluster : str or sequence of str, optional
        The column or columns that jobs share which succeed or fail together, such as ["type",
        "data_set_id", "revision_id"] for jobs that make a revision. So many jobs are fewer
        independent observations, and the interval is wider. A job with a null there shares with no
        other; so do jobs of different groups or periods.
    confidence : float
        The probability with which the interval covers the true rate.
    failed, finished : iterable of str
        The states that count as failed, and those that make up the denominator, together with
        `failed`.
    tz : str
        The time zone whose days, weeks and months the periods are.
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs created from when and until before when.

    Returns
    -------
    frame of the same kind
        One row a group, or a group and period, sorted: the `by` columns, ``period`` (its start, a
        time in `tz`), ``n`` (finished jobs, int64), with `cluster` ``n_effective`` (float64: how
        many independent jobs they are worth), ``failed`` (int64), ``rate``, ``low``, ``high``
        (float64, 0 to 1, null where ``n`` is 0). Between the first and the last period that has
        jobs none is left out.

    Raises
    ------
    DxError
        When a column is missing, or `every`, `tz` or `confidence` cannot be.

    Notes
    -----
    The interval is Wilson's score interval, which holds also for few jobs and rates near 0: with
    :math:`z` the normal quantile of the confidence and :math:`p` the rate of :math:`n` jobs,
    :math:`(p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}) / (1 + z^2/n)` (E. B. Wilson, JASA 22,
    1927).

    With `cluster`, :math:`n` is in all of this the effective sample size, as in survey practice (E.
    L. Korn and B. I. Graubard, *Survey Methodology* 24, 1998): the jobs over the design effect (L.
    Kish, *Survey Sampling*, 1965). This is the variance of the rate as a ratio of the totals of
    :math:`c` clusters of :math:`n_i` jobs, of which :math:`k_i` failed,
    :math:`c/(c-1) \sum (k_i - p n_i)^2 / n^2`, over that of so many single jobs,
    :math:`p(1-p)/(n-1)`; it is never taken below 1. It cannot be known where there is one cluster,
    or where none or all jobs failed: then it is that of all other groups and periods, and if there
    is none, that of clusters which fail whole, :math:`\sum n_i^2 / n`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> dx.failure_rate(jobs).round(3)
          n  failed   rate    low   high
    0  5967     399  0.067  0.061  0.073
    """
    shared = columns_of(cluster, (PERIOD, *RATES), "cluster")
    window = (since, until)
    needed = ["state", *shared]
    grouping = Grouping(jobs, by, every, tz, needed=needed, results=RATES, window=window)
    return grouping.source.returned(rates_of(grouping, shared, failed, finished, confidence))


def is_share(value: object) -> bool:
    """Tell whether a value is a number from 0 to 1."""
    return isinstance(value, Real) and 0 <= float(value) <= 1


def check_confidence(confidence: object) -> None:
    """Raise DxError if it is no confidence that an interval can have."""
    if not is_share(confidence) or confidence in (0, 1):
        raise invalid("confidence", confidence, "is a number between 0 and 1, such as 0.95")


def rates_of(
    grouping: Grouping[Any], cluster: Names, failed: States, finished: States, confidence: float
) -> pd.DataFrame:
    """Return what `failure_rate` does, as a pandas frame."""
    failed, finished = texts("failed", failed), texts("finished", finished)
    check_confidence(confidence)
    grid, counts = _counted(grouping, cluster, failed, [*failed, *finished])
    n, k = (counts[name].to_numpy() for name in ("n", "failed"))
    rates, effective = grid.labels().assign(n=n.astype(np.int64)), n
    if cluster:
        effective = rates["n_effective"] = effective_n(counts).to_numpy()
    low, rate, high = wilson(k, n, confidence, effective)
    return rates.assign(failed=k.astype(np.int64), rate=rate, low=low, high=high)


def _counted(
    grouping: Grouping[Any], cluster: Names, failed: list[str], finished: list[str]
) -> tuple[Grid, pd.DataFrame]:
    """Return how many jobs finished and failed of each group and period.

    With a cluster, too, how many clusters there are, and sums of products of their numbers of jobs.
    """
    state = nw.col("state")
    rows = grouping.selected("state", *cluster).with_columns(
        n=state.is_in(finished), failed=state.is_in(failed)
    )
    names = ["n", "failed"]
    sums = grouping.counted(rows, names, *cluster)
    if cluster:
        jobs, bad = (sums[name].fillna(0).to_numpy(float) for name in ("n", "failed"))
        # jobs without a cluster are one row here, and of a single job the square is itself
        single = sums[list(cluster)].isna().any(axis=1).to_numpy()
        sums["clusters"] = np.where(single, jobs, jobs > 0)
        sums["nn"] = np.where(single, jobs, jobs * jobs)
        sums["nk"] = np.where(single, bad, jobs * bad)
        sums["kk"] = np.where(single, bad, bad * bad)
        names += ["clusters", "nn", "nk", "kk"]
    grid = Grid(grouping, sums)
    return grid, grid.totals(names)


def effective_n(sums: pd.DataFrame) -> pd.Series[float]:
    """Return the effective sample sizes of clustered jobs: how many over the design effect.

    Given are the sums over the clusters of each group: how many there are, of their jobs and failed
    ones, and of the products of these numbers.
    """
    n, clusters, rate = sums["n"], sums["clusters"], sums["failed"] / sums["n"]
    known = (clusters > 1) & (rate > 0) & (rate < 1)
    between = (sums["kk"] - 2 * rate * sums["nk"] + rate**2 * sums["nn"]).where(known)
    between *= clusters / (clusters - 1)
    single = (rate * (1 - rate) * n**2 / (n - 1)).where(known)
    most = sums["nn"] / n
    others = most.clip(upper=between.sum() / single.sum()) if known.any() else most
    return n / (between / single).where(known, others).clip(lower=1)


def wilson(
    k: Array, n: Array, confidence: float, effective: Array | None = None
) -> tuple[Array, Array, Array]:
    """Return the lower bound, the rate and the upper bound of Wilson's score interval of k of n.

    The interval is that of an effective number of jobs, if that is given.
    """
    z = -NormalDist().inv_cdf((1 - confidence) / 2)
    rate = k / np.where(n > 0, n, np.nan)
    weight = np.where(n > 0, n if effective is None else effective, np.nan)
    centre = rate + z**2 / (2 * weight)
    reach = z * np.sqrt(rate * (1 - rate) / weight + z**2 / (4 * weight**2))
    scale = 1 + z**2 / weight
    # of none and of all, the bound is exactly 0 and 1, whatever the rounding
    low = np.where(k == 0, rate, (centre - reach) / scale)
    high = np.where(k == n, rate, (centre + reach) / scale)
    return low, rate, high
