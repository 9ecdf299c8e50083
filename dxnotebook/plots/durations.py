"""Median and 95th percentile of each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dxnotebook.metrics.durations import durations
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.plots import style
from dxnotebook.text import duration


def plot_durations(
    jobs: pd.DataFrame, *, by: str = "type", reference: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the median and 95th percentile of the durations of each group, on a logarithmic axis.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``duration_s`` and `by`.
    by : str
        The column to group by; of many groups the 30 with most jobs are drawn.
    reference : float, optional
        A duration in seconds to draw a line at; by default the median of all jobs.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        One line a group, the slowest at the top: a circle at the median, a square at the 95th
        percentile.

    Raises
    ------
    DxError
        As `durations`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_durations(dx.load_jobs(dx.demo.client()).jobs)
    >>> ax.get_xlabel()
    'created → finished'
    """
    jobs = pandas_frame(jobs, ["duration_s", style.one_group(by)])
    groups = durations(jobs, by)
    groups = groups[groups["n"] > 0]
    shown = groups.nlargest(style.MOST_GROUPS, "n").sort_values("median", kind="stable")
    ax = style.axes_for(ax, 1.4 + 0.32 * len(shown))
    if shown.empty:
        return style.empty(ax, jobs, "no finished jobs")
    places = np.arange(len(shown))
    low, high = shown[["median", "p95"]].clip(lower=0.5).to_numpy().T
    ax.hlines(places, low, high, color=style.SKY, linewidth=3, zorder=2)
    ax.plot(low, places, "o", color=style.BLUE, label="median", zorder=3)
    ax.plot(high, places, "s", color=style.RED, label="95th percentile", zorder=3)
    usual = float(jobs["duration_s"].median()) if reference is None else reference
    text = f"median of all: {duration(usual)}" if reference is None else duration(usual)
    ax.axvline(max(usual, 0.5), color=style.ink(), linewidth=1, linestyle=":")
    style.note(ax, text, (max(usual, 0.5), 1), style.ABOVE, shift=(4, -3), va="top")
    for place, n in zip(places, shown["n"], strict=True):
        style.note(ax, f"n = {n:,}", (1, place), style.BESIDE, shift=(6, 0), color=style.GREY)
    style.group_axis(ax, places, shown[by])
    ax.set_ylim(-0.6, len(shown) - 0.2)
    label = f"created → finished{style.rest(len(shown), len(groups))}"
    style.duration_axis(ax, min(low.min(), usual), max(high.max(), usual), label)
    style.legend(ax)
    return ax
