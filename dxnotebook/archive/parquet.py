"""The Parquet files of a Delta table as an Arrow dataset.

Arrow reads in threads of its own. One that is still inside Python when the interpreter ends aborts
the process, or keeps it for ever, so files are read by systems without Python, or else whole.

deltalake's MERGE writes texts as *string views*, which Arrow cannot compare with the least and
greatest values that files remark of their rows. Of texts that it reads as dictionaries it heeds no
such remark, and makes texts of them. `tests/archive/test_parquet.py` fails once this is needed no
more.
"""

from __future__ import annotations

import atexit
import ctypes
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa
import pyarrow.dataset as pads
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from pyarrow.fs import FileSystem, LocalFileSystem, PyFileSystem, SubTreeFileSystem

from dxnotebook.arrays import is_text

_QUIET_S = 0.05  # what a thread needs to come out of Python, many times over


def dataset(
    table: DeltaTable,
    uri: str,
    options: Mapping[str, str],
    schema: pa.Schema,
    predicate: str | None,
) -> pads.FileSystemDataset:
    """Return a table's files, those that may hold rows that meet a predicate, as a dataset."""
    texts = [column.name for column in schema if is_text(column.type)]
    as_dictionaries = pads.ParquetReadOptions(dictionary_columns=texts)
    found = table.to_pyarrow_dataset(
        filesystem=_system(uri, options, table),
        schema=schema,
        parquet_read_options=as_dictionaries,
        file_pruning_predicate=predicate,
    )
    files = list(found.get_fragments())
    # deltalake says of such columns that they are dictionaries in the dataset, too
    return pads.FileSystemDataset(files, schema, found.format, found.filesystem)


def _system(uri: str, options: Mapping[str, str], table: DeltaTable) -> FileSystem:
    """Return the file system of a table, whose root is the table's folder."""
    if "://" not in uri:
        return SubTreeFileSystem(uri, LocalFileSystem())
    # by the store that deltalake writes with, whose settings Arrow's own do not know
    files = pa.table(table.get_add_actions()).select(["path", "size_bytes"]).to_pydict()
    sizes = dict(zip(*files.values(), strict=True))
    return WholeFiles.system(uri, options, sizes)


class WholeFiles(DeltaStorageHandler):
    """Files of an object store, each read whole when it is opened: they are small.

    So Arrow's threads hold nothing of Python's but the system itself, and are in Python only while
    they open a file. At the interpreter's end no more are opened, and the systems stay.
    """

    _opened = 0
    _is_ending = threading.Event()
    # a thread may be done with one a moment after who asked has what was asked for
    _recent: ClassVar[deque[PyFileSystem]] = deque(maxlen=32)

    @classmethod
    def system(cls, uri: str, options: Mapping[str, str], sizes: Mapping[str, int]) -> PyFileSystem:
        """Return a file system of such files, whose sizes are known."""
        cls._recent.append(PyFileSystem(cls(uri, dict(options), dict(sizes))))
        return cls._recent[-1]

    def open_input_file(self, path: str) -> pa.BufferReader:
        """Open a file for reading."""
        WholeFiles._opened += 1
        if self._is_ending.is_set():
            raise OSError(f"{path} is not read any more: the interpreter ends.")
        file = self._handler.open_input_file(path)
        content = pa.BufferOutputStream()
        content.write(file.read(file.size()))
        return pa.BufferReader(content.getvalue())

    @classmethod
    def end(cls) -> None:
        """Open no more files, and wait until no thread does."""
        cls._is_ending.set()
        for system in cls._recent:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(system))
        opened = 0
        while opened < cls._opened:
            opened = cls._opened
            time.sleep(_QUIET_S)


atexit.register(WholeFiles.end)
