"""Parquet files as MERGE writes them, read so that their texts can be compared.

deltalake's MERGE writes texts as Arrow's *string views* and remarks so in the file's footer. Arrow
reads them by that remark, and cannot compare them with other texts nor choose rows by them. Without
the remark its texts are texts. `tests/archive/test_parquet.py` fails once this is needed no more.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from deltalake.fs import DeltaStorageHandler

_REMARK, _MASKED = b"ARROW:schema", b"-RROW:schema"  # of the same length
_TAIL = 8  # bytes at a file's end: the footer's length and a magic number


class FilesWithoutRemark(DeltaStorageHandler):
    """The files of a Delta table, without what their footers remark on Arrow's types."""

    def open_input_file(self, path: str) -> pa.PythonFile:
        """Open a file for reading."""
        return pa.PythonFile(_FileWithoutRemark(self._handler.open_input_file(path)))


class _FileWithoutRemark:
    """A Parquet file in whose footer the remark on Arrow's types goes by another name."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._footer = file.size()  # where it begins, once its length has been read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int) -> bytes:
        start, end = self._file.tell(), self._file.size()
        content: bytes = self._file.read(size)
        if start + len(content) == end and len(content) >= _TAIL:
            self._footer = end - _TAIL - int.from_bytes(content[-_TAIL:-4], "little")
        # what stands before the footer is data, which may say anything
        data = max(self._footer - start, 0)
        return content[:data] + content[data:].replace(_REMARK, _MASKED)
