"""Failure rates of groups against how many jobs they are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter, StrMethodFormatter

from dxnotebook.arrays import Array
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, States
from dxnotebook.plots import style
from dxnotebook.text import percent
from dxnotebook.times import At

_FUNNELS = {"95 % of groups": (0.95, "--"), "99.8 %": (0.998, "-")}
_LONGEST_NAME = 24


def plot_funnel(
    jobs: pd.DataFrame,
    *,
    since: At = None,
    until: At = None,
    by: str = "data_set_id",
    cluster: str | Sequence[str] | None = None,
    failed: States = FAILED_STATES,
    finished: States = FINISHED_STATES,
    ax: Axes | None = None,
) -> Axes:
    """Draw groups' failure rates by their numbers of jobs, with the limits of what chance makes.

    Parameters
    ----------
    jobs : pandas.DataFrame
        Jobs with the columns ``state``, `by` and `cluster`.
    by : str
        The column to group by.
    cluster, failed, finished : optional
        As in `failure_rate`; with `cluster` the number of jobs is the effective one.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs created from when and until before when.

    Returns
    -------
    matplotlib Axes
        One point a group. The line is the rate of all; between the dashed and the full limits 95 %
        and 99.8 % of the groups would be if all had that rate. Those outside of the latter are
        larger, and named where there is room: those farthest outside first.

    Raises
    ------
    DxError
        As `failure_rate`.

    Notes
    -----
    A ranking of rates has the smallest groups at both ends, by chance. This plot (D. J.
    Spiegelhalter, *Funnel plots for comparing institutional performance*, Statistics in Medicine
    24, 2005) shows which differ by more than that. The limits are those of the binomial
    distribution, continued between whole numbers; jobs that fail together need `cluster`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_funnel(dx.load_jobs(dx.demo.client()).jobs, by="type")
    >>> ax.get_ylabel()
    'failure rate'
    """
    states: style.Look = {"failed": failed, "finished": finished}
    jobs = pandas_frame(jobs, ["state", style.one_group(by)])
    groups = failure_rate(jobs, by, cluster=cluster, since=since, until=until, **states)
    groups = groups[groups["n"] > 0]
    ax = style.axes_for(ax, 4.2)
    if groups.empty:
        return style.empty(ax, jobs, "no finished jobs")
    usual = float(groups["failed"].sum() / groups["n"].sum())
    sizes = groups["n_effective" if cluster else "n"].to_numpy(float)
    rates = groups["rate"].to_numpy()
    outside = _outside(rates, sizes, usual)
    _draw_funnels(ax, sizes, usual)
    look: style.Look = {"alpha": 0.8, "linewidths": 0, "zorder": 3}
    inside, beyond = outside == 0, outside > 0
    ax.scatter(sizes[inside], rates[inside], 18, style.BLUE, label=f"{by}: within", **look)
    ax.scatter(sizes[beyond], rates[beyond], 34, style.RED, marker="D", label="outside", **look)
    _number_axes(ax, rates.max())
    # named where they are free
    farthest = np.argsort(-outside)[: beyond.sum()]
    at, names = np.c_[sizes, rates], style.shown_names(groups[by].iloc[farthest], _LONGEST_NAME)
    style.write_apart(ax, at[farthest], names, at, color=style.RED)
    ax.set_xlabel(f"finished jobs{' (effective)' if cluster else ''}")
    style.legend(ax)
    return ax


def _limit(sizes: Array, usual: float, share: float) -> Array:
    """Return the rate that this share of groups of these sizes have at most, by chance."""
    from scipy.special import bdtrik  # noqa: PLC0415 (takes long, and only this plot needs it)

    if usual in (0, 1):
        return np.full(len(sizes), usual)
    # what no whole number of failures is rare enough for has no limit but 0
    limit: Array = np.nan_to_num(bdtrik(share, sizes, usual)) / sizes
    return limit


def _outside(rates: Array, sizes: Array, usual: float) -> Array:
    """Return by how many standard deviations rates differ that are beyond the outer limits."""
    tail = (1 - max(share for share, _ in _FUNNELS.values())) / 2
    beyond = rates < _limit(sizes, usual, tail)
    beyond |= rates > _limit(sizes, usual, 1 - tail)
    distance = np.abs(rates - usual) * np.sqrt(sizes)
    return np.where(beyond, distance, 0)


def _draw_funnels(ax: Axes, sizes: Array, usual: float) -> None:
    """Draw the rate of all and the limits around it."""
    grid = np.geomspace(max(sizes.min() / 1.5, 1), max(sizes.max(), 2) * 1.5, 300)
    for label, (share, line) in _FUNNELS.items():
        for tail, name in (((1 - share) / 2, None), ((1 + share) / 2, label)):
            limit = _limit(grid, usual, tail)
            ax.plot(grid, limit, line, color=style.ink(0.7), linewidth=1, label=name)
    ax.axhline(usual, color=style.ink(), linewidth=1)
    ax.set_xscale("log")
    ax.set_xlim(grid[0], grid[-1])
    style.note(ax, f"all {percent(usual)}", (1, usual), style.BESIDE, shift=(4, 0))


def _number_axes(ax: Axes, highest: float) -> None:
    """Give the axes numbers that people read."""
    ax.set_ylim(-0.02 * highest, min(max(1.15 * highest, 0.05), 1.05))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=None, symbol=" %"))
    ax.set_ylabel("failure rate")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
