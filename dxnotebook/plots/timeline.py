"""Plots of jobs: a frame first, all else by keyword, the axes back; computing is done by the metrics.

Without `ax` a figure of its own is made. In a notebook it is pyplot's, which shows it at the end of the cell and lets go
of it; elsewhere it is none of pyplot's: ``ax.figure.savefig(...)``. No style is set, and a shape, a place or a word says
the same as each colour.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter
from matplotlib.transforms import blended_transform_factory

from dxnotebook.errors import DxError
from dxnotebook.metrics.causes import error_causes
from dxnotebook.metrics.concurrency import concurrency
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.metrics.rates import durations, failure_rate, failure_trend
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, OPEN_STATES
from dxnotebook.plots import lanes
from dxnotebook.plots.style import (
    BLUE,
    DARK,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    RED,
    SKY,
    SMALL,
    WIDTH,
    axes_for,
    date_axis,
    days_of,
    duration,
    duration_axis,
    legend,
    note,
    one_group,
    percent,
    rest,
    says,
    short,
)  # fmt: skip
from dxnotebook.tables.assemble import JobTables, observed_at

Array = npt.NDArray[Any]

_COUNTS = 0.2  # of the height, for the numbers of jobs
_MOST_GROUPS = 30


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
        Points are rates with their interval, diamonds the flagged periods; grey columns are the finished jobs (right
        axis); the baseline is labelled, the dashed line is the control limit of so many jobs.

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
        jobs, every, baseline=baseline, confidence=confidence, failed=failed, finished=finished, tz=tz
    )
    ax = axes_for(ax, 3.8)
    if not trend["n"].sum():
        return says(ax, "no finished jobs" if len(jobs) else "no jobs")
    edges = _edges(trend["period"])
    _draw_counts(ax, edges, trend["n"].to_numpy())
    _draw_rates(ax, edges, trend, f"rate with {100 * confidence:.3g} % interval")
    ax.stairs(trend["upper"], edges, baseline=None, color=GREY, linestyle="--", linewidth=1, label="control limit")
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
        One line a group, the slowest at the top: a circle at the median, a square at the 95th percentile.

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
    found = groups.nlargest(_MOST_GROUPS, "n").sort_values("median", kind="stable")
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


def plot_error_causes(tables: JobTables, *, top: int = 10, ax: Axes | None = None) -> Axes:
    """Draw the causes of failure by how many jobs they hit.

    Parameters
    ----------
    tables : JobTables
        The jobs and their errors.
    top : int
        How many causes to draw; the others are counted below.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        One bar a cause, the commonest at the top, below what its messages have in common.

    Raises
    ------
    DxError
        When given something else than tables, or `top` is less than 1.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_error_causes(dx.load_jobs(dx.demo.client()), top=5)
    >>> len(ax.patches)
    5
    """
    if not isinstance(top, int) or top < 1:
        raise DxError(f"Invalid top: {top!r}. Valid is a number of causes, at least 1.")
    causes = error_causes(tables)
    shown, others = causes.head(top), causes.iloc[top:]
    texts = ["\n".join(_wrapped(cause, code)) for cause, code in zip(shown["fingerprint"], shown["code"], strict=True)]
    heights = np.array([0.55 + 0.45 * (1 + text.count("\n")) for text in texts])
    ax = axes_for(ax, 0.7 + 0.42 * heights.sum())
    if causes.empty:
        return says(ax, "no errors" if len(tables) else "no jobs")
    place = heights.sum() - np.cumsum(heights)
    ax.barh(place, shown["jobs"], height=0.4, align="edge", color=BLUE)
    for at, text, (_, cause) in zip(place, texts, shown.iterrows(), strict=True):
        note(ax, text, (0, at + 0.46), ("axes fraction", "data"), va="bottom")
        told = f"{cause['jobs']:,} {'job' if cause['jobs'] == 1 else 'jobs'} · {percent(cause['share'])}"
        last = "" if pd.isna(cause["last_seen"]) else f" · last {cause['last_seen']:%Y-%m-%d}"
        note(ax, told + last, (cause["jobs"], at + 0.2), shift=(5, 0))
    ax.set_xlim(0, shown["jobs"].max() * 1.4)
    ax.set_ylim(-0.15, heights.sum() + 0.1)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    more = f" ({len(others):,} more causes hit {others['jobs'].sum():,} jobs)" if len(others) else ""
    ax.set_xlabel(f"jobs{more}")
    ax.spines[["left"]].set_visible(False)
    return ax


def plot_calendar(
    jobs: pd.DataFrame,
    *,
    failed: Iterable[str] = FAILED_STATES,
    finished: Iterable[str] = FINISHED_STATES,
    tz: str = "UTC",
    ax: Axes | None = None,
) -> Axes:
    """Draw the failure rate of each day as a calendar, a column a week.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state`` and ``created_at``.
    failed, finished, tz : optional
        As in `failure_rate`.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        A cell a day, the darker the higher the rate, with the rate in per cent where there is room; days without
        finished jobs are hatched.

    Raises
    ------
    DxError
        As `failure_rate`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_calendar(dx.load_jobs(dx.demo.client()).jobs)
    >>> [label.get_text() for label in ax.get_yticklabels()][:2]
    ['Mon', 'Tue']
    """
    jobs = pandas_frame(jobs, ["state", "created_at"])
    days = failure_rate(jobs, every="1d", failed=failed, finished=finished, tz=tz)
    if not days["n"].sum():
        return says(axes_for(ax, 2.0), "no finished jobs" if len(jobs) else "no jobs")
    local = pd.DatetimeIndex(days["period"]).tz_localize(None).normalize()
    weekday = local.day_of_week.to_numpy()
    week = (
        (local - pd.to_timedelta(weekday, "D") - (local[0] - pd.Timedelta(days=int(weekday[0])))).days // 7
    ).to_numpy()
    rates = np.full((7, week[-1] + 1), np.nan)
    rates[weekday, week] = days["rate"]
    ax = axes_for(ax, 3.0, min(2.2 + 0.5 * rates.shape[1], WIDTH))
    for row, column in np.argwhere(np.isnan(rates)):
        if ((weekday == row) & (week == column)).any():  # not the days before the first job and after the last
            ax.add_patch(Rectangle((column, row), 1, 1, facecolor="white", edgecolor=PALE, hatch="////", linewidth=0))
    norm = Normalize(0, max(float(np.nanmax(rates)), 0.05))
    mesh = ax.pcolormesh(rates, cmap="YlOrBr", norm=norm, edgecolors="white", linewidth=1)
    if rates.shape[1] <= 27:
        for row, column in np.argwhere(np.isfinite(rates)):
            share = rates[row, column]
            ax.text(column + 0.5, row + 0.5, f"{100 * share:.0f}", ha="center", va="center", fontsize=SMALL - 1,
                    color="white" if norm(share) > 0.6 else DARK)  # fmt: skip
    ax.set_yticks(np.arange(7) + 0.5, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    ax.set_ylim(7, 0)
    ax.tick_params(length=0)
    _month_axis(ax, local, week)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(mesh, ax=ax, fraction=0.03, pad=0.01, format=PercentFormatter(1, 0, " %"))
    bar.set_label("failure rate", fontsize=SMALL)
    bar.outline.set_visible(False)
    if np.isnan(days["rate"]).any():
        key = Patch(facecolor="white", edgecolor=GREY, hatch="////", linewidth=0.5, label="no finished jobs")
        ax.legend(handles=[key], frameon=False, fontsize=SMALL, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0)
    return ax


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
        One band a group, from 0 to the quota, a dashed line, or to the peak where there is no quota; a triangle marks
        the peak.

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
    groups = groups.sort_values("peak", kind="stable").tail(_MOST_GROUPS)
    ax = axes_for(ax, 1.0 + 0.5 * len(groups))
    if steps.empty:
        return says(ax, "no open jobs" if len(jobs) else "no jobs")
    is_open = jobs["state"].isin(OPEN_STATES).any()
    first, last = steps["at"].min(), max(steps["at"].max(), observed_at(jobs) if is_open else steps["at"].max())
    edges = mdates.date2num(pd.date_range(first, max(last, first + pd.Timedelta(minutes=1)), 1_500))
    beside = blended_transform_factory(ax.transAxes, ax.transData)
    name: Any
    for place, (name, (peak, quota)) in enumerate(groups.iterrows()):
        mine = steps[steps[by].isna() if pd.isna(name) else steps[by] == name]
        full = peak if pd.isna(quota) else max(peak, quota)
        ax.stairs(place + 0.8 * _highest(mine, edges) / full, edges, baseline=place, fill=True, color=SKY)
        ax.axhline(place, color=PALE, linewidth=0.8, zorder=0)
        at = days_of(mine["at"][mine["open"] == peak].head(1))
        reached = not pd.isna(quota) and peak >= quota
        colour = RED if reached else BLUE
        ax.plot(at, place + 0.8 * peak / full, "v" if reached else ".", color=colour, markersize=6, clip_on=False)
        ax.text(1.01, place + 0.25, f"peak {peak}", transform=beside, fontsize=SMALL, va="center", color=colour,
                weight="bold" if reached else "normal")  # fmt: skip
        if not pd.isna(quota):
            ax.plot(edges[[0, -1]], np.full(2, place + 0.8 * quota / full), "--", color=GREY, linewidth=1)
            ax.text(1.01, place + 0.62, f"quota {quota}", transform=beside, fontsize=SMALL, va="center", color=GREY)
    ax.set_yticks(np.arange(len(groups)) + 0.4, [short(name) for name in groups.index])
    ax.set_ylim(-0.1, len(groups))
    ax.tick_params(axis="y", length=0)
    date_axis(ax, edges, "UTC", f"time{rest(len(groups), several)}")
    return ax


# how a job of a state is drawn: colour, hatch, height; in this order, so that failures are on top
_LOOKS = {
    "COMPLETED": (SKY, "", 0.56),
    "CANCELLED": ("#B0B0B0", "", 0.56),
    "IN_PROGRESS": ("white", "////", 0.56),
    "WAITING": ("white", "....", 0.56),
    "TIMED_OUT": (ORANGE, "", 0.8),
    "ERROR": (RED, "", 1.0),
}
_OTHER_LOOK = (PURPLE, "", 0.56)
_MOST_LANES = 10
_MOST_BARS = 10_000


def plot_timeline(
    jobs: pd.DataFrame,
    *,
    by: str = "type",
    since: str | pd.Timestamp | None = None,
    until: str | pd.Timestamp | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw jobs as bars from created to finished, in a band of lanes for each group.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state``, ``created_at``, ``updated_at`` and `by`.
    by : str
        The column to group by; of many groups the 30 with most jobs are drawn.
    since, until : str or Timestamp, optional
        The time to look at (UTC unless it names a zone); by default all.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        One bar a job, coloured by state, in the first lane of its band that is free; failures are taller. A bar is at
        least 1/500 of the time wide. Where a band has too few lanes, failures cover the others; of more than 10,000
        jobs a sample is drawn in which each state has its share, and the axis says so.

    Raises
    ------
    DxError
        When a column is missing, or `since` or `until` is no time.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.load_jobs(dx.demo.client()).jobs
    >>> ax = dx.plot_timeline(jobs, since="2026-08-30", until="2026-09-08")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['COMPLETED 545', 'CANCELLED 2', 'TIMED_OUT 1', 'ERROR 185']
    """
    bars, span = lanes.bars(jobs, one_group(by), since, until)
    if bars.empty:
        return says(axes_for(ax, 2.0), "no jobs in this time" if len(jobs) else "no jobs")
    sizes = bars["group"].value_counts(dropna=False)
    sizes = sizes[sizes > 0]
    names = sizes.head(_MOST_GROUPS).index[::-1]
    bars = bars.assign(band=names.get_indexer(pd.Index(bars["group"])))
    bars = bars[bars["band"] >= 0]
    counts = bars["state"].value_counts()
    drawn = f"created → finished{rest(len(names), len(sizes))}"
    if len(bars) > _MOST_BARS:
        bars = bars.sort_values(["band", "left", "state"])  # so that a sample at even distances has of each its share
        drawn = f"{drawn}, {_MOST_BARS:,} of {len(bars):,} jobs drawn"
        bars = bars.take(np.linspace(0, len(bars) - 1, _MOST_BARS).astype(np.int64)).sort_values("begun")
    bars, heights = lanes.with_lanes(bars, min(max(60 // len(names), 3), _MOST_LANES))
    base = np.cumsum([0, *(heights + 0.6)])
    ax = axes_for(ax, 1.1 + 0.2 * len(names) + 0.1 * heights.sum())
    edges = mdates.date2num(pd.date_range(*span, lanes.BINS + 1))
    known = [state for state in _LOOKS if state in counts]
    for depth, state in enumerate([*known, *(state for state in counts.index if state not in _LOOKS)]):
        rows = bars[bars["state"] == state]
        drawn_bars = _draw_bars(ax, edges, rows, base[rows["band"]])
        drawn_bars.set(zorder=2 + depth, label=f"{state} {counts[state]:,}")
    ax.set_yticks(base[:-1] + heights / 2, [short(name) for name in names])
    ax.hlines(base[1:-1] - 0.3, *edges[[0, -1]], color=PALE, linewidth=0.8, zorder=0)
    ax.set_ylim(-0.4, base[-1] - 0.2)
    ax.tick_params(axis="y", length=0)
    date_axis(ax, edges, "UTC", drawn)
    legend(ax)
    return ax


def _draw_bars(ax: Axes, edges: Array, bars: pd.DataFrame, base: Array) -> PolyCollection:
    """Draw the bars of one state, whose bands begin at some heights."""
    colour, hatch, height = _LOOKS.get(bars["state"].iloc[0], _OTHER_LOOK)
    left, right = (edges[bars[side]] for side in ("left", "right"))
    low = base + bars["lane"].to_numpy() + 0.5 - height / 2
    corners = np.array([(left, low), (right, low), (right, low + height), (left, low + height)])
    drawn = PolyCollection(
        list(np.moveaxis(corners, 2, 0)),
        facecolor=colour,
        hatch=hatch,
        edgecolor=DARK if hatch else "face",
        linewidth=0.4,
    )
    ax.add_collection(drawn)
    return drawn


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
        counts, "finished jobs", (0, 1.05 * n.max()), ("axes fraction", "data"), shift=(4, 0), colour=GREY, va="bottom"
    )
    counts.spines[["top", "left", "right"]].set_visible(False)
    ax.set_zorder(counts.get_zorder() + 1)
    ax.patch.set_visible(False)


def _draw_rates(ax: Axes, edges: Array, trend: pd.DataFrame, told: str) -> None:
    """Draw the rate of each period as a point with its interval; flagged ones are larger diamonds."""
    middle = (edges[:-1] + edges[1:]) / 2
    size = float(np.clip(400 / len(trend), 2, 5.5))
    for flagged, colour, marker, label in ((False, BLUE, "o", told), (True, RED, "D", "flagged: above the limit")):
        rows = ((trend["flagged"] == flagged) & (trend["n"] > 0)).to_numpy()
        if not rows.any():
            continue
        part = trend[rows]
        reach = np.abs(part[["low", "high"]].sub(part["rate"], axis=0).to_numpy().T)
        ax.errorbar(
            middle[rows], part["rate"], reach, fmt=marker, color=colour, label=label, zorder=4 + flagged,
            markersize=size * (1.3 if flagged else 1), elinewidth=float(np.clip(150 / len(trend), 0.3, 1)), alpha=0.9,
        )  # fmt: skip


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
            note(ax, told, (middle, 1), ("data", "axes fraction"), shift=(0, -3), colour=RED, ha="center", va="top")


def _highest(steps: pd.DataFrame, edges: Array) -> Array:
    """Return the highest number of open jobs between each two edges."""
    at, number = days_of(steps["at"]), steps["open"].to_numpy()
    bins = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    before = np.append(0, number)[np.searchsorted(at, edges[:-1], side="left")]  # still so when the bin begins
    highest = before.copy()
    np.maximum.at(highest, bins, number)
    return highest


def _month_axis(ax: Axes, days: pd.DatetimeIndex, week: Array) -> None:
    """Name the months, and the years with their first one, below the weeks they begin in."""
    months = days.to_period("M")
    begins = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    step = len(begins) // 24 + 1
    labels = [f"{days[i]:%b}" + (f"\n{days[i]:%Y}" if i == 0 or days[i].month == 1 else "") for i in begins[::step]]
    at = week[begins[::step]]
    kept = np.append(np.diff(at) > 1, True)  # a month of which only the end is there gives way to the next
    ax.set_xticks(at[kept] + 0.5, [label for label, keep in zip(labels, kept, strict=True) if keep])


def _wrapped(message: str | float, code: str | float) -> list[str]:
    """Return a message and its code as the lines of a label."""
    told = "(no message)" if pd.isna(message) else str(message)
    lines = textwrap.wrap(told if pd.isna(code) else f"{code}: {told}", 120, max_lines=3, placeholder=" …")
    return [line.replace("$", r"\$") for line in lines]
