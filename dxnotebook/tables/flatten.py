"""Arrow records → flat Arrow tables, by the layout of the record type and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.model import (
    ELEMENT,
    ERRORS,
    TERMINAL_STATES,
    TEXT,
    Column,
    Layout,
    Path,
    branch_key,
    branches,
    field_name,
    list_of,
)

#: The column that numbers the job a row belongs to; it gives way to the job's id once that is
# settled.
ORDINAL = "job #"

_ARN = r"^[^:]*:[^:]*:[^:]*:(?P<region>[^:]*):(?P<account_id>[^:]*):"

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def flatten(records: pa.StructArray, columns: Layout) -> dict[str, pa.Table]:
    """Return the tables ``jobs``, ``details`` and ``errors`` of records; the last two number the jobs from 0."""
    details = [_exploded(records, path, columns.details) for path in columns.lists]
    return {
        "jobs": _jobs(records, columns.jobs),
        "details": _stacked(details, columns.details, [field_name(path) for path in columns.lists]),
        "errors": _stacked([_exploded(records, ERRORS, columns.errors)], columns.errors),
    }


def _leaf(array: pa.Array, path: Path) -> pa.Array:
    for name in path:
        array = array.field(name)
    return array


def _nothing(columns: Iterable[Column], length: int) -> dict[pa.DataType, pa.Array]:
    """Return a column without values of each type: the many such columns of a batch are one and the same."""
    return {
        data_type: pa.nulls(length, data_type) for data_type in {column.type for column in columns}
    }


def _jobs(records: pa.StructArray, columns: Sequence[Column]) -> pa.Table:
    nothing = _nothing(columns, len(records))
    filled = {}
    for column in columns:
        pieces = [_leaf(records, path) for path in column.paths]
        pieces = [piece for piece in pieces if piece.null_count < len(piece)] or [
            nothing[column.type]
        ]
        filled[column.name] = pieces[0] if len(pieces) == 1 else pc.coalesce(*pieces)
    arn = pc.extract_regex(records.field("Arn"), pattern=_ARN)
    created, updated, state = (records.field(name) for name in ("CreatedAt", "UpdatedAt", "State"))
    microseconds = pc.subtract(updated, created).cast(pa.int64())
    elapsed = pc.divide(microseconds.cast(pa.float64(), safe=False), 1e6)
    ended = pc.and_(pc.is_in(state, pa.array(TERMINAL_STATES)), pc.greater_equal(elapsed, 0))
    derived = {
        "account_id": arn.field("account_id"),
        "region": arn.field("region"),
        "duration_s": pc.if_else(ended, elapsed, None),
        "error_count": pc.fill_null(pc.list_value_length(records.field("Errors")), 0).cast(
            pa.int64()
        ),
    }
    return pa.table(filled | derived | _odd_branches(records))


def _odd_branches(records: pa.StructArray) -> dict[str, pa.Array]:
    """Return, where a job's branch of Details is not the one its type names, a column that says which it is."""
    kinds = records.field("Type").dictionary_encode()
    keys = [branch_key(kind) for kind in kinds.dictionary.to_pylist()]
    indices = pc.fill_null(kinds.indices, -1).to_numpy()
    odd: dict[str, Any] = {}
    for branch in branches(records.type):
        mine = keys.index(branch_key(branch)) if branch_key(branch) in keys else -2
        here = records.field("Details").field(branch).is_valid().to_numpy(zero_copy_only=False)
        strange = here & (indices != mine)
        if strange.any():
            odd.setdefault("details_branch", np.full(len(records), None, object))[strange] = branch
    return {name: pa.array(values, TEXT) for name, values in odd.items()}


@dataclass(frozen=True)
class _Part:
    """The rows of one list of all jobs: whose they are, where they stood in the list, and their columns."""

    owner: Numbers
    position: Numbers
    values: dict[str, pa.Array]


def _exploded(records: pa.StructArray, path: Path, columns: Iterable[Column]) -> _Part:
    """Return the rows of one list of every job: its scalars, and beside them those of the lists in its elements."""
    lists = _leaf(records, path)
    lengths = _lengths(lists)
    elements = lists.flatten()
    owner = np.repeat(np.arange(len(lists)), lengths)
    position = _within(lengths)
    mine = {c.name: p[len(path) + 1 :] for c in columns for p in c.paths if list_of(p) == path}
    inner = {rest[: rest.index(ELEMENT)] for rest in mine.values() if ELEMENT in rest}
    inner_lists = {rest: _leaf(elements, rest) for rest in inner}
    inner_lengths = {rest: _lengths(array) for rest, array in inner_lists.items()}
    # an element takes as many rows as its longest list has elements, and at least one
    rows = np.maximum.reduce([np.ones(len(elements), np.int64), *inner_lengths.values()])
    spread = np.repeat(np.arange(len(elements)), rows) if rows.any() and rows.max() > 1 else None
    row = _within(rows)
    values = {}
    for name, rest in mine.items():
        if ELEMENT not in rest:
            array = _leaf(elements, rest)
            values[name] = array if spread is None else array.take(pa.array(spread))
            continue
        at = rest.index(ELEMENT)
        of_element = slice(None) if spread is None else spread
        starts = (np.cumsum(inner_lengths[rest[:at]]) - inner_lengths[rest[:at]])[of_element]
        there = row < inner_lengths[rest[:at]][of_element]
        index = pa.array(np.where(there, starts + row, 0), mask=~there)
        values[name] = _leaf(inner_lists[rest[:at]].flatten(), rest[at + 1 :]).take(index)
    of_row = slice(None) if spread is None else spread
    return _Part(owner[of_row], position[of_row], values)


def _lengths(lists: pa.ListArray) -> Numbers:
    lengths: Numbers = pc.fill_null(pc.list_value_length(lists), 0).to_numpy().astype(np.int64)
    return lengths


def _within(lengths: Numbers) -> Numbers:
    """Return for every element of lists of these lengths its position in its list."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _stacked(
    parts: list[_Part], columns: Sequence[Column], fields: list[str] | None = None
) -> pa.Table:
    """Return the rows of several lists as one table, a job's rows together, a list's rows in its order."""
    owner = np.concatenate([part.owner for part in parts])
    order = np.argsort(owner, kind="stable")
    table = {ORDINAL: pa.array(owner[order])}
    if fields is not None:
        which = np.repeat(np.arange(len(parts)), [len(part.owner) for part in parts])
        table["field"] = pa.array(fields, TEXT).take(pa.array(which[order]))
    table["position"] = pa.array(np.concatenate([part.position for part in parts])[order])
    nothing = _nothing(columns, len(owner))
    for column in columns:
        pieces = [part.values.get(column.name) for part in parts]
        if all(piece is None or piece.null_count == len(piece) for piece in pieces):
            table[column.name] = nothing[column.type]
            continue
        whole = [
            pa.nulls(len(part.owner), column.type) if piece is None else piece
            for part, piece in zip(parts, pieces, strict=True)
        ]
        table[column.name] = pa.concat_arrays(whole).take(pa.array(order))
    return pa.table(table)
