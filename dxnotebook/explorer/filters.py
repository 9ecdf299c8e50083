"""The filters of an explorer: their names, and the one form that they are kept and compared in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxnotebook.errors import DxError
from dxnotebook.text import valid_utf8
from dxnotebook.times import moment

#: The columns of jobs that divide them, and what of their errors does.
COLUMNS = ("state", "type", "data_set_id", "account_id", "region")
CODE, CAUSE = "code", "cause"
SINCE, UNTIL, TEXT = "since", "until", "text"
NAMES = (*COLUMNS, CODE, CAUSE, SINCE, UNTIL, TEXT)


def normalized(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return filters in the one form that they are kept and compared in, or raise DxError.

    Values are lists of texts (None is the value of jobs that have none), times are texts in UTC;
    what filters nothing is left out.

    Examples
    --------
    >>> from dxnotebook.explorer.filters import normalized
    >>> normalized({"state": "ERROR", "since": "2026-08-31", "type": [], "text": ""})
    {'state': ['ERROR'], 'since': '2026-08-31T00:00:00+00:00'}
    """
    if not isinstance(filters, Mapping):
        raise _refusal(f"a {type(filters).__name__}", "is a dict such as {'state': ['ERROR']}")
    if unknown := [name for name in filters if name not in NAMES]:
        raise _refusal(f"no filter is named {unknown[0]!r}", f"names are: {', '.join(NAMES)}")
    given = {name: filters[name] for name in NAMES if not _is_unset(filters.get(name))}
    return {name: _one_form(name, value) for name, value in given.items()}


def _is_unset(value: object) -> bool:
    return value is None or (isinstance(value, str | list | tuple | set) and not value)


def _one_form(name: str, given: Any) -> str | list[str | None]:
    """Return what a filter is given, in its one form."""
    if name in (SINCE, UNTIL):
        return moment(name, given).isoformat()
    are_several = isinstance(given, list | tuple | set) and name != TEXT
    values = list(given) if are_several else [given]
    if wrong := [value for value in values if not isinstance(value, str | None)]:
        valid = "is a text" if name == TEXT else "is a list of texts"
        raise _refusal(f"{name!r} cannot be {wrong[0]!r}", valid)
    return valid_utf8(given) if name == TEXT else list(dict.fromkeys(values))


def _refusal(problem: str, valid: str) -> DxError:
    return DxError(f"Invalid filters: {problem}. Valid {valid}.")
