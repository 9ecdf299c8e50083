"""The tolerant reading of JSON that the fast reader refuses: text → jobs, one by one, nothing lost.

`Scan` finds the jobs in a text of any of the forms that people save. A `Fitter` makes each of them fit the record
type: odd times and numbers are made regular, members that the type does not know are learnt, and a job that would
lose something is refused with a reason.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import pyarrow as pa

from dxnotebook.model import ELEMENT, TEXT, TIMESTAMP, Path, field_name, leaves, list_of
from dxnotebook.records.scan import kind_of
from dxnotebook.text import valid_utf8
from dxnotebook.times import instant

# These mark what we add beside a member: its text where the typed value does not carry all of it,
# and its JSON where it has no one type. Under a bare mark stand the members past the limit, and
# those whose names would be ambiguous.
TEXT_MARK = "\0text"
JSON_MARK = "\0json"

_AMBIGUOUS = re.compile(
    r"[\0.\ud800-\udfff]|\[\]"
)  # in a name: they mean something in paths, or are no UTF-8
_MOST_LEARNT = 200
_DEEPEST_LIST = 2

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII)


class Misfit(Exception):  # noqa: N818 (it is a reason, and never leaves the package)
    """A job, or a member of one, cannot be typed without losing something."""


@dataclass
class Struct:
    """A structure that can learn: the members of the model, and those met since."""

    known: dict[str, Node] = field(default_factory=dict)
    learnt: dict[str, Node] = field(default_factory=dict)


# a structure, a list of one kind of element, a scalar (an Arrow type), or None: what was only ever
# null
Node: TypeAlias = "Struct | list[Any] | Any | None"


def tree(data_type: pa.DataType) -> Node:
    """Return a type as a tree that can learn."""
    if pa.types.is_struct(data_type):
        return Struct({member.name: tree(member.type) for member in data_type})
    return [tree(data_type.value_type)] if pa.types.is_list(data_type) else data_type


def arrow(node: Node) -> pa.DataType:
    """Return the Arrow type of a tree."""
    if isinstance(node, Struct):
        return pa.struct(
            [(name, arrow(member)) for name, member in (node.known | node.learnt).items()]
        )
    if isinstance(node, list):
        return pa.list_(arrow(node[0]))
    return pa.null() if node is None else node


class Fitter:
    """Makes jobs fit a record type that grows by what they bring.

    Attributes
    ----------
    learnt : dict of Path to pyarrow.DataType
        The scalars met that the model does not know, in the order they were met.
    unzoned : int
        How many times named no zone and were taken as UTC.
    """

    def __init__(self, record: pa.DataType) -> None:
        self._root = tree(record)
        self.learnt: dict[Path, pa.DataType] = {}
        self._met = 0
        self._lists = {
            field_name(path): path for path in filter(None, (list_of(p) for p, _ in leaves(record)))
        }
        self.unzoned = 0

    @property
    def record(self) -> pa.DataType:
        """The record type as it is by now."""
        return arrow(self._root)

    def fit(self, job: Any) -> dict[str, Any]:
        """Return a job as values of the record type; raise Misfit where it would lose something."""
        if not isinstance(job, dict):
            raise Misfit(f"found {kind_of(job)} where a job should be")
        for name in ("Arn", "Id"):
            if not job.get(name) or (name == "Arn" and type(job[name]) is not str):
                raise Misfit(f"{name} is {kind_of(job[name])}" if job.get(name) else f"no {name}")
        details = job.get("Details")
        if isinstance(details, dict):
            filled = [
                name for name, branch in details.items() if isinstance(branch, dict) and branch
            ]
            if len(filled) > 1:
                raise Misfit(f"Details has {len(filled)} branches: {', '.join(filled)}")
            job = {
                **job,
                "Details": {
                    n: b for n, b in details.items() if n in filled or not isinstance(b, dict)
                },
            }
        return self._members(job, self._root, ())  # type: ignore[arg-type]  # the root is a structure

    def _fit(self, value: Any, node: Node, path: Path) -> Any:
        """Return the value of a member of the model; raise Misfit where it is of another kind."""
        if value is None:
            return None
        if isinstance(node, Struct):
            if isinstance(value, dict):
                return self._members(value, node, path)
            raise Misfit(f"{_dotted(path)} is {kind_of(value)}, not an object")
        if isinstance(node, list):
            if not isinstance(value, list):
                raise Misfit(f"{_dotted(path)} is {kind_of(value)}, not a list")
            if path.count(ELEMENT) and any(map(_is_empty, value)):
                raise Misfit(f"{_dotted(path)} holds an empty element")
            return [self._fit(element, node[0], (*path, ELEMENT)) for element in value]
        try:
            return _scalar(value, node)
        except Misfit as reason:
            raise Misfit(f"{_dotted(path)} {reason}") from None

    def _members(self, value: dict[str, Any], node: Struct, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for name, member in value.items():
            expected = node.known.get(name)
            if expected == TIMESTAMP and member is not None:
                members[name] = self._time(name, member, node, path, members)
            elif name in node.known:
                members[name] = self._fit(member, expected, (*path, name))
            elif not _AMBIGUOUS.search(name) and (name in node.learnt or self._met < _MOST_LEARNT):
                self._keep(name, member, node, path, members)
            else:
                rest[name] = member
        if rest:
            self._keep(JSON_MARK, _dumps(rest), node, path, members)
        return members

    def _time(
        self, name: str, value: Any, node: Struct, path: Path, members: dict[str, Any]
    ) -> str:
        try:
            time, exact, zoned = instant(value)
        except ValueError as reason:
            raise Misfit(f"{_dotted((*path, name))} {reason}") from None
        self.unzoned += not zoned
        if not exact:
            self._keep(name + TEXT_MARK, value, node, path, members)
        return time.isoformat(timespec="microseconds")

    def _keep(
        self, name: str, value: Any, node: Struct, path: Path, members: dict[str, Any]
    ) -> None:
        """Put a member that the model does not know among the members, with a type that it has learnt."""
        before = len(self.learnt)
        try:
            learnt, fitted = self._learn(node.learnt.get(name), value, (*path, name))
        except Misfit:
            while len(self.learnt) > before:
                self.learnt.popitem()
            name += JSON_MARK
            learnt, fitted = self._learn(TEXT, _dumps(value), (*path, name))
        self._met += name not in node.learnt
        node.learnt[name] = learnt
        members[name] = fitted

    def _learn(self, node: Node, value: Any, path: Path) -> tuple[Node, Any]:
        """Return a node that holds this value and all that the node held, and the value in it."""
        if value is None:
            return node, None
        if isinstance(value, dict) and (node is None or isinstance(node, Struct)):
            node = node or Struct()
            return node, self._members(value, node, path)
        if isinstance(value, list) and (node is None or isinstance(node, list)):
            depth = path.count(ELEMENT)
            if depth >= _DEEPEST_LIST or any(
                isinstance(e, list) or (depth and _is_empty(e)) for e in value
            ):
                raise Misfit
            element: Node = node[0] if node else None
            fitted = []
            for item in value:
                element, item_fitted = self._learn(element, item, (*path, ELEMENT))
                fitted.append(item_fitted)
            return [element], fitted
        learnt = _scalar_type(value)
        if learnt is None or node not in (None, learnt):
            raise Misfit
        if (listed := list_of(path)) and self._lists.setdefault(
            field_name(listed), listed
        ) != listed:
            raise Misfit
        self.learnt.setdefault(path, learnt)
        return learnt, valid_utf8(value) if isinstance(value, str) else value


def _dotted(path: Path) -> str:
    return ".".join(path).replace(f".{ELEMENT}", ELEMENT)


def _is_empty(value: Any) -> bool:
    """Tell whether a value leaves no trace in the columns of a row."""
    members = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    )
    return all(
        member is None if not isinstance(member, dict | list) else _is_empty(member)
        for member in members
    )


def _scalar_type(value: Any) -> pa.DataType | None:
    """Return the type that holds a scalar exactly, None where there is none."""
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64() if -(2**63) <= value < 2**63 else None
    return {str: TEXT, float: pa.float64()}.get(type(value))


def _scalar(value: Any, expected: pa.DataType | None) -> Any:
    """Return the value of a scalar of the model; a number where text was is its text, and the other way round."""
    if isinstance(value, dict | list):
        raise Misfit(f"is {kind_of(value)}, not a value")
    if expected == TEXT:
        return valid_utf8(value) if isinstance(value, str) else json.dumps(value)
    if isinstance(value, bool) != (expected == pa.bool_()):
        raise Misfit(f"is {kind_of(value)}")
    return value if isinstance(value, bool) else _number(value, expected)


def _number(value: Any, expected: pa.DataType | None) -> int | float:
    """Return a number, also of its text, in the type expected; raise Misfit where that would change it."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise Misfit("is not a number")
    exact = Fraction(value) if not isinstance(value, float) else value
    number = int(exact) if expected == pa.int64() else float(value)
    if not math.isfinite(number) or (exact != number and Fraction(exact).denominator == 1):
        raise Misfit("is a number that its type cannot hold")
    return number


def _dumps(value: Any) -> str:
    return valid_utf8(json.dumps(value, ensure_ascii=False))
