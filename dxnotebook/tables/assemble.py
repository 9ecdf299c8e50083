"""Flattened batches → frames: stacked, each job once, its ids settled; several loads as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.errors import DataWarning, DxError, warn
from dxnotebook.model import LEADING, TEXT, Column, Model, leaves
from dxnotebook.records.decode import Decoder
from dxnotebook.records.fit import TEXT_MARK
from dxnotebook.tables.flatten import ORDINAL, flatten
from dxnotebook.tables.jobtables import AS_OF, JOINED, JobTables, checked
from dxnotebook.tables.rebuild import PATHS

# a flattened batch of records: the tables ``jobs``, ``details`` and ``errors``
Batch = dict[str, pa.Table]
# of each table's columns beyond the model, the paths of the members that fill them
Paths = dict[str, dict[str, list[list[str]]]]

_WORD, _ODD = 8, 0x9E3779B97F4A7C15  # bytes; any odd number that mixes bits well

# beside an ARN that serves as job_id: the id the API gave
_OWN_ID = "id_text"
# what `with_names` adds
_NAME = "data_set_name"
_REJECT_COLUMNS = ("source", "page", "position", "reason", "raw")

# any fixed key: the hash only has to be the same whenever and wherever two versions of a job are
# compared
_HASH_KEY = "dxnotebook-tie--"


def concat(tables: Iterable[JobTables]) -> JobTables:
    """Return several loads as one: each job once, in the newest version that any of them has.

    Parameters
    ----------
    tables : iterable of JobTables
        Loads of the same or of different accounts, regions and times.

    Returns
    -------
    JobTables
        The jobs in the order of the loads, deduplicated by ARN: the latest ``updated_at`` wins.
        Where two jobs of different accounts or regions have the same id, their ARNs serve as
        ``job_id``, and a warning says so.

    Raises
    ------
    DxError
        When there is nothing to concatenate, or something that is no `JobTables`.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client(jobs=30))
    >>> len(dx.concat([tables, tables]))
    30
    """
    parts = [checked(part) for part in tables]
    if not parts:
        raise DxError("Nothing to concatenate: give at least one JobTables.")
    failures = {name: error for part in parts for name, error in part.failures.items()}
    rejects = pd.concat([part.rejects for part in parts]).drop_duplicates(ignore_index=True)
    batches = _agreeing([unsettled(part) for part in parts])
    merged = _assemble(batches, _merged_paths(parts), rejects, failures, parts[0].model)
    if named := [
        part.jobs.set_index("data_set_id")[_NAME].dropna() for part in parts if _NAME in part.jobs
    ]:
        names = pd.concat(named)
        names = names[~names.index.duplicated()]
        merged.jobs[_NAME] = (
            merged.jobs[_NAME].fillna(merged.jobs["data_set_id"].map(names)).astype("str")
        )
    if asked := [part.jobs.attrs[AS_OF] for part in parts if AS_OF in part.jobs.attrs]:
        merged.jobs.attrs[AS_OF] = max(asked)
    return merged


def assemble(
    batches: Sequence[Batch], decoder: Decoder, failures: Mapping[str, Exception] | None = None
) -> JobTables:
    """Return the tables of all that a decoder decoded, flattened batch by batch."""
    empty = flatten(pa.array([], decoder.record), decoder.layout)
    rejects = pd.DataFrame(
        [vars(reject) for reject in decoder.rejects], columns=list(_REJECT_COLUMNS)
    )
    rejects = rejects.astype(
        {"source": "str", "page": "int64", "position": "int64", "reason": "str", "raw": "str"}
    )
    return _assemble(
        [empty, *batches], _paths_beyond(decoder), rejects, failures or {}, decoder.model
    )


def _paths_beyond(decoder: Decoder) -> Paths:
    """Return, for each table, the columns filled by members that the model does not know, and those members' paths."""
    known = dict(leaves(decoder.model.record))
    paths: Paths = {}
    for table in JOINED:
        columns: Iterable[Column] = getattr(decoder.layout, table)
        unknown = {c.name: [list(path) for path in c.paths if path not in known] for c in columns}
        paths[table] = {name: of_column for name, of_column in unknown.items() if of_column}
    return paths


def _merged_paths(parts: Iterable[JobTables]) -> Paths:
    merged: Paths = {table: {} for table in JOINED}
    for part in parts:
        for table, columns in merged.items():
            for name, paths in getattr(part, table).attrs.get(PATHS, {}).items():
                mine = columns.setdefault(name, [])
                mine += [path for path in paths if path not in mine]
    return merged


def unsettled(tables: JobTables) -> Batch:
    """Return tables in Arrow as they were before their jobs' ids were settled; rows of the others number the jobs."""
    jobs = tables.jobs
    if _OWN_ID in jobs:
        jobs = jobs.assign(job_id=jobs[_OWN_ID].fillna(jobs["job_id"])).drop(columns=_OWN_ID)
    index = pd.Index(tables.jobs["job_id"])
    batch = {"jobs": jobs}
    for name in ("details", "errors"):
        frame: pd.DataFrame = getattr(tables, name)
        batch[name] = frame.drop(columns="job_id").assign(
            **{ORDINAL: index.get_indexer(frame["job_id"])}
        )
    return {
        name: _plain(pa.Table.from_pandas(frame, preserve_index=False))
        for name, frame in batch.items()
    }


def _agreeing(batches: list[Batch]) -> list[Batch]:
    """Return batches in which a column that different loads typed differently is text."""
    types: dict[tuple[str, str], set[pa.DataType]] = {}
    for batch in batches:
        for name, table in batch.items():
            for member in table.schema:
                types.setdefault((name, member.name), set()).add(member.type)

    def agreed(name: str, table: pa.Table) -> pa.Table:
        return table.cast(
            pa.schema(
                [f if len(types[name, f.name]) == 1 else f.with_type(TEXT) for f in table.schema]
            )
        )

    return [{name: agreed(name, table) for name, table in batch.items()} for batch in batches]


def _plain(table: pa.Table) -> pa.Table:
    """Return a table whose texts are all of one type, so that it stacks upon others."""
    texts = [pa.types.is_dictionary(field.type) for field in table.schema]
    fields = [pa.field(f.name, TEXT) if t else f for f, t in zip(table.schema, texts, strict=True)]
    return table.cast(pa.schema(fields)).replace_schema_metadata()


def _assemble(
    batches: Sequence[Batch],
    paths: Paths,
    rejects: pd.DataFrame,
    failures: Mapping[str, Exception],
    model: Model,
) -> JobTables:
    starts = np.cumsum([0, *(batch["jobs"].num_rows for batch in batches)])
    frames = {}
    for name in JOINED:
        parts = [batch.pop(name) for batch in batches]  # what has become a frame need not stay
        if name != "jobs":
            parts = [_shifted(part, start) for part, start in zip(parts, starts, strict=False)]
        stacked = pa.concat_tables(parts, promote_options="default")
        columns = dict(zip(stacked.column_names, stacked.columns, strict=True))
        del parts, stacked
        frames[name] = _frame(columns, model.column_categories(name))
    frames["jobs"] = frames["jobs"][
        [*LEADING, *(name for name in frames["jobs"] if name not in LEADING)]
    ]
    frames = _settled(frames, paths)
    backwards = int((frames["jobs"]["updated_at"] < frames["jobs"]["created_at"]).sum())
    if backwards:
        warn(
            f"{backwards:,} jobs were updated before they were created; their duration_s is null.",
            DataWarning,
        )
    for name, beyond in paths.items():
        frames[name].attrs = {PATHS: beyond} if beyond else {}
    return JobTables(**frames, rejects=rejects, failures=dict(failures), model=model)


def _shifted(table: pa.Table, start: int) -> pa.Table:
    """Return a table whose jobs are numbered from there."""
    ordinal = pc.add(table[ORDINAL], int(start))
    return table.set_column(table.column_names.index(ORDINAL), ORDINAL, ordinal)


def _frame(
    columns: dict[str, pa.ChunkedArray | pa.Array], categories: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return a frame with the dtypes that tables promise, and take the columns' place."""
    nothing = pa.nulls(
        len(next(iter(columns.values()))), TEXT
    )  # the many columns without values share it
    for name, column in columns.items():
        if name in categories:
            columns[name] = _categorical(column, categories[name])
        elif column.type == TEXT and column.null_count == len(column):
            columns[name] = nothing
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = pa.table(columns).to_pandas(types_mapper=nullable.get)
    for name in {"error_count", "position", ORDINAL}.intersection(frame):
        frame[name] = frame[name].astype("int64")
    return frame


def _categorical(column: pa.ChunkedArray, known: Sequence[str]) -> pa.DictionaryArray:
    """Return texts as categories: those of the API in its order, then others by name."""
    encoded = column.combine_chunks().dictionary_encode()
    met = encoded.dictionary.to_pylist()
    categories = [*known, *sorted(set(met) - set(known))]
    places = np.array([categories.index(value) for value in met] or [0], np.int32)
    codes = pc.fill_null(encoded.indices, 0).to_numpy()
    return pa.DictionaryArray.from_arrays(
        pa.array(places[codes], mask=encoded.is_null().to_numpy(zero_copy_only=False)),
        pa.array(categories, TEXT),
    )


def _settled(frames: dict[str, pd.DataFrame], paths: Paths) -> dict[str, pd.DataFrame]:
    """Return frames in which each ARN occurs once and `job_id` tells every job apart."""
    jobs = frames["jobs"]
    kept = _newest(frames)
    jobs = jobs if kept.all() else jobs[kept].reset_index(drop=True)
    jobs = _with_own_ids(jobs, paths["jobs"])
    settled = {"jobs": jobs}
    place = np.cumsum(kept) - 1
    for name in ("details", "errors"):
        frame = frames[name]
        owner = frame.pop(ORDINAL).to_numpy()
        if not kept.all():
            frame, owner = frame[kept[owner]].reset_index(drop=True), owner[kept[owner]]
        frame.insert(0, "job_id", jobs["job_id"].array.take(place[owner]))
        settled[name] = frame
    return settled


def _newest(frames: dict[str, pd.DataFrame]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which jobs to keep: of each ARN the latest update, of two equally late ones always the same."""
    jobs = frames["jobs"]
    kept = np.ones(len(jobs), bool)
    if _are_distinct(jobs["job_arn"]):
        return kept
    again = np.flatnonzero(jobs["job_arn"].duplicated(keep=False))
    rows = pd.DataFrame(
        {
            "arn": jobs["job_arn"].array[again],
            "updated": jobs["updated_at"].array[again],
            "content": _content(frames)[again],
            "row": again,
        }
    ).sort_values(
        ["arn", "updated", "content", "row"],
        ascending=[True, True, True, False],
        na_position="first",
    )
    kept[rows["row"][rows["arn"].duplicated(keep="last")]] = False
    ties = rows.drop_duplicates(["arn", "updated", "content"]).duplicated(["arn", "updated"]).sum()
    if ties:
        warn(
            f"{ties:,} jobs came in two versions with the same ARN and UpdatedAt but other content; one of them was kept.",
            DataWarning,
        )
    return kept


def _are_distinct(texts: pd.Series[str]) -> bool:
    """Tell whether no two texts are the same; where their ends differ already, as those of ids do, from these alone."""
    array = pa.array(texts)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if not len(array) or pc.min(pc.binary_length(array)).as_py() < 2 * _WORD:
        return bool(texts.is_unique)
    _, offsets, characters = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset + 1 :][: len(array)]
    words = np.ndarray(
        len(characters) - _WORD + 1, np.uint64, characters, strides=(1,)
    )  # one begins at every byte
    ends_of_texts = words[ends - 2 * _WORD] * np.uint64(_ODD) + words[ends - _WORD]
    return bool(pd.Series(ends_of_texts).is_unique or texts.is_unique)


def _content(frames: dict[str, pd.DataFrame]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a hash of all that the tables hold of each job."""
    jobs = frames["jobs"].drop(columns=_NAME, errors="ignore")  # which AWS tells elsewhere
    content = pd.util.hash_pandas_object(jobs, index=False, hash_key=_HASH_KEY).to_numpy(copy=True)
    for name in ("details", "errors"):
        frame = frames[name]
        rows = pd.util.hash_pandas_object(
            frame.drop(columns=ORDINAL), index=False, hash_key=_HASH_KEY
        ).to_numpy()
        np.add.at(content, frame[ORDINAL].to_numpy(), rows)
    return content.astype(np.uint64, copy=False)


def _with_own_ids(jobs: pd.DataFrame, paths: dict[str, list[list[str]]]) -> pd.DataFrame:
    """Return the jobs with their ARN as `job_id` where accounts or regions share an id."""
    if _are_distinct(jobs["job_id"]):
        return jobs
    shared = jobs["job_id"].duplicated(keep=False)
    warn(
        f"{shared.sum():,} jobs share their id with one of another account or region; their ARN is their job_id here.",
        DataWarning,
    )
    paths[_OWN_ID] = [["Id" + TEXT_MARK]]
    own = jobs["job_id"].where(shared)
    return jobs.assign(job_id=jobs["job_id"].where(~shared, jobs["job_arn"]), **{_OWN_ID: own})
