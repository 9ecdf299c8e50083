"""The explorer in the kernel: what can be read back, and that nothing leaks or breaks."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import traitlets
from ipywidgets import VBox, link

import dxnotebook as dx
from dxnotebook import DxError
from tests.explorer.conftest import answer_to, view_of


def test_what_is_shown_and_ticked_can_be_read_back_and_observed(tables):
    explorer = dx.explore(tables, filters={"state": ["ERROR"]})
    seen = []
    explorer.observe(
        lambda change: seen.append((change.name, len(change.new))), ["selection", "selected"]
    )
    explorer.filters = {"state": ["TIMED_OUT"]}
    pd.testing.assert_frame_equal(
        explorer.selection.jobs, tables.filter(tables.jobs["state"] == "TIMED_OUT").jobs
    )
    row = int(tables.jobs.index[3])
    assert answer_to(explorer, "tick", job=tables.jobs["job_id"][row], on=True)[0]["ticked"] == 1
    assert explorer.selected.jobs["job_id"].tolist() == [tables.jobs["job_id"][row]]
    answer_to(explorer, "tick", job=None, on=True)
    assert len(explorer.selected) == len(explorer.selection) + 1
    answer_to(explorer, "tick", job=None, on=False)
    explorer.selected = tables.jobs["job_id"][:2]
    explorer.selected = explorer.selection
    shown = len(explorer.selection)
    assert seen == [("selection", shown), *(("selected", n) for n in (1, shown + 1, 1, 2, shown))]
    with pytest.raises(traitlets.TraitError, match="read-only"):
        explorer.selection = tables
    with pytest.raises(DxError, match="not in these tables"):
        explorer.selected = "nobody"
    with pytest.raises(DxError, match="Invalid selected: 5"):
        explorer.selected = 5
    with pytest.raises(DxError, match="no filter is named 'colour'"):
        explorer.filters = {"colour": ["red"]}
    assert explorer.filters == {"state": ["TIMED_OUT"]}


def test_a_view_is_kept_by_its_filters_and_explorers_can_be_linked(tables):
    one = dx.explore(
        tables, filters={"type": ["EXPORT_ASSETS_TO_S3"], "text": "FX", "since": "2026-08-01"}
    )
    again = dx.explore(tables, filters=json.loads(json.dumps(one.filters)))
    assert again.filters == one.filters
    assert again.selection.jobs.equals(one.selection.jobs)
    link((one, "filters"), (again, "filters"))
    one.filters = {"state": ["ERROR"]}
    assert again.filters == {"state": ["ERROR"]}
    assert VBox([one, again]).children == (one, again)


def test_filters_set_here_hold_against_a_page_that_only_scrolls(tables):
    explorer = dx.explore(tables)
    explorer.filters = {"state": ["TIMED_OUT"]}
    assert view_of(explorer)["total"] == 13
    assert explorer.filters == {"state": ["TIMED_OUT"]}
    answer_to(explorer, "tick", job=None, on=True, view={"filters": {"state": ["CANCELLED"]}})
    assert explorer.selected.jobs["state"].unique().tolist() == ["CANCELLED"]


def test_an_observer_that_fails_is_shown_and_the_view_follows(tables, caplog):
    explorer = dx.explore(tables)
    explorer.observe(lambda _: 1 / 0, ["selection", "selected"])
    assert view_of(explorer, filters={"state": ["TIMED_OUT"]})["total"] == 13
    assert answer_to(explorer, "tick", job=tables.jobs["job_id"][3], on=True)[0]["ticked"] == 1
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


def test_the_saved_state_holds_none_of_the_jobs(tables):
    explorer = dx.explore(tables, filters={"state": ["ERROR"]})
    view_of(explorer)
    explorer.selected = tables.jobs["job_id"][:5]
    state = json.dumps(
        {
            name: value
            for name, value in explorer.get_state().items()
            if name not in ("_esm", "_css")
        },
        default=str,
    )
    assert not [identity for identity in tables.jobs["job_id"] if identity in state]
    assert "grid-load" not in state


def test_without_a_kernel_there_is_a_summary(tables, monkeypatch):
    explorer = dx.explore(tables, filters={"text": "<img src=x onerror=alert(1)>"})
    outputs = []
    monkeypatch.setattr(
        "dxnotebook.explorer.widget.display", lambda data, **_: outputs.append(data)
    )
    explorer._ipython_display_()
    summary, widget = outputs
    assert summary["text/plain"] == "JobExplorer: 0 of 6,000 jobs shown, 0 failed" == repr(explorer)
    assert "<img" not in summary["text/html"]
    assert "&lt;img" in summary["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in widget
    dx.explore(tables)._ipython_display_()
    assert "<td>3689</td>" in outputs[2]["text/html"]


def test_an_error_is_shown_and_logged_and_the_explorer_goes_on(tables, caplog):
    explorer = dx.explore(tables)
    for kind, content, text in (
        (
            "view",
            {"view": {"filters": {"colour": []}}, "first": 0, "count": 9},
            "Invalid filters: no filter is named 'colour'",
        ),
        ("view", {"view": {"colour": 1}}, "Invalid view: 'colour'"),
        ("view", {"view": None}, "KeyError: 'first'"),
        ("detail", {"job": "x"}, "There is no job 'x'"),
        ("explode", {}, "KeyError: 'explode'"),
    ):
        caplog.clear()
        answer, _ = answer_to(explorer, kind, **content)
        assert answer["kind"] == "error"
        assert text in answer["text"]
        assert [record.exc_info is not None for record in caplog.records] == [True]
    assert view_of(explorer)["total"] == len(tables)


def test_something_else_than_tables_is_refused():
    with pytest.raises(DxError, match="Give JobTables"):
        dx.explore(pd.DataFrame())
