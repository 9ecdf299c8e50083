"""Median and 95th percentile: of each group, or over time."""

from __future__ import annotations

from numbers import Real

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dxnotebook.errors import DxError, invalid
from dxnotebook.metrics.durations import durations
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.plots import style
from dxnotebook.tables.jobtables import created_within
from dxnotebook.text import duration
from dxnotebook.times import At

_LEAST_SECONDS = 0.5  # seconds: the axis is logarithmic


def plot_durations(
    jobs: pd.DataFrame,
    *,
    since: At = None,
    until: At = None,
    by: str | None = None,
    every: str | None = None,
    reference: float | None = None,
    tz: str = "UTC",
    ax: Axes | None = None,
) -> Axes:
    """Draw the median and 95th percentile of the durations of completed jobs.

    Those of each group, or with `every` over time; the axis of durations is logarithmic.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``duration_s``, ``state`` and `by`, or with `every` ``created_at``.
    by : str, optional
        The column to group by, "type" by default; of many groups the 30 with most jobs are drawn.
    every, tz : str, optional
        The length of a period, to draw all jobs over time instead, and whose calendar it follows,
        as in `failure_rate`.
    reference : float, optional
        A duration in seconds to draw a line at; by default the median of all jobs.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs created from when and until before when.

    Returns
    -------
    matplotlib Axes
        A circle at each median, a square at each 95th percentile: one line a group, the slowest at
        the top; over time with their 95 % intervals.

    Raises
    ------
    DxError
        As `durations`; when `by` and `every` are both given.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_durations(dx.load_jobs(dx.demo.client()).jobs)
    >>> ax.get_xlabel()
    'created → finished'
    """
    if (since, until) != (None, None):
        jobs = pandas_frame(jobs, ["created_at"])
        jobs = jobs[created_within(jobs, since, until)]
    if every is not None:
        if by is not None:
            raise DxError("Give `by` or `every`: durations are drawn by group, or over time.")
        return _over_time(pandas_frame(jobs, ["duration_s"]), every, reference, tz, ax)
    by = style.one_group("type" if by is None else by)
    jobs = pandas_frame(jobs, ["duration_s", by])
    groups = durations(jobs, by)
    groups = groups[groups["n"] > 0]
    shown = groups.nlargest(style.MOST_GROUPS, "n").sort_values("median", kind="stable")
    ax = style.axes_for(ax, 1.4 + 0.32 * len(shown))
    if shown.empty:
        return style.empty(ax, jobs, "no completed jobs")
    places = np.arange(len(shown))
    low, high = shown[["median", "p95"]].clip(lower=_LEAST_SECONDS).to_numpy().T
    ax.hlines(places, low, high, color=style.SKY, linewidth=3, zorder=2)
    ax.plot(low, places, "o", color=style.BLUE, label="median", zorder=3)
    ax.plot(high, places, "s", color=style.RED, label="95th percentile", zorder=3)
    usual, text = _reference(jobs, reference)
    ax.axvline(usual, color=style.ink(), linewidth=1, linestyle=":")
    style.note(ax, text, (usual, 1), style.ABOVE, shift=(4, -3), va="top")
    for place, n in zip(places, shown["n"], strict=True):
        style.note(ax, f"n = {n:,}", (1, place), style.BESIDE, shift=(6, 0), color=style.ink(0.7))
    style.group_axis(ax, places, shown[by])
    ax.set_ylim(-0.6, len(shown) - 0.2)
    label = f"created → finished{style.rest(len(shown), len(groups))}"
    style.duration_axis(ax, "x", min(low.min(), usual), max(high.max(), usual), label)
    style.legend(ax)
    return ax


def _over_time(
    jobs: pd.DataFrame, every: str, reference: float | None, tz: str, ax: Axes | None
) -> Axes:
    """Draw the quantiles of each period, with their intervals."""
    periods = durations(jobs, every=every, tz=tz)
    ax = style.axes_for(ax, 3.8)
    if not periods["n"].sum():
        return style.empty(ax, jobs, "no completed jobs")
    edges = style.edges_of(periods["period"])
    middle = (edges[:-1] + edges[1:]) / 2
    values = periods.drop(columns=["n", "period"]).clip(lower=_LEAST_SECONDS)
    for name, label, color, marker in (
        ("median", "median", style.BLUE, "o"),
        ("p95", "95th percentile", style.RED, "s"),
    ):
        # where there are too few jobs for a bound the band ends
        low, high = values[f"{name}_low"], values[f"{name}_high"]
        ax.fill_between(middle, low, high, color=color, alpha=0.15, linewidth=0, step="mid")
        size = float(np.clip(300 / len(values), 1.5, 5))
        look: style.Look = {"color": color, "markersize": size, "zorder": 3}
        label += " with 95 % interval" * bool((low.notna() & high.notna()).any())  # noqa: PLW2901
        ax.plot(middle, values[name], marker, label=label, **look)
    usual, text = _reference(jobs, reference)
    ax.axhline(usual, color=style.ink(), linewidth=1, linestyle=":")
    style.note(ax, text, (1, usual), style.BESIDE, shift=(4, 0))
    shown = values[["median", "p95", "median_low", "p95_high"]]
    least, most = shown.min().min(), shown.max().max()
    style.duration_axis(ax, "y", min(least, usual), max(most, usual), "created → finished")
    style.date_axis(ax, edges, tz, "created")
    style.legend(ax)
    return ax


def _reference(jobs: pd.DataFrame, seconds: object) -> tuple[float, str]:
    """Return where to draw a line, and what to say of it."""
    if seconds is not None:
        if not isinstance(seconds, Real) or not 0 <= float(seconds) < np.inf:
            raise invalid("reference", seconds, "is a number of seconds")
        return max(float(seconds), _LEAST_SECONDS), duration(float(seconds))
    usual = float(durations(jobs)["median"].iloc[0])
    return max(usual, _LEAST_SECONDS), f"median of all: {duration(usual)}"
