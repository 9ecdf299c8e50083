"""What the plots have in common: where to draw, colours, texts, axes of dates and durations.

Colours are those of M. Okabe and K. Ito, which colour-blind readers tell apart.
"""

from __future__ import annotations

import builtins
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from dxnotebook.arrays import Array
from dxnotebook.errors import DxError

MOST_GROUPS = 30


BLUE, SKY, ORANGE, RED, PURPLE = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#CC79A7"
DARK, GREY, PALE = "#333333", "#767676", "#D9D9D9"
WIDTH = 9.0  # inches: a notebook's width
SMALL = 8.5  # points
_LONGEST_NAME = 46
_TICKS = {
    **{f"{n} s": n for n in (1, 2, 5, 10, 30)},
    **{f"{n} min": 60 * n for n in (1, 2, 5, 10, 30)},
    **{f"{n} h": 3_600 * n for n in (1, 2, 6, 12)},
    **{f"{n} d": 86_400 * n for n in (1, 2, 7, 30)},
}


def axes_for(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """Return the axes to draw in, without the frame's upper and right side."""
    if ax is None:
        ax = _figure(width, height).add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=SMALL)
    return ax


def _figure(width: float, height: float) -> Figure:
    if hasattr(builtins, "__IPYTHON__"):
        from matplotlib import pyplot as plt  # noqa: PLC0415 (only where it shows figures and lets go of them)

        # a notebook's backend becomes interactive with the first figure only
        if plt.isinteractive() or "inline" in plt.get_backend():
            return plt.figure(figsize=(width, height), layout="constrained")
    return Figure(figsize=(width, height), layout="constrained")


def says(ax: Axes, text: str) -> Axes:
    """Return axes that say why they are empty."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.text(
        0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=13, color=GREY
    )
    return ax


def days_of(times: pd.Series[pd.Timestamp]) -> Array:
    """Return times in days, as matplotlib counts them."""
    return np.asarray(mdates.date2num(pd.DatetimeIndex(times).tz_convert(None).to_numpy()))


def note(
    ax: Axes,
    text: str,
    at: tuple[Any, Any],
    coords: str | tuple[str, str] = "data",
    *,
    shift: tuple[float, float] = (0, 0),
    colour: str = DARK,
    **alignment: Any,
) -> None:
    """Write a small text beside a place, shifted by some points."""
    alignment = {"va": "center", **alignment}
    ax.annotate(
        text,
        at,
        xycoords=coords,
        xytext=shift,
        textcoords="offset points",
        fontsize=SMALL,
        color=colour,
        **alignment,
    )


def date_axis(ax: Axes, edges: Array, tz: str, label: str) -> None:
    """Give the axis dates of a zone, and a label that names the first and the last of them."""
    ax.set_xlim(edges[0], edges[-1])
    locator = mdates.AutoDateLocator(tz=tz, minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=tz, show_offset=False))
    days = dict.fromkeys(f"{mdates.num2date(edge, tz):%-d %b %Y}" for edge in edges[[0, -1]])
    ax.set_xlabel(f"{label}, {' – '.join(days)} ({tz})")


def duration_axis(ax: Axes, low: float, high: float, label: str) -> None:
    """Make the axis logarithmic, with ticks that are durations to people."""
    ax.set_xscale("log")
    ax.set_xlim(max(low, 0.5) / 1.5, high * 1.5)
    first, last = ax.get_xlim()
    ticks = {told: seconds for told, seconds in _TICKS.items() if first <= seconds <= last}
    step = len(ticks) // 10 + 1
    ax.set_xticks(list(ticks.values())[::step], list(ticks)[::step])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(label)
    ax.grid(axis="x", color=PALE, linewidth=0.6)
    ax.set_axisbelow(True)


def legend(ax: Axes) -> None:
    """Put the legend above the axes, where nothing is drawn."""
    columns = min(len(ax.get_legend_handles_labels()[1]), 6)
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        borderaxespad=0.2,
        columnspacing=1.4,
        handletextpad=0.5,
    )


def one_group(by: object) -> str:
    """Return the column to group by, or raise DxError unless it is one."""
    if not isinstance(by, str):
        raise DxError(f"Invalid by: {by!r}. Valid is the name of one column.")
    return by


def rest(shown: int, groups: int) -> str:
    """Return what to add to a label where not all groups are drawn."""
    return f" ({shown:,} of {groups:,} groups)" if shown < groups else ""


def short(name: Any) -> str:
    """Return the name of a group as a label, shortened in the middle."""
    told = "none" if pd.isna(name) else str(name)
    half = _LONGEST_NAME // 2
    return (told if len(told) <= _LONGEST_NAME else f"{told[:half]}…{told[-half + 1 :]}").replace(
        "$", r"\$"
    )
