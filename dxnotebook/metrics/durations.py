"""How long jobs took from created to finished, per group and period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers
from dxnotebook.errors import DxError, invalid, texts
from dxnotebook.metrics.engines import FrameT
from dxnotebook.metrics.grouping import SIZE, Grid, Grouping
from dxnotebook.metrics.quantiles import Ordered, order_ranks, survival_quantiles
from dxnotebook.metrics.rates import check_confidence
from dxnotebook.model import OPEN_STATES, States
from dxnotebook.tables.jobtables import observed_at
from dxnotebook.times import At

_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_BOUNDED = ("median", "p95")
_DURATIONS = ("n", "median", "median_low", "median_high", "p90", "p95", "p95_low", "p95_high",
              "p99", "max")  # fmt: skip
_TOOK, _RANK, _OPEN = "seconds taken", "rank among them", "is still open"


def durations(
    jobs: FrameT,
    by: str | Sequence[str] | None = None,
    every: str | None = None,
    *,
    since: At = None,
    until: At = None,
    states: States | None = ("COMPLETED",),
    open_jobs: Literal["left out", "censored"] = "left out",
    now: At = None,
    confidence: float = 0.95,
    tz: str = "UTC",
) -> FrameT:
    """Return how long jobs took from created to finished: median, high quantiles and maximum.

    Parameters
    ----------
    jobs : frame
        Jobs with the columns ``duration_s``, ``state``, `by`, and with `every` ``created_at``, of
        any kind that `failure_rate` takes.
    by, every, tz : str
        What to group by, and the periods, as in `failure_rate`.
    states : iterable of str, optional
        The states of the jobs that count; None: all, and the column ``state`` is not needed. Failed
        jobs end sooner than completed ones, so that with them an outage looks like a speed-up.
    open_jobs : {"left out", "censored"}
        Whether jobs that are still open count, as having taken at least until `now`. Long jobs
        finish last, so that leaving open ones out makes the newest periods look quicker than they
        are. Needs a pandas frame.
    now : Timestamp or str, optional
        When the jobs were as the frame has them; by default when they were loaded.
    confidence : float
        The probability with which an interval covers the true quantile.
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs created from when and until before when.

    Returns
    -------
    frame of the same kind
        One row a group, or a group and period, sorted: the `by` columns, ``period``, ``n`` (int64:
        the jobs that count and have a duration, and with "censored" the open ones, too),
        ``median``, ``median_low``, ``median_high``, ``p90``, ``p95``, ``p95_low``, ``p95_high``,
        ``p99``, ``max`` (float64, seconds, null where nothing is known, and of a bound where there
        are too few jobs for one).

    Raises
    ------
    DxError
        When a column is missing, or `every`, `tz` or `confidence` cannot be; when the engine has no
        quantiles of groups, as Dask.

    Notes
    -----
    Quantiles are interpolated linearly, as numpy's are. Their intervals are order statistics, by
    the binomial distribution of how many jobs are below a quantile, which assumes nothing of the
    durations but that they are independent (W. J. Conover, *Practical Nonparametric Statistics*,
    3.2). With "censored" quantiles are those of the Kaplan–Meier estimate (E. L. Kaplan and P.
    Meier, JASA 53, 1958; computed by `scipy.stats.ecdf`): the shortest time by which that share of
    the jobs had finished, and null where the open jobs leave that unknown; their intervals are
    those of R. Brookmeyer and J. Crowley (Biometrics 38, 1982).

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> took = dx.durations(jobs, by="type", every="1w")
    >>> list(took)[:6]
    ['type', 'period', 'n', 'median', 'median_low', 'median_high']
    """
    if open_jobs not in ("left out", "censored"):
        raise invalid("open_jobs", open_jobs, "options are: 'left out', 'censored'")
    check_confidence(confidence)
    counted = None if states is None else texts("states", states)
    needed = ["duration_s", *([] if counted is None else ["state"])]
    if open_jobs == "censored":
        needed += ["state", "created_at", "updated_at"]
    window = (since, until)
    grouping = Grouping(jobs, by, every, tz, needed=needed, results=_DURATIONS, window=window)
    if open_jobs == "censored":
        result = _censored(grouping, counted, now, confidence)
    elif grouping.source.is_lazy:
        result = _asked(grouping, counted, confidence)
    else:
        result = _ordered(grouping, counted, confidence)
    return grouping.source.returned(result)


def _taken(grouping: Grouping[Any], states: list[str] | None) -> Any:
    """Return the rows to group, with the duration of those jobs that count, which is no NaN."""
    also = ["duration_s", *([] if states is None else ["state"])]
    took = nw.col("duration_s").cast(nw.Float64)
    counts = ~took.is_nan()
    if states is not None:
        counts &= nw.col("state").is_in(states)
    return grouping.selected(*also).with_columns(nw.when(counts).then(took).alias(_TOOK))


def _ordered(grouping: Grouping[Any], states: list[str] | None, confidence: float) -> pd.DataFrame:
    """Return the quantiles of each group and period of a frame in memory."""
    rows = grouping.source.collected(_taken(grouping, states))
    grid = Grid(grouping, rows.assign(**{SIZE: 1}))
    values = Ordered(grid.rows[_TOOK].to_numpy(np.float64, na_value=np.nan), grid.place, grid.size)
    result = {"n": values.n, "max": values.ranked(values.n)}
    result |= {name: values.quantile(share) for name, share in _QUANTILES.items()}
    ranks = _bounding_ranks(values.n, confidence)
    result |= {name: values.ranked(rank) for name, rank in ranks.items()}
    return grid.spread(pd.DataFrame(result), _DURATIONS)


def _asked(grouping: Grouping[Any], states: list[str] | None, confidence: float) -> pd.DataFrame:
    """Return the quantiles of each group and period, which the frame's engine works out."""
    if grouping.source.engine.is_dask():
        way_out = "Give durations() `jobs.compute()`, or a frame of another engine."
        raise DxError(f"Dask has no quantiles of groups. {way_out}")
    took, frame = nw.col(_TOOK), _taken(grouping, states)
    values = [took.quantile(share, "linear").alias(name) for name, share in _QUANTILES.items()]
    values += [nw.len().alias(SIZE), took.count().alias("n"), took.max().alias("max")]
    quantiles = grouping.grouped(frame, values)
    ranks = _bounding_ranks(quantiles["n"].to_numpy(np.int64), confidence)
    keys, rank = grouping.keys(), took.rank("ordinal")
    wanted = np.unique(np.concatenate(list(ranks.values()))).astype(int).tolist()
    bounds = (
        frame.filter(~took.is_null())
        .with_columns((rank.over(*keys) if keys else rank).alias(_RANK))
        .filter(nw.col(_RANK).is_in(wanted))
        .select(*keys, _TOOK, _RANK)
    )
    # one grid, so that each bound is placed where its quantile is
    rows = pd.concat([quantiles.assign(**ranks), grouping.source.collected(bounds)])
    grid = Grid(grouping, rows.fillna({SIZE: 0}))
    is_bound = grid.rows[_RANK].notna().to_numpy()
    values_at = grid.rows[is_bound].set_index([grid.place[is_bound], _RANK])[_TOOK]
    result = grid.rows[~is_bound].set_axis(grid.place[~is_bound])
    for name in ranks:
        wanted_at = pd.MultiIndex.from_arrays([result.index, result[name]])
        result[name] = values_at.reindex(wanted_at).to_numpy()
    return grid.spread(result, _DURATIONS)


def _bounding_ranks(n: Integers, confidence: float) -> dict[str, Array]:
    """Return the ranks of the bounds of those quantiles that have some."""
    ranks = {name: order_ranks(n, _QUANTILES[name], confidence) for name in _BOUNDED}
    sides = ("low", "high")
    return {f"{name}_{side}": ranks[name][i] for name in ranks for i, side in enumerate(sides)}


def _censored(
    grouping: Grouping[Any], states: list[str] | None, now: At, confidence: float
) -> pd.DataFrame:
    """Return the Kaplan–Meier quantiles of each group and period."""
    if not grouping.source.is_pandas:
        raise DxError("open_jobs='censored' needs a pandas frame; convert it, as by to_pandas().")
    jobs: pd.DataFrame = grouping.source.native
    is_open = jobs["state"].isin(OPEN_STATES)
    waited = (observed_at(jobs, now) - jobs["created_at"]).dt.total_seconds().clip(lower=0)
    took = jobs["duration_s"].where(~is_open, waited)
    if states is not None:
        took = took.where(is_open | jobs["state"].isin(states))
    rows = _taken(grouping, states).to_native().assign(**{SIZE: 1, _TOOK: took, _OPEN: is_open})
    grid = Grid(grouping, rows)
    groups = (
        grid.rows[[_TOOK, _OPEN]].assign(place=grid.place).dropna(subset=_TOOK).groupby("place")
    )
    shares = {**_QUANTILES, "max": 1.0}
    quantiles = {
        place: {"n": len(rows)} | survival_quantiles(rows[_TOOK], rows[_OPEN], shares, confidence)
        for place, rows in groups
    }
    return grid.spread(pd.DataFrame(quantiles).T, _DURATIONS)
