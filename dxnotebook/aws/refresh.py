"""Refreshes: tables brought up to date by what is new or may have changed, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import pandas as pd

from dxnotebook.aws.clients import Client, listed, unnumbered
from dxnotebook.aws.fetch import Fetch
from dxnotebook.aws.listing import OVERLAP
from dxnotebook.aws.load import loaded
from dxnotebook.model import AWS_KEEPS, TERMINAL_STATES
from dxnotebook.tables.assemble import updated
from dxnotebook.tables.jobtables import JobTables, checked
from dxnotebook.tables.rejects import told
from dxnotebook.times import Instant


def refresh(
    tables: JobTables,
    clients: Client | Iterable[Client] | None = None,
    *,
    redact: bool = True,
    progress: bool | None = None,
) -> JobTables:
    """Return the same tables, brought up to date by asking only for what may have changed.

    Of each account and region, which the jobs' ARNs tell, the listing is read newest first, down
    to the newest job that the tables have or to the oldest that was open in them, and an hour
    further: one request where nothing happened. It is read to its end where the tables have no job
    of an account, where a client is among their ``failures``, and while an open job does not say
    when it was created.

    Parameters
    ----------
    tables : JobTables
        Tables of a load, an archive or files. What they lack of the time before their newest job,
        by ``since``, a filter or otherwise, they go on lacking; ``until`` and ``data_set_id`` of
        their load do not limit what is new.
    clients : boto3 client or iterable of them, optional
        The clients to ask, all at once; by default one for the default credentials and region.
    redact : bool
        Whether to take secrets (signed URLs' queries, API keys) out of what is read now.
    progress : bool, optional
        Whether to show a progress bar; by default in a terminal or notebook.

    Returns
    -------
    JobTables
        New tables: what was read now, client by client, newest first; then what was there and was
        not read again, such as jobs that AWS has deleted since. A job that came again replaces
        the older version of it, typed or a reject. ``data_set_name`` is filled in where the tables
        know the data set, and null where they do not: `with_names` asks for it. ``failures`` has
        the clients that failed now, or before without being asked again.

    Raises
    ------
    LoadError
        When a listing breaks off (with several clients: when all do); ``partial`` holds the tables
        with what was read.
    DxError
        When `tables` are something else.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> client = dx.demo.client(jobs=500)
    >>> tables = dx.load_jobs(client, until="2d")
    >>> len(tables), len(dx.refresh(tables, client))
    (495, 500)
    """
    since = partial(_since, _listed_jobs(checked(tables)), {*map(unnumbered, tables.failures)})
    fetch = Fetch(listed(clients), progress=progress, redact=redact, since=since)
    asked = [one.name for one in fetch.listings]
    failures = {name: error for name, error in tables.failures.items() if name not in asked}
    return loaded(fetch, partial(updated, replace(tables, failures=failures)))


def _listed_jobs(tables: JobTables) -> pd.DataFrame:
    """Return account, region and time of jobs and of legible rejects, and which are open."""
    frames = (tables.jobs, told(tables.rejects).dropna(subset="state"))
    columns = ["account_id", "region", "created_at"]
    return pd.concat(
        [one[columns].assign(is_open=~one["state"].isin(TERMINAL_STATES)) for one in frames]
    )


def _since(
    known: pd.DataFrame, failed: set[str], name: str, owner: tuple[str, str], now: pd.Timestamp
) -> Instant:
    """Return from when on an account's jobs may be new or may have changed, None for all.

    What was read of a client that failed may end anywhere: that is read to its end.
    """
    if unnumbered(name) in failed:
        return None
    same = (known[["account_id", "region"]] == [*owner]).all(axis=1)
    # a reject without an ARN may be anybody's
    jobs = known[same | known["account_id"].isna()]
    created = jobs["created_at"]
    newest = created[created <= now].max()
    # what AWS lists no longer cannot change any more
    opened = created[jobs["is_open"] & ~(created < now - AWS_KEEPS)]
    if pd.isna(newest) or opened.isna().any():
        return None
    limit: pd.Timestamp = min([newest, *opened.nsmallest(1)]) - OVERLAP
    return limit
