"""What is damaged of a table is found; what only looks so is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from deltalake import DeltaTable

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.damage import damaged
from tests.archive.conftest import sync
from tests.conftest import job, page_of, tables_of


@pytest.fixture
def folder(tmp_path):
    archive = dx.Archive(tmp_path)
    for number in (1, 2, 3):
        archive.add(tables_of(page_of(job(number))))
    return Path(archive.uri)


def log(folder, version):
    return folder / "jobs" / "_delta_log" / f"{version:020}.json"


def test_files_that_are_damaged_or_missing_are_found(folder):
    paths = sorted((folder / "jobs").glob("**/part-*.parquet"))
    assert [*damaged(folder / "jobs")] == []
    paths[0].unlink()
    paths[1].write_bytes(b"PAR1")
    assert {*damaged(folder / "jobs")} == {*paths[:2]}


def test_a_log_that_is_damaged_or_has_holes_is_found(folder):
    assert [*damaged(folder / "jobs")] == []
    log(folder, 1).unlink()
    log(folder, 2).write_text('{"commitInfo":')
    assert [*damaged(folder / "jobs")] == [log(folder, 1), log(folder, 2)]
    assert [*damaged(folder / "none")] == []


def test_what_a_checkpoint_has_need_not_be_there(folder):
    DeltaTable(str(folder / "jobs")).create_checkpoint()
    log(folder, 0).unlink()
    assert len(dx.Archive(folder).load()) == 3
    assert [*damaged(folder / "jobs")] == []


def test_jobs_that_are_not_there_any_more_are_read_again(folder):
    client = demo.client(600)
    sync(dx.Archive(folder), client)
    shutil.rmtree(folder / "jobs")
    assert sync(dx.Archive(folder), client).new == 600
