"""The tolerant reading of JSON that the fast reader refuses: text → jobs, one by one, nothing lost.

`Scan` finds the jobs in a text of any of the forms that people save. A `Fitter` makes each of them fit the record
type: odd times and numbers are made regular, members that the type does not know are learnt, and a job that would
lose something is refused with a reason.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, TypeAlias

import pyarrow as pa

from dxnotebook.errors import FormatError
from dxnotebook.model import ELEMENT, TEXT, TIMESTAMP, Path, field_name, leaves, list_of

# These mark what we add beside a member: its text where the typed value does not carry all of it, and its JSON where
# it has no one type. Under a bare mark stand the members past the limit, and those whose names would be ambiguous.
TEXT_MARK = "\0text"
JSON_MARK = "\0json"

_AMBIGUOUS = re.compile(r"[\0.\ud800-\udfff]|\[\]")  # in a name: they mean something in paths, or are no UTF-8
_MOST_LEARNT = 200
_DEEPEST_LIST = 2
_DEEPEST = 100
_LONGEST_INTEGER = 1000
_SPACE = re.compile(r"[ \t\n\r]*")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII)
_EPOCH_SECONDS = (946_684_800, 10**11)  # 2000-01-01 to the year 5138; less is a date written as a number
_EPOCH_MILLISECONDS = (946_684_800_000, 10**14)


class Digits(str):
    """A number that no Python number holds, as its text."""

    __slots__ = ()


class Misfit(Exception):  # noqa: N818 (it is a reason, and never leaves the package)
    """A job, or a member of one, cannot be typed without losing something."""


_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"} | dict.fromkeys(
    (int, float, Digits), "a number"
)


@dataclass(frozen=True)
class Found:
    """A job as it stands in a text: the number of its document there, its place in that, and its value."""

    page: int
    position: int
    job: Any


class Scan:
    """Iterate over the jobs of a text: pages, jobs, lists of either, one or many, in any mixture.

    Attributes
    ----------
    offset : int
        Where the scan stands; everything before it was read whole.
    tokens : list
        The NextToken of every page met so far that has one, of whatever type it is.
    repeated : set of str
        The names of keys that occurred twice in one object.
    strangers : set of str
        Members of a page that ListJobs does not have.
    """

    def __init__(self, text: str, members: frozenset[str], line: int = 0) -> None:
        self._text = text
        self._line = line
        self._members = members
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=_float,
            parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_INTEGER else Digits(digits),
            parse_constant=Digits,
        )
        self.offset = 0
        self.tokens: list[Any] = []
        self.repeated: set[str] = set()
        self.strangers: set[str] = set()
        self.pages = 0

    def __iter__(self) -> Iterator[Found]:
        self._skip(0)
        while self.offset < len(self._text):
            if self._at("["):
                for _ in self._elements():
                    yield from self._document(in_list=True)
            else:
                yield from self._document()
            self._skip(self.offset)

    def _document(self, *, in_list: bool = False) -> Iterator[Found]:
        """Yield the jobs of one page, or the one job, that starts here."""
        page, start = self.pages, self.offset
        if not self._at("{"):
            value = self._value()
            if in_list and value is None:
                self.pages += 1
                yield Found(page, 0, None)
                return
            raise self._error(f"found {_kind(value)} where a page or a job should be", start)
        members: list[tuple[str, Any]] = []
        is_page, position = False, 0
        for key in self._keys():
            if key != "Jobs":
                members.append((key, self._value()))
                continue
            self.repeated |= {key} if is_page else set()
            is_page = True
            if not self._at("["):
                raise self._error(f"'Jobs' is {_kind(self._value())}, not a list", start)
            for _ in self._elements():
                yield Found(page, position, self._job())
                position += 1
        self.pages += 1
        rest = self._object(members)
        rest.pop("ResponseMetadata", None)
        if is_page:
            self.tokens += [rest.pop("NextToken")] if "NextToken" in rest else []
            self.strangers |= rest.keys()
        else:
            self._check_is_job(rest, start)
            yield Found(page, 0, rest)

    def _job(self) -> Any:  # noqa: ANN401 (any JSON value)
        start = self.offset
        job = self._value()
        if isinstance(job, dict) and "Arn" not in job:
            for key in job:
                if key.lower() == "arn":
                    raise self._error(f"found {key!r} where the API writes 'Arn'", start)
        return job

    def _check_is_job(self, job: dict[str, Any], start: int) -> None:
        if job.keys() & self._members:
            return
        cased = {name.lower(): name for name in ("Jobs", *sorted(self._members))}
        for key in job:
            if key.lower() in cased:
                raise self._error(f"found {key!r} where the API writes {cased[key.lower()]!r}", start)
        raise self._error("found an object that is neither a page with 'Jobs' nor a job with 'Arn' and 'Id'", start)

    def _keys(self) -> Iterator[str]:
        """Yield the keys of the object that starts here; the caller reads each value before it asks for the next."""
        self._skip(self.offset + 1)
        while not self._at("}"):
            if not self._at('"'):
                raise self._error("expected a key in quotes")
            key = self._value()
            if not self._at(":"):
                raise self._error("expected ':' after a key")
            self._skip(self.offset + 1)
            yield key
            self._separator("}")
        self._skip(self.offset + 1)

    def _elements(self) -> Iterator[None]:
        """Stop at each element of the list that starts here; the caller reads it before it asks for the next."""
        self._skip(self.offset + 1)
        while not self._at("]"):
            yield
            self._separator("]")
        self._skip(self.offset + 1)

    def _separator(self, end: str) -> None:
        if self._at(","):
            self._skip(self.offset + 1)
            if self._at(end):
                raise self._error(f"expected more after ',', found {end!r}")
        elif not self._at(end):
            raise self._error(f"expected ',' or {end!r}")

    def _value(self) -> Any:  # noqa: ANN401 (any JSON value)
        try:
            value, end = self._decoder.raw_decode(self._text, self.offset)
            too_deep = _is_deeper(value, _DEEPEST)
        except RecursionError:
            too_deep = True
        except json.JSONDecodeError as error:
            at = len(self._text) if error.msg.startswith("Unterminated") else error.pos
            raise self._error(error.msg[:1].lower() + error.msg[1:], at) from None
        if too_deep:
            raise self._error("the JSON is nested too deeply to be a listing of jobs")
        self._skip(end)
        return value

    def _at(self, character: str) -> bool:
        return self._text.startswith(character, self.offset)

    def _skip(self, offset: int) -> None:
        self.offset = _SPACE.match(self._text, offset).end()  # type: ignore[union-attr]  # it matches nothing too

    def _error(self, what: str, offset: int | None = None) -> FormatError:
        at = self.offset if offset is None else offset
        if at >= len(self._text.rstrip()):
            what = f"the text ends in the middle ({what})"
        line = self._line + self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        return FormatError(f"line {line}, column {column}: {what}")

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object; of a key that occurs twice the last value counts and another one is kept beside it."""
        members: dict[str, Any] = {}
        for key, value in pairs:
            if key in members and members[key] != value:
                members[f"{key}:{sum(name.startswith(f'{key}:') for name in members) + 1}"] = members[key]
                self.repeated.add(key)
            members[key] = value
        return members


def _float(digits: str) -> float | Digits:
    number = float(digits)
    return Digits(digits) if math.isinf(number) else number


def _is_deeper(value: Any, depth: int) -> bool:  # noqa: ANN401 (any JSON value)
    """Tell whether a value nests deeper than that; level by level, so that it needs no stack itself."""
    level = [value]
    for _ in range(depth):
        containers = [member for member in level if isinstance(member, dict | list)]
        if not containers:
            return False
        level = [member for c in containers for member in (c.values() if isinstance(c, dict) else c)]
    return True


def _kind(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return "null" if value is None else _KINDS[type(value)]


def instant(value: Any) -> tuple[datetime, bool, bool]:  # noqa: ANN401 (any JSON value)
    """Return the time that a value means, in UTC, whether that is all it says, and whether it names its zone.

    Raises
    ------
    Misfit
        When it is no time, or one outside the years 1 to 9999.
    """
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if isinstance(value, str):
        if match := _INSTANT.fullmatch(value.strip()):
            return _from_iso(*match.groups(default=""))
        if re.fullmatch(r"\d{9,14}(\.\d+)?", value, re.ASCII):
            number = float(value)
    if number is not None and _EPOCH_SECONDS[0] <= number < _EPOCH_SECONDS[1]:
        return datetime.fromtimestamp(number, UTC), True, True
    if number is not None and _EPOCH_MILLISECONDS[0] <= number < _EPOCH_MILLISECONDS[1]:
        return datetime.fromtimestamp(number / 1000, UTC), True, True
    raise Misfit("is not a time")


def _from_iso(day: str, minute: str, second: str, fraction: str, zone: str) -> tuple[datetime, bool, bool]:
    clock = f"{minute or '00:00'}{second or ':00'}.{fraction[:6]:0<6}"
    try:
        time = datetime.fromisoformat(f"{day}T{clock}{zone.upper() or 'Z'}").astimezone(UTC)
    except ValueError:
        raise Misfit("is not a time") from None
    except OverflowError:
        raise Misfit("lies outside the years 1 to 9999 in UTC") from None
    return time, not fraction[6:].strip("0"), bool(zone)


@dataclass
class Struct:
    """A structure that can learn: the members of the model, and those met since."""

    known: dict[str, Node] = field(default_factory=dict)
    learnt: dict[str, Node] = field(default_factory=dict)


# a structure, a list of one kind of element, a scalar (an Arrow type), or None: what was only ever null
Node: TypeAlias = "Struct | list[Any] | Any | None"


def tree(data_type: pa.DataType) -> Node:
    """Return a type as a tree that can learn."""
    if pa.types.is_struct(data_type):
        return Struct({member.name: tree(member.type) for member in data_type})
    return [tree(data_type.value_type)] if pa.types.is_list(data_type) else data_type


def arrow(node: Node) -> pa.DataType:
    """Return the Arrow type of a tree."""
    if isinstance(node, Struct):
        return pa.struct([(name, arrow(member)) for name, member in (node.known | node.learnt).items()])
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
        self._lists = {field_name(path): path for path in filter(None, (list_of(p) for p, _ in leaves(record)))}
        self.unzoned = 0

    @property
    def record(self) -> pa.DataType:
        """The record type as it is by now."""
        return arrow(self._root)

    def fit(self, job: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
        """Return a job as values of the record type; raise Misfit where it would lose something."""
        if not isinstance(job, dict):
            raise Misfit(f"found {_kind(job)} where a job should be")
        for name in ("Arn", "Id"):
            if not job.get(name) or (name == "Arn" and type(job[name]) is not str):
                raise Misfit(f"{name} is {_kind(job[name])}" if job.get(name) else f"no {name}")
        details = job.get("Details")
        if isinstance(details, dict):
            filled = [name for name, branch in details.items() if isinstance(branch, dict) and branch]
            if len(filled) > 1:
                raise Misfit(f"Details has {len(filled)} branches: {', '.join(filled)}")
            job = {**job, "Details": {n: b for n, b in details.items() if n in filled or not isinstance(b, dict)}}
        return self._members(job, self._root, ())  # type: ignore[arg-type]  # the root is a structure

    def _fit(self, value: Any, node: Node, path: Path) -> Any:  # noqa: ANN401 (any JSON value)
        """Return the value of a member of the model; raise Misfit where it is of another kind."""
        if value is None:
            return None
        if isinstance(node, Struct):
            if isinstance(value, dict):
                return self._members(value, node, path)
            raise Misfit(f"{_dotted(path)} is {_kind(value)}, not an object")
        if isinstance(node, list):
            if not isinstance(value, list):
                raise Misfit(f"{_dotted(path)} is {_kind(value)}, not a list")
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

    def _time(self, name: str, value: Any, node: Struct, path: Path, members: dict[str, Any]) -> str:  # noqa: ANN401
        try:
            time, exact, zoned = instant(value)
        except Misfit as reason:
            raise Misfit(f"{_dotted((*path, name))} {reason}") from None
        self.unzoned += not zoned
        if not exact:
            self._keep(name + TEXT_MARK, value, node, path, members)
        return time.isoformat(timespec="microseconds")

    def _keep(self, name: str, value: Any, node: Struct, path: Path, members: dict[str, Any]) -> None:  # noqa: ANN401
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

    def _learn(self, node: Node, value: Any, path: Path) -> tuple[Node, Any]:  # noqa: ANN401 (any JSON value)
        """Return a node that holds this value and all that the node held, and the value in it."""
        if value is None:
            return node, None
        if isinstance(value, dict) and (node is None or isinstance(node, Struct)):
            node = node or Struct()
            return node, self._members(value, node, path)
        if isinstance(value, list) and (node is None or isinstance(node, list)):
            depth = path.count(ELEMENT)
            if depth >= _DEEPEST_LIST or any(isinstance(e, list) or (depth and _is_empty(e)) for e in value):
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
        if (listed := list_of(path)) and self._lists.setdefault(field_name(listed), listed) != listed:
            raise Misfit
        self.learnt.setdefault(path, learnt)
        return learnt, escape(value) if isinstance(value, str) else value


def _dotted(path: Path) -> str:
    return ".".join(path).replace(f".{ELEMENT}", ELEMENT)


def _is_empty(value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    """Tell whether a value leaves no trace in the columns of a row."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return all(member is None if not isinstance(member, dict | list) else _is_empty(member) for member in members)


def _scalar_type(value: Any) -> pa.DataType | None:  # noqa: ANN401 (any JSON value)
    """Return the type that holds a scalar exactly, None where there is none."""
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64() if -(2**63) <= value < 2**63 else None
    return {str: TEXT, float: pa.float64()}.get(type(value))


def _scalar(value: Any, expected: pa.DataType | None) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the value of a scalar of the model; a number where text was is its text, and the other way round."""
    if isinstance(value, dict | list):
        raise Misfit(f"is {_kind(value)}, not a value")
    if expected == TEXT:
        return escape(value) if isinstance(value, str) else json.dumps(value)
    if isinstance(value, bool) != (expected == pa.bool_()):
        raise Misfit(f"is {_kind(value)}")
    return value if isinstance(value, bool) else _number(value, expected)


def _number(value: Any, expected: pa.DataType | None) -> int | float:  # noqa: ANN401 (any JSON scalar)
    """Return a number, also of its text, in the type expected; raise Misfit where that would change it."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise Misfit("is not a number")
    exact = Fraction(value) if not isinstance(value, float) else value
    number = int(exact) if expected == pa.int64() else float(value)
    if not math.isfinite(number) or (exact != number and Fraction(exact).denominator == 1):
        raise Misfit("is a number that its type cannot hold")
    return number


def escape(text: str) -> str:
    """Return a text that UTF-8 can hold: a lone surrogate becomes its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _dumps(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return escape(json.dumps(value, ensure_ascii=False))
