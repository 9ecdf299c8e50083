"""Exports: round trips, a file or sheet for every table, and what cannot be written or read."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of
from tests.files.conftest import FRAMES, SUFFIXES, cells_of, equal, exported
from tests.strategies import job_frames, jobs


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@pytest.mark.parametrize("redact", [True, False])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_json_lines_come_back_equal(redact, found):
    odd = [None, "x", {"a": 1}, [1]][: len(found) % 5]
    tables = tables_of(page_of(*found, *odd), redact=redact)
    with tempfile.TemporaryDirectory() as folder:
        path = exported(tables, Path(folder) / "all.jsonl")
        assert path.read_bytes().count(b"\n") == max(len(tables) + len(tables.rejects), 1)
        back = dx.read_tables(path, redact=redact)
    assert back.to_jobs() == tables.to_jobs()
    pd.testing.assert_frame_equal(
        back.rejects[["reason", "raw"]], tables.rejects[["reason", "raw"]]
    )
    for name in FRAMES[:3]:
        # an empty branch of Details is one that is absent
        mine, theirs = (
            getattr(one, name).drop(columns="details_branch", errors="ignore")
            for one in (back, tables)
        )
        pd.testing.assert_frame_equal(mine, theirs)


def test_the_path_that_is_returned_leads_to_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert dx.export(tables_of(page_of(job())), "~/jobs.jsonl") == tmp_path / "jobs.jsonl"
    assert (tmp_path / "jobs.jsonl").is_file()


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_members_that_the_model_does_not_know_come_back_from_every_format(tmp_path):
    odd = job(
        1,
        New=5,
        Mixed=[1, "a"],
        CreatedAt="2024-01-01T00:00:00.123456789Z",
        Details={"Warp": {"Factor": 1.5}},
    )
    tables = tables_of(page_of(odd, job(2, Errors=[{"Hint": 3}]), None, job(3, State="\ud800")))
    for suffix in (".parquet", ".feather"):
        equal(dx.read_tables(exported(tables, tmp_path / f"all{suffix}")), tables)
    assert dx.read_tables(exported(tables, tmp_path / "all.jsonl.gz")).to_jobs() == tables.to_jobs()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_without_jobs_are_written_too(suffix, tmp_path):
    empty = dx.read_jobs([])
    path = exported(empty, tmp_path / f"none{suffix}")
    if suffix not in (".csv", ".csv.gz", ".xlsx"):
        equal(dx.read_tables(path), empty)


@pytest.mark.property
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(job_frames(null_times=True))
def test_a_frame_is_one_file_that_pandas_reads(frame):
    frame.attrs = {"note": [1]}
    with tempfile.TemporaryDirectory() as folder:
        for suffix, read in ((".parquet", pd.read_parquet), (".feather", pd.read_feather)):
            back = read(exported(frame, Path(folder) / f"frame{suffix}"))
            assert back.attrs == frame.attrs
            if frame["type"].notna().any():  # Parquet has no categories without values
                pd.testing.assert_frame_equal(back, frame)
        shown = pd.read_csv(
            exported(frame, Path(folder) / "frame.csv"), keep_default_na=False, na_values=[""]
        )
        assert shown["job_id"].astype(str).str.zfill(32).tolist() == frame["job_id"].tolist()
        assert (
            pd.to_datetime(shown["created_at"], utc=True).tolist() == frame["created_at"].tolist()
        )
        assert np.array_equal(
            shown["duration_s"].astype(float), frame["duration_s"], equal_nan=True
        )
        lines = exported(frame, Path(folder) / "frame.jsonl").read_text().splitlines()
        assert [json.loads(line)["region"] for line in lines] == frame["region"].tolist()


def test_every_table_is_a_file_of_its_own_or_a_sheet(account, tmp_path):
    sizes = {name: len(getattr(account, name)) for name in FRAMES[:3]}
    folder = exported(account, tmp_path / "all.parquet")
    assert {file.stem: len(pd.read_parquet(file)) for file in folder.iterdir()} == sizes
    folder = exported(account, tmp_path / "all.csv.gz", folder=True)
    assert {file.name.split(".")[0]: len(pd.read_csv(file)) for file in folder.iterdir()} == sizes
    sheets_read = pd.read_excel(exported(account, tmp_path / "all.xlsx"), sheet_name=None)
    assert list(sheets_read)[:2] == ["overview", "failures"]
    assert {name: len(sheets_read[name]) for name in FRAMES[:3]} == sizes
    assert (
        sheets_read["jobs"]["data_set_name"].fillna("").tolist()
        == account.jobs["data_set_name"].fillna("").tolist()
    )
    assert (
        sheets_read["jobs"]["created_at (UTC)"].dt.tz_localize("UTC").tolist()
        == account.jobs["created_at"].tolist()
    )
    rejecting = tables_of(page_of(job(1), None))
    assert sorted(
        file.stem for file in exported(rejecting, tmp_path / "all.feather").iterdir()
    ) == sorted(FRAMES)


def test_an_index_that_says_something_is_kept(tmp_path):
    counts = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="state"))
    assert (
        exported(counts, tmp_path / "a.csv", bom=False).read_text() == '"state","n"\n"a",1\n"b",2\n'
    )
    assert cells_of(exported(counts, tmp_path / "a.xlsx")) == [["state", "n"], ["a", 1], ["b", 2]]
    pd.testing.assert_frame_equal(pd.read_parquet(exported(counts, tmp_path / "a.parquet")), counts)
    with pytest.raises(dx.DxError, match="reset_index"):
        exported(counts.rename(columns={"n": "state"}), tmp_path / "b.csv")


def test_gzip_is_gzip_and_the_same_inside(account, tmp_path):
    plain, zipped = (
        exported(account.errors, tmp_path / f"e{suffix}", bom=False)
        for suffix in (".csv", ".csv.gz")
    )
    assert gzip.decompress(zipped.read_bytes()) == plain.read_bytes()


def test_secrets_that_the_frames_do_not_hold_are_in_no_export(tmp_path):
    url = "https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef012345"
    tables = tables_of(
        page_of(
            job(
                1,
                Details={"ImportAssetFromSignedUrl": {"SignedUrl": url}},
                Type="IMPORT_ASSET_FROM_SIGNED_URL",
            )
        )
    )
    for suffix in SUFFIXES:
        path = exported(tables, tmp_path / f"all{suffix}")
        for file in path.iterdir() if path.is_dir() else [path]:
            assert b"abcdef012345" not in (
                gzip.decompress(file.read_bytes()) if suffix.endswith(".gz") else file.read_bytes()
            )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a.txt", r"Valid suffixes are: \.parquet, .*\.jsonl\.gz"),
        ("", "Valid suffixes"),
        ("nowhere/a.csv", "There is no folder .*nowhere'; make it first"),
        ("a\0.csv", "Invalid path"),
        (5, "Invalid path: 5"),
        ("x" * 300 + ".csv", "Cannot write .*: File name too long"),
    ],
)
def test_paths_that_cannot_be_written_say_so(path, said, account, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what in (account, account.errors):
        with pytest.raises(dx.DxError, match=said):
            exported(what, path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [5, None, [1], pd.Series([1])])
def test_what_is_no_table_says_so(wrong, tmp_path):
    with pytest.raises(dx.DxError, match="give JobTables or a pandas DataFrame"):
        exported(wrong, tmp_path / "a.csv")


def test_columns_that_a_format_cannot_hold_say_so(tmp_path):
    with pytest.raises(dx.DxError, match=r"one type a column: .* column a .*astype"):
        exported(pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)}), tmp_path / "a.parquet")
    for suffix in (".feather", ".jsonl"):
        with pytest.raises(dx.DxError, match="Two columns are called 'a'"):
            exported(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_reading_what_cannot_be_tables_says_what_to_do(suffix, account, tmp_path):
    with pytest.raises(dx.DxError, match=r"No exported tables|No file matches"):
        dx.read_tables(tmp_path / f"none{suffix}")
    path = exported(account.errors, tmp_path / f"frame{suffix}")
    with pytest.raises(dx.DxError, match=r"pandas|Expected ListJobs"):
        dx.read_tables(path)


def test_progress_is_shown_when_asked_for(account, tmp_path, capsys):
    dx.export(account, tmp_path / "a.jsonl", progress=True)
    shown = capsys.readouterr().err
    assert "Rows:" in shown
    dx.export(account, tmp_path / "a.jsonl")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rejects_are_warned_of_in_every_format(suffix, tmp_path):
    with pytest.warns(dx.DataWarning, match="^1 job could not be read"):
        exported(tables_of(page_of(job(), "x")), tmp_path / f"all{suffix}")


def test_what_is_no_export_is_named(account, tmp_path):
    (tmp_path / "jobs.json").write_bytes(page_of(job()))
    with pytest.raises(dx.FormatError, match=r"jobs\.json' is no export.*dx\.read_jobs"):
        dx.read_tables(tmp_path / "jobs.json")
    for wrong in (account, account.jobs, [account.jobs], None):
        with pytest.raises(dx.DxError, match=r"Invalid path: .{,40} Valid is a text or a Path"):
            dx.read_tables(wrong)
