"""Parquet and Feather: round trips, and what is damaged or of other exports."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from pyarrow import feather

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of
from tests.files.conftest import FRAMES, equal, exported
from tests.strategies import jobs


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_tables_come_back_equal(suffix, found):
    strange = [
        {**job(10**6 + n), "New": {"Member": n}, "List": ["x"]} for n in range(len(found) % 3)
    ]
    tables = tables_of(page_of(*found, *strange, *[None, "x", {"a": 1}][: len(found) % 4]))
    with tempfile.TemporaryDirectory() as folder:
        equal(dx.read_tables(exported(tables, Path(folder) / f"all{suffix}")), tables)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_damaged_and_foreign_files_say_so(suffix, account, tmp_path):
    path = exported(account, tmp_path / f"a{suffix}")
    part = path / f"errors{suffix}"
    whole = part.read_bytes()
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2]):
        part.write_bytes(damaged)
        with pytest.raises(dx.FormatError, match=r"errors.* is damaged"):
            dx.read_tables(path)
    getattr(account.errors, f"to_{suffix[1:]}")(part)
    with pytest.raises(dx.FormatError, match="export did not write it"):
        dx.read_tables(path)
    other = exported(account, tmp_path / f"b{suffix}")
    part.write_bytes((other / part.name).read_bytes())
    with pytest.raises(dx.DxError, match="different exports"):
        dx.read_tables(path)
    part.unlink()
    with pytest.raises(dx.DxError, match=r"errors.* is not there"):
        dx.read_tables(path)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_tables_written_one_by_one_come_back_from_their_folder(suffix, account, tmp_path):
    for name in FRAMES[:3]:
        exported(getattr(account, name), tmp_path / f"{name}{suffix}")
    equal(dx.read_tables(tmp_path), account)
    exported(dx.failure_rate(account.jobs, "type"), tmp_path / f"errors{suffix}")
    with pytest.raises(dx.FormatError, match=r"errors.* is another frame"):
        dx.read_tables(tmp_path)


def test_offsets_that_lead_nowhere_are_damage(account, tmp_path):
    path = exported(account, tmp_path / "a.feather") / "jobs.feather"
    table = feather.read_table(path, memory_map=False)
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)  # without compression
    ids = table["job_id"].combine_chunks()
    offsets = np.frombuffer(
        ids.buffers()[1], np.dtype(f"i{8 if ids.type == pa.large_string() else 4}")
    )
    damaged = path.read_bytes().replace(offsets.tobytes(), (offsets + 2**28).tobytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(dx.FormatError, match=r"jobs\.feather' is damaged"):
        dx.read_tables(path.parent)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_clients_that_failed_are_kept(suffix, account, tmp_path):
    failed = replace(account, failures={"prod": dx.LoadError("It is late.")})
    read = dx.read_tables(exported(failed, tmp_path / f"all{suffix}"))
    assert {name: str(error) for name, error in read.failures.items()} == {"prod": "It is late."}


def test_lone_surrogates_become_their_escapes_in_parquet(tmp_path):
    frame = pd.DataFrame({"a": pd.Series(["\ud800", None, "b"], dtype=object), "n": [1, 2, 3]})
    for suffix, read in ((".parquet", pd.read_parquet), (".feather", pd.read_feather)):
        assert read(exported(frame, tmp_path / f"a{suffix}"))["a"].fillna("").tolist() == [
            "\\ud800",
            "",
            "b",
        ]
