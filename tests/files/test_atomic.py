"""Files and folders are replaced whole: crashes at any moment, and what is in the way."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.files.atomic import replacing
from tests.faults.export_kill import Killing, content, leftovers
from tests.files.conftest import FRAMES, SUFFIXES, equal, exported

PARTS = [f"{name}.parquet" for name in FRAMES]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".xlsx", ".jsonl"])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(suffix, tmp_path):
    tables = dx.read_jobs(demo.Account(2_000).pages())
    killing = Killing(
        (tables.filter(tables.jobs["state"] != "CANCELLED"), tables), tmp_path / f"jobs{suffix}"
    )
    for _ in range(2):
        state, _ = killing.kill(random.uniform(0, 4 * killing.takes))
        assert state in ("old", "new")
    exported(tables, killing.target)
    assert leftovers(killing.target) == []
    assert killing.known[content(killing.target)] == "new"


@pytest.mark.slow
def test_a_failure_midway_leaves_the_target_as_it_was(account, tmp_path, monkeypatch):
    for suffix in SUFFIXES:
        path = exported(account, tmp_path / f"all{suffix}")
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                exported(account, path)
        assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def _interrupted(*_):
    raise KeyboardInterrupt


def _unavailable(*_, **__):
    raise OSError


@pytest.mark.parametrize("where_names_swap", [True, False])
def test_a_folder_is_replaced_on_any_file_system(where_names_swap, account, tmp_path, monkeypatch):
    if not where_names_swap:
        monkeypatch.setattr(ctypes, "CDLL", _unavailable)
    path = exported(account, tmp_path / "all.parquet")
    some = account.filter(account.jobs["state"] == "ERROR")
    exported(some, path)
    equal(dx.read_tables(path), some)
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.parquet"]


def test_a_crash_while_the_old_folder_stands_aside_is_healed(account, tmp_path, monkeypatch):
    """What no swap of names can do in one step: the moment between the two renames."""
    path = tmp_path / "all.parquet"
    exported(account, path)

    def crashing(this, name, rename=Path.rename):
        rename(this, name)
        os._exit(9)

    monkeypatch.setattr(ctypes, "CDLL", _unavailable)
    monkeypatch.setattr(Path, "rename", crashing)
    child = os.fork()
    if not child:
        exported(account.filter([]), path)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert not path.exists()
    equal(dx.read_tables(path), account)
    exported(account, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.parquet"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    account, tmp_path, monkeypatch
):
    path = exported(account, tmp_path / "all.parquet")

    def full(this, name, rename=Path.rename):
        if this.parent.name.endswith(".partial") and this.name == path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(this, name)

    monkeypatch.setattr(ctypes, "CDLL", _unavailable)
    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(
        dx.DxError, match=r"No space left on device\. What was there before is as it"
    ):
        exported(account.filter([]), path)
    equal(dx.read_tables(path), account)
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.parquet"]


def test_an_export_that_still_runs_is_left_alone(account, tmp_path):
    path = tmp_path / "all.parquet"
    with replacing(path, PARTS) as written:
        exported(account, path)
        assert written.is_dir()
        (written / "jobs.parquet").write_bytes(b"later")
    assert [file.name for file in path.iterdir()] == ["jobs.parquet"]


def test_a_link_is_followed_and_rights_are_kept(account, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "errors.csv")
    exported(account.errors, tmp_path / "link.csv")
    (tmp_path / "real" / "errors.csv").chmod(0o640)
    exported(account.errors, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "errors.csv").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("where_names_swap", [True, False])
def test_what_is_private_stays_private(where_names_swap, account, tmp_path, monkeypatch):
    if not where_names_swap:
        monkeypatch.setattr(ctypes, "CDLL", _unavailable)
    before = os.umask(0o022)
    try:
        path = exported(account, tmp_path / "all.parquet")
        rights = {part.name: part.stat().st_mode & 0o777 for part in [path, *path.iterdir()]}
        assert rights == {"all.parquet": 0o755, **dict.fromkeys(PARTS[:3], 0o644)}
        path.chmod(0o700)
        (path / "jobs.parquet").chmod(0o600)
        with replacing(path, PARTS) as written:
            (written / "jobs.parquet").write_bytes(b"")
            assert written.parent.stat().st_mode & 0o077 == 0
        assert (path / "jobs.parquet").stat().st_mode & 0o777 == 0o600
        exported(account, path)
        assert path.stat().st_mode & 0o777 == 0o700
        assert (path / "jobs.parquet").stat().st_mode & 0o777 == 0o600
        os.umask(0o027)
        for suffix in SUFFIXES:
            new = exported(account, tmp_path / f"new{suffix}")
            assert new.stat().st_mode & 0o777 == (0o750 if new.is_dir() else 0o640)
    finally:
        os.umask(before)


FULL = """
import resource, sys
import dxnotebook as dx
tables = dx.load_jobs(dx.demo.client(jobs=3000), progress=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for suffix in sys.argv[2:]:
    try:
        dx.export(tables, sys.argv[1] + suffix, progress=False)
    except dx.DxError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_says_so_and_leaves_what_was_there(account, tmp_path):
    before = {suffix: content(exported(account, tmp_path / f"all{suffix}")) for suffix in SUFFIXES}
    command = [sys.executable, "-c", FULL, tmp_path / "all", *SUFFIXES]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == len(SUFFIXES)
    for suffix, line in zip(SUFFIXES, said, strict=True):
        assert line.startswith(
            f"Cannot write '{tmp_path / 'all'}{suffix}': File too large. What was there before"
        )
        assert content(tmp_path / f"all{suffix}") == before[suffix]
    assert len(list(tmp_path.iterdir())) == len(SUFFIXES)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_says_so(account, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(dx.DxError, match="Permission denied"):
        exported(account, tmp_path / "a.parquet")
    tmp_path.chmod(0o700)


def test_what_is_not_ours_is_refused_and_kept(account, tmp_path):
    folder = tmp_path / "a.parquet"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(dx.DxError, match=r"holds more than exported tables: 'notes\.txt'"):
        exported(account, folder)
    with pytest.raises(dx.DxError, match="is a folder; give the path of a file"):
        exported(account.jobs, folder)
    (tmp_path / "b.parquet").write_text("mine")
    with pytest.raises(dx.DxError, match="is a file, and tables become a folder"):
        exported(account, tmp_path / "b.parquet")
    os.mkfifo(tmp_path / "c.csv")
    with pytest.raises(dx.DxError, match="neither a file nor a folder"):
        exported(account.jobs, tmp_path / "c.csv")
    (tmp_path / "d.parquet" / "jobs.parquet").mkdir(parents=True)
    with pytest.raises(dx.DxError, match=r"'jobs\.parquet'"):
        exported(account, tmp_path / "d.parquet")
    assert (folder / "notes.txt").read_text() == (tmp_path / "b.parquet").read_text() == "mine"


def test_what_is_put_there_meanwhile_is_kept(account, tmp_path):
    path = exported(account, tmp_path / "a.parquet")
    with pytest.raises(dx.DxError, match="holds more"), replacing(path, PARTS):
        (path / "notes.txt").write_text("mine")
    assert (path / "notes.txt").read_text() == "mine"
