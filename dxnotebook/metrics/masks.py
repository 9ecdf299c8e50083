"""What messages name, masked: what has a known form, and what is known by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from itertools import compress

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, coded, mixed
from dxnotebook.model import TEXT

_SHORTEST = 4  # a shorter name may be part of any word
_FEW = 50  # so many names are sought in a text one by one
_HEX = "[0-9a-fA-F]"
_IN = r"[^\s\"'`(),;\[\]{}]"  # what a URL, an ARN or a key goes on with
_END = r"[^\s\"'`(),;.:!?\[\]{}]"  # and what it may end with
_CLOCK, _ZONE = r"\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?", r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)"
_TIME_OF_DAY = rf"(?:[T :]{_CLOCK}(?: [AP]M)?(?: ?{_ZONE})?)"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_CALENDAR_DAY = (
    rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:\d\d?[ /-]{_MONTH}[ /-]\d{{4}}"
    rf"|{_MONTH} \d\d?, \d{{4}}|{_MONTH} \d\d?{_TIME_OF_DAY} \d{{4}}|\d{{4}}-\d\d-\d\d)"
)
_REGION = r"[a-z]{2}(?:-[a-z]+)?-(?:north|south|east|west|central)(?:east|west)?-\d[a-z]?"
# what is called an id, whatever its letters, and long base64
_REQUEST = (
    r"((?:\b[iI][dD]|[a-z]I[dD])(?:-2)?(?:: ?|=))[\w+/=.-]*[\w+/=-]"
    r"|[A-Za-z0-9+/]{60,}={0,2}|[A-Za-z0-9+/]{20,}==?"
)
_BEYOND = r"\x{80}-\x{10FFFF}"  # letters beyond ASCII, which RE2 does not take for parts of a word
_LETTER = rf"[\w{_BEYOND}.=+@%$~*-]"
# a path is a key if there is more to it than to "read/write"
KEY = (
    rf"(?:{_LETTER}*[\d.=_-]{_LETTER}*/{_IN}*{_END}|{_LETTER}+/{_IN}*[\d.=_/-]{_IN}*{_END}"
    rf"|<key>/{_IN}*{_END})"
)
# 403 and 404 are two causes: a number that tells what happened is kept
_KEPT = "\ufdd0z"  # stands before it, so that it is no word of its own
_REASON = "|".join(re.escape(status.phrase) for status in HTTPStatus)
_STATUS = (
    r"\b\w*(?:status|response|error|return)[ -]?code[\"' :=#(]*|\b\w*status[ :=]*"
    r"|\bhttp(?:/\d(?:\.\d)?)?[ :=]*|\b(?:error|errno|returned|responded with) #?\(?"
)
PLACES = (
    (rf"\b[A-Za-z][A-Za-z0-9+.-]*://(?:\[[\w:.%]+\])?{_IN}*{_END}", "<url>"),
    (rf"\barn:[\w-]+:{_IN}*{_END}", "<arn>"),
    (rf"\b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b", "<uuid>"),
    (rf"\b{_CALENDAR_DAY}{_TIME_OF_DAY}?\b", "<date>"),
    (_REQUEST, r"\1<id>"),
    (rf"(?i)({_STATUS})(\d{{3,5}}\b)", rf"\1{_KEPT}\2"),
    (rf"( \()([45]\d\d\))|(^|[ (:=])([1-5]\d\d \(?(?:{_REASON})\b)", rf"\1\3{_KEPT}\2\4"),
    (KEY, "<key>"),
)
_ID = (  # hexadecimal, an IPv6 address, capital letters with a digit, letters among digits
    rf"\b(?:{_HEX}{{8,}}|[A-Z0-9]{{4,}}\d[A-Z0-9]{{4,}}|[A-Z0-9]{{8,}}\d[A-Z0-9]*"
    rf"|[A-Z0-9]*\d[A-Z0-9]{{8,}}|[A-Za-z]*\d+[A-Za-z]+\d\w*)\b|\b(?:{_HEX}{{1,4}}:)+:[\w:]*"
)
_MASKS = ("<url>", "<arn>", "<uuid>", "<key>", "<id>", "<n>")
VALUES = (
    (rf"\b{_REGION}\b", "<region>"),
    (r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", "<email>"),
    (_ID, "<id>"),
    (r"(\b|_)\d+(?:[.,:]\d+)*", r"\1<n>"),
    *((rf"{mask}(?:(?:,|;| and|)\s*{mask})+", mask) for mask in _MASKS),
    (rf"{_KEPT}|[\x{{FDD0}}-\x{{FDD3}}]", ""),  # which stand for something here and in `learned`
    (r"\s\s+|[^\S ]", " "),
    (r"^ | $", ""),
)
_PIECE = re.compile("<[a-z]+>|[\\w\x80-\U0010ffff-]+|.", re.ASCII | re.DOTALL)
_WORD = re.compile("[\\w\x80-\U0010ffff-]{2}", re.ASCII)


def replaced(texts: pa.Array, replacements: Sequence[tuple[str, str]]) -> pa.Array:
    """Return texts in which patterns are replaced in turn; equal texts are done once."""
    encoded = texts.dictionary_encode()
    number, different = encoded.indices, encoded.dictionary
    for pattern, replacement in replacements:
        result = pc.replace_substring_regex(different, pattern=pattern, replacement=replacement)
        encoded = result.dictionary_encode()
        number, different = encoded.indices.take(number), encoded.dictionary
    return different.take(number)


def named(texts: pa.Array, error: Array, names: pd.Series[str], mask: str) -> pa.Array:
    """Return the texts of errors in which what their assets are called is masked.

    Beside each name stands the number of its error. Where several begin, the longest is masked;
    none is within a longer word. What has the same text and names is done once.
    """
    long = (names.str.len() >= _SHORTEST).to_numpy(bool)
    number, distinct = pd.factorize(names[long])
    pairs = pd.DataFrame({"error": error[long], "name": number}).drop_duplicates()
    if pairs.empty:
        return texts
    pairs = pairs.sort_values(["error", "name"], ignore_index=True)
    numbers, hashes = pairs["name"].tolist(), pd.util.hash_array(pairs["name"].to_numpy())
    starts = np.flatnonzero(~pairs["error"].duplicated())
    places = pairs["error"].to_numpy()[starts]
    code, different = coded(texts)
    hashes = mixed(np.add.reduceat(hashes, starts), code[places].astype(np.uint64))
    same, firsts = pd.factorize(hashes)[0], ~pd.Series(hashes).duplicated()
    rows = zip(code[places], starts, [*starts[1:], len(pairs)], strict=True)
    all_texts, all_names = different.to_pylist(), distinct.tolist()
    masked = [
        _masked(all_texts[text], [all_names[n] for n in numbers[start:stop]], mask)
        for text, start, stop in compress(rows, firsts)
    ]
    is_named = np.zeros(len(texts), bool)
    is_named[places] = True
    return pc.replace_with_mask(texts, is_named, pa.array(masked, TEXT).take(pa.array(same)))


def _masked(text: str, names: list[str], mask: str) -> str:
    """Return a text in which names are masked, in time linear in both."""
    known = {name for name in names if len(names) > _FEW or name in text}
    begin = {_PIECE.findall(name)[0] for name in known}
    lengths = sorted(set(map(len, known)), reverse=True)
    result, end = "", 0
    for piece in _PIECE.finditer(text):
        start = piece.start()
        if start < end or piece[0] not in begin:
            continue
        stops = (start + length for length in lengths)
        ends = (stop for stop in stops if text[start:stop] in known and _ends(text, stop))
        if stop := next(ends, 0):
            result += text[end:start] + mask
            end = stop
    return result + text[end:]


def _ends(text: str, place: int) -> bool:
    """Tell whether no word goes on at a place."""
    return _WORD.fullmatch(text[place - 1 : place + 1]) is None
