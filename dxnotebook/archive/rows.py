"""`JobTables` → the rows of an archive, and back: one row a job, its details and errors as lists in it.

What the typed columns of a row do not carry whole stands beside them as JSON: a job that cannot be typed, a time in
nanoseconds, a member that the installed botocore does not know, a value that the archive's column cannot hold. Such a
row is read from its JSON, by the model of the botocore that reads it, which may know more than the one that wrote it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Mask, located
from dxnotebook.errors import UnknownFieldWarning, warn
from dxnotebook.model import LEADING, MODEL, OPEN_STATES, TERMINAL_STATES, TEXT, TIMESTAMP, Model
from dxnotebook.records.body import Body, encode
from dxnotebook.records.decode import Decoder
from dxnotebook.records.fit import JSON_MARK, TEXT_MARK
from dxnotebook.records.redact import SECRET_NAMES, redact_array, redact_value
from dxnotebook.tables.assemble import Batch, assemble, unsettled
from dxnotebook.tables.flatten import ORDINAL, flatten
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.tables.rebuild import PATHS
from dxnotebook.text import valid_utf8
from dxnotebook.times import instant

#: What a job was seen as, and when; `raw` is the whole job while it was not finished, so that it
# can be shown as it was.
OBSERVATION = pa.struct(
    [("state", TEXT), ("updated_at", TIMESTAMP), ("seen_at", TIMESTAMP), ("raw", TEXT)]
)
#: The columns of an archive that are not those of `jobs`, nor its lists.
OWN = pa.schema(
    [
        ("raw", TEXT),
        ("reject_reason", TEXT),
        ("reject_source", TEXT),
        ("reject_page", pa.int64()),
        ("reject_position", pa.int64()),
        ("first_seen_at", TIMESTAMP),
        ("last_seen_at", TIMESTAMP),
        ("observations", pa.list_(OBSERVATION)),
        ("created_month", TEXT),
    ]
)
LISTS = ("details", "errors")
#: The month of jobs that do not say when they were created.
UNDATED = "undated"

_REJECT_COLUMNS = [name for name in OWN.names if name.startswith("reject_")]
_DERIVED = {
    "account_id": TEXT,
    "region": TEXT,
    "duration_s": pa.float64(),
    "error_count": pa.int64(),
}
_NUMBERING = {"field": TEXT, "position": pa.int64()}


def schema(model: Model = MODEL) -> pa.Schema:
    """Return the columns of an archive by a model.

    Examples
    --------
    >>> from dxnotebook.archive import rows
    >>> rows.schema().names[:3], rows.schema().names[-1]
    (['job_id', 'job_arn', 'account_id'], 'created_month')
    """
    columns = _types(model, "jobs")
    lists = [(name, pa.list_(pa.struct(list(_types(model, name).items())))) for name in LISTS]
    return pa.schema([*columns.items(), *lists, *OWN])


def _types(model: Model, table: str) -> dict[str, pa.DataType]:
    """Return the columns of a table that a model knows, those that number its rows first, and their types."""
    members = {column.name: column.type for column in getattr(model.layout, table)}
    if table == "jobs":
        first = {name: (members | _DERIVED)[name] for name in LEADING}
        return first | members
    return {
        name: kind for name, kind in _NUMBERING.items() if name != "field" or table == "details"
    } | members


def archived(tables: JobTables, seen_at: pd.Timestamp, stored: pa.Schema | None = None) -> pa.Table:
    """Return the rows of jobs and rejects, without secrets, each ARN once.

    Parameters
    ----------
    tables : JobTables
        The jobs.
    seen_at : Timestamp
        When they were as the tables have them.
    stored : pyarrow.Schema, optional
        What the archive has: a column that it has with another type gets values of that type, or
        none.
    """
    columns: dict[str, pa.Array] = {}
    lost = np.zeros(len(tables), bool)
    types = schema(tables.model) if stored is None else stored
    for name, table in _scrubbed(tables).items():
        fitted, unfit = _columns(tables, name, table, _wanted(types, name))
        owner = np.arange(len(tables)) if name == "jobs" else table[ORDINAL].to_numpy()
        for filled in unfit:
            lost[owner[filled]] = True
        columns |= fitted if name == "jobs" else {name: _nested(fitted, owner, len(tables))}
    columns |= _own(tables, columns, lost, seen_at)
    jobs = pa.table(columns)
    return newest(pa.concat_tables([jobs, _rejected(tables.rejects, seen_at, jobs.schema)]))


def _columns(
    tables: JobTables, name: str, table: pa.Table, wanted: dict[str, pa.DataType]
) -> tuple[dict[str, pa.Array], list[Mask]]:
    """Return the columns of a table as an archive has them, and of those that it cannot hold whole the filled rows."""
    known = _types(tables.model, name)
    kept, unkept = _kept(table, known, tables, name)
    # what others met is a member of the archive's lists; of its jobs, MERGE fills in what is
    # missing
    fitted = (
        {}
        if name == "jobs"
        else {column: pa.nulls(len(table), kind) for column, kind in wanted.items()}
    )
    for column in kept:
        missing = column not in table.column_names
        values = pa.nulls(len(table), known[column]) if missing else table[column].combine_chunks()
        fitted[column], changed = _fitted(values, wanted.get(column, values.type))
        if changed or column not in known:
            unkept.append(column)
    return fitted, [
        table[column].is_valid().to_numpy() for column in unkept if column in table.column_names
    ]


def _scrubbed(tables: JobTables) -> Batch:
    """Return the tables as they were before their jobs' ids were settled, without secrets, wherever they come from."""
    batch = unsettled(tables)
    for name, table in batch.items():
        beyond = getattr(tables, name).attrs.get(PATHS, {})
        paths = {
            column: [tuple(path) for path in of_column] for column, of_column in beyond.items()
        }
        paths |= {column.name: list(column.paths) for column in getattr(tables.model.layout, name)}
        for column, of_column in paths.items():
            if column in table.column_names:
                clean = _clean(table[column].combine_chunks(), of_column)
                table = table.set_column(table.column_names.index(column), column, clean)  # noqa: PLW2901
        batch[name] = table
    return batch


def _clean(values: pa.Array, paths: Iterable[tuple[str, ...]]) -> pa.Array:
    """Return the values of a column without what is secret in them; the members' names say how."""
    for path in paths:
        name = next((part for part in path if part.endswith(SECRET_NAMES)), path[-1])
        if values.type == TEXT and path[-1].endswith(JSON_MARK):
            texts = [
                None
                if text is None
                else json.dumps(redact_value(json.loads(text), name.removesuffix(JSON_MARK)))
                for text in values.to_pylist()
            ]
            values = pa.array(texts, TEXT)
        elif values.type == TEXT:
            values = redact_array(name.removesuffix(TEXT_MARK), values)
        elif name.endswith("ApiKey"):
            values = pa.nulls(len(values), values.type)
    return values


def _kept(
    table: pa.Table, known: dict[str, pa.DataType], tables: JobTables, name: str
) -> tuple[list[str], list[str]]:
    """Return the columns that are stored, and those whose values are to be had from the JSON only."""
    beyond = getattr(tables, name).attrs.get(PATHS, {})
    beyond = {column: paths for column, paths in beyond.items() if column in table.column_names}
    marked = [
        column for column, paths in beyond.items() if paths[0][-1].endswith((TEXT_MARK, JSON_MARK))
    ]
    taken = {*marked, *known, *OWN.names, *LISTS} if name == "jobs" else {*marked, *known}
    odd = [column for column in ("details_branch",) if column in table.column_names]
    return [*known, *(column for column in beyond if column not in taken)], [*marked, *odd]


def _wanted(types: pa.Schema, name: str) -> dict[str, pa.DataType]:
    """Return the types of a table's columns in an archive, its texts as tables have them."""
    members = types if name == "jobs" else types.field(name).type.value_type
    return {
        member.name: TEXT if pa.types.is_string(member.type) else member.type for member in members
    }


def _fitted(values: pa.Array, wanted: pa.DataType) -> tuple[pa.Array, bool]:
    """Return values in the type of the archive's column, and whether that may lose something of them."""
    if values.type == wanted:
        return values, False
    try:
        return values.cast(wanted), True
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(values), wanted), True


def _nested(
    columns: dict[str, pa.Array], owner: np.ndarray[Any, np.dtype[np.int64]], jobs: int
) -> pa.ListArray:
    """Return the rows of a table as a list for each of so many jobs."""
    if len(owner) and (np.diff(owner) < 0).any():
        order = pa.array(np.argsort(owner, kind="stable"))
        columns = {name: values.take(order) for name, values in columns.items()}
    ends = np.cumsum(np.bincount(owner, minlength=jobs))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    return pa.ListArray.from_arrays(
        offsets, pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    )


def _own(
    tables: JobTables, columns: dict[str, pa.Array], lost: Mask, seen_at: pd.Timestamp
) -> dict[str, pa.Array]:
    """Return the archive's own columns of jobs."""
    count = len(tables)
    state = columns["state"]
    is_open = ~pc.is_in(state, pa.array(TERMINAL_STATES, TEXT)).to_numpy(zero_copy_only=False)
    needed = np.flatnonzero(lost | is_open)
    raw = np.full(count, None, object)
    raw[needed] = _as_json(
        replace(tables, rejects=tables.rejects[:0]).filter(lost | is_open).to_jobs()
    )
    seen = pa.repeat(pa.scalar(seen_at.to_pydatetime(), TIMESTAMP), count)
    observed = [state, columns["updated_at"], seen, pa.array(raw, TEXT, mask=~is_open)]
    own = {
        "raw": pa.array(raw, TEXT, mask=~lost),
        # not null, as files are not chosen by how many nulls they have
        "reject_reason": pa.repeat(pa.scalar("", TEXT), count),
        "first_seen_at": seen,
        "last_seen_at": seen,
        "observations": _each_in_a_list(observed),
        "created_month": months(columns["created_at"]),
    }
    return {name: own.get(name, pa.nulls(count, OWN.field(name).type)) for name in OWN.names}


def _each_in_a_list(members: list[pa.Array]) -> pa.ListArray:
    offsets = pa.array(np.arange(len(members[0]) + 1), pa.int32())
    return pa.ListArray.from_arrays(
        offsets, pa.StructArray.from_arrays(members, fields=list(OBSERVATION))
    )


def _as_json(jobs: list[dict[str, Any]]) -> list[str]:
    return encode(redact_value(job) for job in jobs).decode().split("\n") if jobs else []


def months(created: pa.Array) -> pa.Array:
    """Return the months of times, as the archive is partitioned by them."""
    times = pd.Series(created.to_numpy(zero_copy_only=False)).to_numpy("M8[M]")
    codes, found = pd.factorize(times)
    names = pa.array([*map(str, found), UNDATED], TEXT)
    return names.take(pa.array(np.where(codes < 0, len(found), codes)))


def _rejected(rejects: pd.DataFrame, seen_at: pd.Timestamp, wanted: pa.Schema) -> pa.Table:
    """Return the rows of rejects: the JSON, why it is one, and what can be told of the job."""
    rows = []
    for raw, reason, source, page, position in zip(
        *(rejects[name] for name in ("raw", "reason", "source", "page", "position")), strict=True
    ):
        text = valid_utf8(json.dumps(redact_value(json.loads(raw)), ensure_ascii=False))
        row = _told(json.loads(text), text)
        seen = {
            "state": row["state"],
            "updated_at": row["updated_at"],
            "seen_at": seen_at,
            "raw": None,
        }
        row |= {"raw": text, "reject_reason": reason, "reject_source": source}
        row |= {"reject_page": page, "reject_position": position}
        rows.append(
            row | {"first_seen_at": seen_at, "last_seen_at": seen_at, "observations": [seen]}
        )
    created = pa.array([row["created_at"] for row in rows], TIMESTAMP)
    columns = dict(zip(wanted.names, pa.Table.from_pylist(rows, wanted).columns, strict=True))
    return pa.table(columns | {"created_month": months(created)}, schema=wanted)


def _told(job: Any, text: str) -> dict[str, Any]:
    """Return what a job says of itself that can be typed; one without an ARN goes by what it says in all."""
    members = job if isinstance(job, dict) else {}
    texts = {
        name: value if isinstance(value := members.get(name), str) else None
        for name in ("Id", "State", "Type")
    }
    arn = members.get("Arn")
    whole = hashlib.sha256(text.encode()).hexdigest()
    return {
        "job_id": texts["Id"],
        "job_arn": arn if isinstance(arn, str) and arn else f"reject:{whole}",
        "state": texts["State"],
        "type": texts["Type"],
        "created_at": _time(members.get("CreatedAt")),
        "updated_at": _time(members.get("UpdatedAt")),
    }


def _time(value: Any) -> Any:
    try:
        return instant(value)[0]
    except ValueError:
        return None


def newest(rows: pa.Table) -> pa.Table:
    """Return the newest version of each job: the last update, and of two at the same time the one further on."""
    if pc.count_distinct(rows["job_arn"]).as_py() == rows.num_rows:
        return rows
    further = {state: number for number, state in enumerate(OPEN_STATES)}
    frame = rows.select(["job_arn", "updated_at", "state"]).to_pandas()
    frame["state"] = frame["state"].map(lambda state: further.get(state, len(further)))
    frame = frame.sort_values(
        ["job_arn", "updated_at", "state"], kind="stable", na_position="first"
    )
    return rows.take(
        pa.array(np.sort(frame.drop_duplicates("job_arn", keep="last").index.to_numpy()))
    )


def restored(rows: pa.Table, model: Model = MODEL) -> JobTables:
    """Return the tables of the rows of an archive, the newest jobs first, by a model."""
    decoder = Decoder(model)
    is_whole = pc.is_null(rows["raw"]).to_numpy()
    batches = [_batch(rows, is_whole, decoder.model)]
    beside = rows.select(["raw", *_REJECT_COLUMNS]).filter(pa.array(~is_whole)).to_pylist()
    if beside:
        page = b'{"Jobs":[%b]}' % ",".join(row["raw"] for row in beside).encode()
        batches += [
            flatten(records, decoder.layout) for records in decoder.decode([Body(page, "archive")])
        ]
    for i, reject in enumerate(decoder.rejects):
        was = {
            name.removeprefix("reject_"): beside[reject.position][name] for name in _REJECT_COLUMNS
        }
        decoder.rejects[i] = replace(reject, **was) if was["reason"] else reject
    decoder.rejects.sort(key=lambda reject: (reject.source, reject.page, reject.position))
    tables = assemble(batches, decoder)
    decoder.warn()
    return _in_order(tables) if beside else tables  # one batch alone is in order


def _batch(rows: pa.Table, is_whole: Mask, model: Model) -> Batch:
    """Return the rows that the typed columns carry whole as tables, the newest jobs first."""
    order = np.flatnonzero(is_whole)
    order = order[_newest_first(rows["created_at"].to_numpy()[order], rows["job_arn"], order)]
    known = _types(model, "jobs")
    others = [name for name in rows.column_names if name not in {*known, *OWN.names, *LISTS}]
    jobs = _taken(
        {name: rows[name] for name in [*known, *others] if name in rows.column_names}, order
    )
    batch, unknown = {}, []
    batch["jobs"], more = _known(jobs, known, len(order))
    unknown += more
    place = np.full(len(rows), -1)
    place[order] = np.arange(len(order))
    for name in LISTS:
        lists = rows[name].combine_chunks()
        lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
        owner = place[pc.list_parent_indices(lists).to_numpy()]
        index = np.flatnonzero(owner >= 0)
        index = index[np.argsort(owner[index], kind="stable")]
        elements = lists.flatten()
        members = dict(
            zip((member.name for member in elements.type), elements.flatten(), strict=True)
        )
        table, more = _known(_taken(members, index), _types(model, name), len(index))
        batch[name] = table.append_column(ORDINAL, pa.array(owner[index]))
        unknown += [f"{name}.{member}" for member in more]
    if unknown:
        warn(
            f"The archive has columns that the installed botocore does not know: {', '.join(unknown)}. They are "
            "further columns here, but not in to_jobs(); a newer boto3 may know them.",
            UnknownFieldWarning,
        )
    return batch


def _newest_first(
    created: np.ndarray[Any, Any], arns: pa.ChunkedArray, rows: np.ndarray[Any, np.dtype[np.int64]]
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the order that puts the newest first and those without a time last; ARNs decide between equals."""
    times = np.where(
        np.isnat(created), np.iinfo(np.int64).max, -created.astype("M8[us]").view(np.int64)
    )
    order = np.argsort(times, kind="stable")
    same = np.flatnonzero(np.diff(times[order]) == 0)
    tied = np.union1d(same, same + 1)
    if len(tied):
        ties = pd.DataFrame(
            {"time": times[order[tied]], "arn": arns.take(pa.array(rows[order[tied]])).to_pandas()}
        )
        order[tied] = order[tied][ties.sort_values(["time", "arn"]).index.to_numpy()]
    return order


def _taken(columns: dict[str, Any], index: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    """Return the values of columns at some places; the many columns without values are not worth a look."""
    if any(len(values) != len(index) for values in columns.values()) or (np.diff(index) != 1).any():
        places = pa.array(index)
        return {
            name: pa.nulls(len(index), values.type)
            if values.null_count == len(values)
            else values.take(places)
            for name, values in columns.items()
        }
    return columns


def _known(
    columns: dict[str, Any], known: dict[str, pa.DataType], length: int
) -> tuple[pa.Table, list[str]]:
    """Return columns in the types that a model says, and those with values that it does not know."""
    table = {}
    for name, kind in known.items():
        values = columns.get(name)
        try:
            table[name] = (
                pa.nulls(length, kind)
                if values is None or values.null_count == length
                else values.cast(kind)
            )
        except pa.ArrowInvalid:  # such a row has its JSON
            table[name] = pa.nulls(length, kind)
    more = [
        name for name, values in columns.items() if name not in known and values.null_count < length
    ]
    return pa.table(table | {name: columns[name] for name in more}), more


def _in_order(tables: JobTables) -> JobTables:
    """Return tables with the newest jobs first."""
    created, arns = (
        tables.jobs["created_at"],
        pa.chunked_array([pa.array(tables.jobs["job_arn"], TEXT)]),
    )
    order = _newest_first(created.dt.tz_localize(None).to_numpy(), arns, np.arange(len(created)))
    if (np.diff(order) == 1).all():
        return tables
    jobs = tables.jobs.take(order).reset_index(drop=True)
    lists = {}
    for name in LISTS:
        frame: pd.DataFrame = getattr(tables, name)
        rows = np.argsort(located(frame["job_id"], jobs["job_id"]), kind="stable")
        lists[name] = frame.take(rows).reset_index(drop=True)
        lists[name].attrs = frame.attrs
    jobs.attrs = tables.jobs.attrs
    return replace(tables, jobs=jobs, details=lists["details"], errors=lists["errors"])
