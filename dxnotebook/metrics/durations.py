"""How long jobs took from created to finished, per group and period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.errors import DxError, invalid
from dxnotebook.metrics.engines import FrameT
from dxnotebook.metrics.grouping import SIZE, Grid, Grouping
from dxnotebook.model import OPEN_STATES
from dxnotebook.tables.jobtables import observed_at

_QUANTILES = {"median": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_DURATIONS = ("n", *_QUANTILES, "max")
_ROUNDING = 1e-9  # of a survival probability, the product of many fractions


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
        Jobs with the columns ``duration_s``, `by`, and with `every` ``created_at``, of any kind
        that `failure_rate` takes.
    by, every, tz : str
        What to group by, and the periods, as in `failure_rate`.
    open_jobs : {"left out", "censored"}
        Whether jobs that are still open count, as having taken at least until `now`. Long jobs
        finish last, so that leaving open ones out makes the newest periods look quicker than they
        are. Needs a pandas frame.
    now : Timestamp or str, optional
        When the jobs were as the frame has them; by default when they were loaded.

    Returns
    -------
    frame of the same kind
        One row a group, or a group and period, sorted: the `by` columns, ``period``, ``n`` (int64:
        the jobs that have a duration, and with "censored" the open ones, too), ``median``, ``p90``,
        ``p95``, ``p99``, ``max`` (float64, seconds, null where nothing is known).

    Raises
    ------
    DxError
        When a column is missing, or `every` or `tz` cannot be; when the engine has no quantiles of
        groups, as Dask.

    Notes
    -----
    Quantiles are interpolated linearly, as numpy's are. With "censored" they are those of the
    Kaplan–Meier estimate (E. L. Kaplan and P. Meier, JASA 53, 1958; computed by
    `scipy.stats.ecdf`): the shortest time by which that share of the jobs had finished, and null
    where the open jobs leave that unknown.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> list(dx.durations(jobs, by="type", every="1w"))
    ['type', 'period', 'n', 'median', 'p90', 'p95', 'p99', 'max']
    """
    if open_jobs not in ("left out", "censored"):
        raise invalid("open_jobs", open_jobs, "options are: 'left out', 'censored'")
    needed = ["duration_s"]
    if open_jobs == "censored":
        needed += ["state", "created_at", "updated_at"]
    grouping = Grouping(jobs, by, every, tz, needed=needed, results=_DURATIONS)
    result = _finished(grouping) if open_jobs == "left out" else _censored(grouping, now)
    return grouping.source.returned(result)


def _finished(grouping: Grouping[Any]) -> pd.DataFrame:
    """Return the quantiles of the jobs of each group and period that have a duration."""
    grouping.check_quantiles()
    took = nw.col("duration_s")
    values = [took.quantile(share, "linear").alias(name) for name, share in _QUANTILES.items()]
    values += [nw.len().alias(SIZE), took.count().alias("n"), took.max().alias("max")]
    grid = Grid(grouping, grouping.grouped(values, values=["duration_s"]))
    return grid.spread(grid.rows.set_axis(grid.place), _DURATIONS)


def _censored(grouping: Grouping[Any], now: pd.Timestamp | str | None) -> pd.DataFrame:
    """Return the Kaplan–Meier quantiles of each group and period."""
    if not grouping.source.is_pandas:
        raise DxError("open_jobs='censored' needs a pandas frame; convert it, as by to_pandas().")
    jobs: pd.DataFrame = grouping.source.native
    # without a column to group by none is selected, and with it no row
    rows = grouping.selected().to_native().reindex(jobs.index)
    grid = Grid(grouping, rows.assign(**{SIZE: 1}))
    is_open = jobs["state"].isin(OPEN_STATES)
    waited = (observed_at(jobs, now) - jobs["created_at"]).dt.total_seconds().clip(lower=0)
    took = jobs["duration_s"].where(~is_open, waited)
    placed = pd.DataFrame({"took": took, "open": is_open}).loc[grid.rows.index]
    groups = placed.assign(place=grid.place).dropna(subset="took").groupby("place")
    quantiles = {place: _survival(group["took"], group["open"]) for place, group in groups}
    return grid.spread(pd.DataFrame(quantiles).T, _DURATIONS)


def _survival(took: pd.Series[float], is_open: pd.Series[bool]) -> dict[str, float]:
    """Return the Kaplan–Meier quantiles of one group's jobs."""
    from scipy.stats import CensoredData, ecdf  # noqa: PLC0415 (takes long, and few ask for it)

    curve = ecdf(CensoredData(uncensored=took[~is_open], right=took[is_open])).sf
    result: dict[str, float] = {"n": len(took)}
    for name, share in {**_QUANTILES, "max": 1.0}.items():
        reached = curve.quantiles[curve.probabilities <= 1 - share + _ROUNDING]
        result[name] = reached[0] if len(reached) else np.nan
    return result
