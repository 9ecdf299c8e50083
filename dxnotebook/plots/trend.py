"""The failure rate of each period against its control limits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from dxnotebook.arrays import Array
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.metrics.trend import failure_trend
from dxnotebook.model import FAILED_STATES, FINISHED_STATES
from dxnotebook.plots import style
from dxnotebook.text import percent

_COUNTS = 0.2  # of the height, for the numbers of jobs
_FLAGGED = "flagged: above the limit"


def plot_failure_trend(
    jobs: pd.DataFrame,
    *,
    every: str = "1d",
    baseline: float | None = None,
    confidence: float = 0.95,
    failed: Iterable[str] = FAILED_STATES,
    finished: Iterable[str] = FINISHED_STATES,
    tz: str = "UTC",
    ax: Axes | None = None,
) -> Axes:
    """Draw each period's failure rate with its interval, and mark the periods out of control.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state`` and ``created_at``.
    every, baseline, confidence, failed, finished, tz : optional
        As in `failure_trend`.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        Points are rates with their interval, diamonds the flagged periods; grey columns are the
        finished jobs (right axis); the baseline is labelled, the dashed line is the control limit
        of so many jobs.

    Raises
    ------
    DxError
        As `failure_trend`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_failure_trend(dx.load_jobs(dx.demo.client()).jobs)
    >>> ax.get_ylabel()
    'failure rate'
    """
    jobs = pandas_frame(jobs, ["state", "created_at"])
    states: style.Look = {"failed": failed, "finished": finished}
    trend = failure_trend(jobs, every, baseline=baseline, confidence=confidence, tz=tz, **states)
    ax = style.axes_for(ax, 3.8)
    if not trend["n"].sum():
        return style.empty(ax, jobs, "no finished jobs")
    edges = _edges(trend["period"])
    _draw_counts(ax, edges, trend["n"].to_numpy())
    _draw_rates(ax, edges, trend, f"rate with {100 * confidence:.3g} % interval")
    _draw_limits(ax, edges, trend)
    _mark_runs(ax, edges, trend)
    _rate_axis(ax, float(trend["high"].max()))
    style.date_axis(ax, edges, tz, "created")
    style.legend(ax)
    return ax


def _edges(starts: pd.Series[pd.Timestamp]) -> Array:
    """Return where periods begin, and the last ends, in days."""
    at = style.days_of(starts)
    return np.append(at, at[-1] + (np.median(np.diff(at)) if len(at) > 1 else 1.0))


def _draw_counts(ax: Axes, edges: Array, n: Array) -> None:
    """Draw columns of the numbers of jobs below a plot, with an axis at the right."""
    counts = ax.twinx()
    counts.stairs(n, edges, fill=True, color=style.PALE)
    counts.set_ylim(0, 1.4 * n.max() / _COUNTS)
    counts.yaxis.set_major_locator(FixedLocator([0, int(n.max())]))
    counts.yaxis.set_major_formatter("{x:,.0f}")
    counts.tick_params(labelsize=style.SMALL, colors=style.GREY)
    look: style.Look = {"color": style.GREY, "va": "bottom"}
    style.note(counts, "finished jobs", (0, 1.05 * n.max()), style.BESIDE, shift=(4, 0), **look)
    counts.spines[["top", "left", "right"]].set_visible(False)
    ax.set_zorder(counts.get_zorder() + 1)
    ax.patch.set_visible(False)


def _draw_rates(ax: Axes, edges: Array, trend: pd.DataFrame, label: str) -> None:
    """Draw the rate of each period with its interval; flagged ones are larger diamonds."""
    middle = (edges[:-1] + edges[1:]) / 2
    size = float(np.clip(400 / len(trend), 2, 5.5))
    line = float(np.clip(150 / len(trend), 0.3, 1))
    looks: list[style.Look] = [
        {"color": style.BLUE, "fmt": "o", "label": label, "markersize": size},
        {"color": style.RED, "fmt": "D", "label": _FLAGGED, "markersize": 1.3 * size},
    ]
    for flagged, look in enumerate(looks):
        rows = ((trend["flagged"] == flagged) & (trend["n"] > 0)).to_numpy()
        if rows.any():
            rate = trend["rate"][rows]
            reach = trend.loc[rows, ["low", "high"]].sub(rate, axis=0).abs().to_numpy().T
            look |= {"elinewidth": line, "alpha": 0.9, "zorder": 4 + flagged}
            ax.errorbar(middle[rows], rate, reach, **look)


def _draw_limits(ax: Axes, edges: Array, trend: pd.DataFrame) -> None:
    """Draw the control limits and the baseline."""
    look: style.Look = {"color": style.GREY, "linestyle": "--", "linewidth": 1}
    ax.stairs(trend["upper"], edges, baseline=None, label="control limit", **look)
    usual = float(trend["baseline"].iloc[0])
    ax.axhline(usual, color=style.DARK, linewidth=1)
    style.note(ax, f"baseline {percent(usual)}", (1, usual), style.BESIDE, shift=(4, 0))


def _mark_runs(ax: Axes, edges: Array, trend: pd.DataFrame) -> None:
    """Shade runs of bad periods, and say of the long ones from when to when they last."""
    runs = pd.Series(range(len(trend))).groupby(trend["bad_since"].to_numpy()).agg(["min", "max"])
    for first, last in runs.itertuples(index=False):
        begin, end = edges[first], edges[last + 1]
        ax.axvspan(begin, end, color=style.RED, alpha=0.08, linewidth=0, zorder=0)
        if last > first:
            since, until = (f"{trend['period'].iloc[row]:%d %b}" for row in (first, last))
            text = f"{since} – {until}" if last + 1 < len(trend) else f"since {since}"
            look: style.Look = {"color": style.RED, "ha": "center", "va": "top"}
            style.note(ax, text, ((begin + end) / 2, 1), style.ABOVE, shift=(0, -3), **look)


def _rate_axis(ax: Axes, highest: float) -> None:
    """Give the axis of rates room below for the numbers of jobs."""
    top = min(1.05, max(highest * 1.15, 0.05))
    ax.set_ylim(-top * _COUNTS / (1 - _COUNTS), top)
    ax.set_yticks([tick for tick in MaxNLocator(6).tick_values(0, top) if 0 <= tick <= min(top, 1)])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=" %"))
    ax.set_ylabel("failure rate")
    ax.axhline(0, color=style.DARK, linewidth=0.8)
