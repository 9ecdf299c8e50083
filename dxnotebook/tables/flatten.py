"""Arrow records → flat Arrow tables, by the layout of the record type and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook import model
from dxnotebook.arrays import coded, list_lengths, mask_of, positions
from dxnotebook.model import TEXT, Column, Layout, Path

#: The column that numbers the job a row belongs to, until it gives way to the job's settled id.
ORDINAL = "job #"

#: What an ARN begins with.
ARN = r"^[^:]*:[^:]*:[^:]*:(?P<region>[^:]*):(?P<account_id>[^:]*):"


def flatten(records: pa.StructArray, columns: Layout) -> dict[str, pa.Table]:
    """Return the tables ``jobs``, ``details`` and ``errors`` of records.

    The last two number the jobs from 0.
    """
    details = []
    for path in columns.lists:
        rows = _list_rows(records, path, columns.details)
        field = pa.repeat(pa.scalar(model.field_name(path), TEXT), len(rows))
        details.append(rows.add_column(1, "field", field))
    errors = [_list_rows(records, model.ERRORS, columns.errors)]
    return {
        "jobs": _jobs(records, columns.jobs),
        "details": _in_order_of_jobs(details, columns.details),
        "errors": _without_zeros(_in_order_of_jobs(errors, columns.errors)),
    }


def _without_zeros(errors: pa.Table) -> pa.Table:
    """Return errors in which 0 of no limit is none: so Go and .NET write what is not there."""
    name, value = errors["limit_name"], errors["limit_value"]
    is_none = pc.and_(pc.equal(value, 0), pc.equal(pc.fill_null(name, ""), ""))
    place = errors.schema.get_field_index("limit_value")
    return errors.set_column(place, "limit_value", pc.if_else(is_none, None, value))


def _member(array: pa.Array, path: Path) -> pa.Array:
    return reduce(pa.StructArray.field, path, array)


def _has_values(array: pa.Array) -> bool:
    return bool(array.null_count < len(array))


def _nulls(columns: Iterable[Column], length: int) -> dict[pa.DataType, pa.Array]:
    """Return a column without values of each type, which all such columns of a table share."""
    return {kind: pa.nulls(length, kind) for kind in {column.type for column in columns}}


def _jobs(records: pa.StructArray, columns: Sequence[Column]) -> pa.Table:
    nulls = _nulls(columns, len(records))
    filled = {}
    for column in columns:
        pieces = [_member(records, path) for path in column.paths]
        pieces = [piece for piece in pieces if _has_values(piece)] or [nulls[column.type]]
        filled[column.name] = pieces[0] if len(pieces) == 1 else pc.coalesce(*pieces)
    arn = pc.extract_regex(records.field("Arn"), pattern=ARN)
    took = pc.subtract(records.field("UpdatedAt"), records.field("CreatedAt")).cast(pa.int64())
    seconds = pc.divide(took.cast(pa.float64(), safe=False), 1e6)
    ended = pc.is_in(records.field("State"), pa.array(model.TERMINAL_STATES))
    ended = pc.and_(ended, pc.greater_equal(seconds, 0))
    derived = {
        "account_id": arn.field("account_id"),
        "region": arn.field("region"),
        "duration_s": pc.if_else(ended, seconds, None),
        "error_count": pa.array(list_lengths(records.field("Errors"))),
    }
    filled |= derived | _odd_branches(records)
    return pa.table({name: filled[name] for name in model.LEADING} | filled)


def _odd_branches(records: pa.StructArray) -> dict[str, pa.Array]:
    """Return a column of branches of Details that are not the job's type's; none if all are."""
    kinds, names = coded(records.field("Type"))
    codes = {model.usual_branch(name): code for code, name in enumerate(names.to_pylist())}
    odd = np.full(len(records), None, object)
    for branch in model.branches(records.type):
        there = mask_of(records.field("Details").field(branch).is_valid())
        odd[there & (kinds != codes.get(branch, -2))] = branch
    column = pa.array(odd, TEXT)
    return {"details_branch": column} if _has_values(column) else {}


def _list_rows(records: pa.StructArray, path: Path, columns: Iterable[Column]) -> pa.Table:
    """Return the rows of one list of every job: the columns of its elements that have values.

    An element takes as many rows as the longest list in it has elements, and at least one.
    """
    lists = _member(records, path)
    lengths, elements = list_lengths(lists), lists.flatten()
    leaves = _leaves_in(path, columns)
    ends = map(model.list_of, leaves.values())
    inner = {end: _member(elements, end) for end in ends if end is not None}
    sizes = [np.ones(len(elements), np.int64), *map(list_lengths, inner.values())]
    rows = np.maximum.reduce(sizes)
    element, place = np.repeat(np.arange(len(elements)), rows), positions(rows)
    job = np.repeat(np.arange(len(lists)), lengths)
    table = {ORDINAL: pa.array(job[element]), "position": pa.array(positions(lengths)[element])}
    for name, leaf in leaves.items():
        if (end := model.list_of(leaf)) is None:
            values, index = _member(elements, leaf), pa.array(element)
        else:
            values = _member(inner[end].flatten(), leaf[len(end) + 1 :])
            lengths = list_lengths(inner[end])
            starts = np.cumsum(lengths) - lengths
            index = pa.array(starts[element] + place, mask=place >= lengths[element])
        if _has_values(values):
            table[name] = values.take(index)
    return pa.table(table)


def _leaves_in(path: Path, columns: Iterable[Column]) -> dict[str, Path]:
    """Return for every column that a list fills the path of its leaf below an element."""
    leaves = ((column.name, leaf) for column in columns for leaf in column.paths)
    return {name: leaf[len(path) + 1 :] for name, leaf in leaves if model.list_of(leaf) == path}


def _in_order_of_jobs(parts: Sequence[pa.Table], columns: Sequence[Column]) -> pa.Table:
    """Return the rows of several lists as one table, a job's together, a list's in its order."""
    rows = pa.concat_tables(parts, promote_options="default").combine_chunks()
    rows = rows.take(pc.sort_indices(rows[ORDINAL]))
    leading = [name for name in (ORDINAL, "field", "position") if name in rows.column_names]
    nulls = _nulls(columns, len(rows))
    there = dict(zip(rows.column_names, rows.columns, strict=True))
    filled = {column.name: there.get(column.name, nulls[column.type]) for column in columns}
    return pa.table({name: there[name] for name in leading} | filled)
