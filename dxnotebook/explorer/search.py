"""A search for a text in all that jobs are known by: ids, names, keys, messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, located
from dxnotebook.model import TEXT
from dxnotebook.tables.jobtables import JobTables

_SEARCHED = {
    "jobs": (
        *("job_id", "data_set_id", "data_set_name", "revision_id", "asset_id", "asset_name"),
        *("api_id", "api_name", "asset_source_bucket"),
    ),
    "errors": ("message", "key", "asset_name", "bucket", "resource_id"),
    "details": ("key", "key_prefix", "key_pattern", "asset_id", "revision_id", "bucket"),
}
_REPEATED = 0.9  # a column of which less is different is searched value by value


class _Pool:
    """The different texts of a column, and the rows of the table that hold each."""

    def __init__(self, column: pd.Series[str]) -> None:
        array = pa.array(column.astype("str") if column.dtype == object else column, TEXT)
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        encoded = array.dictionary_encode()
        self._codes: Array | None = None
        if len(encoded.dictionary) < _REPEATED * len(array):
            array = encoded.dictionary
            self._codes = encoded.indices.fill_null(len(array)).to_numpy()
        self._texts = array
        _, _, characters = array.buffers()
        self._bytes = np.zeros(256, bool)
        if characters is not None:
            self._bytes[np.frombuffer(characters, np.uint8)] = True

    def found(self, text: str) -> Array | None:
        """Return which rows have the text, in whatever case; none when no row has."""
        if not all(self._has(character) for character in text):
            return None
        hits = pc.match_substring(self._texts, text, ignore_case=True).fill_null(fill_value=False)
        hit = hits.to_numpy(zero_copy_only=False)
        return hit if self._codes is None else np.append(hit, False)[self._codes]

    def _has(self, character: str) -> bool:
        """Tell whether a character of ASCII occurs at all; what is no hexadecimal digit is in few ids."""
        if not character.isascii() or character in "kKsS":  # which Unicode has further cases of
            return True
        return bool(self._bytes[ord(character.lower())] or self._bytes[ord(character.upper())])


class Haystack:
    """All that jobs are known by.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    """

    def __init__(self, tables: JobTables) -> None:
        self._tables = tables
        self._owners: dict[str, Array] = {}
        self._pools: dict[tuple[str, str], _Pool] = {}

    def preparations(self) -> list[Callable[[], object]]:
        """Return the pieces of making what a search needs."""
        pools = [partial(self._pool, table, name) for table, name in self._columns()]
        return [partial(self.owners, "errors"), partial(self.owners, "details"), *pools]

    def owners(self, table: str) -> Array:
        """Return the row of the job that each row of a table belongs to."""
        if table not in self._owners:
            ids: pd.Series[str] = getattr(self._tables, table)["job_id"]
            self._owners[table] = located(ids, self._tables.jobs["job_id"])
        return self._owners[table]

    def mask(self, text: str) -> npt.NDArray[np.bool_]:
        """Return which jobs have a text, in whatever case, in an id, a name, a key or a message."""
        mask = np.zeros(len(self._tables.jobs), bool)
        for table, name in self._columns():
            found = self._pool(table, name).found(text)
            if found is None:
                continue
            if table == "jobs":
                mask |= found
            else:
                owners = self.owners(table)[found]
                mask[owners[owners >= 0]] = True  # not those of jobs that are not there
        return mask

    def _columns(self) -> list[tuple[str, str]]:
        return [
            (table, name)
            for table, names in _SEARCHED.items()
            for name in names
            if name in getattr(self._tables, table)
        ]

    def _pool(self, table: str, name: str) -> _Pool:
        if (table, name) not in self._pools:
            self._pools[table, name] = _Pool(getattr(self._tables, table)[name])
        return self._pools[table, name]
