"""Causes of failure by how many jobs they hit."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dxnotebook.errors import invalid
from dxnotebook.metrics.causes import error_causes
from dxnotebook.plots import style
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.text import counted, percent
from dxnotebook.times import At


def plot_error_causes(
    tables: JobTables, *, since: At = None, until: At = None, top: int = 10, ax: Axes | None = None
) -> Axes:
    """Draw the causes of failure by how many jobs they hit.

    Parameters
    ----------
    tables : JobTables
        The jobs and their errors.
    since, until : time or str, optional
        The window, as for `error_causes`.
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
        raise invalid("top", top, "is a number of causes, at least 1")
    causes = error_causes(tables, since=since, until=until)
    shown, others = causes.head(top), causes.iloc[top:]
    labels = list(map(_label, shown["fingerprint"], shown["code"], shown["resource_type"]))
    heights = np.array([1.0 + 0.45 * label.count("\n") for label in labels])
    ax = style.axes_for(ax, 0.7 + 0.42 * heights.sum())
    if causes.empty:
        return style.empty(ax, tables, "no errors")
    places = heights.sum() - np.cumsum(heights)
    ax.barh(places, shown["jobs"], height=0.4, align="edge", color=style.BLUE)
    for place, label, (_, cause) in zip(places, labels, shown.iterrows(), strict=True):
        style.note(ax, label, (0, place + 0.46), style.BESIDE, va="bottom")
        last = "" if pd.isna(cause["last_seen"]) else f" · last {cause['last_seen']:%Y-%m-%d}"
        text = f"{counted(cause['jobs'], 'job')} · {percent(cause['share'])}{last}"
        style.note(ax, text, (cause["jobs"], place + 0.2), shift=(5, 0))
    ax.set_xlim(0, shown["jobs"].max() * 1.4)
    ax.set_ylim(-0.15, heights.sum() + 0.1)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    hit = counted(int(others["jobs"].sum()), "job")
    more = f" ({counted(len(others), 'more cause')} hit {hit})" if len(others) else ""
    ax.set_xlabel(f"jobs{more}")
    ax.spines[["left"]].set_visible(False)
    return ax


def _label(message: str | float, code: str | float, kind: str | float) -> str:
    """Return a code and its message in at most three lines."""
    unknown = "no message" if pd.isna(kind) else f"no message, {kind}"
    text = f"({unknown})" if pd.isna(message) else str(message)
    text = text if pd.isna(code) else f"{code}: {text}"
    return "\n".join(textwrap.wrap(text, 120, max_lines=3, placeholder=" …"))
