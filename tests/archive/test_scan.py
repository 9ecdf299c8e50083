"""Archives as datasets: texts that MERGE wrote are compared, and who reads them ends well."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pyarrow.dataset as pads
import pytest
from deltalake import DeltaTable
from pyarrow.fs import PyFileSystem

import dxnotebook as dx
from dxnotebook import demo
from tests.archive.conftest import sync
from tests.conftest import job, page_of, tables_of

IS_FAILED = pads.field("state") == "ERROR"


@pytest.fixture
def table(archive):
    sync(archive, demo.client(50))
    return DeltaTable(f"{archive.uri}/jobs")


def test_the_plain_way_still_fails(table, archive):
    """Once this fails, deltalake or Arrow can do without what `Store.dataset` does: delete it."""
    with pytest.raises(pa.ArrowNotImplementedError, match="string_view"):
        table.to_pyarrow_dataset().to_table(filter=IS_FAILED)
    with pytest.raises(pa.ArrowNotImplementedError, match="string_view"):
        table.to_pyarrow_dataset(schema=archive.scan().schema).to_table(filter=IS_FAILED)


@pytest.mark.parametrize(
    "condition",
    [
        IS_FAILED,
        IS_FAILED & (pads.field("region") >= "us"),
        pads.field("state").isin(["ERROR", "TIMED_OUT"]) & pads.field("api_id").is_null(),
        pads.field("state").isin(pa.array(["ERROR"], pa.large_string())),
    ],
)
def test_as_dictionaries_texts_can_be_compared(table, archive, condition):
    expected = len(archive.load(state="ERROR"))
    assert 0 < expected < 50
    assert archive.scan().to_table(filter=condition).num_rows == expected


def test_what_is_read_are_texts_by_a_system_without_python(table, archive):
    found = archive.scan()
    assert not isinstance(found.filesystem, PyFileSystem)
    assert found.to_table().schema == found.schema
    assert not [kind for kind in found.schema.types if pa.types.is_dictionary(kind)]
    by_uri = dx.Archive(f"file://{archive.uri.replace(' ', '%20')}")
    assert by_uri.scan().schema == found.schema
    order = [("job_arn", "ascending")]
    assert by_uri.scan().to_table().sort_by(order).equals(found.to_table().sort_by(order))


@pytest.fixture(scope="module")
def of_many_files(tmp_path_factory):
    archive = dx.Archive(tmp_path_factory.mktemp("many"))
    for day in range(1, 31):
        created = f"2026-{1 + day % 8:02}-{day:02}T00:00:00Z"
        archive.add(tables_of(page_of(job(day, CreatedAt=created))))
    return archive


@pytest.mark.slow
@pytest.mark.parametrize(
    "last",
    [
        "dx.Archive(uri).scan().to_table()",
        "dx.Archive(uri).scan().head(1)",  # what is abandoned keeps readers busy beyond the end
        "dx.Archive(uri).gaps()",
        "dx.Archive(f'file://{uri}').scan().head(1)",
        "dx.Archive(uri).load()",
    ],
)
def test_a_process_that_reads_ends_by_itself_and_well(of_many_files, last):
    code = f"import dxnotebook as dx; uri = {of_many_files.uri!r}; {last}"
    for _ in range(3):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
