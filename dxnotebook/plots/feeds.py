"""The runs of feeds over time: what became of each, and which did not come."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from dxnotebook.arrays import Array
from dxnotebook.metrics.assets import FEED
from dxnotebook.metrics.feeds import feeds_and_runs
from dxnotebook.plots import style
from dxnotebook.tables.jobtables import JobTables, observed_at
from dxnotebook.text import elapsed
from dxnotebook.times import At, Window

# how a cell is drawn, the worst first: marker, colour (none: that of text), filled, size
_SHAPES = {
    "failed": ("X", style.RED, True, 1.7),
    "missed": ("d", None, False, 1.5),
    "open": ("o", None, False, 1.1),
    "cancelled": ("_", None, True, 1.2),
    "recovered": ("^", style.ORANGE, True, 1.3),
    "completed": ("s", style.SKY, True, 0.75),
}
_ATTENTION = {"failing": 0, "overdue": 1, "ended": 2}
_MOST_FEEDS, _MOST_CELLS = 60, 100
_CELL_LENGTHS = pd.to_timedelta(["1h", "3h", "6h", "12h", "1D", "2D", "7D", "14D", "28D"])


def plot_feeds(
    tables: JobTables,
    *,
    since: At = None,
    until: At = None,
    now: pd.Timestamp | str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the runs of feeds as a grid, feeds × time: what became of them, and which did not come.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    since, until, now : optional
        The time to look at, and when the jobs were as the tables have them, as in `feeds`.
    ax : matplotlib Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib Axes
        A row a feed, those that need attention first, with their status beside them; of more than
        60 feeds, those and the ones with most runs. Time is cut in at most 100 steps of hours, days
        or weeks; a cell is a run, or shows what is worst of those that began in its step, by
        its shape and colour. It is "missed" where a run was expected that did not begin within half
        a usual interval.

    Raises
    ------
    DxError
        As `feeds`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> ax = dx.plot_feeds(dx.load_jobs(dx.demo.client()), since="30d")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['failed', 'missed', 'open', 'cancelled', 'recovered', 'completed']
    """
    feeds, runs = feeds_and_runs(tables, since, until, now)
    if feeds.empty:
        return style.empty(style.axes_for(ax, 2.0), tables, "no jobs in this time")
    rank = feeds["status"].map(_ATTENTION).fillna(len(_ATTENTION))
    kept = np.lexsort([-feeds["runs"], rank])[:_MOST_FEEDS]
    shown = feeds.iloc[np.sort(kept)]
    shown = shown.loc[rank[shown.index].sort_values(kind="stable").index]
    window = Window.of(since, until, observed_at(tables.jobs, now))
    cells, edges = _grid_of(runs[runs["feed"].isin(shown.index)], window)
    ax = style.axes_for(ax, 1.0 + 0.2 * len(shown))
    width = 0.65 * 72 * ax.bbox.width / ax.figure.dpi  # points, beside the names
    size = min(width / (len(edges) - 1), 9)
    text = style.ink()
    for outcome, (marker, colour, is_filled, scale) in reversed(_SHAPES.items()):
        at = cells[cells["outcome"] == outcome]
        if len(at):
            look: style.Look = {"marker": marker, "s": (size * scale) ** 2, "linewidth": 0.9}
            look |= {"color": colour or text} if is_filled else {"edgecolor": text, "color": "none"}
            middle = (edges[at["step"]] + edges[at["step"] + 1]) / 2
            rows = shown.index.get_indexer(pd.Index(at["feed"]))
            ax.scatter(middle, rows, label=outcome, zorder=3, **look)
    for row, (_, feed) in enumerate(shown.iterrows()):
        late = f" {elapsed(feed['overdue_s'])}" if feed["status"] == "overdue" else ""
        style.note(ax, f"{feed['status']}{late}", (1, row), style.BESIDE, (6, 0))
    style.group_axis(ax, np.arange(len(shown)), _called(shown))
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.grid(axis="y", linewidth=0.5, alpha=0.4)
    ax.set_axisbelow(True)
    style.date_axis(ax, edges, "UTC", f"begun{style.rest(len(shown), len(feeds))}")
    style.legend(ax, ax.get_legend_handles_labels()[0][::-1])
    return ax


def _grid_of(runs: pd.DataFrame, window: Window) -> tuple[pd.DataFrame, Array]:
    """Return what to draw for each feed in each step of time, and the steps' edges."""
    missed = runs.assign(begun=runs["missed_at"], outcome="missed").dropna(subset="begun")
    cells = pd.concat([runs, missed])
    cells = cells[window.contains(cells["begun"])]
    first: pd.Timestamp = window.start or cells["begun"].min()
    last: pd.Timestamp = window.end or max(window.now, cells["begun"].max())
    fitting = _CELL_LENGTHS[last - first <= _CELL_LENGTHS * _MOST_CELLS]
    step = fitting[0] if len(fitting) else (last - first) / _MOST_CELLS
    first = first.floor(step)
    outcome = pd.Categorical(cells["outcome"], list(_SHAPES))
    cells = cells.assign(step=(cells["begun"] - first) // step, outcome=outcome)
    cells = cells.sort_values("outcome", kind="stable").drop_duplicates(["feed", "step"])
    edges = pd.date_range(first, periods=(last - first) // step + 2, freq=step)
    return cells, date2num(edges.tz_convert(None).to_numpy())


def _called(feeds: pd.DataFrame) -> pd.Series[str]:
    """Return what to call feeds: their data set, type, and account and region if these differ."""
    kind = feeds["type"].astype("str").str.lower().str.replace(r"_(assets?_)?", " ", regex=True)
    name = feeds["data_set_id"]
    if "data_set_name" in feeds:
        name = feeds["data_set_name"].fillna(name)
    where = [feeds[place] for place in FEED[:2] if len(feeds[place].unique()) > 1]
    parts = [part.astype("str").fillna("none") for part in (name, kind, *where)]
    return pd.concat(parts, axis=1).agg(" · ".join, axis=1)
