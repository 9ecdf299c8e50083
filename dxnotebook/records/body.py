"""Bytes in and out: what a file or a response holds as UTF-8, and jobs as JSON."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dxnotebook.errors import FormatError
from dxnotebook.model import TEXT

# how many bytes decompression may give: so many always, more only up to so many times what it took
# (indented listings shrink to a thirteenth)
_ALWAYS_ALLOWED, _MOST_INFLATION = 2**26, 50


@dataclass(frozen=True)
class Body:
    """JSON as it came: the bytes, their source, and the first page's and line's number there."""

    content: bytes
    source: str
    page: int = 0
    line: int = 0


def as_utf8(content: bytes) -> bytes:
    """Return content as UTF-8 without byte order mark, decompressed if it was gzipped.

    Raises
    ------
    FormatError
        When the compressed data is damaged, or swells beyond all proportion.
    """
    if content.startswith(b"\x1f\x8b"):
        content = _decompress(content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise FormatError("the text begins as UTF-16 but is none; save it as UTF-8") from None
    return content.removeprefix(b"\xef\xbb\xbf")


def _decompress(content: bytes) -> bytes:
    limit = max(_ALWAYS_ALLOWED, _MOST_INFLATION * len(content))
    try:
        with gzip.open(BytesIO(content)) as stream:
            inflated = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"the gzip data is damaged ({error}); fetch or save it again") from None
    except MemoryError:
        raise FormatError("the gzip data swells to more than the memory holds; split it") from None
    if len(inflated) > limit:
        what = f"the gzip data swells to more than {limit:,} bytes, which no listing does"
        raise FormatError(f"{what}; decompress it and read that")
    return inflated


def is_utf8(content: bytes) -> bool:
    """Tell whether content is UTF-8, without making a text of it."""
    offsets = pa.py_buffer(np.array([0, len(content)], np.int64))
    text = pa.Array.from_buffers(TEXT, 1, [None, offsets, pa.py_buffer(content)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def text_of(body: Body) -> str:
    """Return a body's text, or raise FormatError that names the line."""
    try:
        return body.content.decode()
    except UnicodeDecodeError as error:
        line = body.line + body.content.count(b"\n", 0, error.start) + 1
        byte = body.content[error.start]
        raise FormatError(f"line {line}: a byte ({byte:#04x}) that is not UTF-8") from None


def encode(values: Iterable[Any]) -> bytes:
    """Return pages or jobs as boto3 gives them as JSON, a line each.

    Raises
    ------
    FormatError
        When a value is of a type that boto3 never gives, or nested without end.
    """
    try:
        return b"\n".join(json.dumps(value, default=_plain).encode() for value in values)
    except (ValueError, RecursionError):
        raise FormatError("dicts: a page or job is nested too deeply, or in itself") from None


def _plain(value: object) -> Any:
    """Return as JSON knows it what boto3 and frames hold beside JSON's own values."""
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, datetime):
        return value.isoformat()
    kind = type(value).__name__
    what = f"found a {kind} among the values of a job; expected what boto3 or json.load gives"
    raise FormatError(what)
