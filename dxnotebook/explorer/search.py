"""A search for a text in all that jobs are known by: ids, names, keys, messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, Integers, Mask, coded, located, mask_of, text_array
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


class _Column:
    """A column of texts, made ready to be searched when it first is."""

    def __init__(self, table: str, column: pd.Series[str]) -> None:
        self.table, self._column = table, column

    @cached_property
    def parts(self) -> tuple[pa.Array, Array | None, set[str]]:
        """The texts, each row's number among them (none if they are as in the column), characters.

        The characters are what ASCII has of them, in lower case: few ids have one beyond "f".
        """
        column = self._column
        texts = text_array(column.astype("str") if column.dtype == object else column)
        codes, different = coded(texts)
        is_repeated = len(different) < _REPEATED * len(texts)
        texts = different if is_repeated else texts
        is_there = np.zeros(256, bool)
        is_there[np.frombuffer(texts.buffers()[2] or b"", np.uint8)] = True
        # Unicode has further cases of k and s
        characters = {chr(byte).lower() for byte in np.flatnonzero(is_there)}
        return texts, codes if is_repeated else None, characters | {"k", "s"}

    def rows_with(self, text: str) -> Mask | None:
        """Return which rows have the text, in whatever case; none when no row has."""
        texts, codes, characters = self.parts
        if any(one.isascii() and one.lower() not in characters for one in text):
            return None
        mask = mask_of(pc.match_substring(texts, text, ignore_case=True))
        return mask if codes is None else np.append(mask, False)[codes]


class Search:
    """All that jobs are known by.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    """

    def __init__(self, tables: JobTables) -> None:
        self._tables = tables
        self._owners: dict[str, Integers] = {}
        self._searched = [
            _Column(table, getattr(tables, table)[name])
            for table, names in _SEARCHED.items()
            for name in getattr(tables, table).columns.intersection(names)
        ]

    def preparations(self) -> list[Callable[[], object]]:
        """Return the pieces of making what a search needs."""
        columns = [partial(getattr, column, "parts") for column in self._searched]
        return [partial(self.owners, "errors"), partial(self.owners, "details"), *columns]

    def knows(self, table: str) -> bool:
        """Tell whether it is known already whose the rows of a table are."""
        return table in self._owners

    def owners(self, table: str) -> Integers:
        """Return the row of the job that each row of a table belongs to, -1 where it has none."""
        if not self.knows(table):
            ids: pd.Series[str] = getattr(self._tables, table)["job_id"]
            self._owners[table] = located(ids, self._tables.jobs["job_id"])
        return self._owners[table]

    def mask(self, text: str) -> Mask:
        """Return which jobs have a text, in whatever case, in an id, a name, a key or a message."""
        mask = np.zeros(len(self._tables) + 1, bool)  # the last is for what has no job
        for column in self._searched:
            rows = column.rows_with(text)
            if rows is not None and column.table == "jobs":
                mask[:-1] |= rows
            elif rows is not None:
                mask[self.owners(column.table)[rows]] = True
        return mask[:-1]
