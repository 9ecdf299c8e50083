"""Revisions as the service has them: whether finalized or revoked, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd

from dxnotebook.aws.background import MOST_AT_ONCE, results_of
from dxnotebook.aws.clients import Client, broke_off, client_names, listed, report
from dxnotebook.aws.items import list_items
from dxnotebook.aws.pages import REQUEST_ERRORS
from dxnotebook.errors import LoadError

_TYPES = {"finalized": "boolean", "revoked": "boolean", "comment": "str"}
_MEMBERS = {"Id": str, "Finalized": bool | None, "Revoked": bool | None, "Comment": str | None}
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
    names, failures = client_names(several), dict[str, LoadError]()

    def ask(number: int, region: str, data_set_id: str) -> list[tuple[Any, ...]]:
        client, name = several[number], names[number]
        found: list[tuple[Any, ...]] = []
        try:
            if name not in failures:
                of_data_set = {"DataSetId": data_set_id}
                found = list_items(
                    client, "list_data_set_revisions", of_data_set, "Revisions", _MEMBERS
                )
        except client.exceptions.ResourceNotFoundException:
            pass  # it is another account's
        except REQUEST_ERRORS as error:
            failures[name] = broke_off(f"revisions of {name}", client, error)
        return [(region, data_set_id, *row) for row in found]

    wanted = data_sets[["region", "data_set_id"]].dropna().drop_duplicates()
    works = [
        partial(ask, number, *data_set)
        for data_set in wanted.itertuples(index=False)
        for number, client in enumerate(several)
        if client.meta.region_name == data_set.region
    ]
    connections = sum(client.meta.config.max_pool_connections for client in several)
    rows = [row for rows in results_of(works, min(MOST_AT_ONCE, connections)) for row in rows]
    without = "Without a client, the jobs alone are asked."
    report(failures, len(several), without, "What they would say is null.")
    result = pd.DataFrame(rows, columns=[*_IDS, *_TYPES])
    return result.astype(dict.fromkeys(_IDS, "str") | _TYPES).drop_duplicates([*_IDS])
