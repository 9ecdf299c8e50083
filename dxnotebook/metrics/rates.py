"""Rates and durations of jobs, per group and per period, on frames of any engine.

A pandas frame gives a pandas frame; a Polars, PyArrow, DuckDB, Dask or Spark one gives one of its own kind. The engine
groups, and what it finds, a row for each group and period, is finished here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real
from statistics import NormalDist
from typing import Any, Generic, Literal

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from dxnotebook.errors import DxError
from dxnotebook.metrics.engines import FrameT, Source, columns_of, groupable, names, numbered
from dxnotebook.metrics.periods import Step
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.tables.assemble import observed_at, warn_undated

Array = npt.NDArray[Any]

_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_MOST_ROWS = 20_000_000
_PERIOD = "period"
_SIZE = "number of jobs"
_RATES = ("n", "failed", "rate", "low", "high")
_LIMITS = ("baseline", "lower", "upper", "flagged", "bad_since")
_DURATIONS = ("n", *_QUANTILES, "max")
_SIGMAS = 3.0
_ROUNDING = 1e-9  # of a survival probability, the product of many fractions


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
    r"""Return how many jobs finished and how many of them failed, with the interval that the rate lies in.

    Parameters
    ----------
    jobs : frame
        Jobs with the columns ``state``, `by`, and with `every` ``created_at``: `JobTables.jobs`, or a frame of Polars
        (also lazy), PyArrow, DuckDB, Dask or Spark.
    by : str or sequence of str, optional
        The column or columns to group by; null is a group, too.
    every : str, optional
        The length of a period: a count and "min", "h", "d", "w", "mo", "q" or "y". Weeks begin on Monday. Minutes and
        hours are counted on, whatever the clocks do, from those of the zone at its first job. A job belongs to the
        period in which it was created.
    confidence : float
        The probability with which the interval covers the true rate.
    failed, finished : iterable of str
        The states that count as failed, and those that make up the denominator, together with `failed`.
    tz : str
        The time zone whose days, weeks and months the periods are.

    Returns
    -------
    frame of the same kind
        One row a group, or a group and period, sorted: the `by` columns, ``period`` (its start, a time in `tz`), ``n``
        (finished jobs, int64), ``failed`` (int64), ``rate``, ``low``, ``high`` (float64, 0 to 1, null where ``n`` is
        0). Between the first and the last period that has jobs none is left out.

    Raises
    ------
    DxError
        When a column is missing, or `every`, `tz` or `confidence` cannot be.

    Notes
    -----
    The interval is Wilson's score interval, which holds also for few jobs and rates near 0: with :math:`z` the
    normal quantile of the confidence and :math:`p` the rate of :math:`n` jobs,
    :math:`(p + z^2/2n \pm z\sqrt{p(1-p)/n + z^2/4n^2}) / (1 + z^2/n)` (E. B. Wilson, JASA 22, 1927).

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> dx.failure_rate(jobs).round(3)
          n  failed   rate    low   high
    0  5967     399  0.067  0.061  0.073
    """
    wanted = _Grouping(jobs, by, every, tz, needed=["state"], results=_RATES)
    return wanted.source.returned(_rates(wanted, names("failed", failed), names("finished", finished), confidence))


def durations(
    jobs: FrameT,
    by: str | Sequence[str] | None = None,
    every: str | None = None,
    *,
    open_jobs: Literal["left out", "censored"] = "left out",
    now: pd.Timestamp | str | None = None,
    tz: str = "UTC",
) -> FrameT:
    """Return how long jobs took from created to finished: median, high quantiles and maximum.

    Parameters
    ----------
    jobs : frame
        Jobs with the columns ``duration_s``, `by`, and with `every` ``created_at``, of any kind that `failure_rate`
        takes.
    by, every, tz : str
        What to group by, and the periods, as in `failure_rate`.
    open_jobs : {"left out", "censored"}
        Whether jobs that are still open count, as having taken at least until `now`. Long jobs finish last, so that
        leaving open ones out makes the newest periods look quicker than they are. Needs a pandas frame.
    now : Timestamp or str, optional
        When the jobs were as the frame has them; by default when they were loaded.

    Returns
    -------
    frame of the same kind
        One row a group, or a group and period, sorted: the `by` columns, ``period``, ``n`` (int64: the jobs that have
        a duration, and with "censored" the open ones, too), ``median``, ``p90``, ``p95``, ``p99``, ``max`` (float64,
        seconds, null where nothing is known).

    Raises
    ------
    DxError
        When a column is missing, or `every` or `tz` cannot be; when the engine has no quantiles of groups, as Dask.

    Notes
    -----
    Quantiles are interpolated linearly, as numpy's are. With "censored" they are those of the Kaplan–Meier estimate
    (E. L. Kaplan and P. Meier, JASA 53, 1958; computed by `scipy.stats.ecdf`): the shortest time by which that share
    of the jobs had finished, and null where the open jobs leave that unknown.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> list(dx.durations(jobs, by="type", every="1w"))
    ['type', 'period', 'n', 'median', 'p90', 'p95', 'p99', 'max']
    """
    if open_jobs not in ("left out", "censored"):
        raise DxError(f"Invalid open_jobs: {open_jobs!r}. Valid options are: 'left out', 'censored'.")
    if open_jobs == "censored":
        needed = ["duration_s", "state", "created_at", "updated_at"]
        wanted = _Grouping(jobs, by, every, tz, needed=needed, results=_DURATIONS)
        return wanted.source.returned(_censored(wanted, now))
    wanted = _Grouping(jobs, by, every, tz, needed=["duration_s"], results=_DURATIONS)
    wanted.check_quantiles()
    took = nw.col("duration_s")
    values = [took.quantile(q, "linear").alias(name) for name, q in _QUANTILES.items()]
    values = [nw.len().alias(_SIZE), took.count().alias("n"), *values, took.max().alias("max")]
    grid = _Grid(wanted, wanted.grouped(values, of="duration_s"))
    return wanted.source.returned(grid.spread(grid.rows.set_axis(grid.place)))


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
        Jobs with the columns ``state``, ``created_at`` and `by`, of any kind that `failure_rate` takes.
    every, by, confidence, failed, finished, tz : optional
        As in `failure_rate`.
    baseline : float, optional
        The usual rate; by default that of the periods that are not flagged.

    Returns
    -------
    frame of the same kind
        What `failure_rate` returns, and ``baseline``, ``lower``, ``upper`` (float64: the control limits of so many
        jobs), ``flagged`` (bool: the rate is above ``upper``), ``bad_since``: the start of the run of flagged periods
        that a period belongs to, null outside of one. The last row says since when things are bad now. A period
        without jobs neither ends a run nor begins one.

    Raises
    ------
    DxError
        As `failure_rate`, and when `baseline` is not between 0 and 1.

    Notes
    -----
    This is a p-chart (D. C. Montgomery, *Introduction to Statistical Quality Control*, chapter 7), with the binomial
    distribution itself in place of its normal approximation, which would flag every single failure of a quiet hour:
    ``lower`` and ``upper`` are its quantiles at the probabilities that lie beyond three standard deviations of a
    normal distribution (0.135 %). As in setting up such a chart, flagged periods are left out of the baseline, again
    and again until no other is flagged.

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
    if baseline is not None and not _is_share(baseline):
        raise DxError(f"Invalid baseline: {baseline!r}. Valid is a rate between 0 and 1.")
    wanted = _Grouping(jobs, by, every, tz, needed=["state"], results=(*_RATES, *_LIMITS))
    trend = _rates(wanted, names("failed", failed), names("finished", finished), confidence)
    _, group = numbered(trend, wanted.by)
    return wanted.source.returned(_with_runs(_with_limits(trend, group, baseline), group))


class _Grouping(Generic[FrameT]):
    """A frame of any engine, and what to group it by.

    Parameters
    ----------
    jobs : frame
        The jobs.
    by : str or sequence of str, optional
        The columns that make a group; none make one of all.
    every, tz : str
        The step of the periods, and whose calendar it follows; none makes one of all time.
    needed : sequence of str
        The columns that the frame has to have beside those to group by.
    results : sequence of str
        The columns of the result, beside those to group by and the period.
    """

    def __init__(
        self,
        jobs: FrameT,
        by: str | Sequence[str] | None,
        every: str | None,
        tz: str,
        *,
        needed: Sequence[str],
        results: Sequence[str],
    ) -> None:
        self.by = columns_of(by, (_PERIOD, *results))
        self.step = None if every is None else Step.of(every, tz)
        self.source = Source(jobs, [*needed, *self.by, *([] if every is None else ["created_at"])])
        if self.step and tz != "UTC":
            self.step = self._with_clocks(self.step)

    def _with_clocks(self, step: Step) -> Step:
        """Return the step with the changes of the clocks while there were jobs."""
        created = nw.col("created_at")
        span = self.source.frame.select(created.min().alias("first"), created.max().alias("last"))
        span = self.source.collected(span)
        if span["first"].isna().all():
            return step
        first, last = (pd.Timestamp(span[name].iloc[0]) for name in ("first", "last"))
        return step.between(
            *(time.tz_convert("UTC") if time.tzinfo else time.tz_localize("UTC") for time in (first, last))
        )

    def check_quantiles(self) -> None:
        """Raise DxError if the engine has no quantiles of these groups."""
        engine = self.source.engine
        if engine.is_dask() or (engine.is_pyarrow() and (self.by or self.step)):
            name, other = ("Dask", "compute") if engine.is_dask() else ("PyArrow", "to_pandas")
            raise DxError(
                f"{name} has no quantiles of groups. Give durations() `jobs.{other}()`, or a frame of another engine."
            )

    def selected(self, *others: str) -> Any:  # noqa: ANN401 (a narwhals frame)
        """Return the columns to group by, the number of the period, and some others."""
        columns = [self.source.column(name).alias(name) for name in dict.fromkeys((*self.by, *others))]
        if self.step is None:
            return self.source.frame.select(*columns)
        return self.step.numbered(
            self.source.frame.select(*columns, self.source.seconds("created_at").alias(_PERIOD)), _PERIOD
        )

    def grouped(self, aggregations: Sequence[Any], *, also: str | None = None, of: str | None = None) -> pd.DataFrame:
        """Return aggregations of a column by group and period, and by one more column; null is a key, too."""
        frame = self.selected(*filter(None, (also, of)))
        keys = list(dict.fromkeys([*self.by, *([also] if also else []), *([_PERIOD] if self.step else [])]))
        if not keys:
            return self.source.collected(frame.select(*aggregations))
        with groupable(self.by):
            return self.source.collected(frame.group_by(*keys, drop_null_keys=False).agg(*aggregations))


class _Grid:
    """All groups and periods, in order and without a gap, and the place of each row among them.

    Parameters
    ----------
    wanted : _Grouping
        What makes a group and a period.
    rows : pandas.DataFrame
        What there is to place: the columns to group by, the number of the ``period``, how many jobs.
    """

    def __init__(self, wanted: _Grouping[Any], rows: pd.DataFrame) -> None:
        self.rows = _dated(rows) if wanted.step else rows
        self._groups, group = numbered(self.rows, wanted.by)
        self._periods: pd.DatetimeIndex | None = None
        self._each, number = 1, np.zeros(len(self.rows), np.int64)
        if wanted.step:
            number = self.rows[_PERIOD].to_numpy(np.int64)
            first, last = (int(number.min()), int(number.max())) if len(number) else (0, -1)
            self._each, number = last - first + 1, number - first
            self._check_size()
            self._periods = wanted.step.starts(np.arange(first, last + 1))
        self.place = group * self._each + number
        self.size = len(self._groups) * self._each

    def _check_size(self) -> None:
        if len(self._groups) * self._each > _MOST_ROWS:
            raise DxError(
                f"{len(self._groups):,} groups of {self._each:,} periods are more than {_MOST_ROWS:,} rows. Choose a "
                "longer `every`, fewer groups, or the jobs of a shorter time."
            )

    def labels(self) -> pd.DataFrame:
        """Return the groups and periods."""
        labels = self._groups.loc[self._groups.index.repeat(self._each)].reset_index(drop=True)
        if self._periods is not None:
            labels[_PERIOD] = self._periods.take(np.tile(np.arange(self._each), len(self._groups)))
        return labels

    def spread(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the groups and periods with durations by place; where there are none, ``n`` is 0 and the rest null."""
        values = values.reindex(index=range(self.size), columns=list(_DURATIONS)).astype("float64")
        return pd.concat([self.labels(), values.assign(n=values["n"].fillna(0).astype("int64"))], axis=1)

    def total(self, rows: npt.NDArray[np.bool_]) -> Array:
        """Return how many jobs some of the rows hold of each group and period."""
        return np.bincount(self.place[rows], self.rows[_SIZE].to_numpy(float)[rows], self.size).astype(np.int64)


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that belong to a period, and warn of the others."""
    dated = rows[_PERIOD].notna()
    if not dated.all():
        warn_undated(int(rows[_SIZE][~dated].sum()))
    return rows[dated]


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 <= float(value) <= 1


def _rates(wanted: _Grouping[Any], failed: list[str], finished: list[str], confidence: float) -> pd.DataFrame:
    """Return how many jobs of each group and period finished and failed, the rate and its interval."""
    if not _is_share(confidence) or confidence in (0, 1):
        raise DxError(f"Invalid confidence: {confidence!r}. Valid is a number between 0 and 1, such as 0.95.")
    grid = _Grid(wanted, wanted.grouped([nw.len().alias(_SIZE)], also="state"))
    state = grid.rows["state"]
    n, k = (grid.total(state.isin(states).to_numpy()) for states in ([*failed, *finished], failed))
    low, rate, high = wilson(k, n, confidence)
    return grid.labels().assign(n=n, failed=k, rate=rate, low=low, high=high)


def wilson(k: Array, n: Array, confidence: float) -> tuple[Array, Array, Array]:
    """Return the lower bound, the rate and the upper bound of Wilson's score interval of k of n."""
    z = -NormalDist().inv_cdf((1 - confidence) / 2)
    some = np.where(n > 0, n, np.nan)
    rate = k / some
    centre = rate + z**2 / (2 * some)
    reach = z * np.sqrt(rate * (1 - rate) / some + z**2 / (4 * some**2))
    scale = 1 + z**2 / some
    # of none and of all, the bound is exactly 0 and 1, whatever the rounding
    low = np.where(k == 0, rate, (centre - reach) / scale)
    high = np.where(k == n, rate, (centre + reach) / scale)
    return low, rate, high


def _with_limits(trend: pd.DataFrame, group: Array, baseline: float | None) -> pd.DataFrame:
    """Return a trend with the baseline of each group and the control limits of each period."""
    from scipy.stats import binom  # noqa: PLC0415 (it takes the better part of a second, and few ask for trends)

    tail = NormalDist().cdf(-_SIGMAS)
    n, failed = (trend[name].to_numpy(np.float64) for name in ("n", "failed"))
    some = np.where(n > 0, n, np.nan)
    flagged = np.zeros(len(trend), bool)
    while True:
        usual_n, usual_failed = (np.bincount(group, np.where(flagged, 0, count)) for count in (n, failed))
        usual = (
            usual_failed / np.where(usual_n > 0, usual_n, np.nan)
            if baseline is None
            else np.full(len(n), float(baseline))
        )
        expected = usual[group] if len(n) else usual
        lower, upper = (binom.ppf(p, some, expected) / some for p in (tail, 1 - tail))
        above = failed / some > upper
        if baseline is not None or not (above & ~flagged).any():
            return trend.assign(baseline=expected, lower=lower, upper=upper, flagged=above)
        flagged |= above


def _with_runs(trend: pd.DataFrame, group: Array) -> pd.DataFrame:
    """Return a trend that says of each bad period since when it has been bad."""
    told = trend["flagged"].astype("float64").where(trend["n"] > 0)
    bad = told.groupby(group).ffill() == 1
    begins = bad & ~bad.groupby(group).shift(fill_value=False)
    since = trend[_PERIOD].where(begins).groupby(group).ffill()
    return trend.assign(bad_since=since.where(bad))


def _censored(wanted: _Grouping[Any], now: pd.Timestamp | str | None) -> pd.DataFrame:
    """Return the Kaplan–Meier quantiles of each group and period."""
    source = wanted.source
    if not source.is_pandas:
        raise DxError("open_jobs='censored' needs a pandas frame; convert it, for example by to_pandas().")
    jobs: pd.DataFrame = source.native
    rows = wanted.selected().to_native()
    is_open = jobs["state"].isin(OPEN_STATES)
    waited = (observed_at(jobs, now) - jobs["created_at"]).dt.total_seconds().clip(lower=0)
    took = jobs["duration_s"].where(~is_open, waited)
    grid = _Grid(wanted, rows.assign(**{_SIZE: 1}))
    known = pd.DataFrame({"took": took, "open": is_open}).loc[grid.rows.index].assign(place=grid.place)
    places = known[known["took"].notna()].groupby("place")
    return grid.spread(pd.DataFrame({place: _survival(jobs["took"], jobs["open"]) for place, jobs in places}).T)


def _survival(took: pd.Series[float], is_open: pd.Series[bool]) -> dict[str, float]:
    """Return the Kaplan–Meier quantiles of some jobs."""
    from scipy.stats import CensoredData, ecdf  # noqa: PLC0415 (as above)

    curve = ecdf(CensoredData(uncensored=took[~is_open], right=took[is_open])).sf
    found: dict[str, float] = {"n": len(took)}
    for name, share in {**_QUANTILES, "max": 1.0}.items():
        reached = curve.quantiles[curve.probabilities <= 1 - share + _ROUNDING]
        found[name] = reached[0] if len(reached) else np.nan
    return found
