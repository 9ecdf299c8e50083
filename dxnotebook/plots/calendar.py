"""The failure rate of each day, a column a week."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import PercentFormatter

from dxnotebook.arrays import Array
from dxnotebook.metrics.engines import pandas_frame
from dxnotebook.metrics.rates import failure_rate
from dxnotebook.model import FAILED_STATES, FINISHED_STATES
from dxnotebook.plots.style import DARK, GREY, PALE, SMALL, WIDTH, axes_for, says


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
    days = failure_rate(jobs, every="1d", failed=failed, finished=finished, tz=tz)
    if not days["n"].sum():
        return says(axes_for(ax, 2.0), "no finished jobs" if len(jobs) else "no jobs")
    local = pd.DatetimeIndex(days["period"]).tz_localize(None).normalize()
    weekday = local.day_of_week.to_numpy()
    week = (
        (
            local - pd.to_timedelta(weekday, "D") - (local[0] - pd.Timedelta(days=int(weekday[0])))
        ).days
        // 7
    ).to_numpy()
    rates = np.full((7, week[-1] + 1), np.nan)
    rates[weekday, week] = days["rate"]
    ax = axes_for(ax, 3.0, min(2.2 + 0.5 * rates.shape[1], WIDTH))
    for row, column in np.argwhere(np.isnan(rates)):
        if (
            (weekday == row) & (week == column)
        ).any():  # not the days before the first job and after the last
            ax.add_patch(
                Rectangle(
                    (column, row),
                    1,
                    1,
                    facecolor="white",
                    edgecolor=PALE,
                    hatch="////",
                    linewidth=0,
                )
            )
    norm = Normalize(0, max(float(np.nanmax(rates)), 0.05))
    mesh = ax.pcolormesh(rates, cmap="YlOrBr", norm=norm, edgecolors="white", linewidth=1)
    if rates.shape[1] <= 27:
        for row, column in np.argwhere(np.isfinite(rates)):
            share = rates[row, column]
            ax.text(
                column + 0.5,
                row + 0.5,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=SMALL - 1,
                color="white" if norm(share) > 0.6 else DARK,
            )
    ax.set_yticks(np.arange(7) + 0.5, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    ax.set_ylim(7, 0)
    ax.tick_params(length=0)
    _month_axis(ax, local, week)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(
        mesh, ax=ax, fraction=0.03, pad=0.01, format=PercentFormatter(1, 0, " %")
    )
    bar.set_label("failure rate", fontsize=SMALL)
    bar.outline.set_visible(False)
    if np.isnan(days["rate"]).any():
        key = Patch(
            facecolor="white", edgecolor=GREY, hatch="////", linewidth=0.5, label="no finished jobs"
        )
        ax.legend(
            handles=[key],
            frameon=False,
            fontsize=SMALL,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            borderpad=0,
        )
    return ax


def _month_axis(ax: Axes, days: pd.DatetimeIndex, week: Array) -> None:
    """Name the months, and the years with their first one, below the weeks they begin in."""
    months = days.to_period("M")
    begins = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    step = len(begins) // 24 + 1
    labels = [
        f"{days[i]:%b}" + (f"\n{days[i]:%Y}" if i == 0 or days[i].month == 1 else "")
        for i in begins[::step]
    ]
    at = week[begins[::step]]
    kept = np.append(
        np.diff(at) > 1, True
    )  # a month of which only the end is there gives way to the next
    ax.set_xticks(at[kept] + 0.5, [label for label, keep in zip(labels, kept, strict=True) if keep])
