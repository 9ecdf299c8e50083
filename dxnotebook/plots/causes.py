"""Causes of failure by how many jobs they hit."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dxnotebook.errors import DxError
from dxnotebook.metrics.causes import error_causes
from dxnotebook.plots.style import BLUE, axes_for, note, says
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.text import percent


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
    texts = [
        "\n".join(_wrapped(cause, code))
        for cause, code in zip(shown["fingerprint"], shown["code"], strict=True)
    ]
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
    more = (
        f" ({len(others):,} more causes hit {others['jobs'].sum():,} jobs)" if len(others) else ""
    )
    ax.set_xlabel(f"jobs{more}")
    ax.spines[["left"]].set_visible(False)
    return ax


def _wrapped(message: str | float, code: str | float) -> list[str]:
    """Return a message and its code as the lines of a label."""
    told = "(no message)" if pd.isna(message) else str(message)
    lines = textwrap.wrap(
        told if pd.isna(code) else f"{code}: {told}", 120, max_lines=3, placeholder=" …"
    )
    return [line.replace("$", r"\$") for line in lines]
