"""Frames with long texts, as notebooks show them."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd

_WIDTH_ATTR, _CHARACTERS = "max_colwidth", 240


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame, and have a notebook show more of its texts than pandas would.

    That goes with its ``attrs``, so also with its first rows or a sorted copy; no option of pandas
    is changed, and a formatter of frames that is there stays.
    """
    frame.attrs[_WIDTH_ATTR] = _CHARACTERS
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        form = shell.display_formatter.formatters["text/html"]
        if pd.DataFrame not in form.type_printers:
            form.for_type(pd.DataFrame, _html_of)
    return frame


def _html_of(frame: Any) -> str | None:
    width = frame.attrs.get(_WIDTH_ATTR, pd.get_option("display.max_colwidth"))
    with pd.option_context("display.max_colwidth", width):
        return frame._repr_html_()  # type: ignore[no-any-return]
