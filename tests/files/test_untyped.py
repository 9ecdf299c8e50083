"""CSV folders and workbooks back: round trips, and what somebody changed in them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of
from tests.files.conftest import FRAMES, equal, exported
from tests.strategies import jobs

FOLDERS = {".csv": {"folder": True}, ".csv.gz": {"folder": True}, ".xlsx": {}}
FORMULAS = [
    "=1",
    "'=1",
    "''=1",
    " =x",
    "'x",
    "a;=1",
    "a;'=1",
    "\t=1",
    "' \t=1",
    "a\r\n'-1",
    '"+',
    "",
]


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_a_folder_of_csv_files_comes_back_equal(found):
    tables = tables_of(page_of(*found, *[None, "x", {"a": 1}][: len(found) % 4]))
    with tempfile.TemporaryDirectory() as folder:
        back = dx.read_tables(exported(tables, Path(folder) / "all.csv", folder=True))
    equal(back, tables, attrs=False)


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_a_workbook_comes_back_as_exact_as_excel_is(found):
    def fitting(value):
        """Return a value as a cell can hold it: no control characters, nothing empty."""
        if isinstance(value, dict):
            return {name: fitting(member) for name, member in value.items()}
        if isinstance(value, list):
            return [fitting(element) for element in value]
        is_text = isinstance(value, str)
        return re.sub(r"[\x00-\x1f\ufffe\uffff]", "'=", value)[:30_000] or "x" if is_text else value

    tables = tables_of(page_of(*fitting(found)))
    with tempfile.TemporaryDirectory() as folder:
        back = dx.read_tables(exported(tables, Path(folder) / "all.xlsx"))
    for name in FRAMES:
        mine, theirs = getattr(back, name), getattr(tables, name)
        times = mine.select_dtypes("datetimetz").columns
        for frame in (mine, theirs):
            frame[times] = frame[times].apply(lambda column: column.dt.round("ms"))
        pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.parametrize("suffix", FOLDERS)
def test_what_people_open_is_read_as_tables_and_as_jobs(suffix, account, tmp_path):
    path = exported(account, tmp_path / f"all{suffix}", **FOLDERS[suffix])
    for read in (dx.read_tables, dx.read_jobs):
        equal(read(path), account, attrs=False)
    (tmp_path / "more.json").write_bytes(page_of(job(1)))
    assert len(dx.read_jobs([path, tmp_path / "more.json"])) == len(account) + 1
    empty = dx.read_jobs([])
    equal(dx.read_tables(exported(empty, tmp_path / f"0{suffix}", **FOLDERS[suffix])), empty)


@pytest.mark.parametrize("suffix", FOLDERS)
def test_quotes_are_removed_where_they_were_put_and_nowhere_else(suffix, tmp_path):
    named = [job(n, Details={"X": {"Y": text}}) for n, text in enumerate(FORMULAS)]
    tables = tables_of(page_of(*named))
    back = dx.read_tables(exported(tables, tmp_path / f"all{suffix}", **FOLDERS[suffix]))
    [name] = set(tables.jobs) - {*dx.read_jobs([]).jobs, "details_branch"}
    texts = [text for text in FORMULAS if not (suffix == ".xlsx" and re.search(r"[\r\t]|^$", text))]
    assert [text for text in back.jobs[name] if text in texts] == texts


def test_sheets_that_go_on_are_joined(account, tmp_path):
    tables = {name: getattr(account, name) for name in FRAMES[:3]}
    dx.export(account, tmp_path / "whole.xlsx", progress=False)
    book = openpyxl.load_workbook(tmp_path / "whole.xlsx")
    for name in tables:
        rows = [*book[name].iter_rows(values_only=True)]
        del book[name]
        for number, start in enumerate(range(1, len(rows), 500), 1):
            sheet = book.create_sheet(name if number == 1 else f"{name} {number}")
            for row in (rows[0], *rows[start : start + 500]):
                sheet.append(row)
    book.save(tmp_path / "parts.xlsx")
    equal(dx.read_tables(tmp_path / "parts.xlsx"), account, attrs=False)


def test_rows_that_somebody_took_out_are_left_out(account, tmp_path):
    folder = exported(account, tmp_path / "all.csv", folder=True)
    frame = pd.read_csv(folder / "jobs.csv", dtype="str", keep_default_na=False)
    kept = frame[frame["state"] == "ERROR"].drop(columns="region")
    kept.to_csv(folder / "jobs.csv", index=False)
    failed = account.filter(account.jobs["state"] == "ERROR")
    assert [*dx.read_tables(folder).jobs["job_id"]] == [*failed.jobs["job_id"]]
    pd.testing.assert_frame_equal(dx.read_tables(folder).errors, failed.errors)


def test_what_is_no_export_or_was_changed_says_so(account, tmp_path):
    folder = exported(account, tmp_path / "all.csv", folder=True)
    for changed in (b"", b"job_id\na\n", b"job_id,job_arn,created_at\na,b,1.9.2026\n", b'a,b\n"'):
        (folder / "jobs.csv").write_bytes(changed)
        with pytest.raises(dx.FormatError, match=r"does not hold tables as export wrote.*anew"):
            dx.read_tables(folder)
    (folder / "errors.csv").unlink()
    with pytest.raises(dx.DxError, match=r"errors\.csv is not there"):
        dx.read_tables(folder)
    rates = exported(dx.failure_rate(account.jobs, "type"), tmp_path / "rates.xlsx")
    (tmp_path / "text.xlsx").write_bytes(b"no workbook")
    for path in (rates, tmp_path / "text.xlsx"):
        for read in (dx.read_tables, dx.read_jobs):
            with pytest.raises(dx.FormatError, match=r"does not hold tables as export wrote them"):
                read(path)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_of_csv_in_one_file_jobs_and_their_first_errors_come_back(suffix, account, tmp_path):
    path = exported(account, tmp_path / f"people{suffix}")
    for read in (dx.read_tables, dx.read_jobs):
        with pytest.warns(dx.DataWarning, match="no details, and of a job's errors the first"):
            back = read(path)
        pd.testing.assert_frame_equal(back.jobs, account.jobs, check_like=True)
        assert back.details.empty
        columns = ["job_id", "code", "message", "bucket", "key"]
        first = account.errors.drop_duplicates("job_id")[columns]
        told = first[first[columns[1:]].notna().any(axis=1)].reset_index(drop=True)
        pd.testing.assert_frame_equal(back.errors[columns], told)


@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
def test_of_one_frame_in_csv_jobs_are_read_and_others_refused(account, tmp_path):
    path = exported(account.jobs, tmp_path / "jobs.csv")
    pd.testing.assert_frame_equal(dx.read_jobs(path).jobs, account.jobs)
    empty = dx.read_jobs([])
    assert not len(dx.read_tables(exported(empty, tmp_path / "none.csv")))
    other = exported(dx.failure_rate(account.jobs, "type"), tmp_path / "rates.csv")
    with pytest.raises(dx.DxError, match=r"single frame; read it with pandas\.read_csv"):
        dx.read_tables(other)
    with pytest.raises(dx.FormatError, match="found CSV"):
        dx.read_jobs(other)
