"""Revisions as the service has them: whether finalized or revoked, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from dxnotebook.aws.background import in_background
from dxnotebook.aws.clients import Client, client_names, describe, listed
from dxnotebook.aws.fetch import MOST_AT_ONCE
from dxnotebook.aws.listing import PAGE_SIZE
from dxnotebook.aws.pages import REQUEST_ERRORS, pages
from dxnotebook.errors import FormatError, LoadError, PartialLoadWarning, warn
from dxnotebook.records.body import as_utf8
from dxnotebook.records.redact import redact_text, redact_value

_TYPES = {"finalized": "boolean", "revoked": "boolean", "comment": "str"}
_MEMBERS = {"Id": str, "Finalized": bool, "Revoked": bool, "Comment": str}
_IDS = ("region", "data_set_id", "revision_id")


def list_revisions(
    data_sets: pd.DataFrame, clients: Client | Iterable[Client] | None = None
) -> pd.DataFrame:
    """Return the revisions of data sets, of which each client is asked for those in its region.

    Parameters
    ----------
    data_sets : pandas.DataFrame
        Their ``region`` and ``data_set_id``.
    clients : boto3 client or iterable of them, optional
        The clients to ask, all at once; by default one for the default credentials and region.

    Returns
    -------
    pandas.DataFrame
        One row a revision: ``region``, ``data_set_id``, ``revision_id``, ``comment`` (str),
        ``finalized``, ``revoked`` (boolean). Data sets that no client knows have none.

    Raises
    ------
    LoadError
        When all clients fail; where some do, a warning says so.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.aws.revisions import list_revisions
    >>> client = dx.demo.client(jobs=100)
    >>> data_sets = dx.load_jobs(client).jobs[["region", "data_set_id"]]
    >>> list_revisions(data_sets, client)["comment"][0]
    'Power Grid Load by Region, Hourly, 2026-09-30'
    """
    several = listed(clients)
    names, failures = client_names(several), dict[str, str]()

    def ask(number: int, region: str, data_set_id: str) -> list[tuple[Any, ...]]:
        name, parameters = names[number], {"DataSetId": data_set_id, "MaxResults": PAGE_SIZE}
        try:
            if name not in failures:
                found = pages(several[number], "list_data_set_revisions", parameters, _Page.check)
                return [(region, data_set_id, *row) for page in found for row in page.checked.rows]
        except several[number].exceptions.ResourceNotFoundException:
            pass  # it is another account's
        except REQUEST_ERRORS as error:
            failures[name] = redact_text(describe(error))
        return []

    wanted = data_sets[["region", "data_set_id"]].dropna().drop_duplicates()
    asked = [
        (number, *data_set)
        for data_set in wanted.itertuples(index=False)
        for number, client in enumerate(several)
        if client.meta.region_name == data_set.region
    ]
    connections = sum(client.meta.config.max_pool_connections for client in several)
    works = [partial(ask, *one) for one in asked]
    futures = in_background(works, min(MOST_AT_ONCE, connections))
    try:
        rows = [row for future in futures for row in future.result()]
    finally:
        for future in futures:
            future.cancel()
    if failures:
        _report(failures, len(several))
    result = pd.DataFrame(rows, columns=[*_IDS, *_TYPES])
    return result.astype(dict.fromkeys(_IDS, "str") | _TYPES).drop_duplicates([*_IDS])


def _report(failures: dict[str, str], clients: int) -> None:
    """Raise LoadError where all clients failed, warn where some did."""
    name, reason = next(iter(failures.items()))
    first = f"Listing the revisions of {name} broke off: {reason}."
    if len(failures) == clients:
        raise LoadError(f"{first} Without a client, the jobs alone are asked.")
    failed = f"{len(failures)} of {clients} clients failed: {', '.join(failures)}."
    warn(f"{failed} The first: {first} What they would say is null.", PartialLoadWarning)


class _Page(NamedTuple):
    """A page of ListDataSetRevisions: id, and what is kept, of each; the token of the next."""

    rows: list[tuple[Any, ...]]
    token: str | None

    @property
    def entries(self) -> Hashable:
        """What the page holds, for a page that comes again to be known."""
        return tuple(self.rows)

    @classmethod
    def check(cls, content: Any) -> _Page:
        try:
            page = json.loads(as_utf8(content)) if isinstance(content, bytes) else content
            found = [[one.get(name) for name in _MEMBERS] for one in page["Revisions"]]
            rows = [(*row, redact_value(comment)) for *row, comment in found]
            token = page.get("NextToken") or None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise FormatError("the response is not a page of ListDataSetRevisions") from None
        kinds = [*zip(_MEMBERS.values(), zip(*rows, strict=True), strict=False), (str, [token])]
        if not all(isinstance(value, kind | None) for kind, values in kinds for value in values):
            raise FormatError("a member of a revision is of another type than it should be")
        return cls(rows, token)
