"""Archives that were damaged, clocks that were wrong, disks that are full."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.store import Store
from tests.archive.conftest import sync, world  # noqa: F401 (a fixture)
from tests.conftest import job, page_of, tables_of

HALF = "half a surrogate: \ud83d"
TIMES = {
    day: {"CreatedAt": f"2026-08-0{day}T00:00:00Z", "UpdatedAt": f"2026-08-0{day}T00:01:00Z"}
    for day in (1, 2, 3)
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    archive = dx.Archive(tmp_path_factory.mktemp("whole") / "archive")
    for day in (1, 2, 3):
        archive.add(tables_of(page_of(job(day, **TIMES[day]))))
    for name in ("jobs", "syncs"):
        DeltaTable(f"{archive.uri}/{name}").create_checkpoint()
    return Path(archive.uri)


@pytest.fixture
def folder(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "archive"))


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def pages_zeroed(path):
    """Leave a file of Parquet that can be opened, but not read."""
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    path.write_bytes(content[:4] + bytes(len(content) - footer - 4) + content[-footer:])


def made_a_folder(path):
    path.unlink()
    path.mkdir()


USES = {
    "jobs": [lambda archive: archive.load(), lambda archive: archive.transitions()],
    "syncs": [lambda archive: archive.load(), lambda archive: archive.gaps()],
}
USES = {name: [*uses, lambda archive: sync(archive, demo.client(1))] for name, uses in USES.items()}


def assert_named(folder, path, uses):
    archive = dx.Archive(folder)
    for use in uses:
        with pytest.raises(dx.ArchiveError, match="Restore it from a backup") as caught:
            use(archive)
        assert f"its file {path.relative_to(folder)} is damaged or missing" in str(caught.value)


@pytest.mark.parametrize("name", ["jobs", "syncs"])
@pytest.mark.parametrize("damage", [cut, zeroed, pages_zeroed, Path.unlink, made_a_folder])
def test_130_a_damaged_data_file_is_named(folder, name, damage):
    path = max((folder / name).glob("**/part-*.parquet"))
    damage(path)
    reads = USES[name] if name == "syncs" else USES[name][:2]  # a sync reads what it has to change
    assert_named(folder, path, reads)


@pytest.mark.parametrize("name", ["jobs", "syncs"])
@pytest.mark.parametrize("damage", [cut, zeroed, Path.unlink])
def test_131_a_damaged_log_is_named(folder, name, damage):
    log = folder / name / "_delta_log"
    for path in [*log.glob("*.checkpoint.parquet"), log / "_last_checkpoint"]:
        path.unlink()
    damage(log / f"{1:020}.json")
    assert_named(folder, log / f"{1:020}.json", USES[name])


@pytest.mark.parametrize("name", ["jobs", "syncs"])
@pytest.mark.parametrize("damage", [cut, zeroed])
def test_132_a_damaged_checkpoint_is_named(folder, name, damage):
    [path] = (folder / name / "_delta_log").glob("*.checkpoint.parquet")
    damage(path)
    assert_named(folder, path, USES[name])


@pytest.mark.parametrize("name", ["jobs", "syncs"])
def test_133_anothers_delta_table_is_refused(folder, name):
    shutil.rmtree(folder / name)
    write_deltalake(str(folder / name), pa.table({"x": [1, 2]}))
    for use in USES[name]:
        with pytest.raises(dx.ArchiveError, match=f"{name} is none of an archive"):
            use(dx.Archive(folder))
    assert DeltaTable(str(folder / name)).version() == 0


def test_no_archive_is_made_inside_a_delta_table(folder):
    with pytest.raises(dx.ArchiveError, match="Give a folder above it"):
        sync(dx.Archive(folder / "jobs"), demo.client(1))
    assert not (folder / "jobs" / "jobs").exists()


@pytest.mark.parametrize(
    "odd",
    [
        {"Id": "x" + HALF, "State": "ERROR" + HALF, HALF: 1, "CreatedAt": HALF},
        job(1, CreatedAt=HALF),
        job(1, Details=HALF),
        job(1, New=[None, None]),
        job(1, Errors=[{"Code": HALF}]),
        HALF,
    ],
)
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_134_no_job_makes_later_syncs_fail(tmp_path, odd):
    archive = dx.Archive(tmp_path)
    body = page_of(odd, job(2))
    client = demo.client(300, faults=[demo.Fault("reply", 0, times=None, body=body)])
    assert sync(archive, client).new == 2
    assert sync(archive, client, full=True).unchanged == 2
    assert len(archive.load()) + len(archive.load().rejects) == 2


@pytest.mark.parametrize("state", ["COMPLETED", "WAITING"])
@pytest.mark.parametrize("year", ["0001", "1677", "2262", "9999"])
@pytest.mark.filterwarnings("ignore::dxnotebook.DataWarning")
def test_135_years_without_nanoseconds_are_kept(tmp_path, year, state):
    archive, times = (
        dx.Archive(tmp_path),
        dict.fromkeys(("CreatedAt", "UpdatedAt"), f"{year}-01-02T03:04:05Z"),
    )
    tables = tables_of(page_of(job(1, State=state, **times), job(2)))
    assert (archive.add(tables).new, archive.add(tables).unchanged) == (2, 2)
    key = "Arn"
    found = sorted(archive.load().to_jobs(), key=lambda one: one[key])
    assert found == sorted(tables.to_jobs(), key=lambda one: one[key])
    assert len(archive.load(since=f"{year}-01-01", until=f"{year}-02-01")) == 1
    archive.optimize()
    assert archive.history(job(1)["Arn"])["state"].tolist() == [state]
    assert len(archive.transitions()) == 2


@pytest.mark.filterwarnings("ignore:The Date of an answer:dxnotebook.DataWarning")
def test_136_a_clock_that_was_ahead_makes_no_sync_skip_jobs(tmp_path, world):  # noqa: F811
    account, _, client = world
    archive, account.per_page = dx.Archive(tmp_path), 5
    account.create(1, state="COMPLETED")
    sync(archive, client)
    # such as the Date of one answer, a year ahead
    known = {"account_id": account.account_id, "region": account.region, "jobs": 1}
    ahead = known | {"asked_at": account.now + timedelta(days=365), "complete": True}
    Store(archive.uri).append([ahead])
    for number in range(2, 40):
        account.now += timedelta(hours=1)
        account.create(number, state="COMPLETED")
    with pytest.warns(dx.DataWarning, match="ahead of the service's clock"):
        assert sync(archive, client).new == 38
    account.now += timedelta(days=366)
    for number in range(40, 80):
        account.create(number, state="COMPLETED", at=account.now - timedelta(hours=number))
    # and also once that time is past: to the newest job it had read for sure
    assert sync(archive, client).new == 40


def test_137_a_full_disk_is_said_and_leaves_what_was_there(tmp_path, monkeypatch, capfd):
    archive = dx.Archive(tmp_path)
    archive.add(tables_of(page_of(job(1))))

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for write in (lambda: sync(archive, demo.client(50)), archive.optimize):
        with pytest.raises(dx.ArchiveError, match=r"No space left on device.*then do it again"):
            write()
    assert capfd.readouterr().err == ""
    assert len(archive.load()) == 1
    monkeypatch.undo()
    assert sync(archive, demo.client(50)).new == 50
