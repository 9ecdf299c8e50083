"""Parquet files that have crashed other readers: each is an error, whatever reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# in a process of its own, which a crash or a hang may end
READ = """
import sys, dxnotebook as dx
try:
    getattr(dx, sys.argv[1])(sys.argv[2])
except dx.DxError as error:
    print(error)
"""
TABLES = ("jobs", "details", "errors")


def damaged():
    """Return the files, of which there are none where nobody says where they are."""
    folder = os.environ.get("DXNOTEBOOK_SUITES")
    files = sorted(Path(folder, "parquet").glob("*.parquet")) if folder else []
    missing = pytest.mark.skip("DXNOTEBOOK_SUITES is not set to the folder of suites")
    named = [pytest.param(path, id=path.stem) for path in files]
    return named or [pytest.param(None, marks=missing)]


def said(function, path):
    """Return what the error of reading a path says."""
    command = [sys.executable, "-c", READ, function, str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("path", damaged())
def test_damaged_parquet_is_an_error(path, tmp_path):
    assert "found a Parquet file" in said("read_jobs", path)
    assert "is a single frame" in said("read_tables", path)
    (tmp_path / "export.parquet").mkdir()
    for name in TABLES:
        shutil.copyfile(path, tmp_path / "export.parquet" / f"{name}.parquet")
    assert "is damaged, or export did not write it" in said(
        "read_tables", tmp_path / "export.parquet"
    )
