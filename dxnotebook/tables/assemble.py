"""Flattened batches → frames: stacked, each job once, its ids settled; several loads as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from dxnotebook.arrays import Mask, coded, hashed, located
from dxnotebook.errors import DataWarning, DxError, warn
from dxnotebook.model import TEXT, Model, leaves
from dxnotebook.records.decode import Decoder
from dxnotebook.records.fit import TEXT_MARK
from dxnotebook.tables.flatten import ORDINAL, flatten
from dxnotebook.tables.jobtables import AS_OF, JOINED, JobTables, checked, how_far
from dxnotebook.tables.rebuild import PATHS
from dxnotebook.tables.rejects import told
from dxnotebook.text import counted

# a flattened batch of records: the tables ``jobs``, ``details`` and ``errors``
Batch = dict[str, pa.Table]
# of each table's columns beyond the model, the paths of the members that fill them
Paths = dict[str, dict[str, list[list[str]]]]

# beside an ARN that serves as job_id: the id the API gave
_OWN_ID = "id_text"
# what `with_names` adds
_NAME = "data_set_name"
# so many chunks of a column of texts become one, and so many bytes for each that is still shown:
# what a page of news replaces, wherever it is, leaves less of these where the jobs are a million,
# which take longer to copy
_MOST_CHUNKS, _MOST_HELD = 300, 1.5


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
    is_one = isinstance(tables, pd.DataFrame) or not isinstance(tables, Iterable)
    several: Any = [tables] if is_one else tables
    parts = [checked(part) for part in several]
    if not parts:
        raise DxError("Nothing to concatenate: give at least one JobTables.")
    rejects = pd.concat([part.rejects for part in parts]).drop_duplicates(ignore_index=True)
    failures = {name: error for part in parts for name, error in part.failures.items()}
    model = parts[0].model
    frames = _settled([unsettled(part) for part in parts], _merged_paths(parts), model)
    merged = JobTables(**frames, rejects=rejects, failures=failures, model=model)
    jobs = merged.jobs
    if named := [part.jobs for part in parts if _NAME in part.jobs]:
        jobs[_NAME] = _named(jobs, named)
    if times := [part.jobs.attrs[AS_OF] for part in parts if AS_OF in part.jobs.attrs]:
        jobs.attrs[AS_OF] = max(times)
    return merged


def updated(tables: JobTables, newer: JobTables) -> JobTables:
    """Return tables with what was read later, which comes first and replaces older versions.

    Of jobs that stay, however many, nothing is looked at but their ids.
    """
    known, read = tables.jobs, newer.jobs["job_arn"]
    ahead = _ahead(known[located(known["job_arn"], read) >= 0], newer.jobs)
    newer = newer.filter(~read.isin(ahead))
    replaced = pd.concat([newer.jobs["job_arn"], told(newer.rejects)["key"]])
    gone = located(known["job_arn"], replaced) >= 0
    others = tables.rejects[~told(tables.rejects)["key"].isin(replaced)]
    rejects = pd.concat([newer.rejects, others], ignore_index=True)
    none = replace(tables, rejects=tables.rejects[:0]).filter(np.zeros(len(known), bool))
    first = concat([none, newer])  # it has the columns of both
    shared = (located(known["job_id"], first.jobs["job_id"]) >= 0) & ~gone
    if _OWN_ID in {*known, *first.jobs} or shared.any():
        return replace(concat([newer, tables.filter(~gone)]), rejects=rejects)
    if _NAME in known:
        first.jobs[_NAME] = _named(first.jobs, [known])
    frames: dict[str, Any] = {}
    for name in JOINED:
        older = getattr(tables, name)
        is_old = gone if name == "jobs" else located(older["job_id"], known["job_id"][gone]) >= 0
        categories = tables.model.column_categories(name)
        frames[name] = _on_top(getattr(first, name), older, ~is_old, categories)
    return replace(first, **frames, rejects=rejects)


def _ahead(before: pd.DataFrame, now: pd.DataFrame) -> pd.Series[str]:
    """Return the ARNs of jobs that were newer before: updated later, or further on."""
    pairs = before.merge(now, on="job_arn", suffixes=("", "_now"))
    rank, rank_now = (how_far(pairs[name]) for name in ("state", "state_now"))
    was_later = pairs["updated_at"] > pairs["updated_at_now"]
    is_later = pairs["updated_at"] < pairs["updated_at_now"]
    return pairs["job_arn"][was_later | ((rank > rank_now) & ~is_later)]


def _on_top(
    first: pd.DataFrame, older: pd.DataFrame, kept: Mask, categories: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Return a frame with those rows of another that are kept below it, in its columns."""
    dtypes = dict(first.dtypes)
    for name, known in categories.items():
        met = {*first[name].cat.categories, *older[name].astype("category").cat.categories}
        dtypes[name] = pd.CategoricalDtype([*known, *sorted(met - {*known})])
    older = older.reindex(columns=first.columns).astype(dtypes)
    ends = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    runs = [older[start:end] for start, end in ends]
    ids = pa.array(older["job_id"])
    are_many = pa.chunked_array(older["job_id"]).num_chunks + len(runs) > _MOST_CHUNKS
    if are_many or ids.get_total_buffer_size() > _MOST_HELD * ids.nbytes:
        runs = [older.iloc[np.flatnonzero(kept)]]
    stacked = pd.concat([first.astype(dtypes), *runs], ignore_index=True)
    stacked.attrs = first.attrs
    return stacked


def _named(jobs: pd.DataFrame, known: Iterable[pd.DataFrame]) -> pd.Series[str]:
    """Return the jobs' names of data sets, filled in from other jobs of the same."""
    names: Any = pd.concat([frame[["data_set_id", _NAME]] for frame in known]).dropna()
    names = names.drop_duplicates("data_set_id").set_index("data_set_id")[_NAME]
    return jobs[_NAME].fillna(jobs["data_set_id"].map(names).astype("str")).astype("str")


def assemble(
    batches: Sequence[Batch], decoder: Decoder, failures: Mapping[str, Exception] | None = None
) -> JobTables:
    """Return the tables of all that a decoder decoded, flattened batch by batch."""
    empty = flatten(pa.array([], decoder.record), decoder.layout)
    rejects = decoder.rejects.table().to_pandas()
    frames = _settled([empty, *batches], _paths_beyond(decoder), decoder.model)
    failures = dict(failures or {})
    return JobTables(**frames, rejects=rejects, failures=failures, model=decoder.model)


def _paths_beyond(decoder: Decoder) -> Paths:
    """Return the members that the model does not know by the table and column that they fill."""
    known = dict(leaves(decoder.model.record))
    beyond: Paths = {table: {} for table in JOINED}
    for table, columns in beyond.items():
        for column in getattr(decoder.layout, table):
            if paths := [list(path) for path in column.paths if path not in known]:
                columns[column.name] = paths
    return beyond


def _merged_paths(parts: Iterable[JobTables]) -> Paths:
    merged: Paths = {table: {} for table in JOINED}
    for part in parts:
        for table, columns in merged.items():
            for name, paths in getattr(part, table).attrs.get(PATHS, {}).items():
                known = columns.setdefault(name, [])
                known += [path for path in paths if path not in known]
    return merged


def unsettled(tables: JobTables) -> Batch:
    """Return tables in Arrow as they were before their jobs' ids were settled.

    The rows of `details` and `errors` number the jobs.
    """
    jobs = tables.jobs
    if _OWN_ID in jobs:
        jobs = jobs.assign(job_id=jobs[_OWN_ID].fillna(jobs["job_id"])).drop(columns=_OWN_ID)
    frames = {"jobs": jobs}
    for name in ("details", "errors"):
        frame: pd.DataFrame = getattr(tables, name)
        ordinal = located(frame["job_id"], tables.jobs["job_id"])
        frames[name] = frame.drop(columns="job_id").assign(**{ORDINAL: ordinal})
    return {name: _arrow(frame) for name, frame in frames.items()}


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame without categories, so that it stacks upon others."""
    texts = frame.astype(dict.fromkeys(frame.select_dtypes("category"), "str"))
    return pa.Table.from_pandas(texts, preserve_index=False).replace_schema_metadata()


def _settled(batches: Sequence[Batch], paths: Paths, model: Model) -> dict[str, Any]:
    """Return frames of batches, which are emptied: what has become a frame need not stay."""
    starts = np.cumsum([0, *(len(batch["jobs"]) for batch in batches)])[:-1]
    frames = {}
    for name in JOINED:
        sizes = [len(batch[name]) for batch in batches]
        table = _stacked([batch.pop(name) for batch in batches])
        counts = ["error_count"] if name == "jobs" else ["position", ORDINAL]
        frames[name] = _frame(table, model.column_categories(name), counts)
        del table
        if name != "jobs":
            frames[name][ORDINAL] += np.repeat(starts, sizes)
    frames = _each_once(frames, paths)
    jobs = frames["jobs"]
    if backwards := int((jobs["updated_at"] < jobs["created_at"]).sum()):
        one = "job was updated before it was created; its duration_s is null."
        several = "jobs were updated before they were created; their duration_s is null."
        warn(counted(backwards, one, several), DataWarning)
    for name, beyond in paths.items():
        frames[name].attrs = {PATHS: beyond} if beyond else {}
    return frames


def _stacked(parts: Sequence[pa.Table]) -> pa.Table:
    """Return tables as one; a column that different loads typed differently is text."""
    kinds = Counter(name for name, _ in {(f.name, f.type) for part in parts for f in part.schema})
    agreeing = [
        part.cast(pa.schema([f if kinds[f.name] == 1 else f.with_type(TEXT) for f in part.schema]))
        for part in parts
    ]
    return pa.concat_tables(agreeing, promote_options="default")


def _frame(table: pa.Table, known: Mapping[str, Sequence[str]], counts: list[str]) -> pd.DataFrame:
    """Return a frame with the dtypes that tables promise; counts are never null."""
    nulls = pa.nulls(len(table), TEXT)  # the many columns without values share it
    for place, name in enumerate(table.column_names):
        column = table[name]
        if name in known:
            table = table.set_column(place, name, _categorical(column, known[name]))
        elif column.type == TEXT and column.null_count == len(column):
            table = table.set_column(place, name, nulls)
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get)
    return frame.astype(dict.fromkeys(counts, "int64"))


def _categorical(texts: pa.ChunkedArray, known: Sequence[str]) -> pa.DictionaryArray:
    """Return texts as categories: those of the API in its order, then others by name."""
    codes, different = coded(texts)
    names = different.to_pylist()
    categories = [*known, *sorted(set(names) - set(known))]
    place = {category: number for number, category in enumerate(categories)}
    # the code of null is -1, so its place is the last
    places = np.array([*map(place.get, names), -1], np.int32)[codes]
    indices = pa.array(places, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(categories, TEXT))


def _each_once(frames: dict[str, pd.DataFrame], paths: Paths) -> dict[str, pd.DataFrame]:
    """Return frames in which each ARN occurs once and `job_id` tells every job apart."""
    kept = _newest(frames)
    jobs = _with_unique_ids(_rows(frames["jobs"], kept), paths["jobs"])
    settled = {"jobs": jobs}
    place = np.cumsum(kept) - 1
    for name in ("details", "errors"):
        frame = _rows(frames[name], kept[frames[name][ORDINAL]])
        frame.insert(0, "job_id", jobs["job_id"].array.take(place[frame.pop(ORDINAL)]))
        settled[name] = frame
    return settled


def _rows(frame: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    return frame if mask.all() else frame[mask].reset_index(drop=True)


def _newest(frames: Mapping[str, pd.DataFrame]) -> Mask:
    """Return which jobs to keep: of each ARN the latest update, of equal ones always the same."""
    jobs = frames["jobs"]
    kept = np.ones(len(jobs), bool)
    if jobs["job_arn"].is_unique:
        return kept
    versions = jobs[["job_arn", "updated_at"]].assign(content=_contents(frames))
    versions = versions[versions["job_arn"].duplicated(keep=False)]
    # backwards, so that the first of those that are the same in everything comes last
    versions = versions[::-1].sort_values(["job_arn", "updated_at", "content"], na_position="first")
    kept[versions.index[versions["job_arn"].duplicated(keep="last")]] = False
    if ties := int(versions.drop_duplicates().duplicated(["job_arn", "updated_at"]).sum()):
        warn(
            f"{counted(ties, 'job')} came in two versions with the same ARN and UpdatedAt "
            "but other content; one of them was kept.",
            DataWarning,
        )
    return kept


def _contents(frames: Mapping[str, pd.DataFrame]) -> npt.NDArray[np.uint64]:
    """Return a hash of all that the tables hold of each job."""
    # a data set's name is not the job's: AWS gives it elsewhere
    contents = hashed(frames["jobs"].drop(columns=_NAME, errors="ignore")).copy()
    for name in ("details", "errors"):
        rows = hashed(frames[name].drop(columns=ORDINAL))
        np.add.at(contents, frames[name][ORDINAL].to_numpy(), rows)
    return contents


def _with_unique_ids(jobs: pd.DataFrame, paths: dict[str, list[list[str]]]) -> pd.DataFrame:
    """Return the jobs with their ARN as `job_id` where accounts or regions share an id."""
    if jobs["job_id"].is_unique:
        return jobs
    shared = jobs["job_id"].duplicated(keep=False)
    what = f"{shared.sum():,} jobs share their id with one of another account or region"
    warn(f"{what}; their ARN is their job_id here.", DataWarning)
    paths[_OWN_ID] = [["Id" + TEXT_MARK]]
    ids = jobs["job_id"]
    return jobs.assign(job_id=ids.mask(shared, jobs["job_arn"]), **{_OWN_ID: ids.where(shared)})
