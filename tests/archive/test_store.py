"""The store: many writers, conflicts, object stores, housekeeping, errors that say where."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import boto3
import pandas as pd
import pytest
from deltalake import DeltaTable

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.rows import archived
from dxnotebook.archive.store import Store
from dxnotebook.aws.pages import Pauses
from tests.archive.conftest import TABLES, sync
from tests.conftest import job, page_of, tables_of
from tests.faults import archive_writers, every_write
from tests.scripted import START


@pytest.mark.slow
def test_racing_creators_make_one_table_and_writers_lose_nothing(tmp_path):
    told, failed = [], []

    def write(writer):
        try:
            told.append(archive_writers.write(str(tmp_path), {}, writer, 3))
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert "9 syncs landed" in archive_writers.check(str(tmp_path), {}, told, 3)


@pytest.mark.slow
def test_a_conflict_is_done_again_and_given_up_at_last(archive):
    archive.add(tables_of(page_of(job(1))))
    calls = []

    def rows(updated_at, stored):
        return archived(
            tables_of(page_of(job(1, UpdatedAt=f"{updated_at}T00:00:00Z"))),
            pd.Timestamp(START),
            stored,
        )

    def late(year, updated_at):
        """Return what makes rows, but lets another writer be faster the first three times."""

        def make(stored):
            calls.append(1)
            if len(calls) < 4:
                Store(archive.uri).merge(lambda stored: rows(f"{year}-01-0{len(calls)}", stored))
            return rows(updated_at, stored)

        return make

    quick = Pauses(first_s=0.001, longest_s=5.0, attempts=20)
    Store(archive.uri, pauses=quick).merge(late(2027, "2028-01-01"))
    assert len(calls) == 4
    assert archive.load().jobs["updated_at"].tolist() == [pd.Timestamp("2028-01-01", tz="UTC")]
    calls.clear()
    twice = Pauses(first_s=0.001, longest_s=5.0, attempts=2)
    with pytest.raises(dx.ArchiveError, match="were faster 2 times"):
        Store(archive.uri, pauses=twice).merge(late(2030, "2031-01-01"))


@contextlib.contextmanager
def s3_server():
    """Run moto's S3 in a process of its own: deltalake, waiting, lets no other thread run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.mark.slow
def test_two_writers_share_an_archive_in_s3():
    with s3_server() as url:
        s3 = boto3.client(
            "s3", "us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b"
        )
        s3.create_bucket(Bucket="archives")
        options = {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        options |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        told = []
        threads = [
            threading.Thread(
                target=lambda n=n: told.append(
                    archive_writers.write("s3://archives/dx", options, n, 2)
                )
            )
            for n in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "4 syncs landed" in archive_writers.check("s3://archives/dx", options, told, 2)
        dx.Archive("s3://archives/dx", options).optimize()
        assert "4 syncs landed" in archive_writers.check("s3://archives/dx", options, told, 2)


@pytest.mark.slow
def test_optimize_makes_few_files_and_deletes_only_what_is_old_and_unknown(archive, monkeypatch):
    for days in (3, 2, 1, 0):
        with demo.Endpoint(demo.Account(2_000, now=demo.NOW - timedelta(days=days))) as endpoint:
            sync(archive, endpoint.client())
    before = archive.load()
    orphan = Path(archive.uri) / "jobs" / "created_month=2026-09" / "part-orphan.parquet"
    orphan.write_bytes(b"left by a killed writer")
    done = archive.optimize()
    assert done["compacted"] > 1
    assert done["deleted"] == 0
    assert len(DeltaTable(f"{archive.uri}/jobs").file_uris()) == len(
        archive.scan().to_table()["created_month"].unique()
    )
    old = time.time() - 8 * 86_400
    os.utime(orphan, (old, old))
    assert archive.optimize() == {"compacted": 0, "deleted": 1}
    assert not orphan.exists()
    after = archive.load()
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(after, name), getattr(before, name), obj=name)


@pytest.mark.slow
def test_a_fault_at_any_write_leaves_the_old_or_the_new(tmp_path):
    shim = every_write.compiled(tmp_path)
    if shim is None:
        pytest.skip("Faults at writes need Linux and a C compiler, such as Debian's gcc.")
    tried = ["--only", "sync", "export a.jsonl.gz", "--faults", "kill", "full"]
    done = every_write.run(tried, shim, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class PanicException(BaseException):
    """What a panic of Rust becomes: of no other class, and without a name to import."""


@pytest.mark.parametrize("error", [PanicException("Already shut down"), Exception("Cast error")])
def test_what_the_engine_raises_of_no_class_of_its_own_is_an_archive_error(archive, error):
    def make(stored):
        raise error

    archive.add(tables_of(page_of(job(1))))
    with pytest.raises(dx.ArchiveError, match=str(error)) as caught:
        Store(archive.uri).merge(make)
    assert archive.uri in str(caught.value)
    with pytest.raises(KeyboardInterrupt):
        Store(archive.uri).merge(interrupted)


def interrupted(stored):
    raise KeyboardInterrupt


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(dx.ArchiveError, match="There is no archive at"):
        dx.Archive(tmp_path / "none").load()
    with pytest.raises(dx.ArchiveError, match="has none of %"):
        dx.Archive(tmp_path / "100%")
    (tmp_path / "file").write_text("")
    with pytest.raises(dx.ArchiveError, match="cannot be used"):
        sync(dx.Archive(tmp_path / "file"), demo.client(1))
    assert repr(dx.Archive("s3://b/p/")) == "Archive('s3://b/p')"


INTERRUPTED = """
import signal, threading
import dxnotebook as dx
from dxnotebook import demo
client, archive = demo.client(10), dx.Archive("s3://archives/dx", {options})
main = threading.main_thread().ident
threading.Timer(1, signal.pthread_kill, (main, signal.SIGINT)).start()
try:
    archive.sync(client, progress=False)
except KeyboardInterrupt as interrupt:
    print(type(interrupt).__name__)
"""


@pytest.mark.slow
def test_an_interrupt_ends_a_sync_while_the_engine_waits_for_a_store_that_never_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        options = {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        options |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        command = [sys.executable, "-c", INTERRUPTED.format(options=options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "LoadInterrupted\n"
