"""A frame as a table of a report."""

from __future__ import annotations

import base64
import re

import pandas as pd
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

import dxnotebook as dx
from dxnotebook.report.table import Chart, Table, plain
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
    assert "class='scroll wide'" in shown
    assert Page(shown).tags.count("b") == 0
    assert Page(shown).text.split()[5:] == [f"{'<b>' * 166}<b…", "1", "True", "0.5", "–"]
    assert "wide" not in Table(pd.DataFrame({"n": [1]}))._repr_html_()


def test_plain_text_is_no_markdown():
    assert plain("a_b [c](d) #1 – 5 %") == "a&#95;b &#91;c&#93;(d) &#35;1 – 5 &#37;"


def test_numbers_ids_and_long_texts_look_different():
    frame = pd.DataFrame({"n": [1], "job_id": ["a1"], "message": ["word " * 20], "code": ["C"]})
    shown = Table(frame)._repr_html_()
    assert re.findall(r"<td([^>]*)>", shown) == [" class=number", " class=id", " class=long", ""]
    assert re.findall(r"<th(?!ead)([^>]*)>", shown)[0] == " class=number"


def test_bounds_are_one_column_in_plain_words():
    frame = pd.DataFrame({"rate": [0.1, None], "low": [0.05, None], "high": [0.2, None]})
    text = Page(Table(frame)._repr_html_()).text
    assert text.split("\n") == [
        "rate",
        "likely between",
        "10.0 %",
        "5.0 % – 20.0 %",
        "–",
        "– – –",
        "",
    ]


@pytest.mark.parametrize(
    ("rows", "caption"),
    [(80, "Jobs: the first 20 of 80"), (20, "Jobs"), (1_300, "the first 20 of 1,300")],
)
def test_a_table_says_what_it_is_of_and_how_much_of_that_it_shows(rows, caption):
    table = Table(pd.DataFrame({"n": range(rows)}), caption="Jobs", most=20)
    shown = table._repr_html_()
    assert caption in re.search("<caption>(.*)</caption>", shown)[1]
    assert shown.count("<tr>") == 21


def test_a_chart_says_what_it_shows_and_is_as_small_as_it_can_be(monkeypatch):
    monkeypatch.setitem(rcParams, "svg.fonttype", "none")
    figure = Figure()
    figure.add_subplot().axhline(1)
    chart = Chart(figure.axes[0], "Nothing, <b> really.")
    data, metadata = chart._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"] == "Nothing, <b> really."
    monkeypatch.setattr(Chart, "embedded", True)
    small = chart._repr_mimebundle_()[0]["text/html"]
    assert "alt='Nothing, &lt;b&gt; really.'" in small
    assert "data:image/svg+xml;base64," in small
    figure.axes[0].scatter(*[range(20_000)] * 2)
    assert "data:image/png;base64," in chart._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize("is_embedded", [True, False])
def test_a_chart_of_nothing_is_a_sentence_and_a_table_of_nothing_may_be_left_out(
    is_embedded, monkeypatch
):
    monkeypatch.setattr(Chart, "embedded", is_embedded)
    nothing = dx.plot_durations(dx.read_jobs([]).jobs)
    data, metadata = Chart(nothing, "Durations.")._repr_mimebundle_()
    assert data == {"text/html": "<p>No jobs.</p>", "text/plain": "No jobs."}
    assert metadata == {}
    assert Table(pd.DataFrame({"n": []}), "")._repr_html_() == ""
