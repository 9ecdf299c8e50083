"""What a report shows, for people: frames as tables, charts with what they show in words."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from typing import Any, ClassVar

import pandas as pd

from dxnotebook.text import duration, shortened, title, visible

_LONGEST_CELL = 500  # characters of a cell
_SHARES = ("rate", "low", "high", "share")
_LIKELY = "likely between"
_LONG_TEXT = 40  # characters: such columns are wide


class Table:
    """A frame as a table of a report: rates in per cent, seconds as durations, times to the minute.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; columns named ``rate``, ``low``, ``high``, ``share`` are rates, those ending
        in ``_s`` seconds. The bounds ``low`` and ``high`` are one column.
    empty : str
        What to say when there are no rows, if anything.
    caption : str
        What the table is of.
    most : int, optional
        How many rows to show, the first; the caption says how many there are.

    Examples
    --------
    >>> import pandas as pd
    >>> from dxnotebook.report.table import Table
    >>> "2.7 min" in Table(pd.DataFrame({"median_s": [162.0]}))._repr_html_()
    True
    """

    def __init__(
        self, frame: pd.DataFrame, empty: str = "None.", caption: str = "", most: int | None = None
    ) -> None:
        self._frame, self._empty, self._caption = frame.head(most or len(frame)), empty, caption
        if len(self._frame) < len(frame):
            self._caption = f"{caption}: the first {most:,} of {len(frame):,}".removeprefix(": ")

    def _repr_html_(self) -> str:
        if self._frame.empty:
            return _paragraph(self._empty)
        columns = {str(name): _texts_of(column) for name, column in self._frame.items()}
        if {"low", "high"} <= columns.keys():
            bounds = zip(columns["low"], columns.pop("high"), strict=True)
            columns["low"] = [" – ".join(pair) for pair in bounds]
        kinds = [_look_of(self._frame[name], texts) for name, texts in columns.items()]
        heads = [_LIKELY if name == "low" else title(name) for name in columns]
        rows = [_row("td", kinds, texts) for texts in zip(*columns.values(), strict=True)]
        caption = html.escape(self._caption)
        caption = f"<caption><span>{caption}</span></caption>" if caption else ""
        wide = " wide" if len(columns) > 4 else ""
        return (
            f"<div class='scroll{wide}'><table class='sortable'>{caption}"
            f"<thead>{_row('th', kinds, heads)}</thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def __repr__(self) -> str:
        return self._empty if self._frame.empty else self._frame.to_string(index=False)


def _row(tag: str, kinds: list[str], texts: Any) -> str:
    """Return a row of HTML, in which long names may be broken."""
    cells = (f"<{tag}{kind}>{html.escape(text)}" for kind, text in zip(kinds, texts, strict=True))
    return "<tr>{}</tr>\n".format("\n".join(cells)).replace("_", "_<wbr>")


def _look_of(column: pd.Series[Any], texts: list[str]) -> str:
    """Return the class of a column's cells: numbers, ids, and long texts look different."""
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        return " class=number"
    if str(column.name).endswith("id"):
        return " class=id"
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return " class=time"
    return " class=long" if max(map(len, texts)) > _LONG_TEXT else ""


def _texts_of(column: pd.Series[Any]) -> list[str]:
    form = _form(column)
    return ["–" if pd.isna(value) else form(value) for value in column]


def _form(column: pd.Series[Any]) -> Callable[[Any], str]:
    """Return what makes the text of a column's values, by its name and its type."""
    name, kind = str(column.name), column.dtype
    if name in _SHARES:
        return lambda share: f"{100 * share:.1f} %"
    if name.endswith("_s"):
        return duration
    if isinstance(kind, pd.DatetimeTZDtype):
        return lambda time: f"{time:%Y-%m-%d %H:%M}"
    if pd.api.types.is_integer_dtype(kind):
        return "{:,}".format
    return lambda value: visible(shortened(str(value), _LONGEST_CELL))


class Chart:
    """A plot with what it shows in words, for those who do not see it.

    One that only says why it shows nothing becomes that sentence.

    Parameters
    ----------
    ax : matplotlib Axes
        The plot.
    alt : str
        What it shows.

    Attributes
    ----------
    embedded : bool
        Whether it becomes HTML, of SVG or PNG, whichever is smaller; else PNG.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.report.table import Chart
    >>> ax = dx.plot_calendar(dx.load_jobs(dx.demo.client(jobs=50)).jobs)
    >>> data, _ = Chart(ax, "The rate of each day.")._repr_mimebundle_()
    >>> data["text/plain"]
    'The rate of each day.'
    """

    embedded: ClassVar[bool] = False

    def __init__(self, ax: Any, alt: str) -> None:
        self._ax, self._alt = ax, alt

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        if not self._ax.has_data():
            said = " ".join(text.get_text() for text in self._ax.texts).capitalize() + "."
            return {"text/html": _paragraph(said), "text/plain": said}, {}
        png = self._drawn("png", dpi=110)
        if not self.embedded:
            return {"image/png": png, "text/plain": self._alt}, {"image/png": {"alt": self._alt}}
        svg = self._drawn("svg")
        kind, content = ("svg+xml", svg) if len(svg) < len(png) else ("png", png)
        image = f"<img alt='{html.escape(self._alt)}' src='data:image/{kind};base64,{content}'>"
        return {"text/html": f"<div class='scroll chart' tabindex='0'>{image}</div>"}, {}

    def _drawn(self, form: str, **how: Any) -> str:
        sink = io.BytesIO()
        self._ax.figure.savefig(sink, format=form, **how)
        return base64.b64encode(sink.getvalue()).decode()


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>" if text else ""


def plain(text: object) -> str:
    """Return any text as Markdown that shows it as it is.

    Examples
    --------
    >>> from dxnotebook.report.table import plain
    >>> plain("a <b> *c*")
    'a &#60;b&#62; &#42;c&#42;'
    """
    return "".join(
        # a colon or a dot may make a link
        sign if sign.isalnum() or sign in " ,()-–/" else f"&#{ord(sign)};"
        for sign in visible(str(text))
    )
