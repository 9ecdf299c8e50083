"""Odd jobs → values of the record type, which learns the members that the model does not know.

Odd times and numbers are made regular, members that the type lacks are learnt, and a job that would
lose something is refused with a reason.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pyarrow as pa

from dxnotebook import model as models
from dxnotebook.model import ELEMENT, TEXT, TIMESTAMP, Path, field_name, leaves, list_of
from dxnotebook.records.scan import Digits, kind_of
from dxnotebook.text import valid_utf8
from dxnotebook.times import instant

# These mark what we add beside a member: its text where the typed value does not carry all of it,
# and its JSON where it has no one type. Under a bare mark stand the members past the limit, and
# those whose names would be ambiguous.
TEXT_MARK = "\0text"
JSON_MARK = "\0json"

#: How many elements of a list may be empty, as each is a row.
MOST_EMPTY = 1_000

# in a name: they mean something in paths, or are no UTF-8
_AMBIGUOUS = re.compile(r"[\0.\ud800-\udfff]|\[\]|^$")
_MOST_LEARNT = 200

_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII)
# ConvertTo-Json writes some values as objects, with what PowerShell has added to them
_POWERSHELL = {"value", "displayhint", "datetime", "count"}
_DYNAMODB = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}
_LEARNT_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: TEXT}


class Misfit(Exception):  # noqa: N818 (it is a reason, and never leaves the package)
    """A job, or a member of one, cannot be typed without losing something."""


@dataclass
class Node:
    """What stands at one place of a record: a structure, a list or a scalar.

    The model's nodes are fixed, but a structure of them can learn further members. A learnt node
    takes its kind from the first value that is not null.

    Attributes
    ----------
    kind : type, pyarrow.DataType or None
        ``dict``, ``list``, or a scalar's type: of Arrow in the model, of Python if learnt. None as
        long as nothing but null was met.
    known : bool
        Whether it is the model's.
    members : dict of str to Node
        A structure's members; a list's one kind of element, under ``ELEMENT``.
    """

    kind: Any = None
    known: bool = False
    members: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def of(cls, data_type: pa.DataType) -> Node:
        """Return the node of a type of the model."""
        if pa.types.is_struct(data_type):
            return cls(dict, True, {member.name: cls.of(member.type) for member in data_type})
        if pa.types.is_list(data_type):
            return cls(list, True, {ELEMENT: cls.of(data_type.value_type)})
        return cls(data_type, True)

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of what stands here."""
        if self.kind is dict:
            return pa.struct([(name, member.type) for name, member in self.members.items()])
        if self.kind is list:
            return pa.list_(self.members[ELEMENT].type)
        return _LEARNT_TYPES.get(self.kind, self.kind or pa.null())


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
        self._root = Node.of(record)
        self.learnt: dict[Path, pa.DataType] = {}
        self.unzoned = 0
        self._names_learnt = 0
        # whose each name of a list is in `details.field`, where two lists must not share one
        lists = filter(None, (list_of(path) for path, _ in leaves(record)))
        self._lists = {field_name(path): path for path in lists}

    @property
    def record(self) -> pa.DataType:
        """The record type as it is by now."""
        return self._root.type

    def fit(self, job: Any) -> dict[str, Any]:
        """Return a job as values of the record type; raise Misfit where it would lose something."""
        if not isinstance(job, dict):
            raise Misfit(f"found {kind_of(job)} where a job should be")
        # frames have NaN for what a job has not
        job = {n: value for n, value in job.items() if type(value) is not Digits or value != "NaN"}
        for name in ("Arn", "Id"):
            if not job.get(name):
                raise Misfit(f"no {name}")
            if name == "Arn" and type(job[name]) is not str:
                raise Misfit(f"{name} is {_described(job[name])}")
        if isinstance(job.get("Details"), dict):
            # an empty branch says nothing, and would count as a second one
            job["Details"] = {name: b for name, b in job["Details"].items() if b != {}}
            filled = [name for name, b in job["Details"].items() if isinstance(b, dict)]
            if len(filled) > 1:
                raise Misfit(f"Details has {len(filled)} branches: {', '.join(filled)}")
        return self._members(job, self._root, ())

    def _members(self, value: dict[str, Any], node: Node, path: Path) -> dict[str, Any]:
        """Return an object as values of a structure, which learns the members it does not know."""
        if not value:
            return value
        members: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        for name, member in value.items():
            expected = node.members.get(name)
            if expected and expected.known:
                members |= self._known(name, member, node, path)
            elif not _AMBIGUOUS.search(name) and (expected or self._names_learnt < _MOST_LEARNT):
                members |= self._learn(name, member, node, path)
            else:
                rest[name] = member
        return members | self._learn(JSON_MARK, _json(rest), node, path) if rest else members

    def _known(self, name: str, value: Any, node: Node, path: Path) -> dict[str, Any]:
        """Return a member of the model, and beside a time its text where that is more exact."""
        expected, below = node.members[name], (*path, name)
        value = _unwrapped(value, expected)
        if expected.kind != TIMESTAMP or value is None:
            return {name: self._fit(value, expected, below)}
        time, exact = self._time(value, below)
        return {name: time} | ({} if exact else self._learn(name + TEXT_MARK, value, node, path))

    def _time(self, value: Any, path: Path) -> tuple[str, bool]:
        """Return a time as the reader takes it, and whether that is all of it."""
        try:
            time, exact, zoned = instant(value)
        except ValueError as reason:
            form = f" but {_described(value)}" if isinstance(value, dict | list) else ""
            raise Misfit(f"{dotted(path)} {reason}{form}") from None
        self.unzoned += not zoned
        return time.isoformat(timespec="microseconds"), exact

    def _fit(self, value: Any, node: Node, path: Path) -> Any:
        """Return a value in the type of the model; raise Misfit where it is of another kind."""
        value = _unwrapped(value, node)
        if value is None:
            return None
        if node.kind == TIMESTAMP:  # in a list, so that no text can stand beside it
            time, exact = self._time(value, path)
            if not exact:
                raise Misfit(f"{dotted(path)} has more digits than microseconds have")
            return time
        if node.kind not in (dict, list):
            try:
                return _scalar(value, node.kind)
            except Misfit as reason:
                raise Misfit(f"{dotted(path)} {reason}") from None
        if not isinstance(value, node.kind):
            expected = "an object" if node.kind is dict else "a list"
            raise Misfit(f"{dotted(path)} is {_described(value)}, not {expected}")
        if isinstance(value, dict):
            return self._members(value, node, path)
        if len(value) > MOST_EMPTY and (empty := sum(map(_is_empty, value))) > MOST_EMPTY:
            raise Misfit(f"{dotted(path)} holds {empty:,} empty elements")
        # the lists in an element share its rows, on which an empty element would leave no trace
        if ELEMENT in path and any(map(_is_empty, value)):
            raise Misfit(f"{dotted(path)} holds an empty element")
        return [self._fit(each, node.members[ELEMENT], (*path, ELEMENT)) for each in value]

    def _learn(self, name: str, value: Any, node: Node, path: Path) -> dict[str, Any]:
        """Return a member that the model does not know; its JSON where it has no one type."""
        place = node.members.get(name, Node())
        if not self._can_hold(place, value, (*path, name)):
            name, value = name + JSON_MARK, _json(value)
            place = node.members.get(name, Node())
        member = self._put(value, place, (*path, name))
        self._names_learnt += name not in node.members
        node.members[name] = place
        return {name: member}

    def _can_hold(self, node: Node, value: Any, path: Path) -> bool:
        """Tell whether a learnt node can hold a value beside all that it held.

        A structure can hold every object: what one of its members cannot hold becomes JSON there.
        """
        if not isinstance(value, list):
            return value is None or _agree(node, [value])
        depth = path.count(ELEMENT)
        # no row would show it, or it shares them (see _fit)
        is_lost = (value and _is_empty(value)) or (depth and any(map(_is_empty, value)))
        is_taken = not depth and self._lists.get(field_name(path), path) != path
        if node.kind not in (None, list) or depth >= models.DEEPEST_LIST or is_lost or is_taken:
            return False
        return _agree(node.members.get(ELEMENT, Node()), value)

    def _put(self, value: Any, node: Node, path: Path) -> Any:
        """Return a value as the learnt node has it, which can hold it."""
        if value is None:
            return None
        node.kind = type(value)
        if isinstance(value, dict):
            return self._members(value, node, path)
        if isinstance(value, list):
            element = node.members.setdefault(ELEMENT, Node())
            return [self._put(each, element, (*path, ELEMENT)) for each in value]
        self.learnt[path] = _LEARNT_TYPES[node.kind]
        if listed := list_of(path):
            self._lists[field_name(listed)] = listed
        return valid_utf8(value) if isinstance(value, str) else value


def dotted(path: Path) -> str:
    """Return a path as people read it."""
    return ".".join(path).replace(f".{ELEMENT}", ELEMENT)


def _unwrapped(value: Any, node: Node) -> Any:
    """Return the value that PowerShell made an object of, or else the value itself."""
    if not isinstance(value, dict) or node.kind is dict:
        return value
    members = {name.lower(): member for name, member in value.items()}
    return members["value"] if "value" in members and members.keys() <= _POWERSHELL else value


def _described(value: Any) -> str:
    """Return what a value is, and which other program's form it looks like."""
    kind, name = kind_of(value), next(iter(value), "") if isinstance(value, dict) else ""
    if name in _DYNAMODB and len(value) == 1:
        return f'{kind} (looks like DynamoDB JSON: {{"{name}": …}}, unmarshall it first)'
    if name.startswith("$"):
        return f"{kind} (looks like MongoDB's extended JSON, read it with bson.json_util first)"
    if isinstance(value, str) and value.startswith(("Amazon.", "System.", "@{")):
        return f"{kind} (looks like PowerShell has cut it off, use ConvertTo-Json -Depth 20)"
    return kind


def _is_empty(value: Any) -> bool:
    """Tell whether a value leaves no trace in the columns of a row."""
    if isinstance(value, dict):
        value = list(value.values())
    return all(map(_is_empty, value)) if isinstance(value, list) else value is None


def _agree(node: Node, values: list[Any]) -> bool:
    """Tell whether values are all objects, or all scalars of one type, like what the node held."""
    kinds = {node.kind, *map(_kind, values)} - {None}
    return len(kinds) <= 1 and kinds <= {dict, *_LEARNT_TYPES}


def _kind(value: Any) -> type | None:
    """Return a value's type; None for null, and object for an integer beyond 64 bits."""
    too_large = type(value) is int and not -(2**63) <= value < 2**63
    return None if value is None else object if too_large else type(value)


def _scalar(value: Any, expected: pa.DataType) -> Any:
    """Return a scalar in the type of the model: a number as text, or a text as its number."""
    if isinstance(value, dict | list):
        raise Misfit(f"is {_described(value)}, not a value")
    if expected == TEXT:
        return valid_utf8(value) if isinstance(value, str) else json.dumps(value)
    if isinstance(value, bool) != (expected == pa.bool_()):
        raise Misfit(f"is {kind_of(value)}")
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise Misfit("is not a number")
    exact = value if isinstance(value, float) else Fraction(value)
    # from text, so that an integer beyond every float is infinite instead of an OverflowError
    number = int(exact) if expected == pa.int64() else float(str(value))
    if not math.isfinite(number) or (exact != number and Fraction(exact).denominator == 1):
        raise Misfit("is a number that its type cannot hold")
    return number


def _json(value: Any) -> str:
    return valid_utf8(json.dumps(value, ensure_ascii=False))
