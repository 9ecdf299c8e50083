"""What the page gets as answers to its messages."""

from __future__ import annotations

import io
import zipfile

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import answer_to, view_of


def test_a_view_is_the_rows_asked_for_and_what_all_controls_show(tables):
    explorer = dx.explore(tables)
    answer = view_of(explorer, filters={"state": "ERROR"}, first=5, count=3)
    failed = tables.jobs[tables.jobs["state"] == "ERROR"].sort_values("created_at", ascending=False)
    assert answer["total"] == len(failed)
    assert [row[0] for row in answer["rows"]] == failed["job_id"][5:8].tolist()
    assert [row[-1] for row in answer["rows"]] == failed["job_id"][5:8].tolist()
    assert explorer.filters == answer["view"]["filters"] == {"state": ["ERROR"]}
    assert len(view_of(explorer, count=10**9)["rows"]) == 200
    only = view_of(explorer, only_rows=True)
    assert "summary" not in only
    labels = {label for _, label, _ in answer["counts"]["data_set_id"]["values"]}
    assert labels == set(failed["data_set_name"])


def test_causes_come_when_they_have_been_prepared(tables):
    explorer = dx.explore(tables)
    assert "cause" not in view_of(explorer)["counts"]
    pieces = 0
    while answer_to(explorer, "prepare")[0]["more"]:
        pieces += 1
    assert pieces > 3
    assert answer_to(explorer, "prepare")[0] == {
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


def test_a_job_is_answered_whole(tables):
    back = dx.recoveries(tables).iloc[0]
    explorer = dx.explore(tables)
    row = tables.jobs.index[tables.jobs["job_id"] == back["first_job_id"]][0]
    answer, _ = answer_to(explorer, "detail", job=back["first_job_id"])
    job = dict(answer["job"])
    assert (job["job_id"], job["state"]) == (back["first_job_id"], tables.jobs["state"][row])
    assert answer["arn"] == tables.jobs["job_arn"][row]
    assert (
        answer["command"]
        == f"aws dataexchange get-job --job-id {back['first_job_id']} --region us-east-1"
    )
    errors = tables.errors[tables.errors["job_id"] == back["first_job_id"]]
    assert answer["errors"]["in_all"] == len(errors)
    assert set(errors["bucket"].dropna()) <= {
        cell for line in answer["errors"]["rows"] for cell in line
    }
    runs = {run[0] for run in answer["runs"]}
    assert {back["first_job_id"], back["recovered_job_id"]} <= runs
    assert answer["runs_in_all"] == len(runs)


def test_frames_that_a_user_changed_are_explored(tables):
    few = tables.jobs[tables.jobs["state"] == "COMPLETED"].head(20).reset_index(drop=True)
    odd = few.assign(
        tags=[["a", "b"]] * 20,
        asset_name=pd.Series(range(20), dtype=object),
        duration_s=float("inf"),
    )
    odd = odd.assign(week=pd.Series(pd.period_range("2026", periods=20, freq="W")))
    explorer = dx.explore(dx.JobTables(odd, tables.details, tables.errors, tables.rejects))
    while answer_to(explorer, "prepare")[0]["more"]:
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
    assert answer_to(explorer, "detail", job=odd["job_id"][3])[0]["kind"] == "detail"
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
        identity = explorer.tables.jobs["job_id"][row]
        answer, _ = answer_to(explorer, "detail", job=identity)
        assert (len(answer["runs"]), answer["runs_in_all"]) == (20, 60)
        assert identity in [run[0] for run in answer["runs"]]


def test_every_kind_of_job_has_its_details(tables):
    explorer = dx.explore(tables)
    for row in tables.jobs.groupby(["type", "state"], observed=True).head(1).index:
        identity = tables.jobs["job_id"][row]
        answer, _ = answer_to(explorer, "detail", job=identity)
        assert answer["kind"] == "detail"
        assert answer["details"]["in_all"] == (tables.details["job_id"] == identity).sum()
        assert answer["errors"]["in_all"] == (tables.errors["job_id"] == identity).sum()
        assert identity in [run[0] for run in answer["runs"]]


def test_empty_tables_are_explored(tables):
    explorer = dx.explore(tables.filter([]))
    while answer_to(explorer, "prepare")[0]["more"]:
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
    answer, _ = answer_to(explorer, "export", format=name, download=False, ticked=False)
    (saved,) = tmp_path.iterdir()
    assert answer["text"] == f"Saved {shown} jobs as {saved.name}."
    explorer.selected = tables.jobs["job_id"][:4]
    answer, (content,) = answer_to(explorer, "export", format=name, download=True, ticked=True)
    assert answer["text"] == f"Downloaded 4 jobs as {answer['name']}."
    if name == "csv":
        assert len(pd.read_csv(io.BytesIO(content))) == 4
    else:
        assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) >= 3


@pytest.mark.parametrize("table", ["jobs", "details", "errors"])
@pytest.mark.parametrize("name", ["csv", "excel"])
def test_one_table_is_downloaded_as_one_file(tables, table, name, tmp_path):
    explorer = dx.explore(tables, filters={"state": ["ERROR"]})
    given = {"format": name, "table": table, "download": True, "ticked": False}
    answer, (content,) = answer_to(explorer, "export", **given)
    suffix, read = (".csv", pd.read_csv) if name == "csv" else (".xlsx", pd.read_excel)
    assert answer["name"].startswith(f"{table}-")
    assert answer["name"].endswith(suffix)
    assert len(read(io.BytesIO(content))) == len(getattr(explorer.selection, table))
    given["table"] = "../../jobs"
    assert answer_to(explorer, "export", **given)[0]["name"].startswith("jobs-")


def test_an_explorer_that_is_read_only_writes_nothing_where_the_kernel_runs(
    tables, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    explorer = dx.explore(tables, read_only=True)
    answer, _ = answer_to(explorer, "export", format="csv", download=False, ticked=False)
    assert (answer["kind"], "read only" in answer["text"]) == ("error", True)
    # what the page says of itself is no leave
    explorer._about = {**explorer._about, "read_only": False}
    answer, _ = answer_to(explorer, "export", format="csv", download=0, ticked=False)
    assert answer["kind"] == "error"
    answer, (content,) = answer_to(explorer, "export", format="csv", download=True, ticked=False)
    assert answer["name"].endswith(".csv")
    assert content
    assert list(tmp_path.iterdir()) == []


def test_a_failure_says_whether_it_is_fixed_and_by_what(tables):
    explorer = dx.explore(tables)
    back = dx.recoveries(tables)
    once = back[back["attempts"] == 2].iloc[0]
    outcome = answer_to(explorer, "detail", job=once["first_job_id"])[0]["outcome"]
    assert (outcome["name"], outcome["by"]) == ("recovered", once["recovered_job_id"])
    assert outcome["took"] == pytest.approx(once["recovery_s"])
    left, stuck = dx.unresolved_failures(tables).iloc[0], dx.stuck_jobs(tables.jobs).iloc[0]
    outcome = answer_to(explorer, "detail", job=left["job_id"])[0]["outcome"]
    assert (outcome["name"], outcome["by"]) == ("undone", None)
    outcome = answer_to(explorer, "detail", job=stuck["job_id"])[0]["outcome"]
    assert (outcome["name"], outcome["took"]) == ("stuck", pytest.approx(stuck["open_s"]))
    fine = tables.jobs.loc[tables.jobs["state"] == "COMPLETED", "job_id"].iloc[0]
    assert answer_to(explorer, "detail", job=fine)[0]["outcome"]["name"] is None
