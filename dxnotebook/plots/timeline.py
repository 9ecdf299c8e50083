"""Jobs as bars from created to finished, in lanes."""

from __future__ import annotations

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from dxnotebook.arrays import Array
from dxnotebook.plots import lanes, style
from dxnotebook.times import At

# how a job of a state is drawn: colour, hatch, height; in this order, so that failures are on top
_LOOKS = {
    "COMPLETED": (style.SKY, "", 0.56),
    "CANCELLED": ("#B0B0B0", "", 0.56),
    "IN_PROGRESS": ("white", "////", 0.56),
    "WAITING": ("white", "....", 0.56),
    "TIMED_OUT": (style.ORANGE, "", 0.8),
    "ERROR": (style.RED, "", 1.0),
}
_OTHER_LOOK = (style.PURPLE, "", 0.56)
_MOST_LANES = 10
_MOST_BARS = 10_000


def plot_timeline(
    jobs: pd.DataFrame,
    *,
    by: str = "type",
    since: At = None,
    until: At = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw jobs as bars from created to finished, in a band of lanes for each group.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state``, ``created_at``, ``updated_at`` and `by`.
    by : str
        The column to group by; of many groups the 30 with most jobs are drawn.
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs that were open in it are drawn; by default all.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        One bar a job, coloured by state, in the first lane of its band that is free; failures are
        taller. A bar is at least 1/500 of the time wide. Where a band has too few lanes, failures
        cover the others; of more than 10,000 jobs a sample is drawn in which each state has its
        share, and the axis says so.

    Raises
    ------
    DxError
        When a column is missing, or `since` or `until` is no time, or not before the other.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> ax = dx.plot_timeline(jobs, since="2026-08-30", until="2026-09-08")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['COMPLETED 545', 'CANCELLED 2', 'TIMED_OUT 1', 'ERROR 185']
    """
    bars, span = lanes.bars(jobs, style.one_group(by), since, until)
    if bars.empty:
        return style.empty(style.axes_for(ax, 2.0), jobs, "no jobs in this time")
    sizes = bars["group"].value_counts(dropna=False)
    sizes = sizes[sizes > 0]
    names = sizes.head(style.MOST_GROUPS).index[::-1]
    bars = bars.assign(band=names.get_indexer(pd.Index(bars["group"])))
    bars = bars[bars["band"] >= 0]
    counts = bars["state"].value_counts()
    label = f"created → finished{style.rest(len(names), len(sizes))}"
    if len(bars) > _MOST_BARS:
        label = f"{label}, {_MOST_BARS:,} of {len(bars):,} jobs drawn"
        bars = _sample(bars)
    bars, heights = lanes.with_lanes(bars, min(max(60 // len(names), 3), _MOST_LANES))
    base = np.cumsum([0, *(heights + 0.6)])
    ax = style.axes_for(ax, 1.1 + 0.2 * len(names) + 0.1 * heights.sum())
    edges = mdates.date2num(pd.date_range(*span, lanes.BINS + 1))
    ordered = dict.fromkeys([*_LOOKS, *counts.index])
    for depth, state in enumerate(state for state in ordered if state in counts):
        rows = bars[bars["state"] == state]
        drawn = _draw_bars(ax, edges, rows, base[rows["band"]])
        drawn.set(zorder=2 + depth, label=f"{state} {counts[state]:,}")
    style.group_axis(ax, base[:-1] + heights / 2, names)
    ax.hlines(base[1:-1] - 0.3, *edges[[0, -1]], color=style.ink(0.17), linewidth=0.8, zorder=0)
    ax.set_ylim(-0.4, base[-1] - 0.2)
    style.date_axis(ax, edges, "UTC", label)
    style.legend(ax)
    return ax


def _sample(bars: pd.DataFrame) -> pd.DataFrame:
    """Return as many bars as are drawn, at even distances, so that each state has its share."""
    bars = bars.sort_values(["band", "left", "state"])
    rows = np.linspace(0, len(bars) - 1, _MOST_BARS).astype(np.int64)
    return bars.take(rows).sort_values("begun")


def _draw_bars(ax: Axes, edges: Array, bars: pd.DataFrame, base: Array) -> PolyCollection:
    """Draw the bars of one state, whose bands begin at some heights."""
    colour, hatch, height = _LOOKS.get(bars["state"].iloc[0], _OTHER_LOOK)
    left, right = edges[bars["left"]], edges[bars["right"]]
    low = base + bars["lane"].to_numpy() + 0.5 - height / 2
    high = low + height
    corners = np.array([(left, low), (right, low), (right, high), (left, high)])
    edge = style.DARK if hatch else "face"
    look: style.Look = {"facecolor": colour, "hatch": hatch, "edgecolor": edge}
    drawn = PolyCollection(list(np.moveaxis(corners, 2, 0)), linewidth=0.4, **look)
    ax.add_collection(drawn)
    return drawn
