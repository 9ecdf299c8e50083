"""Files that MERGE wrote: their texts cannot be compared, but without the remark they can."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyarrow.fs import PyFileSystem

from dxnotebook import demo
from dxnotebook.archive.parquet import FilesWithoutRemark
from tests.archive.conftest import sync

IS_FAILED = pads.field("state") == "ERROR"


@pytest.fixture
def table(archive):
    sync(archive, demo.client(50))
    return DeltaTable(f"{archive.uri}/jobs")


def test_the_plain_way_still_fails(table, archive):
    """Once this fails, deltalake or Arrow can do without `parquet.py`: delete it."""
    with pytest.raises(pa.ArrowNotImplementedError, match="string_view"):
        table.to_pyarrow_dataset().to_table(filter=IS_FAILED)
    with pytest.raises(pa.ArrowNotImplementedError, match="string_view"):
        table.to_pyarrow_dataset(schema=archive.scan().schema).to_table(filter=IS_FAILED)


def test_without_the_remark_texts_can_be_compared(table, archive):
    files = PyFileSystem(FilesWithoutRemark(table.table_uri, {}))
    expected = archive.load(state="ERROR").jobs
    assert 0 < len(expected) < 50
    assert table.to_pyarrow_dataset(filesystem=files).to_table(filter=IS_FAILED).num_rows == len(
        expected
    )


def test_data_that_says_the_same_as_the_remark_stays(tmp_path):
    written = pa.table({"text": ["ARROW:schema", "ARROW:schema " * 10_000]})
    pq.write_table(written, tmp_path / "a.parquet", compression="NONE", use_dictionary=False)
    files = PyFileSystem(FilesWithoutRemark(str(tmp_path), {}))
    read = pq.read_table("a.parquet", filesystem=files)
    assert read.equals(written.cast(read.schema))
