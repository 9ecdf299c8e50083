"""The failure rate over time: which periods are out of control, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.errors import invalid
from dxnotebook.metrics.engines import FrameT, numbered
from dxnotebook.metrics.grouping import PERIOD, Grouping
from dxnotebook.metrics.rates import RATES, is_share, rates_of
from dxnotebook.model import FAILED_STATES, FINISHED_STATES

_LIMITS = ("baseline", "lower", "upper", "flagged", "bad_since")
_SIGMAS = 3.0


def failure_trend(
    jobs: FrameT,
    every: str = "1d",
    *,
    by: str | Sequence[str] | None = None,
    baseline: float | None = None,
    confidence: float = 0.95,
    failed: Iterable[str] = FAILED_STATES,
    finished: Iterable[str] = FINISHED_STATES,
    tz: str = "UTC",
) -> FrameT:
    """Return the failure rate of each period, which periods are out of control, and since when.

    Parameters
    ----------
    jobs : frame
        Jobs with the columns ``state``, ``created_at`` and `by`, of any kind that `failure_rate`
        takes.
    every, by, confidence, failed, finished, tz : optional
        As in `failure_rate`.
    baseline : float, optional
        The usual rate; by default that of the periods that are not flagged.

    Returns
    -------
    frame of the same kind
        What `failure_rate` returns, and ``baseline``, ``lower``, ``upper`` (float64: the control
        limits of so many jobs), ``flagged`` (bool: the rate is above ``upper``), ``bad_since``: the
        start of the run of flagged periods that a period belongs to, null outside of one. The last
        row says since when things are bad now. A period without jobs neither ends a run nor begins
        one.

    Raises
    ------
    DxError
        As `failure_rate`, and when `baseline` is not between 0 and 1.

    Notes
    -----
    This is a p-chart (D. C. Montgomery, *Introduction to Statistical Quality Control*, chapter 7),
    with the binomial distribution itself in place of its normal approximation, which would flag
    every single failure of a quiet hour: ``lower`` and ``upper`` are its quantiles at the
    probabilities that lie beyond three standard deviations of a normal distribution (0.135 %). As
    in setting up such a chart, flagged periods are left out of the baseline, again and again until
    no other is flagged.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> trend = dx.failure_trend(jobs, every="1d")
    >>> trend["bad_since"].value_counts().head(1)
    bad_since
    2026-08-31 00:00:00+00:00    7
    Name: count, dtype: int64
    """
    if baseline is not None and not is_share(baseline):
        raise invalid("baseline", baseline, "is a rate between 0 and 1")
    grouping = Grouping(jobs, by, every, tz, needed=["state"], results=(*RATES, *_LIMITS))
    trend = rates_of(grouping, failed, finished, confidence)
    _, group = numbered(trend, grouping.by)
    return grouping.source.returned(_with_runs(_with_limits(trend, group, baseline), group))


def _with_limits(trend: pd.DataFrame, group: Array, baseline: float | None) -> pd.DataFrame:
    """Return a trend with the baseline of each group and the control limits of each period."""
    from scipy.stats import binom  # noqa: PLC0415 (takes most of a second, and few ask for trends)

    n, failed = (trend[name].to_numpy(np.float64) for name in ("n", "failed"))
    positive_n = np.where(n > 0, n, np.nan)
    tail = NormalDist().cdf(-_SIGMAS)
    flagged = np.zeros(len(trend), bool)
    while True:
        if baseline is None:
            usual = trend[["n", "failed"]].mul(~flagged, axis=0).groupby(group).transform("sum")
            expected = (usual["failed"] / usual["n"]).to_numpy()
        else:
            expected = np.full(len(n), float(baseline))
        lower, upper = (binom.ppf(p, positive_n, expected) / positive_n for p in (tail, 1 - tail))
        above = failed / positive_n > upper
        if baseline is not None or not (above & ~flagged).any():
            return trend.assign(baseline=expected, lower=lower, upper=upper, flagged=above)
        flagged |= above


def _with_runs(trend: pd.DataFrame, group: Array) -> pd.DataFrame:
    """Return a trend that says of each bad period since when it has been bad."""
    flags = trend["flagged"].astype("float64").where(trend["n"] > 0)
    # a period without jobs goes on with what the last one was
    bad = flags.groupby(group).ffill() == 1
    begins = bad & ~bad.groupby(group).shift(fill_value=False)
    since = trend[PERIOD].where(begins).groupby(group).ffill()
    return trend.assign(bad_since=since.where(bad))
