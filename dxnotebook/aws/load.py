"""Loads: the jobs of live accounts, of saved files, of what boto3 returned; and the names of their data sets."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

import pyarrow as pa

from dxnotebook.aws import pages as aws
from dxnotebook.aws.clients import Client, client_names, describe, label, listed
from dxnotebook.aws.listing import MOST_AT_ONCE, PAGE_SIZE, Listing, broke_off
from dxnotebook.aws.progress import Progress
from dxnotebook.errors import (
    DataWarning,
    FormatError,
    LoadError,
    LoadInterrupted,
    PartialLoadWarning,
    warn,
)
from dxnotebook.records.body import Body, as_utf8
from dxnotebook.records.decode import Decoder, Glance
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.flatten import flatten
from dxnotebook.tables.jobtables import AS_OF, JobTables, within
from dxnotebook.times import Moment, Window

_BATCH_BYTES = 2**24


def load_jobs(
    clients: Client | Iterable[Client] | None = None,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    data_set_id: str | None = None,
    revision_id: str | None = None,
    redact: bool = True,
    progress: bool | None = None,
) -> JobTables:
    """Return the import and export jobs of one or many accounts and regions.

    Parameters
    ----------
    clients : boto3 client or iterable of them, optional
        The clients to ask, all at once; by default one for the default credentials and region. They
        are left as they were.
    since, until : str, date, datetime, timedelta or Timestamp, optional
        Keep the jobs created at or after ``since`` and before ``until``: a time (UTC unless it
        names a zone) or how long ago, as ``"30d"`` or ``"12h"``, by the service's own clock. The
        listing is newest first, so ``since`` also ends it early.
    data_set_id, revision_id : str, optional
        Ask only for the jobs of this data set or revision.
    redact : bool
        Whether to take secrets (signed URLs' queries, API keys) out.
    progress : bool, optional
        Whether to show a progress bar; by default in a terminal or notebook.

    Returns
    -------
    JobTables
        The jobs client by client, newest first. Rejects and jobs without a time are kept whatever
        the limits.

    Raises
    ------
    LoadError
        When a listing breaks off (with several clients: when all do); ``partial`` holds what was
        read.
    DxError
        When a limit is not a time.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client(), since="7d")
    >>> f"{tables.jobs['created_at'].min():%Y-%m-%d}"
    '2026-09-23'
    """
    asked = listed(clients)
    wanted = {"DataSetId": data_set_id, "RevisionId": revision_id}
    parameters = {name: value for name, value in wanted.items() if value is not None}
    window = Window.of(since, until)
    return _Load(asked, parameters, window, redact=redact, progress=progress).run()


@dataclass(frozen=True)
class _Done:
    """A client's listing came to its end, good or bad."""

    error: Exception | None


class _Load:
    """One load: a thread for each client fetches, this one decodes what has come meanwhile."""

    def __init__(
        self,
        clients: list[Client],
        parameters: dict[str, Any],
        window: Window,
        *,
        redact: bool,
        progress: bool | None,
    ) -> None:
        self._clients = clients
        self._names = client_names(clients)
        self._listings = [Listing(client, parameters, window) for client in clients]
        self._window = window
        self._redact = redact
        self._decoder = Decoder(redact=redact)
        self._batches: dict[int, list[dict[str, pa.Table]]] = defaultdict(list)
        self._pages: list[list[aws.Page[Glance]]] = [[] for _ in clients]
        self._read = [0] * len(clients)
        self._errors: dict[int, Exception] = {}
        self._arrived: SimpleQueue[tuple[int, aws.Page[Glance] | _Done]] = SimpleQueue()
        self._stop = threading.Event()
        self._bar = Progress(len(clients), progress)

    def run(self) -> JobTables:
        pool = ThreadPoolExecutor(min(MOST_AT_ONCE, len(self._clients)), "list-jobs")
        try:
            with closing(self._bar):
                for index in range(len(self._clients)):
                    pool.submit(self._fetch, index)
                self._collect()
        except KeyboardInterrupt:
            raise LoadInterrupted(
                "The load was interrupted; what was read is in `.partial`.", self._tables()
            ) from None
        finally:
            self._stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return self._finish()

    def _fetch(self, index: int) -> None:
        """Put the pages of one client's listing where `_collect` finds them, down to the limit."""
        error: Exception | None = None
        try:
            for page in self._listings[index].pages():
                self._arrived.put((index, page))
                if self._stop.is_set():
                    return
        except Exception as caught:  # noqa: BLE001 (it is handed over to the thread that waits for it)
            error = caught
        self._arrived.put((index, _Done(error)))

    def _collect(self) -> None:
        """Take what arrives until all clients are done, and decode it when it is worth a call of the reader."""
        waiting = len(self._clients)
        size = 0
        while waiting:
            index, arrived = self._arrived.get()
            if isinstance(arrived, _Done):
                waiting -= 1
                if arrived.error is not None:
                    self._errors[index] = arrived.error
                self._bar.finish(index)
                continue
            self._pages[index].append(arrived)
            self._bar.show(index, arrived, self._window)
            size += len(arrived.checked.body)
            if size >= _BATCH_BYTES:
                self._decode()
                size = 0

    def _decode(self) -> None:
        """Decode the pages that have arrived, client by client."""
        for index, pages in enumerate(self._pages):
            bodies = [Body(page.checked.body, self._names[index], page.number) for page in pages]
            self._read[index] += len(pages)
            pages.clear()
            try:
                for records in self._decoder.decode(bodies) if bodies else ():
                    self._batches[index].append(flatten(records, self._decoder.layout))
            except FormatError as error:
                self._errors.setdefault(index, error)

    def _tables(self, failures: Mapping[str, Exception] | None = None) -> JobTables:
        """Return the tables of what was read, and say what was odd about it."""
        self._decode()
        batches = [batch for index in sorted(self._batches) for batch in self._batches[index]]
        tables = assemble(batches, self._decoder, failures)
        if self._window.now is not None:
            tables.jobs.attrs[AS_OF] = self._window.now.isoformat()
        self._decoder.warn()
        unordered = [
            name for name, one in zip(self._names, self._listings, strict=True) if not one.ordered
        ]
        if unordered and self._window.since is not None:
            warn(
                f"The jobs of {', '.join(sorted(unordered))} did not come newest first, so the listing was read "
                "to its end.",
                DataWarning,
            )
        return within(tables, self._window)

    def _finish(self) -> JobTables:
        self._decode()
        failures = {
            self._names[index]: self._failure(index, error)
            for index, error in sorted(self._errors.items())
        }
        tables = self._tables(failures)
        if not failures:
            return tables
        first = next(iter(failures.values()))
        if len(failures) == len(self._clients):
            message = (
                str(first)
                if len(failures) == 1
                else f"All {len(failures)} clients failed; the first: {first}"
            )
            raise LoadError(
                f"{message} What was read is in `.partial` ({len(tables):,} jobs).", tables
            )
        warn(
            f"{len(failures)} of {len(self._clients)} clients failed: {', '.join(failures)}. The first: {first} "
            "The tables hold the rest, and `.failures` says what failed.",
            PartialLoadWarning,
        )
        return tables

    def _failure(self, index: int, error: Exception) -> LoadError:
        jobs = sum(batch["jobs"].num_rows for batch in self._batches[index])
        return broke_off(self._names[index], error, self._read[index], jobs, redact=self._redact)


def with_names(tables: JobTables, clients: Client | Iterable[Client] | None = None) -> JobTables:
    """Return tables in which `jobs` has the data sets' names beside their ids.

    Parameters
    ----------
    tables : JobTables
        The tables to name data sets in.
    clients : boto3 client or iterable of them, optional
        The clients to ask for the names of the data sets they own or are entitled to; by default
        one for the default credentials and region.

    Returns
    -------
    JobTables
        The same tables with a column ``data_set_name`` (str) in `jobs`, null for data sets the
        clients do not know.

    Raises
    ------
    LoadError
        When a listing of data sets fails; ``partial`` holds the tables as they were.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> client = dx.demo.client(jobs=100)
    >>> tables = dx.with_names(dx.load_jobs(client), client)
    >>> bool(tables.jobs["data_set_name"].isna().all())
    False
    """
    names: dict[str, str] = {}
    for client in listed(clients):
        for origin in ("OWNED", "ENTITLED"):
            parameters = {"Origin": origin, "MaxResults": PAGE_SIZE}
            try:
                for page in aws.pages(client, "list_data_sets", parameters, _DataSets.check):
                    names |= page.checked.names
            except aws.REQUEST_ERRORS as error:
                said = redact_text(describe(error))
                raise LoadError(
                    f"Listing the data sets of {label(client)} broke off: {said}.", tables
                ) from None
    jobs = tables.jobs.drop(columns="data_set_name", errors="ignore")
    named = jobs["data_set_id"].map(names).astype("str")
    if "data_set_name" in tables.jobs:
        named = named.fillna(tables.jobs["data_set_name"])
    jobs.insert(list(jobs).index("data_set_id") + 1, "data_set_name", named)
    return replace(tables, jobs=jobs)


@dataclass(frozen=True)
class _DataSets:
    """A page of ListDataSets: the names by id, and the token of the next."""

    names: dict[str, str]
    token: str | None

    @classmethod
    def check(cls, content: Any) -> _DataSets:
        try:
            page = json.loads(as_utf8(content)) if isinstance(content, bytes) else content
            names = {data_set["Id"]: data_set["Name"] for data_set in page["DataSets"]}
        except (ValueError, TypeError, KeyError, RecursionError):
            raise FormatError("the response is not a page of ListDataSets") from None
        return cls(names, page.get("NextToken") or None)
