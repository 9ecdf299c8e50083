"""The view of an explorer: what it shows and how, in the one form that it is kept in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dxnotebook.errors import invalid, texts
from dxnotebook.explorer.filters import OF_ERRORS, normalized
from dxnotebook.explorer.groups import COLUMNS_OF_GROUPS
from dxnotebook.metrics.periods import Step
from dxnotebook.text import valid_utf8
from dxnotebook.times import moment

#: What a view is where it does not say; its columns are those that the tables suggest.
START: dict[str, Any] = {
    "filters": {},
    "sort": ["created_at", True],
    "columns": None,
    "widths": {},
    "zone": "UTC",
    "group": None,
    "group_sort": ["failed", True],
    "zoom": None,
    "job": None,
}
_FEWEST_PX, _MOST_PX = 40, 2000  # pixels


def whole(view: Mapping[str, Any], contents: Mapping[str, Any]) -> dict[str, Any]:
    """Return a view in the one form that it is kept in, with all that it does not say.

    Columns that the tables do not have are left out, so that a view can be used with others.

    Parameters
    ----------
    view : mapping
        All or some of `START`.
    contents : mapping
        What `cells.contents` says of the tables.

    Raises
    ------
    DxError
        When something in the view cannot be.
    """
    if not isinstance(view, Mapping):
        raise invalid("view", view, "is a dict such as {'sort': ['duration_s', True]}")
    if unknown := [name for name in view if name not in START]:
        raise invalid("view", unknown[0], f"names are: {', '.join(START)}")
    given = {name: START[name] if view.get(name) is None else view[name] for name in START}
    known = [name for name, *_ in contents["columns"]]
    columns = [name for name in texts("columns", given["columns"] or []) if name in known]
    return given | {
        "filters": normalized(given["filters"]),
        "sort": _sort(given["sort"], known),
        "columns": columns or contents["shown"],
        "widths": {n: px for n, px in _widths(given["widths"]).items() if n in known},
        "zone": Step.of("1d", _text("zone", given["zone"]) or "UTC").zone,  # or it is refused
        "group": given["group"] if given["group"] in [*dict(contents["groups"])] else None,
        "group_sort": _sort(given["group_sort"], COLUMNS_OF_GROUPS, "group_sort"),
        "zoom": given["zoom"] and _zoom(given["zoom"]),
        "job": _text("job", given["job"]),
    }


def brief(view: Mapping[str, Any], contents: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a view what is not so anyway."""
    usual = START | {"columns": contents["shown"]}
    return {name: part for name, part in view.items() if part != usual[name]}


def _sort(given: Any, known: Sequence[str], part: str = "sort") -> list[Any]:
    match given:
        case [str(name), bool(descending)]:
            is_sortable = name in known and name not in OF_ERRORS
            return [name, descending] if is_sortable else START[part]
    raise invalid(part, given, "is a column and whether it is descending")


def _zoom(given: Any) -> list[str | None]:
    match given:
        case [since, until]:
            return [moment("zoom", at).isoformat() if at else None for at in (since, until)]
    raise invalid("zoom", given, "is from when and until when, either of which may be None")


def _widths(given: Any) -> dict[str, int]:
    if isinstance(given, Mapping) and all(isinstance(px, int | float) for px in given.values()):
        # in this order a NaN becomes a number, too
        return {name: int(max(_FEWEST_PX, min(_MOST_PX, px))) for name, px in given.items()}
    raise invalid("widths", given, "are pixels by column")


def _text(name: str, given: Any) -> str | None:
    if given is None or isinstance(given, str):
        return given and valid_utf8(given)
    raise invalid(name, given, "is a text")
