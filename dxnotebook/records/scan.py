"""The jobs in any JSON text: pages, jobs, lists of either, one or many, in any mixture."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from dxnotebook.errors import FormatError

_DEEPEST = 100
_LONGEST_INTEGER = 1000
_SPACE = re.compile(r"[ \t\n\r]*")


# all empty objects are this one, as there may be millions
_NOTHING: dict[str, Any] = {}


class Digits(str):
    """A number that no Python number holds, as its text."""

    __slots__ = ()


_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class Scan:
    """Iterate over the jobs of a text: pages, jobs, lists of either, one or many, in any mixture.

    A job comes with the number of its document and its position there.

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
            object_pairs_hook=self._dict, parse_float=_float, parse_int=_int, parse_constant=Digits
        )
        self.offset = 0
        self.tokens: list[Any] = []
        self.repeated: set[str] = set()
        self.strangers: set[str] = set()
        self.pages = 0

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        self._skip(0)
        while self.offset < len(self._text):
            if not self._at("["):
                yield from self._document()
                continue
            for _ in self._items("]"):
                if self._at("null"):
                    yield self.pages, 0, self._value()
                    self.pages += 1
                else:
                    yield from self._document()

    def _document(self) -> Iterator[tuple[int, int, Any]]:
        """Yield the jobs of one page, or the one job, that starts here."""
        start = self.offset
        if not self._at("{"):
            kind = kind_of(self._value())
            raise self._error(f"found {kind} where a page or a job should be", start)
        members: list[tuple[str, Any]] = []
        is_page, jobs = False, 0
        for _ in self._items("}"):
            key = self._key()
            if key != "Jobs":
                members.append((key, self._value()))
                continue
            self.repeated |= {key} if is_page else set()
            is_page = True
            if not self._at("["):
                raise self._error(f"'Jobs' is {kind_of(self._value())}, not a list", start)
            for _ in self._items("]"):
                at, job = self.offset, self._value()
                if isinstance(job, dict) and "Arn" not in job:
                    self._check_case(job, ("Arn",), at)
                yield self.pages, jobs, job
                jobs += 1
        rest = self._dict(members)
        rest.pop("ResponseMetadata", None)
        if is_page:
            self.tokens += [rest.pop("NextToken")] if "NextToken" in rest else []
            self.strangers |= rest.keys()
        elif rest.keys() & self._members:
            yield self.pages, 0, rest
        else:
            self._check_case(rest, ("Jobs", *sorted(self._members)), start)
            what = "an object that is neither a page with 'Jobs' nor a job with 'Arn' and 'Id'"
            raise self._error(f"found {what}", start)
        self.pages += 1

    def _check_case(self, job: dict[str, Any], names: Iterable[str], start: int) -> None:
        """Raise an error where a key is one of these names in another case."""
        cased = {name.lower(): name for name in names}
        for key in job:
            if name := cased.get(key.lower()):
                raise self._error(f"found {key!r} where the API writes {name!r}", start)

    def _items(self, end: str) -> Iterator[None]:
        """Stop at each item of the list or object that starts here; the caller reads it."""
        self._skip(self.offset + 1)
        while not self._at(end):
            yield
            if self._at(","):
                self._skip(self.offset + 1)
                if self._at(end):
                    raise self._error(f"expected more after ',', found {end!r}")
            elif not self._at(end):
                raise self._error(f"expected ',' or {end!r}")
        self._skip(self.offset + 1)

    def _key(self) -> str:
        """Return the key that starts here, and go to its value."""
        if not self._at('"'):
            raise self._error("expected a key in quotes")
        key = self._value()
        if not self._at(":"):
            raise self._error("expected ':' after a key")
        self._skip(self.offset + 1)
        return str(key)

    def _value(self) -> Any:
        try:
            value, end = self._decoder.raw_decode(self._text, self.offset)
            _check_depth(value)
        except RecursionError:
            what = "the JSON is nested too deeply to be a listing of jobs"
            raise self._error(what) from None
        except json.JSONDecodeError as error:
            at = len(self._text) if error.msg.startswith("Unterminated") else error.pos
            raise self._error(error.msg[:1].lower() + error.msg[1:], at) from None
        self._skip(end)
        return value

    def _at(self, character: str) -> bool:
        return self._text.startswith(character, self.offset)

    def _skip(self, offset: int) -> None:
        """Go there, and over the white space there."""
        space = _SPACE.match(self._text, offset)
        assert space, "it matches nothing, too"
        self.offset = space.end()

    def _error(self, what: str, offset: int | None = None) -> FormatError:
        at = self.offset if offset is None else offset
        if at >= len(self._text.rstrip()):
            what = f"the text ends in the middle ({what})"
        line = self._line + self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        return FormatError(f"line {line}, column {column}: {what}")

    def _dict(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object; of a key that occurs twice the last value counts.

        Another value is kept beside it, under the key with a number.
        """
        members = dict(pairs) if pairs else _NOTHING
        if len(members) == len(pairs):
            return members
        members, numbers = {}, defaultdict[str, Iterator[int]](lambda: itertools.count(1))
        for key, value in pairs:
            if key in members and not _are_same(members[key], value):
                number = next(n for n in numbers[key] if f"{key}:{n}" not in members)
                members[f"{key}:{number}"] = members[key]
                self.repeated.add(key)
            members[key] = value
        return members


def _are_same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON, in which 1 and true are two things."""
    return bool(one == other) and json.dumps(one) == json.dumps(other)


def _int(digits: str) -> int | Digits:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else Digits(digits)


def _float(digits: str) -> float | Digits:
    number = float(digits)
    return Digits(digits) if math.isinf(number) else number


def _check_depth(value: Any, left: int = _DEEPEST) -> None:
    """Raise RecursionError for what is nested too deeply."""
    if not left:
        raise RecursionError
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            if isinstance(member, dict | list):
                _check_depth(member, left - 1)


def kind_of(value: Any) -> str:
    """Return what a value is, in the words of JSON."""
    return _KINDS.get(type(value), "a number")
