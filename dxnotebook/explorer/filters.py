"""The filters of an explorer: their names, and the one form that they are kept and compared in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dxnotebook.errors import DxError
from dxnotebook.text import valid_utf8
from dxnotebook.times import moment

#: The columns of jobs that divide them, and what of their errors does.
COLUMNS = ("state", "type", "data_set_id", "account_id", "region")
CODE, CAUSE, REVISION = "code", "cause", "revision_id"
#: What came of a failure, or comes of an open job; all runs of what a job, by its id, is to do.
OUTCOME, WORK = "outcome", "work"
#: What jobs are grouped by beside what divides them: days, and several things in one.
DAY = "day"
COMBINED = {
    "feed": ("account_id", "region", "type", "data_set_id"),
    REVISION: ("data_set_id", REVISION),
}
#: What a row of a job shows of its first error.
OF_ERRORS = (CODE, "message")
SINCE, UNTIL, TEXT = "since", "until", "text"
#: Under this name are the filters of what is not to be shown.
NOT = "not"
NAMES = (*COLUMNS, OUTCOME, CODE, CAUSE, REVISION, WORK, SINCE, UNTIL, TEXT, NOT)


def normalized(filters: Mapping[str, Any], names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """Return filters in the one form that they are kept and compared in, or raise DxError.

    Values are lists of texts (None is the value of jobs that have none), times are texts in UTC;
    under "not" are filters of what is left out; what filters nothing is not among them.

    Examples
    --------
    >>> from dxnotebook.explorer.filters import normalized
    >>> normalized({"state": "ERROR", "since": "2026-08-31", "type": [], "text": ""})
    {'state': ['ERROR'], 'since': '2026-08-31T00:00:00+00:00'}
    >>> normalized({"type": "NEW", "not": {"state": {"CANCELLED"}, "code": []}})
    {'type': ['NEW'], 'not': {'state': ['CANCELLED']}}
    """
    if not isinstance(filters, Mapping):
        raise _refusal(f"a {type(filters).__name__}", "is a dict such as {'state': ['ERROR']}")
    if unknown := [name for name in filters if name not in names]:
        raise _refusal(f"no filter is named {unknown[0]!r}", f"names are: {', '.join(names)}")
    given = {name: filters[name] for name in names if name in filters}
    forms = {name: _one_form(name, one) for name, one in given.items() if one not in (None, "")}
    return {name: form for name, form in forms.items() if form}


def _one_form(name: str, given: Any) -> str | list[str | None] | dict[str, Any]:
    """Return what a filter is given, in its one form."""
    if name == NOT:
        return normalized(given, NAMES[:-1])
    if name in (SINCE, UNTIL):
        return moment(name, given).isoformat()
    are_several = isinstance(given, list | tuple | set) and name not in (TEXT, WORK)
    values = list(given) if are_several else [given]
    if wrong := [value for value in values if not isinstance(value, str | None)]:
        valid = "is a text" if name in (TEXT, WORK) else "is a list of texts"
        raise _refusal(f"{name!r} cannot be {wrong[0]!r}", valid)
    return valid_utf8(given) if name in (TEXT, WORK) else list(dict.fromkeys(values))


def _refusal(problem: str, valid: str) -> DxError:
    return DxError(f"Invalid filters: {problem}. Valid {valid}.")
