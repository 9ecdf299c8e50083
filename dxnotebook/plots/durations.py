"""Median and 95th percentile of each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dxnotebook.metrics.durations import durations
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.plots.style import (
    BLUE,
    DARK,
    GREY,
    MOST_GROUPS,
    RED,
    SKY,
    axes_for,
    duration_axis,
    legend,
    note,
    one_group,
    rest,
    says,
    short,
)
from dxnotebook.text import duration


def plot_durations(
    jobs: pd.DataFrame, *, by: str = "type", reference: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the median and the 95th percentile of the durations of each group, on a logarithmic axis.

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
    jobs = pandas_frame(jobs, ["duration_s", one_group(by)])
    groups = durations(jobs, by)
    groups = groups[groups["n"] > 0]
    found = groups.nlargest(MOST_GROUPS, "n").sort_values("median", kind="stable")
    ax = axes_for(ax, 1.4 + 0.32 * len(found))
    if found.empty:
        return says(ax, "no finished jobs" if len(jobs) else "no jobs")
    place = np.arange(len(found))
    low, high = (found[name].clip(lower=0.5).to_numpy() for name in ("median", "p95"))
    ax.hlines(place, low, high, color=SKY, linewidth=3, zorder=2)
    ax.plot(low, place, "o", color=BLUE, label="median", zorder=3)
    ax.plot(high, place, "s", color=RED, label="95th percentile", zorder=3)
    usual = float(jobs["duration_s"].median()) if reference is None else reference
    told = f"median of all: {duration(usual)}" if reference is None else duration(usual)
    ax.axvline(max(usual, 0.5), color=DARK, linewidth=1, linestyle=":")
    note(ax, told, (max(usual, 0.5), 1), ("data", "axes fraction"), shift=(4, -3), va="top")
    for at, n in zip(place, found["n"], strict=True):
        note(ax, f"n = {n:,}", (1, at), ("axes fraction", "data"), shift=(6, 0), colour=GREY)
    ax.set_yticks(place, [short(name) for name in found[by]])
    ax.set_ylim(-0.6, len(found) - 0.2)
    label = f"created → finished{rest(len(found), len(groups))}"
    duration_axis(ax, min(low.min(), usual), max(high.max(), usual), label)
    legend(ax)
    return ax
