"""What people open in a spreadsheet: a job with its first error, failures, an overview."""

from __future__ import annotations

import openpyxl
import pandas as pd

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of
from tests.files.conftest import exported


def by_hand(tables):
    """Return the first error of each job, found one by one."""
    first = {}
    for error in tables.errors.to_dict("records"):
        first.setdefault(error["job_id"], error)
    return first


def test_csv_of_tables_is_one_file_with_the_first_error_beside_each_job(account, tmp_path):
    path = exported(account, tmp_path / "jobs.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    jobs = pd.read_csv(path, dtype="str", keep_default_na=False)
    assert jobs["job_id"].tolist() == account.jobs["job_id"].tolist()
    first = by_hand(account)
    for row in jobs.to_dict("records"):
        error = first.get(row["job_id"], {})
        for name in ("code", "message", "bucket", "key"):
            expected = error.get(name)
            assert row[f"error_{name}"] == ("" if pd.isna(expected) else expected)
    names = list(jobs)
    assert all(name.endswith(("_id", "_arn")) for name in names[names.index("job_id") :])
    plain = exported(account, tmp_path / "plain.csv", bom=False)
    assert plain.read_bytes() == path.read_bytes()[3:]


def test_csv_is_a_folder_only_where_that_is_asked_for(account, tmp_path):
    files = ["details.csv", "errors.csv", "jobs.csv"]
    for path, options in ((f"{tmp_path}/jobs/", {}), (tmp_path / "all.csv", {"folder": True})):
        folder = exported(account, path, **options)
        assert sorted(file.name for file in folder.iterdir()) == files
        assert len(pd.read_csv(folder / "errors.csv")) == len(account.errors)


def test_a_workbook_begins_with_an_overview_and_the_failures(account, tmp_path):
    account.jobs.attrs["filters"] = "since 30d"
    book = openpyxl.load_workbook(exported(account, tmp_path / "jobs.xlsx"))
    del account.jobs.attrs["filters"]
    assert book.sheetnames == ["overview", "failures", "jobs", "details", "errors"]
    rows = list(book["overview"].values)
    assert "only since 30d" in [row[0] for row in rows]
    failed = account.jobs["state"].isin(["ERROR", "TIMED_OUT"])
    finished = failed | (account.jobs["state"] == "COMPLETED")
    counts = (len(account), finished.sum(), failed.sum(), failed.sum() / finished.sum())
    assert ("all jobs", *counts) in rows
    of_type = account.jobs["type"].value_counts()
    assert {row[0]: row[1] for row in rows}[f"type: {of_type.index[0]}"] == of_type.iloc[0]
    head, *found = book["failures"].iter_rows()
    names = [cell.value for cell in head]
    assert names[:5] == ["created_at (UTC)", "state", "type", "data_set_name", "code"]
    ids = [row[names.index("job_id")] for row in found]
    assert {cell.value for cell in ids} == set(account.jobs["job_id"][failed])
    for cell in ids:  # each leads to its job
        place = cell.hyperlink.location.rpartition("!")[2]
        column = [head.value for head in book["jobs"][1]].index("job_id")
        assert book["jobs"][int(place[1:])][column].value == cell.value
    for sheet in book:
        assert sheet.auto_filter.ref.startswith("A1:")


def test_failures_without_errors_are_among_the_failures(tmp_path):
    tables = tables_of(page_of(job(1, State="TIMED_OUT"), job(2), job(3, State="ERROR")))
    book = openpyxl.load_workbook(exported(tables, tmp_path / "jobs.xlsx"))
    assert book["failures"].max_row == 3
    empty = openpyxl.load_workbook(exported(dx.read_jobs([]), tmp_path / "none.xlsx"))
    assert empty["failures"].max_row == 1
