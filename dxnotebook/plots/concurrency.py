"""Open jobs over time against the quota."""

from __future__ import annotations

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dxnotebook.arrays import Array
from dxnotebook.metrics.concurrency import concurrency
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.model import OPEN_STATES
from dxnotebook.plots import style
from dxnotebook.tables.jobtables import observed_at, window_of
from dxnotebook.times import At

_BINS = 1_500
_HEIGHT = 0.8  # of a band, 1 apart


def plot_concurrency(
    jobs: pd.DataFrame,
    *,
    by: str = "type",
    since: At = None,
    until: At = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many jobs of each group were open over time, against the service's quota.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state``, ``created_at``, ``updated_at`` and `by`.
    by : str
        The column to group by; of many groups the 30 with the highest peaks are drawn.
    since, until : time or str, optional
        The window, as for `concurrency`.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        One band a group, from 0 to the quota, a dashed line, or to the peak where there is no
        quota; a triangle marks the peak.

    Raises
    ------
    DxError
        As `concurrency`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_concurrency(dx.load_jobs(dx.demo.client()).jobs)
    >>> sorted({text.get_text() for text in ax.texts if "quota" in text.get_text()})
    ['quota 10', 'quota 5']
    """
    jobs = pandas_frame(jobs, ())
    steps = concurrency(jobs, style.one_group(by), since=since, until=until)
    groups = steps.groupby(by, observed=True, dropna=False, sort=False)[["peak", "quota"]].first()
    shown = groups.sort_values("peak", kind="stable").tail(style.MOST_GROUPS)
    ax = style.axes_for(ax, 1.0 + 0.5 * len(shown))
    if steps.empty:
        return style.empty(ax, jobs, "no open jobs")
    first, last = steps["at"].min(), steps["at"].max()
    if jobs["state"].isin(OPEN_STATES).any():
        last = max(last, window_of(jobs, since, until).end or observed_at(jobs))
    last = max(last, first + pd.Timedelta(minutes=1))
    edges = mdates.date2num(pd.date_range(first, last, _BINS))
    for place, name in enumerate(shown.index):
        rows = steps[by].isna() if pd.isna(name) else steps[by] == name
        _draw_band(ax, place, steps[rows], edges)
    style.group_axis(ax, np.arange(len(shown)) + _HEIGHT / 2, shown.index)
    ax.set_ylim(-0.1, len(shown))
    style.date_axis(ax, edges, "UTC", f"time{style.rest(len(shown), len(groups))}")
    return ax


def _draw_band(ax: Axes, place: int, steps: pd.DataFrame, edges: Array) -> None:
    """Draw the open jobs of a group, their peak and their quota."""
    peak, quota = steps["peak"].iloc[0], steps["quota"].iloc[0]
    limited = not pd.isna(quota)
    reached = limited and peak >= quota
    scale = _HEIGHT / (max(peak, quota) if limited else peak)
    band = place + scale * _highest(steps, edges)
    ax.stairs(band, edges, baseline=place, fill=True, color=style.SKY)
    ax.axhline(place, color=style.ink(0.17), linewidth=0.8, zorder=0)
    colour, text = (style.RED, style.RED) if reached else (style.BLUE, style.ink())
    at = style.days_of(steps["at"][steps["open"] == peak].head(1))
    mark = "v" if reached else "."
    ax.plot(at, place + scale * peak, mark, color=colour, markersize=6, clip_on=False)
    look: style.Look = {"color": text, "weight": "bold" if reached else "normal"}
    style.note(ax, f"peak {peak}", (1.01, place + 0.25), style.BESIDE, **look)
    if limited:
        ends, height = edges[[0, -1]], np.full(2, place + scale * quota)
        ax.plot(ends, height, "--", color=style.ink(0.7), linewidth=1)
        style.note(ax, f"quota {quota}", (1.01, place + 0.62), style.BESIDE, color=style.ink(0.7))


def _highest(steps: pd.DataFrame, edges: Array) -> Array:
    """Return the highest number of open jobs between each two edges."""
    at, number = style.days_of(steps["at"]), steps["open"].to_numpy()
    bins = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    # what is so when a bin begins
    highest = np.append(0, number)[np.searchsorted(at, edges[:-1], side="left")]
    np.maximum.at(highest, bins, number)
    return highest
