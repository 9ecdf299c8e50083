"""Rows 110 to 113: what is no listing, not all of one, or none of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

import dxnotebook as dx
from dxnotebook.cli import main
from tests.conftest import job, page_of, tables_of
from tests.hostile.common import read_quietly, saved

# writes other bytes into an export, as often as asked, and reads it: only a DxError may come of it
DAMAGE = """
import pathlib, random, sys, dxnotebook as dx
folder, suffix, times = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
tables = dx.load_jobs(dx.demo.client(40), progress=False)
file = dx.export(tables, folder / f"a{suffix}", progress=False) / f"jobs{suffix}"
whole, chance = file.read_bytes(), random.Random(1)
for _ in range(times):
    damaged = bytearray(whole)
    for _ in range(chance.choice([1, 2, 8])):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    file.write_bytes(damaged)
    try:
        dx.read_tables(file.parent)
    except dx.DxError:
        pass
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Jobs:\n- Arn: arn:aws:dataexchange:us-east-1:111122223333:jobs/1\n", "YAML"),
        (b"job_id,state\n1,ERROR\n", "CSV"),
        (b"JOBS\tarn:aws:dataexchange:us-east-1:111122223333:jobs/1\n", "text with tabs"),
        (b"PAR1\x00\xff", "a Parquet file"),
        (b"\x80\x04]\x94.", "a pickle"),
        (b"<html>", "HTML or XML"),
        (b'{"DataSets": []}', "a list of DataSets"),
        (page_of(job(Arn="arn:aws:mediaconvert:us-east-1:1:jobs/1")), "jobs of the service mediac"),
    ],
)
def test_110_what_is_no_listing(content, said, tmp_path):
    with pytest.raises(dx.FormatError, match=f"jobs.json: found {said}"):
        dx.read_jobs(saved(tmp_path, content))


def test_111_a_token_that_no_page_follows(tmp_path):
    tables, caught = read_quietly(saved(tmp_path, page_of(job(), NextToken="t")))
    assert len(tables) == 1
    assert [one.category for one in caught] == [dx.PartialLoadWarning]


@pytest.mark.parametrize("jobs", [(), ("x",), (None, 5, {"Id": "1"})])
def test_112_no_job_is_not_health(jobs, tmp_path):
    path = saved(tmp_path, page_of(*jobs))
    result = CliRunner().invoke(main, ["check", "--file", str(path)])
    assert result.exit_code == 2
    assert "could not be checked" in result.stdout
    found = dx.check(tables_of(page_of(*jobs)), max_stuck=10**6)["check"].tolist()
    assert found == (["rejects"] if jobs else []) + ["no jobs"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_113_damage_anywhere(suffix, tmp_path):
    command = [sys.executable, "-c", DAMAGE, str(tmp_path), suffix, "300"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
