"""Loads: the jobs of live accounts as tables, and the names of their data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from dxnotebook.aws.clients import Client, broke_off, label, listed, report
from dxnotebook.aws.fetch import Fetch
from dxnotebook.aws.items import data_set_names
from dxnotebook.errors import LoadError, interruptible
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.jobtables import AS_OF, JobTables, checked, warn_of_rejects, within
from dxnotebook.text import counted
from dxnotebook.times import Moment, Window


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
    limits = {"DataSetId": data_set_id, "RevisionId": revision_id}
    parameters = {name: value for name, value in limits.items() if value is not None}
    window = Window.of(since, until)
    fetch = Fetch(listed(clients), parameters, window, progress=progress, redact=redact)
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
    kept = f"What was read is in `.partial` ({counted(len(tables), 'job')})."
    rest = "The tables hold the rest, and `.failures` says what failed."
    report(failures, len(fetch.listings), kept, rest, tables)
    return tables


def _unfinished(fetch: Fetch) -> dict[str, LoadError]:
    """Return how listings broke off, those too that an interrupt did not let come to their end."""
    error = LoadError("The load was interrupted.")
    return {one.name: error for one in fetch.listings if not one.done} | fetch.failures()


def _tables(fetch: Fetch, failures: Mapping[str, Exception]) -> JobTables:
    """Return the tables of what was read, and say what was odd about it."""
    fetch.decode()
    # copies, because they are emptied: an interrupt must not take what was read along
    batches = [dict(batch) for one in fetch.listings for batch in one.batches]
    tables = assemble(batches, fetch.decoder, failures)
    if fetch.asked_at is not None:
        tables.jobs.attrs[AS_OF] = fetch.asked_at.isoformat()
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
        several = listed(clients)
        for client, (found, error) in zip(several, data_set_names(several), strict=True):
            names |= found
            if error:
                raise broke_off(f"data sets of {label(client)}", client, error, partial=tables)
    return named(tables, names)


def named(tables: JobTables, names: Mapping[str, str]) -> JobTables:
    """Return tables in which `jobs` has names of data sets, by their ids, beside these."""
    jobs = tables.jobs.drop(columns="data_set_name", errors="ignore")
    column = jobs["data_set_id"].map(names).astype("str")
    if "data_set_name" in tables.jobs:
        column = column.fillna(tables.jobs["data_set_name"])
    jobs.insert(list(jobs).index("data_set_id") + 1, "data_set_name", column)
    return replace(tables, jobs=jobs)
