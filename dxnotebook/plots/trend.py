"""The failure rate of each period against its control limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from dxnotebook.arrays import Array
from dxnotebook.errors import invalid
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.metrics.trend import failure_trend
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, States
from dxnotebook.plots import style
from dxnotebook.text import percent, shortened
from dxnotebook.times import At, moment

_COUNTS = 0.2  # of the height, for the numbers of jobs
_LONGEST_MARKER = 80
_FLAGGED = "flagged: above the limit"
_SHIFTED = "shifted: higher for some time"


def plot_failure_trend(
    jobs: pd.DataFrame,
    *,
    since: At = None,
    until: At = None,
    every: str = "1d",
    baseline: float | None = None,
    season: Literal["week"] | None = None,
    markers: Mapping[Any, str] | Sequence[tuple[Any, str]] = (),
    confidence: float = 0.95,
    failed: States = FAILED_STATES,
    finished: States = FINISHED_STATES,
    tz: str = "UTC",
    ax: Axes | None = None,
) -> Axes:
    """Draw each period's failure rate with its interval, and mark the periods out of control.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state`` and ``created_at``.
    every, baseline, season, confidence, failed, finished, tz : optional
        As in `failure_trend`.
    markers : mapping or sequence of (time, str), optional
        What happened when, such as deployments and changes of policies.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.
    since, until : time or str, optional
        The window, as for `failure_trend`.

    Returns
    -------
    matplotlib Axes
        Points are rates with their interval, diamonds the flagged periods, squares the shifted ones
        that are not; grey columns are the finished jobs (right axis); the baseline is labelled, the
        dashed line is the control limit of so many jobs. Markers are numbered lines; below, a line
        each, the rate between the one before and this, and from this to the next.

    Raises
    ------
    DxError
        As `failure_trend`, and when a marker is no time and text.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_failure_trend(dx.load_jobs(dx.demo.client()).jobs)
    >>> ax.get_ylabel()
    'failure rate'
    """
    jobs = pandas_frame(jobs, ["state", "created_at"])
    states: style.Look = {"failed": failed, "finished": finished}
    marked = _sorted_markers(markers)
    options: style.Look = {"baseline": baseline, "season": season, "confidence": confidence}
    trend = failure_trend(jobs, every, since=since, until=until, tz=tz, **options, **states)
    ax = style.axes_for(ax, 3.8)
    if not trend["n"].sum():
        return style.empty(ax, jobs, "no finished jobs")
    edges = style.edges_of(trend["period"])
    _draw_counts(ax, edges, trend["n"].to_numpy())
    _draw_rates(ax, edges, trend, f"rate with {100 * confidence:.3g} % interval")
    _draw_limits(ax, edges, trend)
    _rate_axis(ax, float(trend["high"].max()))
    style.date_axis(ax, edges, tz, "created")
    _mark_runs(ax, edges, trend)
    if len(marked):
        _draw_markers(ax, marked, jobs, states)
    style.legend(ax)
    return ax


def _draw_counts(ax: Axes, edges: Array, n: Array) -> None:
    """Draw columns of the numbers of jobs below a plot, with an axis at the right."""
    counts = ax.twinx()
    counts.stairs(n, edges, fill=True, color=style.ink(), alpha=0.15, linewidth=0)
    counts.set_ylim(0, 1.4 * n.max() / _COUNTS)
    counts.yaxis.set_major_locator(FixedLocator([0, int(n.max())]))
    counts.yaxis.set_major_formatter("{x:,.0f}")
    counts.tick_params(labelsize=style.SMALL, colors=style.ink(0.7))
    look: style.Look = {"color": style.ink(0.7), "va": "bottom"}
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
        {"color": style.ORANGE, "fmt": "s", "label": _SHIFTED, "markersize": 1.1 * size},
        {"color": style.RED, "fmt": "D", "label": _FLAGGED, "markersize": 1.3 * size},
    ]
    kind = np.where(trend["flagged"], 2, trend["shifted"])
    for number, look in enumerate(looks):
        rows = (kind == number) & (trend["n"] > 0).to_numpy()
        if rows.any():
            rate = trend["rate"][rows]
            reach = trend.loc[rows, ["low", "high"]].sub(rate, axis=0).abs().to_numpy().T
            look |= {"elinewidth": line, "alpha": 0.9, "zorder": 4 + number}
            ax.errorbar(middle[rows], rate, reach, **look)


def _draw_limits(ax: Axes, edges: Array, trend: pd.DataFrame) -> None:
    """Draw the control limits and the baseline."""
    look: style.Look = {"color": style.ink(0.7), "linestyle": "--", "linewidth": 1}
    ax.stairs(trend["upper"], edges, baseline=None, label="control limit", **look)
    usual = trend["baseline"].to_numpy()
    ax.stairs(usual, edges, baseline=None, color=style.ink(), linewidth=1)
    text = f"baseline {percent(float(np.average(usual, weights=trend['n'])))}"
    style.note(ax, text, (1, usual[-1]), style.BESIDE, shift=(4, 0))


def _mark_runs(ax: Axes, edges: Array, trend: pd.DataFrame) -> None:
    """Shade runs of bad periods, and say of the long ones from when to when they last."""
    runs = pd.Series(range(len(trend))).groupby(trend["bad_since"].to_numpy()).agg(["min", "max"])
    shade: style.Look = {"color": style.RED, "alpha": 0.08, "linewidth": 0, "zorder": 0}
    for first, last in runs.itertuples(index=False):
        ax.axvspan(edges[first], edges[last + 1], **shade)
    long = runs[runs["max"] > runs["min"]]
    # of texts that would touch, those of longer runs are written
    first, last = long.iloc[np.argsort(long["min"] - long["max"])].to_numpy().T
    middle = (edges[first] + edges[last + 1]) / 2
    starts = trend["period"].dt.strftime("%d %b").to_numpy()
    texts = [
        f"since {starts[a]}" if b + 1 == len(trend) else " – ".join(dict.fromkeys(starts[[a, b]]))
        for a, b in zip(first, last, strict=True)
    ]
    top = ax.get_ylim()[1]
    at, places = np.c_[middle, top + 0 * middle], [("center", -9), ("right", -9), ("left", -9)]
    style.write_apart(ax, at, texts, np.empty((0, 2)), places, color=style.RED)


def _sorted_markers(markers: Any) -> pd.Series[str]:
    """Return the texts of markers by their times, or raise DxError."""
    pairs = markers.items() if isinstance(markers, Mapping) else markers
    try:
        times, texts = zip(*pairs, strict=True) if len(pairs) else ((), ())
    except (TypeError, ValueError):
        raise invalid("markers", markers, "are times with a text each") from None
    index = pd.DatetimeIndex([moment("markers", time) for time in times], tz="UTC")
    return pd.Series([" ".join(str(text).split()) for text in texts], index, "str").sort_index()


def _draw_markers(ax: Axes, markers: pd.Series[str], jobs: pd.DataFrame, states: Any) -> None:
    """Draw markers as numbered lines, and list them with the rates before and after each."""
    times = pd.DatetimeIndex(markers.index)
    dated = jobs.dropna(subset="created_at")
    between = dated[["state"]].assign(number=times.searchsorted(dated["created_at"], side="right"))
    rates = failure_rate(between, "number", **states).set_index("number")["rate"]
    shares = [percent(rates[at]) if at in rates else "no jobs" for at in range(len(times) + 1)]
    lines, previous, level = [], -np.inf, 0
    days = style.days_of(times.to_series())
    for number, (at, text) in enumerate(zip(days, markers, strict=True), 1):
        change = f"{shares[number - 1]} → {shares[number]}"
        lines.append(f"{number}  {shortened(text, _LONGEST_MARKER)}: {change}")
        low, high = ax.get_xlim()
        if low <= at <= high:
            level = (level + 1) % 4 if at - previous < 0.02 * (high - low) else 0
            ax.axvline(at, color=style.ink(), linestyle=":", linewidth=1.2)
            shift = (3, 6 + 10 * level)
            style.note(ax, str(number), (at, 0), style.ABOVE, shift, fontweight="bold")
            previous = at
    style.note(ax, "\n".join(lines), (0, 0), "axes fraction", (0, -42), va="top", linespacing=1.5)


def _rate_axis(ax: Axes, highest: float) -> None:
    """Give the axis of rates room below for the numbers of jobs."""
    top = min(1.05, max(highest * 1.15, 0.05))
    ax.set_ylim(-top * _COUNTS / (1 - _COUNTS), top)
    ax.set_yticks([tick for tick in MaxNLocator(6).tick_values(0, top) if 0 <= tick <= min(top, 1)])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=" %"))
    ax.set_ylabel("failure rate")
    ax.axhline(0, color=style.ink(), linewidth=0.8)
