"""What the plots have in common: where to draw, colours, texts, axes of dates and durations.

Colours are those of M. Okabe and K. Ito, which colour-blind readers tell apart.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from dxnotebook.arrays import Array
from dxnotebook.errors import invalid
from dxnotebook.text import duration, shortened_inside

Look: TypeAlias = dict[str, Any]  # keywords of matplotlib's

MOST_GROUPS = 30

BLUE, SKY, ORANGE, RED, PURPLE = "#0072B2", "#56B4E9", "#E69F00", "#D55E00", "#CC79A7"
DARK = "#333333"
WIDTH = 9.0  # inches: a notebook's width
SMALL, _LABEL = 8.5, 10  # points, whatever the style's texts are: all has to have room
# where a note is: at a height of the data beside the axes, at an x of the data above them
BESIDE, ABOVE = ("axes fraction", "data"), ("data", "axes fraction")
_LONGEST_LABEL = 46
_BESIDE_POINTS = [(side, higher) for higher in (0, 11, -11) for side in ("left", "right", "center")]
_TICKS = [
    *(unit * n for unit in (1, 60) for n in (1, 2, 5, 10, 30)),  # seconds and minutes
    *(3_600 * n for n in (1, 2, 6, 12)),
    *(86_400 * n for n in (1, 2, 7, 30)),
]


def axes_for(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """Return the axes to draw in, without the frame's upper and right side."""
    if ax is None:
        ax = _figure(figsize=(width, height), layout="constrained").add_subplot()
    elif not isinstance(ax, Axes):
        raise invalid("ax", ax, "are a matplotlib Axes, as `plt.subplots` gives them, and None")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=SMALL)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(_LABEL)
    return ax


def _figure(**options: Any) -> Figure:
    if hasattr(builtins, "__IPYTHON__"):
        # only where it shows figures and lets go of them
        from matplotlib import pyplot as plt  # noqa: PLC0415

        # a notebook's backend becomes interactive with the first figure only
        if plt.isinteractive() or "inline" in plt.get_backend():
            return plt.figure(**options)
    return Figure(**options)


def ink(strength: float = 1) -> Any:
    """Return the colour of texts and thin lines, which is the style's, or a fainter one."""
    colour = mpl.rcParams["text.color"]
    return colour if strength == 1 else to_rgba(colour, strength)


def empty(ax: Axes, jobs: Any, reason: str) -> Axes:
    """Return axes that say why nothing is drawn: the reason, unless there are no jobs at all."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    text = reason if len(jobs) else "no jobs"
    note(ax, text, (0.5, 0.5), "axes fraction", ha="center", fontsize=13, color=ink(0.7))
    return ax


def days_of(times: pd.Series[pd.Timestamp]) -> Array:
    """Return times in days, as matplotlib counts them."""
    return np.asarray(mdates.date2num(pd.DatetimeIndex(times).tz_convert(None).to_numpy()))


def note(
    ax: Axes,
    text: str,
    at: tuple[Any, Any],
    coords: str | tuple[str, str] = "data",
    shift: tuple[float, float] = (0, 0),
    **look: Any,
) -> None:
    """Write a small text, as it is, beside a place, shifted by some points."""
    look = {"va": "center", "color": ink(), "fontsize": SMALL, "parse_math": False, **look}
    ax.annotate(text, at, xycoords=coords, xytext=shift, textcoords="offset points", **look)


def write_apart(
    ax: Axes,
    at: Array,
    texts: Iterable[str],
    points: Array,
    places: Iterable[tuple[str, float]] = _BESIDE_POINTS,
    **look: Any,
) -> None:
    """Write small texts at places in the data, the first ones first, those that are free.

    A text is tried with its left, right or centre there, so many points higher. It keeps inside the
    axes, and off the points and the texts before. Sizes are estimates, as the layout comes last.
    """
    unit = 72 / ax.figure.dpi
    first, last = ax.transAxes.transform([(0, 0), (1, 1)])[:, 0] * unit
    x, y = ax.transData.transform(points).T * unit
    taken = np.c_[x - 4, x + 4, y]
    for place, text in zip(at, texts, strict=True):
        x, y = ax.transData.transform(place) * unit
        width = 0.6 * SMALL * len(text)
        for side, higher in places:
            beside, share = {"left": (6, 0.0), "center": (0, 0.5), "right": (-6, 1.0)}[side]
            left, middle = x + beside - share * width, y + higher
            apart = (taken[:, 0] > left + width) | (taken[:, 1] < left)
            apart |= np.abs(taken[:, 2] - middle) > 1.2 * SMALL
            if apart.all() and first <= left and left + width <= last:
                taken = np.vstack([taken, (left, left + width, middle)])
                note(ax, text, tuple(place), shift=(beside, higher), ha=side, **look)
                break


def shown_names(names: Iterable[Any], longest: int) -> list[str]:
    """Return the names of groups as texts, long ones shortened in the middle."""
    texts = ("none" if pd.isna(name) else str(name) for name in names)
    return [shortened_inside(text, longest) for text in texts]


def group_axis(ax: Axes, places: Array, names: Iterable[Any]) -> None:
    """Name the groups at their places."""
    ax.set_yticks(places, shown_names(names, _LONGEST_LABEL), parse_math=False)
    ax.tick_params(axis="y", length=0)


def date_axis(ax: Axes, edges: Array, tz: str, label: str) -> None:
    """Give the axis dates of a zone, and a label that names the first and the last of them."""
    ax.set_xlim(edges[0], edges[-1])
    locator = mdates.AutoDateLocator(tz=tz, minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=tz, show_offset=False))
    days = dict.fromkeys(f"{mdates.num2date(edge, tz):%-d %b %Y}" for edge in edges[[0, -1]])
    ax.set_xlabel(f"{label}, {' – '.join(days)} ({tz})")


def edges_of(starts: pd.Series[pd.Timestamp]) -> Array:
    """Return where periods begin, and the last ends, in days."""
    at = days_of(starts)
    return np.append(at, at[-1] + (np.median(np.diff(at)) if len(at) > 1 else 1.0))


def duration_axis(ax: Axes, which: Literal["x", "y"], low: float, high: float, label: str) -> None:
    """Make an axis logarithmic, with ticks that are durations to people."""
    axis = {"x": ax.xaxis, "y": ax.yaxis}[which]
    ax.set(**{f"{which}scale": "log", f"{which}label": label})
    first, last = max(low, 0.5) / 1.5, high * 1.5
    ax.set(**{f"{which}lim": (first, last)})
    ticks = [seconds for seconds in _TICKS if first <= seconds <= last]
    ticks = ticks[:: len(ticks) // 10 + 1]
    axis.set_ticks(ticks, [duration(seconds) for seconds in ticks])
    axis.set_minor_locator(NullLocator())
    ax.grid(axis=which, color=ink(0.17), linewidth=0.6)
    ax.set_axisbelow(True)


def legend(ax: Axes, handles: list[Any] | None = None) -> None:
    """Put the legend, of these or all that has a label, above the axes, where nothing is drawn."""
    handles = handles or ax.get_legend_handles_labels()[0]
    look: Look = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    look |= {"frameon": False, "fontsize": SMALL, "columnspacing": 1.4, "handletextpad": 0.5}
    ax.legend(handles=handles, ncols=min(len(handles), 6), **look)


def one_group(by: object) -> str:
    """Return the column to group by, or raise DxError unless it is one."""
    if not isinstance(by, str):
        raise invalid("by", by, "is the name of one column")
    return by


def rest(shown: int, groups: int) -> str:
    """Return what to add to a label where not all groups are drawn."""
    return f" ({shown:,} of {groups:,} groups)" if shown < groups else ""
