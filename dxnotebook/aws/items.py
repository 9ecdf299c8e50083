"""What the service lists beside jobs, of which all pages are wanted at once."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from dxnotebook.aws.background import results_of
from dxnotebook.aws.clients import Client
from dxnotebook.aws.listing import PAGE_SIZE
from dxnotebook.aws.pages import REQUEST_ERRORS, pages
from dxnotebook.errors import FormatError
from dxnotebook.records.body import as_utf8
from dxnotebook.records.redact import redact_value

# an item's members of a listing, and the types that they have
_Members = Mapping[str, Any]


def list_items(
    client: Client, method: str, parameters: Mapping[str, str], name: str, members: _Members
) -> list[tuple[Any, ...]]:
    """Return some members of each item of a listing, without secrets.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, FormatError, LoadError
        As `pages` does; also where a member is of another type than those given.
    """
    check = partial(_as_items, name, members)
    found = pages(client, method, {**parameters, "MaxResults": PAGE_SIZE}, check)
    return [row for page in found for row in page.checked.entries]


def data_set_names(clients: Iterable[Client]) -> list[tuple[dict[str, str], Exception | None]]:
    """Return the names of the data sets that each client owns or is entitled to, by their ids.

    Beside them is what broke a listing off, if anything did.
    """
    return results_of([partial(_names_by, client) for client in clients])


def _names_by(client: Client) -> tuple[dict[str, str], Exception | None]:
    names: dict[str, str] = {}
    try:
        for origin in ("OWNED", "ENTITLED"):
            members = {"Id": str, "Name": str}
            names |= list_items(client, "list_data_sets", {"Origin": origin}, "DataSets", members)
    except REQUEST_ERRORS as error:
        return names, error
    return names, None


class _Items(NamedTuple):
    """A page: the rows of its items, which tell it from others, and the token of the next."""

    entries: Hashable
    token: str | None


def _as_items(name: str, members: _Members, content: Any) -> _Items:
    try:
        page = json.loads(as_utf8(content)) if isinstance(content, bytes) else content
        rows = [tuple(one.get(member) for member in members) for one in page[name]]
        token = page.get("NextToken") or None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FormatError(f"the response is not a page of {name}") from None
    kinds = [*members.values()]
    if not isinstance(token, str | None) or any(
        not isinstance(value, kind) for row in rows for value, kind in zip(row, kinds, strict=True)
    ):
        raise FormatError(f"a member of {name} is of another type than it should be")
    return _Items(tuple(tuple(map(redact_value, row)) for row in rows), token)
