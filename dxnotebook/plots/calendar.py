"""The failure rate of each day, a column a week."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import PercentFormatter

from dxnotebook.arrays import Array, Integers
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.model import FAILED_STATES, FINISHED_STATES, States
from dxnotebook.plots import style
from dxnotebook.times import At

_WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_MOST_WITH_NUMBERS = 27  # weeks
_MOST_MONTHS = 24


def plot_calendar(
    jobs: pd.DataFrame,
    *,
    since: At = None,
    until: At = None,
    failed: States = FAILED_STATES,
    finished: States = FINISHED_STATES,
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
    since, until : time or str, optional
        The window, as for `load_jobs`: jobs created from when and until before when.

    Returns
    -------
    matplotlib Axes
        A cell a day, the darker the higher the rate, with the rate in per cent where there is room;
        days without finished jobs are hatched.

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
    states: style.Look = {"failed": failed, "finished": finished}
    days = failure_rate(jobs, every="1d", since=since, until=until, tz=tz, **states)
    if not days["n"].sum():
        return style.empty(style.axes_for(ax, 2.0), jobs, "no finished jobs")
    dates = pd.DatetimeIndex(days["period"]).tz_localize(None).normalize()
    week, weekday = np.divmod((dates - dates[0]).days.to_numpy() + dates[0].day_of_week, 7)
    rates = np.full((7, week[-1] + 1), np.nan)
    rates[weekday, week] = days["rate"]
    ax = style.axes_for(ax, 3.0, min(2.2 + 0.5 * rates.shape[1], style.WIDTH))
    none = days["rate"].isna().to_numpy()
    if none.any():
        _hatch(ax, week[none], weekday[none])
    _draw_days(ax, rates)
    ax.set_yticks(np.arange(7) + 0.5, _WEEKDAYS)
    ax.set_ylim(7, 0)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    _month_axis(ax, dates, week)
    return ax


def _draw_days(ax: Axes, rates: Array) -> None:
    """Draw a cell a day, with the rate in it where there is room, and the bar of their colours."""
    norm = Normalize(0, max(float(np.nanmax(rates)), 0.05))
    mesh = ax.pcolormesh(rates, cmap="YlOrBr", norm=norm, edgecolors="white", linewidth=1)
    if rates.shape[1] <= _MOST_WITH_NUMBERS:
        for row, column in np.argwhere(np.isfinite(rates)):
            rate = rates[row, column]
            colour = "white" if norm(rate) > 0.6 else style.DARK
            look: style.Look = {"color": colour, "ha": "center", "fontsize": style.SMALL - 1}
            style.note(ax, f"{100 * rate:.0f}", (column + 0.5, row + 0.5), **look)
    share = PercentFormatter(1, 0, " %")
    bar = ax.figure.colorbar(mesh, ax=ax, fraction=0.03, pad=0.01, format=share)
    bar.set_label("failure rate", fontsize=style.SMALL)
    bar.ax.tick_params(labelsize=style.SMALL)
    bar.outline.set_visible(False)


def _hatch(ax: Axes, week: Integers, weekday: Integers) -> None:
    """Hatch days without finished jobs, and say what that means."""
    look: style.Look = {"facecolor": "none", "hatch": "////"}
    for corner in zip(week, weekday, strict=True):
        ax.add_patch(Rectangle(corner, 1, 1, edgecolor=style.ink(0.17), linewidth=0, **look))
    key = Patch(edgecolor=style.ink(0.7), linewidth=0.5, label="no finished jobs", **look)
    style.legend(ax, [key])


def _month_axis(ax: Axes, dates: pd.DatetimeIndex, week: Integers) -> None:
    """Name the months, and the years with their first one, below the weeks they begin in."""
    months = dates.to_period("M")
    begins = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    begins = begins[:: len(begins) // _MOST_MONTHS + 1]
    # a month of which only the end is there gives way to the next
    begins = begins[np.append(np.diff(week[begins]) > 1, True)]
    labels = [
        f"{day:%b\n%Y}" if n == 0 or day.month == 1 else f"{day:%b}"
        for n, day in enumerate(dates[begins])
    ]
    ax.set_xticks(week[begins] + 0.5, labels)
