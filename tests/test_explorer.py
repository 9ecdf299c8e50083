"""The explorer's kernel side: what it answers, what can be read back, and that nothing leaks or breaks."""

from __future__ import annotations

import io
import json
import zipfile

import pandas as pd
import pytest
import traitlets
from ipywidgets import VBox, link

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of

VIEW = {"filters": {}, "sort": ["created_at", True], "first": 0, "count": 20}


@pytest.fixture(scope="module")
def tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client, progress=False), client)


def asked(explorer, kind, **content):
    """Return the answer to a message, as it arrives in the page, and the bytes that come with it."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(
        (json.loads(json.dumps(content, allow_nan=False)), buffers)
    )
    explorer._receive(explorer, {"kind": kind, "id": "7", **content}, [])
    ((answer, buffers),) = [one for one in sent if one[0].get("id") == "7"]
    assert answer["id"] == "7"
    return answer, buffers


def view_of(explorer, **content):
    return asked(explorer, "view", **{**VIEW, "columns": explorer._about["shown"], **content})[0]


def test_a_view_is_the_rows_asked_for_and_what_all_controls_show(tables):
    explorer = dx.explore(tables)
    answer = view_of(explorer, filters={"state": "ERROR"}, first=5, count=3)
    failed = tables.jobs[tables.jobs["state"] == "ERROR"].sort_values("created_at", ascending=False)
    assert answer["total"] == len(failed)
    assert [row[0] for row in answer["rows"]] == failed.index[5:8].tolist()
    assert [row[-1] for row in answer["rows"]] == failed["job_id"][5:8].tolist()
    assert explorer.filters == answer["filters"] == {"state": ["ERROR"]}
    assert len(view_of(explorer, count=10**9)["rows"]) == 200
    only = view_of(explorer, only_rows=True)
    assert "summary" not in only
    labels = {label for _, label, _ in answer["counts"]["data_set_id"]["values"]}
    assert labels == set(failed["data_set_name"])


def test_causes_come_when_they_have_been_prepared(tables):
    explorer = dx.explore(tables)
    assert "cause" not in view_of(explorer)["counts"]
    pieces = 0
    while asked(explorer, "prepare")[0]["more"]:
        pieces += 1
    assert pieces > 3
    assert asked(explorer, "prepare")[0] == {
        "id": "7",
        "kind": "prepare",
        "more": False,
        "causes": True,
    }
    first, *_ = view_of(explorer)["counts"]["cause"]["values"]
    assert (first[0], first[2]) == (
        dx.error_causes(tables)["fingerprint"][0],
        dx.demo.Account().story.failed,
    )


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
    assert asked(explorer, "tick", row=row, on=True)[0]["ticked"] == 1
    assert explorer.selected.jobs["job_id"].tolist() == [tables.jobs["job_id"][row]]
    asked(explorer, "tick", row=None, on=True)
    assert len(explorer.selected) == len(explorer.selection) + 1
    asked(explorer, "tick", row=None, on=False)
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


def test_a_job_is_told_whole(tables):
    back = dx.recoveries(tables).iloc[0]
    explorer = dx.explore(tables)
    row = tables.jobs.index[tables.jobs["job_id"] == back["first_job_id"]][0]
    told, _ = asked(explorer, "detail", row=int(row))
    job = dict(told["job"])
    assert (job["job_id"], job["state"]) == (back["first_job_id"], tables.jobs["state"][row])
    assert told["arn"] == tables.jobs["job_arn"][row]
    assert (
        told["command"]
        == f"aws dataexchange get-job --job-id {back['first_job_id']} --region us-east-1"
    )
    errors = tables.errors[tables.errors["job_id"] == back["first_job_id"]]
    assert told["errors"]["in_all"] == len(errors)
    assert set(errors["bucket"].dropna()) <= {
        cell for line in told["errors"]["rows"] for cell in line
    }
    runs = {tables.jobs["job_id"][run[0]] for run in told["runs"]}
    assert {back["first_job_id"], back["recovered_job_id"]} <= runs
    assert told["runs_in_all"] == len(runs)


def test_filters_set_here_hold_against_a_page_that_only_scrolls(tables):
    explorer = dx.explore(tables)
    explorer.filters = {"state": ["TIMED_OUT"]}
    assert view_of(explorer, filters=None)["total"] == 13
    assert explorer.filters == {"state": ["TIMED_OUT"]}
    asked(explorer, "tick", row=None, on=True, filters={"state": ["CANCELLED"]})
    assert explorer.selected.jobs["state"].unique().tolist() == ["CANCELLED"]


def test_an_observer_that_fails_is_told_and_the_view_follows(tables, caplog):
    explorer = dx.explore(tables)
    explorer.observe(lambda _: 1 / 0, ["selection", "selected"])
    assert view_of(explorer, filters={"state": ["TIMED_OUT"]})["total"] == 13
    assert asked(explorer, "tick", row=3, on=True)[0]["ticked"] == 1
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2


def test_frames_that_a_user_changed_are_explored(tables):
    few = tables.jobs[tables.jobs["state"] == "COMPLETED"].head(20).reset_index(drop=True)
    odd = few.assign(
        tags=[["a", "b"]] * 20,
        asset_name=pd.Series(range(20), dtype=object),
        duration_s=float("inf"),
    )
    odd = odd.assign(week=pd.Series(pd.period_range("2026", periods=20, freq="W")))
    explorer = dx.explore(dx.JobTables(odd, tables.details, tables.errors, tables.rejects))
    while asked(explorer, "prepare")[0]["more"]:
        pass
    answer = view_of(
        explorer,
        filters={"text": "access denied"},
        columns=["tags", "week", "duration_s"],
        sort=["week", True],
    )
    assert (answer["total"], answer["counts"]["code"]["values"]) == (
        0,
        [],
    )  # errors of other jobs are nobody's
    assert (
        len(view_of(explorer, filters={}, columns=["tags", "week"], sort=["week", True])["rows"])
        == 20
    )
    assert asked(explorer, "detail", row=3)[0]["kind"] == "detail"
    twice = dx.JobTables(
        pd.concat([few, few[["type"]]], axis=1), tables.details, tables.errors, tables.rejects
    )
    with pytest.raises(DxError, match="several columns 'type'"):
        dx.explore(twice)
    untyped = tables.jobs.iloc[:0].astype(
        {"state": "str", "type": "str", "data_set_id": "category"}
    )
    assert (
        view_of(dx.explore(dx.JobTables(untyped, tables.details, tables.errors, tables.rejects)))[
            "total"
        ]
        == 0
    )


def test_the_list_of_runs_is_around_the_job():
    details = {
        "ImportAssetsFromS3": {"DataSetId": "d", "AssetSources": [{"Bucket": "b", "Key": "k"}]}
    }
    runs = [
        job(n, CreatedAt=f"2026-09-01T00:{n:02}:00Z", UpdatedAt=None, Details=details)
        for n in range(60)
    ]
    explorer = dx.explore(tables_of(page_of(*runs)))
    for row in (0, 30, 59):
        told, _ = asked(explorer, "detail", row=row)
        assert (len(told["runs"]), told["runs_in_all"]) == (20, 60)
        assert row in [run[0] for run in told["runs"]]


def test_every_kind_of_job_is_told(tables):
    explorer = dx.explore(tables)
    for row in tables.jobs.groupby(["type", "state"], observed=True).head(1).index:
        told, _ = asked(explorer, "detail", row=int(row))
        identity = tables.jobs["job_id"][row]
        assert told["kind"] == "detail"
        assert told["details"]["in_all"] == (tables.details["job_id"] == identity).sum()
        assert told["errors"]["in_all"] == (tables.errors["job_id"] == identity).sum()
        assert row in [run[0] for run in told["runs"]]


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


def test_an_error_is_told_and_logged_and_the_explorer_goes_on(tables, caplog):
    explorer = dx.explore(tables)
    for kind, content, text in (
        (
            "view",
            {**VIEW, "columns": [], "sort": ["colour", True]},
            "Cannot sort by 'colour': the jobs have no such column.",
        ),
        ("view", {**VIEW, "columns": ["colour"]}, "KeyError: 'colour'"),
        (
            "view",
            {**VIEW, "columns": [], "filters": {"colour": []}},
            "Invalid filters: no filter is named 'colour'",
        ),
        ("detail", {"row": 10**9}, "IndexError: single positional indexer is out-of-bounds"),
        ("explode", {}, "KeyError: 'explode'"),
    ):
        caplog.clear()
        answer, _ = asked(explorer, kind, **content)
        assert answer["kind"] == "error"
        assert text in answer["text"]
        assert [record.exc_info is not None for record in caplog.records] == [True]
    assert view_of(explorer)["total"] == len(tables)


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u202egnp.exe",
    "nul\0 bell\a",
    "x" * 10_000,
]


def test_hostile_values_arrive_as_texts():
    jobs = [
        job(n, State="ERROR", Details={"ImportAssetsFromS3": {"DataSetId": text, "AssetSources": [{"Bucket": text, "Key": text}]}},
            Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": text}])
        for n, text in enumerate(HOSTILE)
    ]  # fmt: skip
    explorer = dx.explore(tables_of(page_of(*jobs)))
    while asked(explorer, "prepare")[0]["more"]:
        pass
    answer = view_of(explorer, columns=["data_set_id"])
    cells = [row[2] for row in answer["rows"]]
    assert cells[:3] == HOSTILE[:3]
    assert cells[3] == "nul␀ bell␇"
    assert cells[4] == "x" * 300 + "… (10,000 characters)"
    # a value is sent back as it is, so that what is shortened can be filtered for
    long = next(
        value
        for value, label, _ in answer["counts"]["data_set_id"]["values"]
        if label.endswith("characters)")
    )
    assert view_of(explorer, filters={"data_set_id": [long]})["total"] == 1
    assert asked(explorer, "detail", row=4)[0]["errors"]["rows"][0][-1] == HOSTILE[4]


def test_empty_tables_are_explored(tables):
    explorer = dx.explore(tables.filter([]))
    while asked(explorer, "prepare")[0]["more"]:
        pass
    answer = view_of(
        explorer, filters={"state": ["ERROR"], "text": "x", "since": "2026-01-01", "cause": ["y"]}
    )
    assert (answer["total"], answer["rows"], answer["trend"]["starts"]) == (0, [], [])
    assert repr(explorer) == "JobExplorer: 0 of 0 jobs shown, 0 failed"
    assert len(explorer.selected) == 0


@pytest.mark.parametrize("name", ["parquet", "csv", "excel"])
def test_the_selection_is_exported(tables, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = dx.explore(tables, filters={"state": ["TIMED_OUT"]})
    shown = len(explorer.selection)
    answer, _ = asked(explorer, "export", format=name, download=False, ticked=False)
    (saved,) = tmp_path.iterdir()
    assert answer["text"] == f"Saved {shown} jobs as {saved.name}."
    explorer.selected = tables.jobs["job_id"][:4]
    answer, (content,) = asked(explorer, "export", format=name, download=True, ticked=True)
    assert answer["text"] == f"Downloaded 4 jobs as {answer['name']}."
    assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) >= 3


def test_something_else_than_tables_is_refused():
    with pytest.raises(DxError, match="Give JobTables"):
        dx.explore(pd.DataFrame())
