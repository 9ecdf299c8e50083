"""The failure rate over time: which periods are out of control, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from dxnotebook.arrays import Integers, Mask
from dxnotebook.errors import invalid
from dxnotebook.metrics import limits
from dxnotebook.metrics.engines import FrameT, columns_of, numbered
from dxnotebook.metrics.grouping import PERIOD, Grouping
from dxnotebook.metrics.periods import Step
from dxnotebook.metrics.rates import RATES, is_share, rates_of
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, States
from dxnotebook.times import At, Window

_LIMITS = ("baseline", "lower", "upper", "flagged", "shifted", "bad_since")
_LEAST_WEEKS = 4


def failure_trend(
    jobs: FrameT,
    every: str = "1d",
    *,
    since: At = None,
    until: At = None,
    by: str | Sequence[str] | None = None,
    baseline: float | None = None,
    season: Literal["week"] | None = None,
    cluster: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    failed: States = FAILED_STATES,
    finished: States = FINISHED_STATES,
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
        The usual rate; by default it is found in the periods themselves.
    season : "week", optional
        Give each weekday that has jobs in four weeks at least a baseline of its own; for periods of
        at most a day.
    cluster : str or sequence of str, optional
        As in `failure_rate`, for ``low`` and ``high``; the limits need no telling.
    since, until : time or str, optional
        The window, as for `load_jobs`: the periods that it touches. What is usual, and since when
        the rate is not, is found in all jobs.

    Returns
    -------
    frame of the same kind
        What `failure_rate` returns, and ``baseline``, ``lower``, ``upper`` (float64: the usual rate
        and the control limits of so many jobs), ``flagged`` (bool: the rate is above ``upper``),
        ``shifted`` (bool: the period belongs to a time in which the rate was about twice the usual
        one or more, however little above it each period was), ``bad_since``: the start of the run
        of flagged or shifted periods that a period belongs to, null outside of one. The last row
        says since when things are bad now. A period without jobs neither ends a run nor begins one.

    Raises
    ------
    DxError
        As `failure_rate`, and when `baseline` is not between 0 and 1 or `season` cannot be.

    Notes
    -----
    Jobs fail together, and some days are worse than others without anything being wrong: rates vary
    by more than the binomial distribution says. So this is Laney's p′ chart (D. B. Laney, *Quality
    Engineering* 14, 2002): the dispersion of the standardised rates is taken from the differences
    of successive periods, in which a bad week is but two steps. It is half their mean square (J.
    von Neumann et al., *Annals of Mathematical Statistics* 12, 1941), as their mean is too small
    where a few jobs or batches fail; and at least 1. ``lower`` and ``upper`` are quantiles of the
    beta-binomial distribution of that variance, or of the binomial one, at the probabilities beyond
    three standard deviations of a normal distribution (0.135 %), so that a single failure of a
    quiet hour is not flagged.

    Baseline and dispersion leave out periods so high as is rare by chance (0.05 %). They are found
    by Laney's own dispersion, of the mean difference, in three rounds; the mean square of what is
    left then takes back those that are common, so that the baseline does not sink. Left out, too,
    is one stretch of periods, of up to three quarters of the jobs, if its rate is above that of the
    others (the greatest rise of the summed differences from the mean; a likelihood ratio of e¹²).

    What is small but lasts is found by one-sided CUSUMs (E. S. Page, *Biometrika* 41, 1954) of the
    logarithm of the likelihood ratio, divided by the dispersion, of a rate four times and of one
    twice the baseline. A shift is found when the sum exceeds 6; it began where the sum was last
    zero, and lasts until the sum is last within 1 of its highest.

    Assumed is that periods are independent but for the shifts, that the dispersion is the same in
    all of a group, and that things were usual at least for some time. In simulations of 90 days
    (``benchmarks/statistics.py``) at most 1 % of healthy days are flagged or shifted, whether jobs
    are independent, overdispersed, or fail in batches of ten. Of less than some twenty periods
    little can be told.

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
    shared = columns_of(cluster, (PERIOD, *RATES), "cluster")
    grouping = Grouping(jobs, by, every, tz, needed=["state", *shared], results=(*RATES, *_LIMITS))
    step = grouping.step or Step.of(every)  # which refuses what is none
    if season not in (None, "week") or (season and not 0 < step.seconds <= 86_400):
        raise invalid("season", season, "is None, or 'week' for periods of at most a day")
    trend = rates_of(grouping, shared, failed, finished, confidence)
    groups, group = numbered(trend, grouping.by)
    trend = judged(trend, max(len(groups), 1), baseline, season)
    starts = trend[PERIOD]
    ends = starts.groupby(group).shift(-1)
    # the last one is as long as others are
    ends = ends.fillna(starts + (ends - starts).median())
    inside = touched(grouping.source.window(since, until), starts, ends)
    return grouping.source.returned(trend[inside].reset_index(drop=True))


def touched(window: Window, starts: pd.Series[Any], ends: pd.Series[Any]) -> pd.Series[bool]:
    """Return which times, from when until before when, a window touches."""
    begun = Window(until=window.end).contains(starts)
    return begun & Window(since=window.start).contains(ends - pd.Timedelta("1us"))


def judged(
    trend: pd.DataFrame, groups: int = 1, baseline: float | None = None, season: str | None = None
) -> pd.DataFrame:
    """Return the numbers of periods of groups with what `failure_trend` says of them.

    Examples
    --------
    >>> import pandas as pd
    >>> from dxnotebook.metrics.trend import judged
    >>> trend = judged(pd.DataFrame({"period": range(30), "n": 90, "failed": [1] * 29 + [40]}))
    >>> trend["bad_since"].tail(2).tolist()
    [nan, 29.0]
    """
    trend = _with_limits(trend, groups, baseline, season)
    group = np.repeat(np.arange(groups), len(trend) // groups)
    flags = (trend["flagged"] | trend["shifted"]).astype("float64").where(trend["n"] > 0)
    # a period without jobs goes on with what the last one was
    bad = flags.groupby(group).ffill() == 1
    begins = bad & ~bad.groupby(group).shift(fill_value=False)
    since = trend[PERIOD].where(begins).groupby(group).ffill()
    return trend.assign(bad_since=since.where(bad))


def _with_limits(
    trend: pd.DataFrame, groups: int, baseline: float | None, season: str | None
) -> pd.DataFrame:
    """Return a trend with baselines and limits, and with what is above them or has shifted."""
    shape = (groups, len(trend) // groups)
    failed, n = (trend[name].to_numpy(np.float64).reshape(shape) for name in ("failed", "n"))
    seasons = np.full(shape, limits.NO_SEASON)
    if season and trend.size:
        seasons = _weekdays(n > 0, pd.DatetimeIndex(trend[PERIOD][: shape[1]]))
    rate, dispersion = limits.usual(failed, n, seasons)
    if baseline is not None:
        rate = np.full(shape, float(baseline))
    tails = (limits.THREE_SIGMAS, 1 - limits.THREE_SIGMAS)
    lower, upper = limits.quantiles(n, rate, np.broadcast_to(dispersion[:, None], shape), tails)
    size = np.where(n > 0, n, np.nan)
    columns = {"baseline": rate, "lower": lower / size, "upper": upper / size}
    columns |= {"flagged": failed > upper, "shifted": limits.shifts(failed, n, rate, dispersion)}
    return trend.assign(**{name: values.ravel() for name, values in columns.items()})


def _weekdays(busy: Mask, periods: pd.DatetimeIndex) -> Integers:
    """Return the weekday of each period, if its group has jobs on that of four weeks at least."""
    weekday, date = periods.day_of_week.to_numpy(), periods.tz_localize(None).normalize()
    first = np.flatnonzero(~date.duplicated())
    days = np.logical_or.reduceat(busy, first, axis=1)
    counts = np.stack([days[:, weekday[first] == day].sum(axis=1) for day in range(7)], axis=1)
    return np.where(counts[:, weekday] >= _LEAST_WEEKS, weekday, limits.NO_SEASON)
