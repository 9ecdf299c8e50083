"""What messages name, masked: what has a known form, and what is known by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dxnotebook.arrays import Array, coded
from dxnotebook.model import TEXT

_SHORTEST = 4  # a shorter name may be part of any word
_HEX = "[0-9a-fA-F]"
_IN = r"[^\s\"'`(),;\[\]{}]"  # what a URL, an ARN or a key goes on with
_END = r"[^\s\"'`(),;.:!?\[\]{}]"  # and what it may end with
_CLOCK, _ZONE = r"\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?", r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)"
_DAY, _MONTH = (
    "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
)
_AT = rf"(?:[T :]{_CLOCK}(?: [AP]M)?(?: ?{_ZONE})?)?"
_REGION = "[a-z]{2}(?:-[a-z]+)?-(?:north|south|east|west|central)(?:east|west)?-\\d[a-z]?"
_BEYOND = r"\x{80}-\x{10FFFF}"  # letters beyond ASCII, which RE2 does not take for parts of a word
_LETTER = rf"[\w{_BEYOND}.=+@%$~*-]"
# a path is a key if there is more to it than to "read/write"
KEY = (
    rf"(?:{_LETTER}*[\d.=_-]{_LETTER}*/{_IN}*{_END}|{_LETTER}+/{_IN}*[\d.=_/-]{_IN}*{_END}"
    rf"|<key>/{_IN}*{_END})"
)
PLACES = (
    (rf"\b[A-Za-z][A-Za-z0-9+.-]*://(?:\[[\w:.%]+\])?{_IN}*{_END}", "<url>"),
    (rf"\barn:[\w-]+:{_IN}*{_END}", "<arn>"),
    (rf"\b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b", "<uuid>"),
    (rf"\b\d{{4}}-\d\d-\d\d{_AT}\b", "<date>"),
    (
        rf"\b(?:{_DAY}[a-z]*,? )?(?:\d\d?[ /-]{_MONTH}[a-z]*[ /-]\d{{4}}|{_MONTH}[a-z]* \d\d?, \d{{4}}"
        rf"|{_MONTH} \d\d? {_CLOCK} {_ZONE} \d{{4}}){_AT}",
        "<date>",
    ),
    (r"((?:\b[iI][dD]|[a-z]I[dD])(?:-2)?(?:: ?|=))[\w+/=.-]*[\w+/=-]", r"\1<id>"),
    (r"[A-Za-z0-9+/]{60,}={0,2}|[A-Za-z0-9+/]{20,}={1,2}", "<id>"),
    (KEY, "<key>"),
)
_KEPT = "\ufdd2z"  # stands before a number that is kept: it makes no word of its own
_REASONS = "|".join(re.escape(status.phrase) for status in HTTPStatus)
_STATUS = (
    r"\b\w*(?:status|response|error|return)[ -]?code[\"' :=#(]*|\b\w*status[ :=]*"
    r"|\bhttp(?:/\d(?:\.\d)?)?[ :=]*|\b(?:error|errno|returned|responded with) #?\(?"
)
_MASKS = ("<url>", "<arn>", "<uuid>", "<key>", "<id>", "<n>")
VALUES = (
    (rf"(?i)({_STATUS})(\d{{3,5}}\b)", rf"\1{_KEPT}\2"),
    (rf"\b([1-5]\d\d \(?(?:{_REASONS}))\b", rf"{_KEPT}\1"),
    (r"\(([45]\d\d\))", rf"({_KEPT}\1"),
    (r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", "<email>"),
    (rf"\b{_REGION}\b", "<region>"),
    (r"\b(?:[\w-]|<region>)+(?:\.(?:[\w-]|<region>)+){2,}\.[a-z]{2,}\b", "<host>"),
    (rf"\b\d{{1,3}}(?:\.\d{{1,3}}){{3}}\b|\b(?:{_HEX}{{1,4}}:)+:(?:{_HEX}{{1,4}}:?)*", "<ip>"),
    (
        rf"\b(?:{_HEX}{{8,}}|[A-Z0-9]{{4,}}\d[A-Z0-9]{{4,}}|[A-Z0-9]{{8,}}\d[A-Z0-9]*"
        rf"|[A-Z0-9]*\d[A-Z0-9]{{8,}}|[A-Za-z]*\d+[A-Za-z]+\d\w*)\b",
        "<id>",
    ),
    (r"(\b|_)\d+(?:[.,:]\d+)*", r"\1<n>"),
    *((rf"{mask}(?:(?:,|;| and|)\s*{mask})+", mask) for mask in _MASKS),
    (rf"{_KEPT}|[\x{{FDD0}}-\x{{FDD3}}]", ""),
    (r"\s\s+|[^\S ]", " "),
    (r"^ | $", ""),
)


def replaced(texts: pa.Array, replacements: Sequence[tuple[str, str]]) -> pa.Array:
    """Return texts in which patterns are replaced in turn; equal texts are done once."""
    encoded = texts.dictionary_encode()
    number, different = encoded.indices, encoded.dictionary
    for pattern, replacement in replacements:
        result = pc.replace_substring_regex(different, pattern=pattern, replacement=replacement)
        encoded = result.dictionary_encode()
        number, different = encoded.indices.take(number), encoded.dictionary
    return different.take(number)
