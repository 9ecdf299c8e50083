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
from dxnotebook.plots.style import (
    BLUE,
    DARK,
    GREY,
    PALE,
    RED,
    SMALL,
    axes_for,
    date_axis,
    days_of,
    legend,
    note,
    says,
)
from dxnotebook.text import percent

_COUNTS = 0.2  # of the height, for the numbers of jobs


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
    """Draw the failure rate of each period with its interval, and mark the periods that are out of control.

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
    trend = failure_trend(
        jobs,
        every,
        baseline=baseline,
        confidence=confidence,
        failed=failed,
        finished=finished,
        tz=tz,
    )
    ax = axes_for(ax, 3.8)
    if not trend["n"].sum():
        return says(ax, "no finished jobs" if len(jobs) else "no jobs")
    edges = _edges(trend["period"])
    _draw_counts(ax, edges, trend["n"].to_numpy())
    _draw_rates(ax, edges, trend, f"rate with {100 * confidence:.3g} % interval")
    ax.stairs(
        trend["upper"],
        edges,
        baseline=None,
        color=GREY,
        linestyle="--",
        linewidth=1,
        label="control limit",
    )
    usual = float(trend["baseline"].iloc[0])
    ax.axhline(usual, color=DARK, linewidth=1)
    note(ax, f"baseline {percent(usual)}", (1, usual), ("axes fraction", "data"), shift=(4, 0))
    _mark_runs(ax, trend, edges)
    top = min(1.05, max(float(trend["high"].max()) * 1.15, 0.05))
    ax.set_ylim(-top * _COUNTS / (1 - _COUNTS), top)
    ax.set_yticks([tick for tick in MaxNLocator(6).tick_values(0, top) if 0 <= tick <= min(top, 1)])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=" %"))
    ax.set_ylabel("failure rate")
    ax.axhline(0, color=DARK, linewidth=0.8)
    date_axis(ax, edges, tz, "created")
    legend(ax)
    return ax


def _edges(starts: pd.Series[pd.Timestamp]) -> Array:
    """Return where periods begin, and the last ends, in days."""
    at = days_of(starts)
    return np.append(at, at[-1] + (np.median(np.diff(at)) if len(at) > 1 else 1.0))


def _draw_counts(ax: Axes, edges: Array, n: Array) -> None:
    """Draw columns of the numbers of jobs below a plot, with an axis at the right."""
    counts = ax.twinx()
    counts.stairs(n, edges, fill=True, color=PALE)
    counts.set_ylim(0, 1.4 * n.max() / _COUNTS)
    counts.yaxis.set_major_locator(FixedLocator([0, int(n.max())]))
    counts.yaxis.set_major_formatter("{x:,.0f}")
    counts.tick_params(labelsize=SMALL, colors=GREY)
    note(
        counts,
        "finished jobs",
        (0, 1.05 * n.max()),
        ("axes fraction", "data"),
        shift=(4, 0),
        colour=GREY,
        va="bottom",
    )
    counts.spines[["top", "left", "right"]].set_visible(False)
    ax.set_zorder(counts.get_zorder() + 1)
    ax.patch.set_visible(False)


def _draw_rates(ax: Axes, edges: Array, trend: pd.DataFrame, told: str) -> None:
    """Draw the rate of each period as a point with its interval; flagged ones are larger diamonds."""
    middle = (edges[:-1] + edges[1:]) / 2
    size = float(np.clip(400 / len(trend), 2, 5.5))
    for flagged, colour, marker, label in (
        (False, BLUE, "o", told),
        (True, RED, "D", "flagged: above the limit"),
    ):
        rows = ((trend["flagged"] == flagged) & (trend["n"] > 0)).to_numpy()
        if not rows.any():
            continue
        part = trend[rows]
        reach = np.abs(part[["low", "high"]].sub(part["rate"], axis=0).to_numpy().T)
        ax.errorbar(
            middle[rows],
            part["rate"],
            reach,
            fmt=marker,
            color=colour,
            label=label,
            zorder=4 + flagged,
            markersize=size * (1.3 if flagged else 1),
            elinewidth=float(np.clip(150 / len(trend), 0.3, 1)),
            alpha=0.9,
        )


def _mark_runs(ax: Axes, trend: pd.DataFrame, edges: Array) -> None:
    """Shade runs of bad periods, and say of the long ones from when to when they last."""
    runs = pd.Series(range(len(trend))).groupby(trend["bad_since"].to_numpy()).agg(["min", "max"])
    for first, last in runs.itertuples(index=False):
        ax.axvspan(edges[first], edges[last + 1], color=RED, alpha=0.08, linewidth=0, zorder=0)
        if last > first:
            told = f"since {trend['period'].iloc[first]:%d %b}"
            if last + 1 < len(trend):
                told = f"{told.removeprefix('since ')} – {trend['period'].iloc[last]:%d %b}"
            middle = (edges[first] + edges[last + 1]) / 2
            note(
                ax,
                told,
                (middle, 1),
                ("data", "axes fraction"),
                shift=(0, -3),
                colour=RED,
                ha="center",
                va="top",
            )
