"""`JobTables`: the jobs, details and errors of a load as tidy pandas frames, and what one does with all of them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.errors import DataWarning, DxError, warn
from dxnotebook.model import LEADING, MODEL, TEXT, Column, Model, leaves
from dxnotebook.records.decode import Decoder
from dxnotebook.records.fit import TEXT_MARK
from dxnotebook.tables.flatten import ORDINAL, flatten
from dxnotebook.tables.rebuild import PATHS, as_boto3, rebuild

# a flattened batch of records: the tables ``jobs``, ``details`` and ``errors``
Batch = dict[str, pa.Table]
# of each table's columns beyond the model, the paths of the members that fill them
Paths = dict[str, dict[str, list[list[str]]]]

_SUMMARY_WIDTH = 100
_WORD, _ODD = 8, 0x9E3779B97F4A7C15  # bytes; any odd number that mixes bits well
_JOINED = ("jobs", "details", "errors")
# beside an ARN that serves as job_id: the id the API gave
_OWN_ID = "id_text"
# what `with_names` adds
_NAME = "data_set_name"
_REJECT_COLUMNS = ("source", "page", "position", "reason", "raw")
#: Under this key of its `attrs` `jobs` says when the service was asked.
AS_OF = "as_of"
# any fixed key: the hash only has to be the same whenever and wherever two versions of a job are compared
_HASH_KEY = "dxnotebook-tie--"


@dataclass(frozen=True, eq=False, repr=False)
class JobTables:
    """The jobs of a load as tidy frames; `job_id` joins the first three.

    Attributes
    ----------
    jobs : pandas.DataFrame
        One row a job: ids, type, state, times (``datetime64[us, UTC]``), ``duration_s`` (seconds from created to
        finished, null while open) and every scalar below ``Details``.
    details : pandas.DataFrame
        One row an element of any list of a job; ``field`` names the list, ``position`` the place in it.
    errors : pandas.DataFrame
        One row an errored asset of an error of a job; an error that names no asset is one row.
    rejects : pandas.DataFrame
        One row a job that cannot be typed without losing something, with the reason and its JSON.
    failures : mapping of str to Exception
        The clients of a load that failed, and how; empty when all went well.
    model : Model
        What the installed botocore said of a job when the tables were made.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client(jobs=50))
    >>> tables.jobs.shape[0], tables.jobs["created_at"].dtype
    (50, datetime64[us, UTC])
    """

    jobs: pd.DataFrame
    details: pd.DataFrame
    errors: pd.DataFrame
    rejects: pd.DataFrame
    failures: Mapping[str, Exception] = field(default_factory=dict)
    model: Model = MODEL

    def __len__(self) -> int:
        return len(self.jobs)

    def filter(self, jobs: pd.Series[bool] | Iterable[str]) -> JobTables:
        """Return the tables of some of the jobs.

        Parameters
        ----------
        jobs : boolean Series or array, or iterable of str
            A mask over the rows of `jobs`, or the ids of the jobs to keep.

        Returns
        -------
        JobTables
            The chosen jobs in their order, with their details and errors. Rejects are kept: nobody can tell
            whether they would have been chosen.

        Raises
        ------
        DxError
            When a mask has another length than `jobs`, or an id is not among them.

        Examples
        --------
        >>> import dxnotebook as dx
        >>> tables = dx.load_jobs(dx.demo.client(jobs=200))
        >>> failed = tables.filter(tables.jobs["state"] == "ERROR")
        >>> set(failed.jobs["state"])
        {'ERROR'}
        """
        keep = self._mask(jobs)
        kept = self.jobs[keep]
        ids = kept["job_id"]
        details, errors = (frame[located(frame["job_id"], ids) >= 0] for frame in (self.details, self.errors))
        kept, details, errors = (frame.reset_index(drop=True) for frame in (kept, details, errors))
        return replace(self, jobs=kept, details=details, errors=errors)

    def _mask(self, jobs: pd.Series[bool] | Iterable[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        if isinstance(jobs, str):
            jobs = [jobs]
        chosen = pd.Series(list(jobs) if not isinstance(jobs, pd.Series | np.ndarray | pd.Index) else jobs)
        if pd.api.types.is_bool_dtype(chosen):
            if len(chosen) != len(self.jobs):
                raise DxError(f"The mask has {len(chosen):,} values for {len(self.jobs):,} jobs; make it from `.jobs`.")
            return chosen.fillna(value=False).to_numpy(bool)
        missing = chosen[~chosen.isin(self.jobs["job_id"])]
        if len(missing):
            raise DxError(
                f"{len(missing):,} of {len(chosen):,} job ids are not in these tables, for example {missing.iloc[0]!r}."
            )
        return self.jobs["job_id"].isin(chosen).to_numpy(bool)

    def to_jobs(self) -> list[dict[str, Any]]:
        """Return the jobs as boto3 would have returned them, rebuilt from the frames.

        Returns
        -------
        list of dict
            The jobs in the order of `jobs`, then the rejects. Members that were absent, null or empty are absent;
            secrets stay scrubbed; times are `datetime` in UTC, or the text where that says more (nanoseconds).

        Examples
        --------
        >>> import dxnotebook as dx
        >>> job = dx.load_jobs(dx.demo.client(jobs=50)).to_jobs()[0]
        >>> sorted(job)[:4]
        ['Arn', 'CreatedAt', 'Details', 'Id']
        """
        rebuilt = rebuild(self.jobs, self.details, self.errors, self.model)
        return rebuilt + [as_boto3(json.loads(raw), self.model.record) for raw in self.rejects["raw"]]

    def __repr__(self) -> str:
        return "\n".join([self._sizes(), *(f"  {name:<9}{text}" for name, text in self._summary().items())])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._summary().items()
        )
        return f"<div><strong>{html.escape(self._sizes())}</strong><table>{rows}</table></div>"

    def _sizes(self) -> str:
        sizes = ((len(getattr(self, name)), name) for name in ("jobs", "details", "errors", "rejects"))
        return "JobTables: " + ", ".join(f"{size:,} {name}" for size, name in sizes)

    def _summary(self) -> dict[str, str]:
        summary = {}
        for name, column in (("state", "state"), ("type", "type"), ("account", "account_id"), ("region", "region")):
            summary[name] = _counted(self.jobs[column])
        created = self.jobs["created_at"]
        if created.notna().any():
            summary["created"] = f"{created.min():%Y-%m-%d %H:%M} to {created.max():%Y-%m-%d %H:%M} UTC"
        if len(self.rejects):
            summary["rejects"] = _counted(self.rejects["reason"])
        if self.failures:
            summary["failed"] = " · ".join(self.failures)
        return {name: text for name, text in summary.items() if text}


def _counted(values: pd.Series[Any]) -> str:
    """Return the commonest values with their counts, as many as a line holds."""
    counts = values.value_counts()
    shown = [f"{value} {count:,}" for value, count in counts[counts > 0].items()]
    lengths = np.cumsum([len(text) + 3 for text in shown])
    fitting = max(int((lengths <= _SUMMARY_WIDTH).sum()), 1)
    more = [f"{len(shown) - fitting} more"] if len(shown) > fitting else []
    return " · ".join(shown[:fitting] + more)


def concat(tables: Iterable[JobTables]) -> JobTables:
    """Return several loads as one: each job once, in the newest version that any of them has.

    Parameters
    ----------
    tables : iterable of JobTables
        Loads of the same or of different accounts, regions and times.

    Returns
    -------
    JobTables
        The jobs in the order of the loads, deduplicated by ARN: the latest ``updated_at`` wins. Where two jobs of
        different accounts or regions have the same id, their ARNs serve as ``job_id``, and a warning says so.

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
    if named := [part.jobs.set_index("data_set_id")[_NAME].dropna() for part in parts if _NAME in part.jobs]:
        names = pd.concat(named)
        names = names[~names.index.duplicated()]
        merged.jobs[_NAME] = merged.jobs[_NAME].fillna(merged.jobs["data_set_id"].map(names)).astype("str")
    if asked := [part.jobs.attrs[AS_OF] for part in parts if AS_OF in part.jobs.attrs]:
        merged.jobs.attrs[AS_OF] = max(asked)
    return merged


def dated(jobs: pd.DataFrame) -> pd.DataFrame:
    """Return the jobs that say when they were created, and warn of the others."""
    known = jobs["created_at"].notna()
    if not known.all():
        warn_undated((~known).sum())
    return jobs[known]


def warn_undated(jobs: int) -> None:
    """Warn of so many jobs that do not say when they were created."""
    warn(f"{jobs:,} jobs have no created_at and are left out.", DataWarning)


def observed_at(jobs: pd.DataFrame, now: pd.Timestamp | str | None = None) -> pd.Timestamp:
    """Return when jobs were as a frame has them: as given, as loaded from the service, or else the latest time in it.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.tables.assemble import observed_at
    >>> observed_at(dx.load_jobs(dx.demo.client(jobs=50)).jobs)
    Timestamp('2026-09-30 12:00:00+0000', tz='UTC')
    """
    given = jobs.attrs.get(AS_OF) if now is None else now
    if given is not None:
        return moment("now", given)
    latest: pd.Timestamp = jobs[["created_at", "updated_at"]].max().max()
    return latest


def moment(name: str, value: str | pd.Timestamp) -> pd.Timestamp:
    """Return a time in UTC, which it is in unless it says otherwise, or raise DxError that names the parameter."""
    try:
        time = pd.Timestamp(value)
    except (ValueError, TypeError):
        time = None
    if time is None or pd.isna(time):
        raise DxError(f"Invalid {name}: {value!r}. Valid is a time, such as '2026-09-30 12:00' (UTC) or a Timestamp.")
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def checked(tables: JobTables) -> JobTables:
    """Return tables whose frames have no index of a user's, or raise DxError when they are something else."""
    if not isinstance(tables, JobTables):
        raise DxError(f"Invalid tables: a {type(tables).__name__}. Give JobTables, as load_jobs returns them.")
    return replace(tables, **{name: getattr(tables, name).reset_index(drop=True) for name in _JOINED})


def located(ids: pd.Series[str], wanted: pd.Series[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return where among the wanted ids each id first is, -1 where it is not: an index does it in five times as long."""
    places = pc.index_in(pa.array(ids, TEXT), value_set=pa.array(wanted, TEXT))
    return np.asarray(pc.fill_null(places, -1), np.int64)


def assemble(batches: Sequence[Batch], decoder: Decoder, failures: Mapping[str, Exception] | None = None) -> JobTables:
    """Return the tables of all that a decoder decoded, flattened batch by batch."""
    empty = flatten(pa.array([], decoder.record), decoder.layout)
    rejects = pd.DataFrame([vars(reject) for reject in decoder.rejects], columns=list(_REJECT_COLUMNS))
    rejects = rejects.astype({"source": "str", "page": "int64", "position": "int64", "reason": "str", "raw": "str"})
    return _assemble([empty, *batches], _paths_beyond(decoder), rejects, failures or {}, decoder.model)


def _paths_beyond(decoder: Decoder) -> Paths:
    """Return, for each table, the columns filled by members that the model does not know, and those members' paths."""
    known = dict(leaves(decoder.model.record))
    paths: Paths = {}
    for table in _JOINED:
        columns: Iterable[Column] = getattr(decoder.layout, table)
        unknown = {c.name: [list(path) for path in c.paths if path not in known] for c in columns}
        paths[table] = {name: of_column for name, of_column in unknown.items() if of_column}
    return paths


def _merged_paths(parts: Iterable[JobTables]) -> Paths:
    merged: Paths = {table: {} for table in _JOINED}
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
        batch[name] = frame.drop(columns="job_id").assign(**{ORDINAL: index.get_indexer(frame["job_id"])})
    return {name: _plain(pa.Table.from_pandas(frame, preserve_index=False)) for name, frame in batch.items()}


def _agreeing(batches: list[Batch]) -> list[Batch]:
    """Return batches in which a column that different loads typed differently is text."""
    types: dict[tuple[str, str], set[pa.DataType]] = {}
    for batch in batches:
        for name, table in batch.items():
            for member in table.schema:
                types.setdefault((name, member.name), set()).add(member.type)

    def agreed(name: str, table: pa.Table) -> pa.Table:
        return table.cast(pa.schema([f if len(types[name, f.name]) == 1 else f.with_type(TEXT) for f in table.schema]))

    return [{name: agreed(name, table) for name, table in batch.items()} for batch in batches]


def _plain(table: pa.Table) -> pa.Table:
    """Return a table whose texts are all of one type, so that it stacks upon others."""
    texts = [pa.types.is_dictionary(field.type) for field in table.schema]
    fields = [pa.field(f.name, TEXT) if t else f for f, t in zip(table.schema, texts, strict=True)]
    return table.cast(pa.schema(fields)).replace_schema_metadata()


def _assemble(
    batches: Sequence[Batch], paths: Paths, rejects: pd.DataFrame, failures: Mapping[str, Exception], model: Model
) -> JobTables:
    starts = np.cumsum([0, *(batch["jobs"].num_rows for batch in batches)])
    frames = {}
    for name in _JOINED:
        parts = [batch.pop(name) for batch in batches]  # what has become a frame need not stay
        if name != "jobs":
            parts = [_shifted(part, start) for part, start in zip(parts, starts, strict=False)]
        stacked = pa.concat_tables(parts, promote_options="default")
        columns = dict(zip(stacked.column_names, stacked.columns, strict=True))
        del parts, stacked
        frames[name] = _frame(columns, model.column_categories(name))
    frames["jobs"] = frames["jobs"][[*LEADING, *(name for name in frames["jobs"] if name not in LEADING)]]
    frames = _settled(frames, paths)
    backwards = int((frames["jobs"]["updated_at"] < frames["jobs"]["created_at"]).sum())
    if backwards:
        warn(f"{backwards:,} jobs were updated before they were created; their duration_s is null.", DataWarning)
    for name, beyond in paths.items():
        frames[name].attrs = {PATHS: beyond} if beyond else {}
    return JobTables(**frames, rejects=rejects, failures=dict(failures), model=model)


def _shifted(table: pa.Table, start: int) -> pa.Table:
    """Return a table whose jobs are numbered from there."""
    ordinal = pc.add(table[ORDINAL], int(start))
    return table.set_column(table.column_names.index(ORDINAL), ORDINAL, ordinal)


def _frame(columns: dict[str, pa.ChunkedArray | pa.Array], categories: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return a frame with the dtypes that tables promise, and take the columns' place."""
    nothing = pa.nulls(len(next(iter(columns.values()))), TEXT)  # the many columns without values share it
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
    ).sort_values(["arn", "updated", "content", "row"], ascending=[True, True, True, False], na_position="first")
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
    words = np.ndarray(len(characters) - _WORD + 1, np.uint64, characters, strides=(1,))  # one begins at every byte
    ends_of_texts = words[ends - 2 * _WORD] * np.uint64(_ODD) + words[ends - _WORD]
    return bool(pd.Series(ends_of_texts).is_unique or texts.is_unique)


def _content(frames: dict[str, pd.DataFrame]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a hash of all that the tables hold of each job."""
    jobs = frames["jobs"].drop(columns=_NAME, errors="ignore")  # which AWS tells elsewhere
    content = pd.util.hash_pandas_object(jobs, index=False, hash_key=_HASH_KEY).to_numpy(copy=True)
    for name in ("details", "errors"):
        frame = frames[name]
        rows = pd.util.hash_pandas_object(frame.drop(columns=ORDINAL), index=False, hash_key=_HASH_KEY).to_numpy()
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
