"""What people publish: what jobs say of revisions, and beside it what the service does."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from dxnotebook.aws.clients import Client
from dxnotebook.aws.revisions import list_revisions
from dxnotebook.metrics.revisions import filled
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.times import Moment


def revisions(
    tables: JobTables,
    client: Client | Iterable[Client] | None = None,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
) -> pd.DataFrame:
    """Return the revisions that import jobs filled: which are whole, and what the others miss.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    client : boto3 client or iterable of them, optional
        The clients to ask what the service says of these revisions, each for the data sets in its
        region, all at once. They need the action ``dataexchange:ListDataSetRevisions``.
    since, until : str, date, datetime, timedelta or Timestamp, optional
        Only revisions with a job created at or after ``since`` and before ``until``: a time (UTC
        unless it names a zone) or how long ago, as ``"30d"`` or ``"12h"``, when the tables were
        loaded. What has become of them is judged by all jobs.

    Returns
    -------
    pandas.DataFrame
        One row a revision, the one that was begun last first: ``account_id``, ``region``,
        ``data_set_id``, ``data_set_name`` (if `jobs` has it), ``revision_id``, ``jobs``,
        ``completed``, ``failed``, ``cancelled``, ``open`` (int64: how many jobs), ``assets_asked``,
        ``assets_in``, ``assets_missing`` (int64: different assets that its jobs list, those of the
        jobs that completed, and the others), ``attempts`` (int64: jobs that asked for the same
        asset, at most), ``first_created_at``, ``whole_at`` (datetime64[us, UTC]: when its first job
        was created, and when the last asset came in, null while any is missing), ``publish_s``
        (float64, seconds between these), ``status`` (str):

        - ``whole``: it misses nothing,
        - ``superseded``: a revision that was begun later misses nothing and has all that it misses,
        - ``open``: it misses something, and a job of it is open,
        - ``incomplete``: it misses something, and nothing is under way.

        With a client also ``finalized``, ``revoked`` (boolean), ``comment`` (str), null where it
        does not know the revision, and ``finding`` (str): ``finalized though incomplete``, also if
        a job is open, which can no longer add to it; ``whole but not finalized``, which nobody can
        see. What is superseded or revoked is no finding.

    Raises
    ------
    DxError
        When given something else than tables or clients, or a limit is not a time.
    LoadError
        When all clients fail; where some do, a `PartialLoadWarning` says so.

    Notes
    -----
    An asset is what a job lists: an object (bucket and key) or prefix in S3, a data share, the tags
    of an expression of Lake Formation. A job that lists nothing asks for one asset: the name of an
    import from a signed URL, the API and stage of one from API Gateway. The same asset of another
    type of job is another. It came in when the first job that asked for it and completed ended.
    Jobs that name no revision are left out.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> client = dx.demo.client()
    >>> tables = dx.with_names(dx.load_jobs(client), client)
    >>> found = dx.revisions(tables, client)
    >>> found["status"].value_counts().to_dict()
    {'whole': 1229, 'incomplete': 60, 'superseded': 10, 'open': 8}
    >>> found["finding"].value_counts().sort_index().to_dict()
    {'finalized though incomplete': 4, 'whole but not finalized': 4}
    """
    result = filled(tables, since, until)
    if client is None:
        return result
    known = list_revisions(result[["region", "data_set_id"]], client)
    result = result.merge(known, how="left", on=["region", "data_set_id", "revision_id"])
    finalized, counts = result["finalized"], ~result["revoked"].fillna(value=False)
    early = counts & finalized.fillna(value=False) & result["status"].isin(["incomplete", "open"])
    late = counts & ~finalized.fillna(value=True) & (result["status"] == "whole")
    finding = pd.Series(None, result.index, "str").mask(early, "finalized though incomplete")
    return result.assign(finding=finding.mask(late, "whole but not finalized"))
