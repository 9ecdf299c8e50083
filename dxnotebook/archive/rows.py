"""`JobTables` → the rows of an archive, and back: one row a job, its details and errors as lists.

What the typed columns of a row do not carry whole stands beside them as JSON: a job that cannot be
typed, a time in nanoseconds, a member that the installed botocore does not know, a value that the
archive's column cannot hold. Such a row is read from its JSON, by the model of the botocore that
reads it, which may know more than the one that wrote it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook import model as models
from dxnotebook.arrays import Integers, Mask, located, mask_of, one_chunk
from dxnotebook.errors import UnknownFieldWarning, warn
from dxnotebook.model import LEADING, MODEL, TERMINAL_STATES, TEXT, TIMESTAMP, Model
from dxnotebook.records import body, decode, fit, redact
from dxnotebook.records.rejects import REJECTS, Rejects
from dxnotebook.tables.assemble import Batch, assemble, unsettled
from dxnotebook.tables.flatten import ORDINAL, flatten
from dxnotebook.tables.jobtables import JobTables, how_far
from dxnotebook.tables.rebuild import PATHS, branches_of
from dxnotebook.tables.rejects import FIRST_TIME, LAST_TIME, legible
from dxnotebook.text import valid_utf8

#: The column that an archive is partitioned by, and what is in it of jobs that do not say when
#: they were created.
MONTH, UNDATED = "created_month", "undated"
#: What a job was seen as, and when; `raw` is the whole job while it was not finished, so that it
#: can be shown as it was.
OBSERVATION = pa.struct({"state": TEXT, "updated_at": TIMESTAMP, "seen_at": TIMESTAMP, "raw": TEXT})
#: The columns of an archive that are not those of `jobs`, nor its lists.
OWN = pa.schema({
    "raw": TEXT, "reject_reason": TEXT, "reject_source": TEXT,
    "reject_page": pa.int64(), "reject_position": pa.int64(), "first_seen_at": TIMESTAMP,
    "last_seen_at": TIMESTAMP, "observations": pa.list_(OBSERVATION), MONTH: TEXT,
})  # fmt: skip
LISTS = ("details", "errors")

_REJECT_COLUMNS = ("source", "page", "position", "reason")
_REJECTS_AT_ONCE = 10_000
_NEWEST_FIRST = [("created_at", "descending"), ("job_arn", "ascending")]

Types = dict[str, pa.DataType]


def schema(model: Model = MODEL) -> pa.Schema:
    """Return the columns of an archive by a model.

    Examples
    --------
    >>> from dxnotebook.archive import rows
    >>> rows.schema().names[:3], rows.schema().names[-1]
    (['job_id', 'job_arn', 'account_id'], 'created_month')
    """
    lists = {name: pa.list_(pa.struct(list(_types(model, name).items()))) for name in LISTS}
    return pa.schema([*_types(model, "jobs").items(), *lists.items(), *OWN])


def _types(model: Model, table: str) -> Types:
    """Return the types of the columns that a model knows, those that number the rows first."""
    columns = flatten(pa.array([], model.record), model.layout)[table].schema
    types = {column.name: column.type for column in columns if column.name != ORDINAL}
    return {name: types[name] for name in LEADING if table == "jobs"} | types


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
    batch = _without_secrets(tables)
    columns: dict[str, pa.Array] = {}
    lost = np.zeros(len(tables), bool)
    for name, table in batch.items():
        types = schema(tables.model) if stored is None else stored
        types = types if name == "jobs" else types.field(name).type.value_type
        fitted, is_lost = _fitted(table, name, tables, types)
        owner = np.arange(len(tables)) if name == "jobs" else table[ORDINAL].to_numpy()
        lost[owner[is_lost]] = True
        columns |= fitted if name == "jobs" else {name: _nested(fitted, owner, len(tables))}
    columns |= _own(tables, columns, lost, seen_at)
    jobs = pa.table(columns)
    return newest(pa.concat_tables([jobs, _rejected(tables.rejects, seen_at, jobs.schema)]))


def _beyond(frame: pd.DataFrame) -> dict[str, list[list[str]]]:
    """Return the columns of a frame that members fill which its model does not know, and these."""
    paths: dict[str, list[list[str]]] = frame.attrs.get(PATHS, {})
    return {column: of_column for column, of_column in paths.items() if column in frame}


def _without_secrets(tables: JobTables) -> Batch:
    """Return tables as they were before their jobs' ids were settled, without secrets."""
    batch = unsettled(tables)
    for name, table in batch.items():
        known = {column.name: column.paths for column in getattr(tables.model.layout, name)}
        paths = {**_beyond(getattr(tables, name)), **known}
        # those that are no member's, too: the name of a list or of a branch may be a signed URL
        batch[name] = pa.table(
            {
                column: _redacted(one_chunk(table[column]), paths.get(column, [[column]]))
                for column in table.column_names
            }
        )
    return batch


def _redacted(values: pa.Array, paths: Iterable[Sequence[str]]) -> pa.Array:
    """Return a column's values without what is secret in them; the members' names say how."""
    for path in paths:
        name = redact.decisive(*(part.partition("\0")[0] for part in path))  # without our marks
        if values.type == TEXT and path[-1].endswith(fit.JSON_MARK):
            given = (None if text is None else json.loads(text) for text in values.to_pylist())
            cleaned = (redact.redact_value(member, name) for member in given)
            values = pa.array([None if one is None else json.dumps(one) for one in cleaned], TEXT)
        elif values.type == TEXT:
            values = redact.redact_array(name, values)
        elif redact.kind_of_name(name) == redact.SECRET:
            values = pa.nulls(len(values), values.type)
    return values


def _fitted(
    table: pa.Table, name: str, tables: JobTables, types: Iterable[pa.Field]
) -> tuple[dict[str, pa.Array], Mask]:
    """Return a table's columns as an archive has them, and which rows they do not carry whole."""
    known = _types(tables.model, name)
    beyond = _beyond(getattr(tables, name))
    stored = {one.name: one.type for one in types}
    wanted = {column: stored.get(column, kind) for column, kind in known.items()}
    if name != "jobs":  # of jobs, MERGE fills in the columns that are missing
        wanted = stored | wanted
    fitted = {column: pa.nulls(len(table), kind) for column, kind in wanted.items()}
    owner = branches_of(tables.jobs) if name == "jobs" else tables.details["field"]
    owners = {c.name: {*map(models.owner_of, c.paths)} for c in getattr(tables.model.layout, name)}
    lost = np.zeros(len(table), bool)
    for column in table.column_names:
        if column in {*known, *beyond, "details_branch"}:
            values = one_chunk(table[column])
            kind = stored.get(column, values.type)
            cast = _cast(values, kind)
            if column in known or _is_kept(column, name, beyond):
                fitted[column] = cast
            filled = mask_of(values.is_valid())
            if column not in known or kind != values.type:
                lost |= filled
            elif None not in owners.get(column, {None}):
                # what the model does not know may share a column with what it knows elsewhere
                lost |= filled & ~owner.isin(owners[column]).to_numpy()
            lost |= filled & ~mask_of(cast.is_valid())
    return fitted, lost


def _is_kept(column: str, name: str, paths: dict[str, list[list[str]]]) -> bool:
    """Tell whether a column that the model does not know can be one of the archive, too."""
    if column not in paths or paths[column][0][-1].endswith((fit.TEXT_MARK, fit.JSON_MARK)):
        return False
    if any(redact.redact_text(part) != part for part in paths[column][0]):
        return False
    return name != "jobs" or column not in {*OWN.names, *LISTS}


def _cast(values: Any, kind: pa.DataType) -> Any:
    """Return values in a type, or nulls where that cannot be: such rows have their JSON."""
    try:
        values = values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(values), kind)
    if kind != TIMESTAMP:
        return values
    # Delta merges by nanoseconds in 64 bits
    fits = pc.and_(pc.greater(values, FIRST_TIME), pc.less(values, LAST_TIME))
    return pc.if_else(fits, values, None)


def _nested(columns: dict[str, pa.Array], owner: Integers, jobs: int) -> pa.ListArray:
    """Return the rows of a table as a list for each of so many jobs."""
    if (np.diff(owner) < 0).any():
        order = pa.array(np.argsort(owner, kind="stable"))
        columns = {name: values.take(order) for name, values in columns.items()}
    ends = np.cumsum(np.bincount(owner, minlength=jobs))
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    elements = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    return pa.ListArray.from_arrays(offsets, elements)


def _own(
    tables: JobTables, columns: dict[str, pa.Array], lost: Mask, seen_at: pd.Timestamp
) -> dict[str, pa.Array]:
    """Return the archive's own columns of jobs."""
    count = len(tables)
    is_open = ~mask_of(pc.is_in(columns["state"], pa.array(TERMINAL_STATES, TEXT)))
    jobs = replace(tables, rejects=tables.rejects[:0]).filter(lost | is_open).to_jobs()
    raw = np.full(count, None, object)
    raw[lost | is_open] = [body.encode([redact.redact_value(job)]).decode() for job in jobs]
    seen = pa.repeat(pa.scalar(seen_at.to_pydatetime(), TIMESTAMP), count)
    observation = {name: columns[name] for name in ("state", "updated_at")}
    observation |= {"seen_at": seen, "raw": pa.array(raw, TEXT, mask=~is_open)}
    own = {
        "raw": pa.array(raw, TEXT, mask=~lost),
        # not null, as files are not chosen by how many nulls they have
        "reject_reason": pa.repeat(pa.scalar("", TEXT), count),
        "first_seen_at": seen,
        "last_seen_at": seen,
        "observations": _nested(observation, np.arange(count), count),
        MONTH: months(columns["created_at"]),
    }
    return {column.name: own.get(column.name, pa.nulls(count, column.type)) for column in OWN}


def months(created: pa.Array) -> pa.Array:
    """Return the months of times, as the archive is partitioned by them."""
    # without a zone, so that no database of zones is needed
    names = pc.strftime(created.cast(pa.timestamp("us")), format="%Y-%m")
    return pc.fill_null(names.cast(TEXT), UNDATED)


def _rejected(rejects: pd.DataFrame, seen_at: pd.Timestamp, columns: pa.Schema) -> pa.Table:
    """Return the rows of rejects: the JSON, why it is one, and what can be told of the job."""
    parts = [columns.empty_table()]
    for first in range(0, len(rejects), _REJECTS_AT_ONCE):
        some = rejects[first : first + _REJECTS_AT_ONCE].to_dict("records")
        rows = [_row_of(reject, seen_at) for reject in some]
        parts.append(pa.Table.from_pylist(rows, columns))
    return pa.concat_tables(parts)


def _row_of(reject: dict[Any, Any], seen_at: pd.Timestamp) -> dict[str, Any]:
    job = redact.redact_value(json.loads(reject["raw"]))
    raw = valid_utf8(json.dumps(job, ensure_ascii=False))
    row = legible(job)
    seen = {name: row[name] for name in ("state", "updated_at") if name in row}
    row |= redact.redact_value({f"reject_{name}": reject[name] for name in _REJECT_COLUMNS})
    row |= {"raw": raw, "observations": [seen | {"seen_at": seen_at}]}
    row |= {"first_seen_at": seen_at, "last_seen_at": seen_at}
    row[MONTH] = str(row["created_at"])[:7] if "created_at" in row else UNDATED
    # one without an ARN goes by what it says in all
    row["job_arn"] = row.get("job_arn") or f"reject:{hashlib.sha256(raw.encode()).hexdigest()}"
    return row


def newest(rows: pa.Table) -> pa.Table:
    """Return the newest version of each job: the last update, of equals the one further on.

    Of those a job comes before a reject.
    """
    if pc.count_distinct(rows["job_arn"]).as_py() == rows.num_rows:
        return rows
    order = ["job_arn", "updated_at", "state", "reject_reason"]
    frame = rows.select(order).to_pandas()
    frame["state"] = how_far(frame["state"])
    frame["reject_reason"] = frame["reject_reason"] == ""
    frame = frame.sort_values(order, kind="stable", na_position="first")
    kept = frame.drop_duplicates("job_arn", keep="last").index.sort_values()
    return rows.take(pa.array(kept))


def restored(rows: pa.Table, model: Model = MODEL) -> JobTables:
    """Return the tables of the rows of an archive, the newest jobs first, by a model."""
    decoder = decode.Decoder(model)
    rows = rows.sort_by(_NEWEST_FIRST)
    batches = [_batch(rows.filter(pc.is_null(rows["raw"])), model)]
    columns = ["raw", *(f"reject_{name}" for name in _REJECT_COLUMNS)]
    others = rows.select(columns).filter(pc.is_valid(rows["raw"])).to_pylist()
    if others:
        page = b'{"Jobs":[%b]}' % ",".join(row["raw"] for row in others).encode()
        records = decoder.decode([body.Body(page, "archive")])
        batches += [flatten(one, decoder.layout) for one in records]
    rejects = [
        _as_met(reject, others[reject["position"]])
        for reject in decoder.rejects.table().to_pylist()
    ]
    order = [(name, "ascending") for name in ("source", "page", "position")]
    decoder.rejects = Rejects(pa.Table.from_pylist(rejects, REJECTS).sort_by(order))
    tables = assemble(batches, decoder)
    decoder.warn()
    return _in_order(tables) if others else tables  # one batch alone is in order


def _as_met(reject: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a reject as it was met when its row was made, if it was one then."""
    if not row["reject_reason"]:
        return reject
    return reject | {name: row[f"reject_{name}"] for name in _REJECT_COLUMNS}


def _batch(rows: pa.Table, model: Model) -> Batch:
    """Return rows that the typed columns carry whole as tables."""
    jobs = {name: rows[name] for name in rows.column_names if name not in {*OWN.names, *LISTS}}
    table, unknown = _typed(jobs, len(rows), _types(model, "jobs"))
    batch = {"jobs": table}
    for name in LISTS:
        lists = one_chunk(rows[name])
        owner, elements = pc.list_parent_indices(lists), lists.flatten()
        members = dict(zip(elements.type.names, elements.flatten(), strict=True))
        table, more = _typed(members, len(owner), _types(model, name))
        batch[name] = table.append_column(ORDINAL, owner)
        unknown += [f"{name}.{member}" for member in more]
    if unknown:
        what = "The archive has columns that the installed botocore does not know"
        how = "They are further columns here, but not in to_jobs(); a newer boto3 may know them"
        warn(f"{what}: {', '.join(unknown)}. {how}.", UnknownFieldWarning)
    return batch


def _typed(columns: dict[str, Any], count: int, types: Types) -> tuple[pa.Table, list[str]]:
    """Return columns in the types that a model says, and which of those with values it lacks."""
    filled = {name: values for name, values in columns.items() if values.null_count < count}
    unknown = {name: values for name, values in filled.items() if name not in types}
    nothing = pa.nulls(count)
    known = {name: _cast(filled.get(name, nothing), kind) for name, kind in types.items()}
    return pa.table(known | unknown), list(unknown)


def _in_order(tables: JobTables) -> JobTables:
    """Return tables with the newest jobs first."""
    sortable = pa.table({name: pa.array(tables.jobs[name]) for name, _ in _NEWEST_FIRST})
    order = pc.sort_indices(sortable, _NEWEST_FIRST).to_numpy()
    frames: dict[str, Any] = {"jobs": tables.jobs.take(order).reset_index(drop=True)}
    for name in LISTS:
        frame: pd.DataFrame = getattr(tables, name)
        place = np.argsort(located(frame["job_id"], frames["jobs"]["job_id"]), kind="stable")
        frames[name] = frame.take(place).reset_index(drop=True)
    return replace(tables, **frames)
