"""A frame as a table of a report."""

from __future__ import annotations

import pandas as pd

from dxnotebook.report.table import Table, plain
from dxnotebook.text import duration
from tests.report.page import Page


def test_tables_are_for_people():
    frame = pd.DataFrame(
        {
            "data_set_name": ["a_b<c>", None],
            "rate": [0.123, None],
            "n": [1234, 5],
            "open_s": [90_000.0, 3.0],
            "created_at": pd.to_datetime(["2026-09-01T10:00Z", None], utc=True),
        }
    )
    shown = Table(frame)._repr_html_()
    assert Page(shown).text.split() == [
        *("data", "set", "name", "rate", "n", "open", "created"),
        *("a_b<c>", "12.3", "%", "1,234", "1.04", "d", "2026-09-01", "10:00"),
        *("–", "–", "5", "3", "s", "–"),
    ]
    assert Table(frame[:0], "Nothing.")._repr_html_() == "<p>Nothing.</p>"
    assert [duration(seconds) for seconds in (0.5, 59, 61, 7200)] == [
        "0.5 s",
        "59 s",
        "1.02 min",
        "2 h",
    ]


def test_wide_tables_say_so_and_long_texts_are_cut():
    wide = Table(pd.DataFrame([["<b>" * 400, 1, True, 0.5, None]], columns=list("abcde")))
    shown = wide._repr_html_()
    assert 'class="dataframe sortable wide"' in shown
    assert Page(shown).tags.count("b") == 0
    assert Page(shown).text.split()[5:] == [f"{'<b>' * 166}<b…", "1", "True", "0.5", "–"]
    assert "wide" not in Table(pd.DataFrame({"n": [1]}))._repr_html_()


def test_plain_text_is_no_markdown():
    assert plain("a_b [c](d) #1 – 5 %") == "a&#95;b &#91;c&#93;(d) &#35;1 – 5 &#37;"
