"""A frame as a table of a report, for people."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pandas as pd

from dxnotebook.text import duration

_LONGEST = 500  # characters of a cell


class Table:
    """A frame as a table of a report, for people: rates as per cent, seconds as durations, times to the minute.

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
        shown = pd.DataFrame(
            {name: self._frame[name].map(_form(name, self._frame[name])) for name in self._frame}
        )
        shown.columns = [
            str(name).removesuffix("_s").removesuffix("_at").replace("_", " ") for name in shown
        ]
        table = shown.astype("str").to_html(
            index=False,
            border=0,
            classes=f"sortable{' wide' if shown.shape[1] > 4 else ''}",
            justify="unset",
        )
        return f"<div class='scroll'>{table.replace('_', '_<wbr>')}</div>"  # where long names may be broken

    def __repr__(self) -> str:
        return self._empty if self._frame.empty else self._frame.to_string(index=False)


def _form(name: object, column: pd.Series[Any]) -> Callable[[Any], str]:
    """Return what makes the text of a column's values."""

    def told(value: Any) -> str:
        if pd.isna(value):
            return "–"
        if isinstance(value, str) and len(value) > _LONGEST:
            return f"{value[:_LONGEST]}…"
        if name in ("rate", "low", "high", "share"):
            return f"{100 * value:.1f} %"
        if str(name).endswith("_s"):
            return duration(value)
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            return f"{value:%Y-%m-%d %H:%M}"
        return f"{value:,}" if pd.api.types.is_integer_dtype(column.dtype) else str(value)

    return told


def plain(text: object) -> str:
    """Return any text as Markdown that shows it as it is.

    Examples
    --------
    >>> from dxnotebook.report.table import plain
    >>> plain("a <b> *c*")
    'a &#60;b&#62; &#42;c&#42;'
    """
    return "".join(
        sign if sign.isalnum() or sign in " .,:()-–/" else f"&#{ord(sign)};" for sign in str(text)
    )
