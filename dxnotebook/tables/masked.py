"""Tables to share: what names somebody, or somebody's things, becomes a stable alias.

Of texts only that stays which is known to say nothing: names and codes of the API, words of AWS's
own documentation, numbers. What is unknown is masked.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

import pandas as pd

from dxnotebook.errors import LoadError, invalid
from dxnotebook.model import described, singular, snake
from dxnotebook.records.fit import JSON_MARK
from dxnotebook.records.redact import REDACTED
from dxnotebook.tables.jobtables import AS_OF, JOINED, JobTables, checked
from dxnotebook.tables.rebuild import PATHS

# whose documentation has the words of messages
_SERVICES = ("dataexchange", "iam", "kms", "lakeformation", "s3", "sts")
# columns by what is in them; in any other are names, or ids of things
_API_NAMES, _PROSE = ("details_branch", "field"), ("message", "reason")
_KEYS = ("asset_name", "key", "key_pattern", "key_prefix")
_CODES = {"code", "encryption_type", "limit_name", "permission", "protocol_type", "region"}
_CODES |= {"resource_type", "state", "type"}
_NOT_TEXT: Any = ("number", "bool", "boolean", "datetime", "datetimetz", "timedelta")

_CODE = re.compile(r"[A-Z][A-Z0-9_]*")
_OWN_FORM = re.compile(r"\d{12}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
# a region, a number, a part of a time
_PLAIN = re.compile(r"(?a:[a-z]+(-[a-z]+)+-\d|-?\d[\d.]*|\d{4}(-\d\d){2}(T\d\d)?|\d\d(\.\d+)?Z)")
# what stands between spaces and punctuation, and what goes on behind some of that, or is an ARN, an
# address or a path; of that which follows a bucket, whose alias is known, only the path is left
_ATOM = r"[^\s!-/:-@\[-`{-~]+"
_ATOMS = re.compile(_ATOM)
_PLACE = r"(?:arn:aws|[A-Za-z]\w*://|(?:(?<=\s)|^)/)[^\s\"'<>,;()]*\w"
_NAME_OR_WORD = re.compile(rf"{_PLACE}|{_ATOM}(?:[.+@_-]+{_ATOM})*")
# what stays of keys and ARNs
_FILE_ENDINGS = "avro|bz2|csv|gz|jsonl?|orc|parquet|tar|tsv|txt|xml|zip|zst"
_BETWEEN_PARTS = re.compile(rf"([:/*]|\$\{{[\w.]+\}}|(?:\.(?:{_FILE_ENDINGS}))+\Z)")
# a text, or the name of a member, or what may be an account
_JSON_VALUE = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b\d{12}\b')


def masked(tables: JobTables, key: str | bytes | None = None) -> JobTables:
    """Return tables to share, in which accounts, names, ids and free texts are aliases.

    Parameters
    ----------
    tables : JobTables
        The jobs to share.
    key : str or bytes, optional
        What makes the aliases, to be kept secret: the same key gives the same aliases, also in
        other tables. By default a random one that is thrown away.

    Returns
    -------
    JobTables
        Tables of the same rows and columns, which join, load into an explorer, report, export or
        archive, and give jobs, as the ones given. States, types, codes, regions, times, counts and
        the names of members stay; ARNs are ARNs and ids are ids still; keys keep their slashes and
        the ending of files. Of messages the words of AWS's documentation stay, and numbers, but not
        within ARNs, addresses and paths.

    Raises
    ------
    DxError
        When given something else than tables, or a key that is none.

    Notes
    -----
    An alias is a part of the HMAC-SHA-256 of what it stands for. Nobody can compute it, or try out
    what it may stand for, without the key. Whoever has the key and the original tables can: their
    rows are in the same places.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client(jobs=200))
    >>> shared = dx.masked(tables, key="kept in a vault")
    >>> shared.details["bucket"].dropna().iloc[0]
    'bucket-00e02a018c24'
    >>> originals = dict(zip(shared.details["bucket"], tables.details["bucket"]))
    >>> originals[shared.details["bucket"].dropna().iloc[0]]
    'grid-load-raw-us-east-1'
    """
    secret = (key.encode() if isinstance(key, str) else key) if key else secrets.token_bytes()
    if not isinstance(secret, bytes) or key in ("", b""):
        raise invalid("key", type(key), "is a text or bytes, not empty")
    masks, tables = _Masks(secret), checked(tables)
    frames: dict[str, Any] = {name: getattr(tables, name) for name in (*JOINED, "rejects")}
    for in_texts in (False, True):  # what is a name is one in texts, too
        frames = {name: masks.applied(frame, in_texts=in_texts) for name, frame in frames.items()}
    told = {masks.prose(name): masks.prose(str(error)) for name, error in tables.failures.items()}
    return replace(tables, **frames, failures={name: LoadError(why) for name, why in told.items()})


class _Masks:
    """The aliases that a key makes, and those of the originals met."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._alias = cache(self._new_alias)
        self._word = cache(self._masked_word)
        self._met: dict[str, str] = {}
        self._longest: dict[str, int] = {}  # how many pieces follow a first one in originals

    def applied(self, frame: pd.DataFrame, *, in_texts: bool) -> pd.DataFrame:
        """Return a frame with its columns of names masked, or else those of texts."""
        result = frame.copy()
        result.attrs = {name: frame.attrs[name] for name in (PATHS, AS_OF) if name in frame.attrs}
        for name, is_json in _to_mask(frame, in_texts=in_texts).items():
            column, mask = frame[name], self._json if is_json else self._text
            is_category = column.dtype == "category"
            texts = (column.cat.categories if is_category else column).astype("str")
            aliases = {text: mask(text, name) for text in texts.dropna().unique()}
            if not in_texts:
                self._learn(aliases)
            result[name] = column.map(aliases) if is_category else texts.map(aliases).astype("str")
        return result

    def _learn(self, aliases: dict[str, str]) -> None:
        """Know originals, from their first piece to the last, wherever they stand in a text."""
        for original, alias in sorted(aliases.items()):
            # ids and ARNs are known by their forms
            has_form = original.startswith("arn:") or _has_own_form(original)
            says_nothing = has_form or original == alias
            if pieces := [] if says_nothing else _ATOMS.findall(original):
                first, last = pieces[0], pieces[-1]
                span = original[original.index(first) : original.rindex(last) + len(last)]
                self._met[span] = alias.strip("/")
                self._longest[first] = max(self._longest.get(first, 0), len(pieces))

    def _text(self, text: str, name: str) -> str:
        """Return what stands for a text in a column, or a member, of that name."""
        name = name.removesuffix("_text")
        if name in _PROSE:
            return self.prose(text)
        if text in ("", REDACTED) or (name in _CODES and _CODE.fullmatch(text)):
            return text
        if name in _CODES or name.endswith("_at"):
            return self._words(text)
        if text.startswith("arn:") or name in _KEYS:
            return self._parts(text)
        return self._alias(text, name)

    def prose(self, text: str) -> str:
        """Return a text with what was met masked, the longest at each place, and all names."""
        pieces, result, done = [*_ATOMS.finditer(text)], "", 0
        for place, first in enumerate(pieces):
            lasts = pieces[place : place + self._longest.get(first[0], 0)]
            spans = (text[first.start() : last.end()] for last in reversed(lasts))
            original = next((span for span in spans if span in self._met), None)
            if original and first.start() >= done:
                result += self._words(text[done : first.start()]) + self._met[original]
                done = first.start() + len(original)
        return result + self._words(text[done:])

    def _words(self, text: str) -> str:
        """Return a text in which only words stay that say nothing."""
        return _NAME_OR_WORD.sub(lambda match: self._word(match[0]), text)

    def _masked_word(self, word: str) -> str:
        if word.startswith(("arn:", "/")):
            return self._parts(word)
        if "://" in word:
            scheme, _, place = word.partition("://")
            host, slash, path = place.partition("/")
            is_bucket = scheme.lower().startswith("s3")
            name = self._alias(host, "bucket") if is_bucket else self._words(host)
            return f"{scheme}://{name}{self._parts(slash + path)}"
        says_nothing = word.lower() in _known_words() or _PLAIN.fullmatch(word)
        return word if says_nothing and not _has_own_form(word) else self._alias(word, "word")

    def _parts(self, text: str) -> str:
        """Return a key, or an ARN, part by part: all are masked but its form and known types."""
        parts, is_arn = _BETWEEN_PARTS.split(text), text.startswith("arn:")
        kind = "key" if not is_arn else "bucket" if parts[4:5] == ["s3"] else "resource"
        for place in range(0, len(parts), 2):
            part, has_types = parts[place], place + 1 < len(parts) and kind not in ("bucket", "key")
            if is_arn and place < 10:
                parts[place] = self._words(part)
            elif has_types and self._words(part) == part:
                kind = part.removesuffix("s")
            elif part:
                parts[place], kind = self._alias(part, kind), "key" if kind == "bucket" else kind
        return "".join(parts)

    def _new_alias(self, text: str, name: str) -> str:
        """Return what stands for a thing: an id of the same form, or its kind with a number."""
        original = text.encode("utf-8", "backslashreplace")
        digest = hmac.digest(self._key, original, "sha256").hex()
        if not _has_own_form(text):
            return f"{_thing(name)}-{digest[:12]}"
        if len(text) == 12:
            return str(10**11 + int(digest, 16) % (9 * 10**11))
        return str(UUID(digest[:32])) if "-" in text else digest[:32]

    def _json(self, text: str, name: str) -> str:
        """Return JSON with its texts masked, and what may be accounts among its numbers."""

        def masked_value(match: re.Match[str]) -> str:
            nonlocal name
            if match[2]:
                name = snake(singular(json.loads(match[1])))
                return match[0]
            value = self._text(json.loads(match[1]), name) if match[1] else None
            return self._alias(match[0], "") if value is None else json.dumps(value)

        return _JSON_VALUE.sub(masked_value, text)


def _to_mask(frame: pd.DataFrame, *, in_texts: bool) -> dict[str, bool]:
    """Return the columns of names, or else those of texts, and whether they are JSON."""
    found = {}
    for column in frame.select_dtypes(exclude=_NOT_TEXT):
        name = str(column)
        paths = frame.attrs.get(PATHS, {}).get(name, ())
        is_json = name == "raw" or any(path[-1].endswith(JSON_MARK) for path in paths)
        if name not in _API_NAMES and (is_json or name in _PROSE) == in_texts:
            found[name] = is_json
    return found


@cache
def _thing(name: str) -> str:
    """Return what is in a column, or a member, of that name."""
    return re.sub("_(id|name)$|.*_(?=bucket$)", "", name).replace("_", "-")


def _has_own_form(text: str) -> bool:
    return len(text) in (12, 32, 36) and _OWN_FORM.fullmatch(text) is not None


@cache
def _known_words() -> frozenset[str]:
    """Return the words of AWS's documentation, and the API's names, in small letters."""
    models = (json.dumps(described(name)) for name in _SERVICES)
    return frozenset(word.lower() for model in models for word in _NAME_OR_WORD.findall(model))
