"""Values without a form of their own, learned from how texts differ that are otherwise alike.

A value is a word or quoted text that is marked as one: it holds a mask, a digit, an underscore, a
dot or the like, as names do and words seldom. Texts that differ in such values only are alike.
So is a plain word taken for a value, if

- other texts, equal otherwise, have a marked value in its place, or
- `_MANY` different words in small letters stand there, in texts that are equal otherwise. A word
  just before a value is left alone, as it tells what the value is: *relation* and *schema*.

The rarest words of a text, up to three, are tried so; and whether a name with spaces, as of a file,
stands where others have one word. What is asked is what all the texts have in common, never
which came first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, coded, one_chunk
from dxnotebook.model import TEXT

_MANY = 5  # so many words at one place are names
_LONGEST = 200  # a text of more words is no sentence
_WIDEST = 6  # a name with spaces has fewer words
_SHOWN = 50  # so many texts tell how a value is shown
_QUOTES = "\"'`"
_START, _STOP, _VALUE, _FILE = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"  # which no text has
_UNITS = r"%|(?:(?:[kKMGTP]i?)?[bB]|bytes?|[mun]?s|m|h|d|sec(?:ond)?s?|min(?:ute)?s?|hours?|days?)\b"
_CHARS = r"\w\x{80}-\x{F8FF}.$@/+*~%&#-"
_PART = rf"(?:<[a-z]+>|[{_CHARS}])"
_END = r"(?:<[a-z]+>|[\w\x{80}-\x{F8FF}$/*~%-])"
_MARK = r"(?:<[a-z]+>|[@$]|\.\w|[a-z]_|_[a-z]|[a-z]\d|\d[a-z])"
_QUOTED = "|".join(  # more than one plain word
    rf"{quote}[^{quote}\s]*[^{quote}A-Za-z][^{quote}\s]*(?: [^{quote}\s]+){{0,2}}{quote}" for quote in "\"'`"
)
_MARKED = rf"(^|[\s(=:,\[])({_QUOTED}|/[^\s\"'`,;()]*[^\s\"'`,;().:!?])|(<n> ?(?:{_UNITS})|{_PART}*{_MARK}(?:{_PART}*{_END})?)"
_TOKEN = re.compile(
    rf"\s*(?:{_START}[^{_STOP}]*{_STOP}|[{_VALUE}{_FILE}]|\"[A-Za-z]+\"|'[A-Za-z]+'|`[A-Za-z]+`"
    rf"|[a-z\d-]+:[A-Z]\w*|[\w$/+*~%&#@.-]*[\w$/*~%-]|\S)"
)
_Key = tuple[str, ...]
_Places = list[tuple[int, int]]


def generalized(texts: pa.Array) -> pa.Array:
    """Return texts in which values are masked that only differ between texts otherwise alike."""
    encoded = one_chunk(texts).dictionary_encode()
    different = encoded.dictionary
    marked = pc.replace_substring_regex(different, _MARKED, rf"\1{_START}\2\3{_STOP}")
    keyed = pc.replace_substring_regex(
        marked, rf"{_START}[^{_STOP}]*\.[A-Za-z]\w{{1,9}}{_STOP}", _FILE
    )
    keyed = pc.replace_substring_regex(keyed, rf"{_START}[^{_STOP}]*{_STOP}", _VALUE)
    code, keyed = coded(keyed)
    alike, places = _alike(keyed.to_pylist())
    order = pc.sort_indices(marked).to_numpy()
    order = order[np.argsort(alike[code[order]], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(alike[code[order]])) + 1)
    shown = np.arange(len(different))
    common = []
    for group in groups:
        if len(group) > 1:
            some = group[np.linspace(0, len(group) - 1, min(len(group), _SHOWN)).astype(int)]
            shown[group] = len(different) + len(common)
            parts = [places.get(code[n]) for n in some]
            common.append(_common(marked.take(pa.array(some)).to_pylist(), parts))
    every = pa.concat_arrays([different, pa.array(common, TEXT)])
    return every.take(pa.array(shown)).take(encoded.indices)


def _alike(keyed: list[str]) -> tuple[Array, dict[int, _Places]]:
    """Return the number of the group of each text, and the places of those that are joined."""
    tokens = [list(map(str.lstrip, _TOKEN.findall(text))) for text in keyed]
    keys = [tuple(_VALUE if token == _FILE else token for token in each) for each in tokens]
    places: dict[int, _Places] = {}
    names: set[str] = set()
    before: list[_Key] = []
    while keys != before:
        before = keys
        crowd = _Crowd(key for key in keys if len(key) <= _LONGEST)
        crowd.names |= names
        opened = crowd.opened()
        names = crowd.names | {
            word for key, general in opened.items() for word in set(key).difference(general)
        }
        keys = [opened.get(key, key) for key in keys]
        for number, each in enumerate(tokens):
            if _FILE in each and crowd.keys[before[number]] < _MANY:
                whole = places.get(number) or [(n, n + 1) for n in range(len(each))]
                keys[number], places[number] = crowd.joined(keys[number], whole, each)
    number_of = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([number_of[key] for key in keys], np.int64), places


class _Crowd:
    """The keys of many texts: their words, and `_VALUE` for each value."""

    def __init__(self, keys: Iterable[_Key]) -> None:
        self.keys = Counter(keys)
        self._counts = Counter((len(key), *each) for key in self.keys for each in enumerate(key))
        words = {word for key in self.keys for word in key}
        self._words = {word for word in words if word.strip(_QUOTES)[:1].isalpha() and ":" not in word}
        quoted = {word for word in words if word[0] in _QUOTES and word.islower()}
        self.names = quoted | {word.strip(_QUOTES) for word in quoted}

    def _generals(self, key: _Key) -> Iterator[_Key]:
        """Yield a key with its rarest words as values, one after the other."""
        rare = sorted(
            (self._counts[len(key), n, word], n)
            for n, (word, after) in enumerate(zip(key, (*key[1:], ""), strict=True))
            if word in self._words and after != _VALUE  # a word before a value tells what it is
        )
        general = list(key)
        for _, place in rare[: min(3, len(rare) - 2)]:
            general[place] = _VALUE
            yield tuple(general)

    def opened(self) -> dict[_Key, _Key]:
        """Return the keys in which plain words are values, and what they are then."""
        found = defaultdict(list)
        for key in self.keys:
            for general in self._generals(key):
                found[general].append(key)
        opened: dict[_Key, _Key] = {}
        for general, keys in found.items():
            if general in self.keys or self._varies(general, keys):
                for key in keys:
                    opened[key] = min(opened.get(key, general), general, key=_narrowest)
        return opened

    def _varies(self, general: _Key, keys: list[_Key]) -> bool:
        """Tell whether different words, as names are, stand for each value of a key."""
        found = ({key[n] for key in keys} for n, word in enumerate(general) if word == _VALUE)
        return len(keys) > 1 and all(
            _VALUE in words or sum(map(self._weight, words)) >= 2 * _MANY for words in found
        )

    def _weight(self, word: str) -> int:
        # two names suffice; of capital words, as operations are, it takes twice as many
        return _MANY if word in self.names else 1 + word.islower()

    def joined(self, key: _Key, places: _Places, tokens: list[str]) -> tuple[_Key, _Places]:
        """Return a key in which a file's name with spaces is one word, as others have it."""
        for last in (n for n, (_, stop) in enumerate(places) if tokens[stop - 1] == _FILE):
            for first in range(last - 1, max(last - _WIDEST, -1), -1):
                if key[first] in ",;:\"'`":
                    break
                joined = (*key[:first], _VALUE, *key[last + 1 :])
                known = (each for each in (joined, *self._generals(joined)) if each in self.keys)
                if found := next(known, None):
                    whole = (places[first][0], places[last][1])
                    return found, [*places[:first], whole, *places[last + 1 :]]
        return key, places


def _narrowest(key: _Key) -> tuple[int, _Key]:
    return key.count(_VALUE), key


def _common(texts: list[str], places: list[_Places | None]) -> str:
    """Return the first of marked texts with masks where they differ."""
    rows = []
    for text, joined in zip(texts, places, strict=True):
        tokens = _TOKEN.findall(text)
        rows.append(["".join(tokens[a:b]) for a, b in joined] if joined else tokens)
    shown = "".join(_shown(words) for words in zip(*rows, strict=True))
    return shown.replace(_START, "").replace(_STOP, "")


def _shown(tokens: tuple[str, ...]) -> str:
    """Return what stands for the words at one place: their commonest mask, in their quotes."""
    words = [token.lstrip() for token in tokens]
    if len(set(words)) == 1:
        return tokens[0]
    quotes = {word.lstrip(_START)[0] for word in words}
    quote = min(quotes) if len(quotes) == 1 and quotes <= set("\"'`") else ""
    masks = Counter(re.findall(rf"^{_START}?[\"'`]?(<[a-z]+>)", "\n".join(words), re.MULTILINE))
    mask = min(masks, key=lambda mask: (-masks[mask], mask), default="<name>")
    return tokens[0][: -len(words[0])] + f"{quote}{mask}{quote}"
