"""Rejects in columns: of small input there may be nearly as many as it has bytes."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import pyarrow as pa

from dxnotebook.model import TEXT

REJECTS = pa.schema(
    {"source": TEXT, "page": pa.int64(), "position": pa.int64(), "reason": TEXT, "raw": TEXT}
)
_ALWAYS_LISTED, _MOST_OBJECTS = 999, 2**14


@dataclass(slots=True)
class Reject:
    """A job that cannot be typed without losing something."""

    source: str
    page: int
    position: int
    reason: str
    raw: str


class Rejects:
    """Rejects in the order they were met; of many that are no objects, the same are listed once.

    Parameters
    ----------
    table : pyarrow.Table, optional
        The rejects to begin with.
    """

    def __init__(self, table: pa.Table | None = None) -> None:
        self._table = REJECTS.empty_table() if table is None else table
        # since the table was made, and how often each came
        self._latest: dict[tuple[object, ...], tuple[Reject, int]] = {}

    def add(self, reject: Reject) -> None:
        """Add a reject; nothing, and what is no object, is counted where there are many."""
        met = len(self._table) + len(self._latest)
        place = met if met < _ALWAYS_LISTED or reject.raw.startswith('{"') else None
        key = (reject.source, reject.page, reject.raw, place)
        first, times = self._latest.get(key, (reject, 0))
        self._latest[key] = first, times + 1
        if len(self._latest) == _MOST_OBJECTS:
            self.table()

    def table(self) -> pa.Table:
        """Return all so far; what is added later is not counted with them."""
        if self._latest:
            rows = []
            for reject, times in self._latest.values():
                reject.reason += f" ({times:,} times)" if times > 1 else ""
                rows.append(astuple(reject))
            columns = map(pa.array, zip(*rows, strict=True), REJECTS.types)
            latest = pa.Table.from_arrays([*columns], schema=REJECTS)
            self._table = pa.concat_tables([self._table, latest])
            self._latest = {}
        return self._table
