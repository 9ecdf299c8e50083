"""Open jobs over time against the quota."""

from __future__ import annotations

from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from dxnotebook.arrays import Array
from dxnotebook.metrics.concurrency import concurrency
from dxnotebook.model import OPEN_STATES
from dxnotebook.plots.style import (
    BLUE,
    GREY,
    MOST_GROUPS,
    PALE,
    RED,
    SKY,
    SMALL,
    axes_for,
    date_axis,
    days_of,
    one_group,
    rest,
    says,
    short,
)
from dxnotebook.tables.jobtables import observed_at


def plot_concurrency(jobs: pd.DataFrame, *, by: str = "type", ax: Axes | None = None) -> Axes:
    """Draw how many jobs of each group were open over time, against the service's quota.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state``, ``created_at``, ``updated_at`` and `by`.
    by : str
        The column to group by; of many groups the 30 with the highest peaks are drawn.
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
    steps = concurrency(jobs, one_group(by))
    groups = steps.groupby(by, observed=True, dropna=False, sort=False)[["peak", "quota"]].first()
    several = len(groups)
    groups = groups.sort_values("peak", kind="stable").tail(MOST_GROUPS)
    ax = axes_for(ax, 1.0 + 0.5 * len(groups))
    if steps.empty:
        return says(ax, "no open jobs" if len(jobs) else "no jobs")
    is_open = jobs["state"].isin(OPEN_STATES).any()
    first, last = (
        steps["at"].min(),
        max(steps["at"].max(), observed_at(jobs) if is_open else steps["at"].max()),
    )
    edges = mdates.date2num(pd.date_range(first, max(last, first + pd.Timedelta(minutes=1)), 1_500))
    beside = blended_transform_factory(ax.transAxes, ax.transData)
    name: Any
    for place, (name, (peak, quota)) in enumerate(groups.iterrows()):
        mine = steps[steps[by].isna() if pd.isna(name) else steps[by] == name]
        full = peak if pd.isna(quota) else max(peak, quota)
        ax.stairs(
            place + 0.8 * _highest(mine, edges) / full, edges, baseline=place, fill=True, color=SKY
        )
        ax.axhline(place, color=PALE, linewidth=0.8, zorder=0)
        at = days_of(mine["at"][mine["open"] == peak].head(1))
        reached = not pd.isna(quota) and peak >= quota
        colour = RED if reached else BLUE
        ax.plot(
            at,
            place + 0.8 * peak / full,
            "v" if reached else ".",
            color=colour,
            markersize=6,
            clip_on=False,
        )
        ax.text(
            1.01,
            place + 0.25,
            f"peak {peak}",
            transform=beside,
            fontsize=SMALL,
            va="center",
            color=colour,
            weight="bold" if reached else "normal",
        )
        if not pd.isna(quota):
            ax.plot(
                edges[[0, -1]],
                np.full(2, place + 0.8 * quota / full),
                "--",
                color=GREY,
                linewidth=1,
            )
            ax.text(
                1.01,
                place + 0.62,
                f"quota {quota}",
                transform=beside,
                fontsize=SMALL,
                va="center",
                color=GREY,
            )
    ax.set_yticks(np.arange(len(groups)) + 0.4, [short(name) for name in groups.index])
    ax.set_ylim(-0.1, len(groups))
    ax.tick_params(axis="y", length=0)
    date_axis(ax, edges, "UTC", f"time{rest(len(groups), several)}")
    return ax


def _highest(steps: pd.DataFrame, edges: Array) -> Array:
    """Return the highest number of open jobs between each two edges."""
    at, number = days_of(steps["at"]), steps["open"].to_numpy()
    bins = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    before = np.append(0, number)[
        np.searchsorted(at, edges[:-1], side="left")
    ]  # still so when the bin begins
    highest = before.copy()
    np.maximum.at(highest, bins, number)
    return highest
