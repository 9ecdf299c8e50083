"""Failure rates with their intervals, per group and period, on frames of any engine.

A pandas frame gives a pandas frame; a Polars, PyArrow, DuckDB, Dask or Spark one gives one of its
own kind. The engine groups; its result, a row for each group and period, is finished here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from statistics import NormalDist
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.errors import invalid, texts
from dxnotebook.metrics.engines import FrameT
from dxnotebook.metrics.grouping import SIZE, Grid, Grouping
from dxnotebook.model import FAILED_STATES, FINISHED_STATES

RATES = ("n", "failed", "rate", "low", "high")


def failure_rate(
    jobs: FrameT,
    by: str | Sequence[str] | None = None,
    every: str | None = None,
    *,
    confidence: float = 0.95,
    failed: Iterable[str] = FAILED_STATES,
    finished: Iterable[str] = FINISHED_STATES,
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
    confidence : float
        The probability with which the interval covers the true rate.
    failed, finished : iterable of str
        The states that count as failed, and those that make up the denominator, together with
        `failed`.
    tz : str
        The time zone whose days, weeks and months the periods are.

    Returns
    -------
    frame of the same kind
        One row a group, or a group and period, sorted: the `by` columns, ``period`` (its start, a
        time in `tz`), ``n`` (finished jobs, int64), ``failed`` (int64), ``rate``, ``low``, ``high``
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

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> dx.failure_rate(jobs).round(3)
          n  failed   rate    low   high
    0  5967     399  0.067  0.061  0.073
    """
    grouping = Grouping(jobs, by, every, tz, needed=["state"], results=RATES)
    return grouping.source.returned(rates_of(grouping, failed, finished, confidence))


def is_share(value: object) -> bool:
    """Tell whether a value is a number from 0 to 1."""
    return isinstance(value, Real) and 0 <= float(value) <= 1


def rates_of(
    grouping: Grouping[Any], failed: Iterable[str], finished: Iterable[str], confidence: float
) -> pd.DataFrame:
    """Return what `failure_rate` does, as a pandas frame."""
    failed, finished = texts("failed", failed), texts("finished", finished)
    if not is_share(confidence) or confidence in (0, 1):
        raise invalid("confidence", confidence, "is a number between 0 and 1, such as 0.95")
    grid = Grid(grouping, grouping.grouped([nw.len().alias(SIZE)], also=["state"]))
    state = grid.rows["state"]
    n, k = (grid.total(state.isin(states).to_numpy()) for states in ([*failed, *finished], failed))
    low, rate, high = wilson(k, n, confidence)
    return grid.labels().assign(n=n, failed=k, rate=rate, low=low, high=high)


def wilson(k: Array, n: Array, confidence: float) -> tuple[Array, Array, Array]:
    """Return the lower bound, the rate and the upper bound of Wilson's score interval of k of n."""
    z = -NormalDist().inv_cdf((1 - confidence) / 2)
    positive_n = np.where(n > 0, n, np.nan)
    rate = k / positive_n
    centre = rate + z**2 / (2 * positive_n)
    reach = z * np.sqrt(rate * (1 - rate) / positive_n + z**2 / (4 * positive_n**2))
    scale = 1 + z**2 / positive_n
    # of none and of all, the bound is exactly 0 and 1, whatever the rounding
    low = np.where(k == 0, rate, (centre - reach) / scale)
    high = np.where(k == n, rate, (centre + reach) / scale)
    return low, rate, high
