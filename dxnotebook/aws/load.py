"""Loads: the jobs of live accounts as tables, and the names of their data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from dxnotebook.aws.clients import Client, client_names, describe, label, listed
from dxnotebook.aws.fetch import Fetch, Source
from dxnotebook.aws.listing import PAGE_SIZE, Listing
from dxnotebook.aws.pages import REQUEST_ERRORS, pages
from dxnotebook.errors import FormatError, LoadError, interruptible
from dxnotebook.records.body import as_utf8
from dxnotebook.records.decode import BATCH_BYTES
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.jobtables import AS_OF, JobTables, checked, warn_of_rejects, within
from dxnotebook.text import counted
from dxnotebook.times import Moment, Window

# pages are decoded when so many bytes have come, many at once being quicker


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
    several = listed(clients)
    limits = {"DataSetId": data_set_id, "RevisionId": revision_id}
    parameters = {name: value for name, value in limits.items() if value is not None}
    window = Window.of(since, until)
    sources = [
        Source(name, Listing(client, parameters, window))
        for client, name in zip(several, client_names(several), strict=True)
    ]
    fetch = Fetch(sources, progress=progress, redact=redact, batch_bytes=BATCH_BYTES)
    return loaded(fetch, lambda tables: within(tables, window))


def loaded(fetch: Fetch, finish: Callable[[JobTables], JobTables]) -> JobTables:
    """Run a fetch and return the tables of what it read, as `finish` makes them of these.

    Raises
    ------
    LoadError
        When all clients fail, or the user interrupts; ``partial`` has the tables until then.
    """
    message = "The load was interrupted; what was read is in `.partial`."
    with interruptible(message, lambda: finish(_tables(fetch, _unfinished(fetch)))):
        fetch.run()
        failures = fetch.failures()
        tables = finish(_tables(fetch, failures))
    kept = f"`.partial` ({counted(len(tables), 'job')})"
    fetch.report(failures, kept, "The tables hold the rest", tables)
    return tables


def _unfinished(fetch: Fetch) -> dict[str, LoadError]:
    """Return how listings broke off, those too that an interrupt did not let come to their end."""
    error = LoadError("The load was interrupted.")
    return {one.name: error for one in fetch.sources if not one.done} | fetch.failures()


def _tables(fetch: Fetch, failures: Mapping[str, Exception]) -> JobTables:
    """Return the tables of what was read, and say what was odd about it."""
    fetch.decode()
    # copies, because they are emptied: an interrupt must not take what was read along
    batches = [dict(batch) for source in fetch.sources for batch in source.batches]
    tables = assemble(batches, fetch.decoder, failures)
    if times := [now for source in fetch.sources if (now := source.listing.window.now) is not None]:
        tables.jobs.attrs[AS_OF] = min(times).isoformat()
    fetch.warn()
    warn_of_rejects(tables.rejects["reason"])
    return tables


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
    checked(tables)
    names: dict[str, str] = {}
    message = "The naming of data sets was interrupted; the tables as they were are in `.partial`."
    with interruptible(message, lambda: tables):
        for client in listed(clients):
            names |= _names_by(client, tables)
    jobs = tables.jobs.drop(columns="data_set_name", errors="ignore")
    column = jobs["data_set_id"].map(names).astype("str")
    if "data_set_name" in tables.jobs:
        column = column.fillna(tables.jobs["data_set_name"])
    jobs.insert(list(jobs).index("data_set_id") + 1, "data_set_name", column)
    return replace(tables, jobs=jobs)


def _names_by(client: Client, tables: JobTables) -> dict[str, str]:
    """Return the data sets' names that a client knows, by their ids."""
    names: dict[str, str] = {}
    try:
        for origin in ("OWNED", "ENTITLED"):
            parameters = {"Origin": origin, "MaxResults": PAGE_SIZE}
            for page in pages(client, "list_data_sets", parameters, _DataSets.check):
                names |= page.checked.names
    except REQUEST_ERRORS as error:
        reason = redact_text(describe(error))
    else:
        return names
    raise LoadError(f"Listing the data sets of {label(client)} broke off: {reason}.", tables)


class _DataSets(NamedTuple):
    """A page of ListDataSets: the names by id, and the token of the next."""

    names: dict[str, str]
    token: str | None

    @classmethod
    def check(cls, content: Any) -> _DataSets:
        try:
            page = json.loads(as_utf8(content)) if isinstance(content, bytes) else content
            names = {one["Id"]: redact_text(one["Name"]) for one in page["DataSets"]}
            token = page.get("NextToken") or None
        except (ValueError, TypeError, KeyError, RecursionError):
            raise FormatError("the response is not a page of ListDataSets") from None
        if not isinstance(token, str | None):
            raise FormatError("NextToken is not a text")
        return cls(names, token)

    @property
    def entries(self) -> frozenset[str]:
        """What tells its data sets from those of another page."""
        return frozenset(self.names)
