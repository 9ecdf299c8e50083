"""Values without a form of their own, learned from how texts differ that are otherwise alike.

A word is taken for a value if it is marked as names are and words seldom: it holds a mask, a digit,
an underscore or a dot, or there is more than one plain word in its quotes. So is a plain word if

- a marked one stands in its place in another text that is equal otherwise, or
- different words stand there, in texts that are equal otherwise: `_MANY` of them, twice as many if
  they begin with a capital, as operations and permissions do; or two that are known for names, as
  they stand in quotes, or were found to be values elsewhere.

But a word just before a value is none: it tells what the value is, as in ``relation "x"``. Up to
three plain words of a text may be values, its rarest ones. A file's name with spaces is one where
others have one word. Texts are then alike if they are equal but for values. What decides is what
all the texts have in common, never which came first.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, coded, one_chunk
from dxnotebook.model import TEXT

_MANY = 5  # so many words at one place are names
_LONGEST = 200  # a text of more words is no sentence
_MOST_WORDS = 6  # a name with spaces has fewer words
_SHOWN = 50  # so many texts tell how a value is shown
_QUOTES = "\"'`"
# which no text has
_START, _STOP, _ANY_VALUE, _FILE_NAME = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
_AFTER_NUMBER = (
    r"%|(?:(?:[kKMGTP]i?)?[bB]|[mun]?s|m|h|d|(?:byte|sec|second|min|minute|hour|day)s?)\b"
)
_CHARS = r"\w\x{80}-\x{F8FF}.$@/+*~%&#-"
_PART = rf"(?:<[a-z]+>|[{_CHARS}])"
_LAST = r"(?:<[a-z]+>|[\w\x{80}-\x{F8FF}$/*~%-])"
_OF_NAMES = r"(?:<[a-z]+>|[@$]|\.\w|[a-z]_|_[a-z]|[a-z]\d|\d[a-z])"
_QUOTED = "|".join(  # more than one plain word
    rf"{quote}[^{quote}\s]*[^{quote}A-Za-z][^{quote}\s]*(?: [^{quote}\s]+){{0,2}}{quote}"
    for quote in "\"'`"
)
_PATH = r"/[^\s\"'`,;()]*[^\s\"'`,;().:!?]"
_MARKED = (
    rf"(^|[\s(=:,\[])({_QUOTED}|{_PATH})"
    rf"|(<n> ?(?:{_AFTER_NUMBER})|{_PART}*{_OF_NAMES}(?:{_PART}*{_LAST})?)"
)
_MARKED_FILE = rf"{_START}[^{_STOP}]*\.[A-Za-z]\w{{1,9}}{_STOP}"
_WORD_OR_SIGN = re.compile(
    rf"\s*(?:{_START}[^{_STOP}]*{_STOP}|[{_ANY_VALUE}{_FILE_NAME}]"
    r"|\"[A-Za-z]+\"|'[A-Za-z]+'|`[A-Za-z]+`|[a-z\d-]+:[A-Z]\w*"
    r"|[\w$/+*~%&#@-]+(?:\.+[\w$/+*~%&#@-]+)*|\S)"
)
_Key = tuple[str, ...]


def generalized(texts: pa.Array) -> pa.Array:
    """Return texts in which values are masked that only differ between texts otherwise alike."""
    encoded = one_chunk(texts).dictionary_encode()
    different = encoded.dictionary
    marked = pc.replace_substring_regex(different, _MARKED, rf"\1{_START}\2\3{_STOP}")
    keyed = pc.replace_substring_regex(marked, _MARKED_FILE, _FILE_NAME)
    keyed = pc.replace_substring_regex(keyed, rf"{_START}[^{_STOP}]*{_STOP}", _ANY_VALUE)
    code, keyed = coded(keyed)
    group, words = _alike(keyed.to_pylist())
    rows = pd.DataFrame({"text": marked.to_pandas(), "group": group[code], "words": words[code]})
    result = different.to_numpy(zero_copy_only=False)
    several = rows[rows.duplicated("group", keep=False)].sort_values(["words", "text"])
    for _, alike in several.groupby("group"):
        some = alike["text"].iloc[np.linspace(0, len(alike) - 1, _SHOWN).astype(int)]
        result[alike.index] = _common(some.unique())
    return pa.array(result, TEXT).take(encoded.indices)


def _alike(keyed: list[str]) -> tuple[Array, Array]:
    """Return the number of the group of each text, and how many words each has."""
    tokens = [list(map(str.lstrip, _WORD_OR_SIGN.findall(text))) for text in keyed]
    words = np.array(list(map(len, tokens)), int)
    keys = [tuple(_ANY_VALUE if one == _FILE_NAME else one for one in each) for each in tokens]
    names: set[str] = set()
    before: list[_Key] = []
    while keys != before:
        before, crowd = keys, _Crowd((key for key in keys if len(key) <= _LONGEST), names)
        opened = crowd.opened()
        names = crowd.names.union(*(set(key).difference(opened[key]) for key in opened))
        keys = [opened.get(key, key) for key in keys]
        for number, each in enumerate(tokens):
            if _FILE_NAME in each and crowd.keys[before[number]] < _MANY:
                keys[number] = crowd.joined(keys[number], each)
    return pd.factorize(pd.Series(keys, dtype=object))[0], words


class _Crowd:
    """The keys of many texts: their words, and `_ANY_VALUE` for each value."""

    def __init__(self, keys: Iterable[_Key], names: set[str]) -> None:
        self.keys = Counter(keys)
        self._counts = Counter((len(key), *each) for key in self.keys for each in enumerate(key))
        bare = {word: word.strip(_QUOTES) for word in chain.from_iterable(self.keys)}
        self._words = {word for word in bare if bare[word][:1].isalpha() and ":" not in word}
        quoted = {word for word in self._words if word[0] in _QUOTES and word.islower()}
        self.names = names.union(quoted, (bare[word] for word in quoted))

    def _generals(self, key: _Key) -> Iterator[_Key]:
        """Yield a key with its rarest words as values, one after the other."""
        rare = sorted(
            (self._counts[len(key), n, word], n)
            for n, (word, after) in enumerate(zip(key, (*key[1:], ""), strict=False))
            if word in self._words and after != _ANY_VALUE  # a word before a value tells what it is
        )
        general = list(key)
        for _, place in rare[: min(3, len(rare) - 2)]:
            general[place] = _ANY_VALUE
            yield tuple(general)

    def opened(self) -> dict[_Key, _Key]:
        """Return the keys in which plain words are values, and what they are then."""
        found = defaultdict(list)
        for key in self.keys:
            for general in self._generals(key):
                found[general].append(key)
        opened: dict[_Key, _Key] = {}
        # of several, the one with the fewest values
        for general in sorted(found, key=lambda key: (key.count(_ANY_VALUE), key), reverse=True):
            if general in self.keys or self._varies(general, found[general]):
                opened |= dict.fromkeys(found[general], general)
        return opened

    def _varies(self, general: _Key, keys: list[_Key]) -> bool:
        """Tell whether different words, as names are, stand for each value of a key."""
        found = ({key[n] for key in keys} for n, word in enumerate(general) if word == _ANY_VALUE)
        return len(keys) > 1 and all(
            _ANY_VALUE in words or sum(map(self._weight, words)) >= 2 * _MANY for words in found
        )

    def _weight(self, word: str) -> int:
        # two names suffice; of capital words, as operations are, it takes twice as many
        return _MANY if word in self.names else 1 + word.islower()

    def joined(self, key: _Key, tokens: list[str]) -> _Key:
        """Return a key in which a file's name with spaces is one word, as others have it."""
        for last in (n for n, token in enumerate(tokens) if token == _FILE_NAME):
            for first in range(last - 1, max(last - _MOST_WORDS, -1), -1):
                if key[first] in ",;:\"'`":
                    break
                joined = (*key[:first], _ANY_VALUE, *key[last + 1 :])
                known = (each for each in (joined, *self._generals(joined)) if each in self.keys)
                if found := next(known, None):
                    tokens[first : last + 1] = [_ANY_VALUE]
                    return found
        return key


def _common(texts: Iterable[str]) -> str:
    """Return the first of marked texts with masks where they differ from others of its length."""
    first, *others = map(_WORD_OR_SIGN.findall, texts)
    rows = [first, *(words for words in others if len(words) == len(first))]
    if len(rows) <= len(others):  # of others, a file's name has several words
        rows.append([re.sub(_MARKED_FILE, _ANY_VALUE, word) for word in first])
    shown = "".join(map(_shown, zip(*rows, strict=True)))
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
