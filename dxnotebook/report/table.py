"""A frame as a table of a report, for people."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pandas as pd

from dxnotebook.text import duration, shortened, title, visible

_LONGEST_CELL = 500  # characters of a cell
_SHARES = ("rate", "low", "high", "share")


class Table:
    """A frame as a table of a report: rates in per cent, seconds as durations, times to the minute.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show; columns named ``rate``, ``low``, ``high``, ``share`` are rates, those ending
        in ``_s`` seconds.
    empty : str
        What to say when there are no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from dxnotebook.report.table import Table
    >>> "2.7 min" in Table(pd.DataFrame({"median_s": [162.0]}))._repr_html_()
    True
    """

    def __init__(self, frame: pd.DataFrame, empty: str = "None.") -> None:
        self._frame = frame
        self._empty = empty

    def _repr_html_(self) -> str:
        if self._frame.empty:
            return f"<p>{html.escape(self._empty)}</p>"
        texts = self._frame.apply(lambda column: column.map(_form(column), na_action="ignore"))
        texts = texts.astype("str").rename(columns=lambda name: title(str(name)))
        classes = "sortable wide" if texts.shape[1] > 4 else "sortable"
        table = texts.to_html(index=False, border=0, classes=classes, justify="unset", na_rep="–")
        # where long names may be broken
        return f"<div class='scroll'>{table.replace('_', '_<wbr>')}</div>"

    def __repr__(self) -> str:
        return self._empty if self._frame.empty else self._frame.to_string(index=False)


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
