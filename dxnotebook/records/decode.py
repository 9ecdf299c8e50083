"""Bytes → Arrow records: the fast path, the tolerant path for what it refuses, redaction on both.

The fast path hands many pages at once to pyarrow's JSON reader with the record type given. It is told to refuse
members that the type lacks instead of inferring them, because inference rounds integers, turns text into times and
overflows the stack on deep nesting. A refused page goes through `lenient` alone, which learns the members, so that
the pages after it are fast again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from dxnotebook.errors import DataWarning, FormatError, UnknownFieldWarning, warn
from dxnotebook.model import (
    ELEMENT,
    MODEL,
    TEXT,
    TIMESTAMP,
    Layout,
    Model,
    branches,
    layout,
    map_scalars,
)
from dxnotebook.records.body import Body, as_utf8, is_utf8, text_of
from dxnotebook.records.fit import TEXT_MARK, Fitter, Misfit
from dxnotebook.records.redact import redact_array, redact_text, redact_value
from dxnotebook.records.scan import Found, Scan
from dxnotebook.text import valid_utf8
from dxnotebook.times import instant

_LARGEST_BLOCK = 2**31 - 2  # the reader counts bytes in 32 bits
_EXACT = 2**53  # integers beyond it are rounded in a double
_YEAR_1, _YEAR_10000 = (
    int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) * 10**6 + x
    for y, x in ((1, 0), (9999, 365 * 86400 * 10**6))
)
_FIRST_KEY = re.compile(rb'\s*(\[?)\s*\{\s*"(\w+)"')
_JOBS_A_FLUSH = 5_000

_NAMES_SHOWN = 50


class _Refused(Exception):  # noqa: N818 (a signal between the two paths)
    """The fast path would lose something of these bodies, or cannot read them."""


@dataclass(frozen=True)
class Reject:
    """A job that cannot be typed without losing something."""

    source: str
    page: int
    position: int
    reason: str
    raw: str


class Decoder:
    """Decodes the bodies of one load and remembers what it met: unknown members, rejects, oddities.

    Parameters
    ----------
    model : Model
        The model to type the jobs by.
    redact : bool
        Whether to take secrets out.

    Attributes
    ----------
    rejects : list of Reject
        The jobs that could not be typed, in the order they were met.
    """

    def __init__(self, model: Model = MODEL, *, redact: bool = True) -> None:
        self.model = model
        self.rejects: list[Reject] = []
        self._redact = redact
        self._fitter = Fitter(model.record)
        self._members = frozenset(member.name for member in model.record)
        self._repeated: set[str] = set()
        self._strangers: set[str] = set()

    @property
    def layout(self) -> Layout:
        """The layout of the records decoded so far: that of the model and of the members met beside it."""
        return layout(self.model.record, tuple(self._fitter.learnt.items()))

    @property
    def record(self) -> pa.DataType:
        """The type of a record by now."""
        return self._fitter.record

    def decode(self, bodies: Sequence[Body]) -> Iterator[pa.StructArray]:
        """Yield the records of these bodies, in order; what is not JSON raises after all before it was yielded.

        Raises
        ------
        FormatError
            When a body is not JSON, or not pages or jobs; it names source, line and column.
        """
        try:
            yield self._fast(bodies)
        except _Refused:
            if len(bodies) == 1:
                yield from self._tolerant(bodies[0])
                return
            for body in bodies:
                yield from self.decode([body])

    def _fast(self, bodies: Sequence[Body]) -> pa.StructArray:
        kinds = {self._kind(body.content) for body in bodies}
        if len(kinds) != 1:
            raise _Refused
        kind = kinds.pop()
        contents = [body.content for body in bodies]
        if kind == "list":
            contents = [b'{"Jobs":%b}' % content for content in contents]
        records = self._read(b"\n".join(contents), in_pages=kind != "jobs")
        self._check(records)
        return self._refine(records, self._fitter.record)

    def _kind(self, content: bytes) -> str:
        """Return what a body looks like from its first key; only a reading tells whether it is."""
        match = _FIRST_KEY.match(content)
        if match is None:
            raise _Refused
        if match[2] in (b"Jobs", b"NextToken") and not match[1]:
            return "pages"
        if match[2].decode() in self._members:
            return "list" if match[1] else "jobs"
        raise _Refused

    def _read(self, content: bytes, *, in_pages: bool) -> pa.StructArray:
        """Return the jobs as pyarrow's reader types them: times as text, secrets as they came."""
        if len(content) > _LARGEST_BLOCK or not is_utf8(content):
            raise _Refused
        job = map_scalars(
            self._fitter.record, lambda scalar: TEXT if scalar == TIMESTAMP else scalar
        )
        schema = (
            pa.schema([("Jobs", pa.list_(job)), ("NextToken", TEXT)])
            if in_pages
            else pa.schema(list(job))
        )
        table = _read_json(content, schema, "error")
        if not in_pages:
            return pa.StructArray.from_arrays(
                [column.chunk(0) for column in table.columns], fields=list(job)
            )
        jobs = table["Jobs"].chunk(0)
        if jobs.null_count:
            raise _Refused
        return jobs.flatten()

    def _check(self, records: pa.StructArray) -> None:
        """Refuse what the record type would carry but not tell apart."""
        if records.null_count:
            raise _Refused
        for name in ("Arn", "Id"):
            if (
                len(records)
                and not pc.min(pc.fill_null(pc.binary_length(records.field(name)), 0)).as_py()
            ):
                raise _Refused
        details = records.field("Details")
        filled = np.zeros(len(records), np.int8)
        for branch in branches(records.type):
            filled += details.field(branch).is_valid().to_numpy(zero_copy_only=False)
        if (filled > 1).any():
            raise _Refused
        _check_scalars(records, records.type)

    def _refine(self, array: pa.Array, wanted: pa.DataType, name: str = "") -> pa.Array:
        """Return an array as read in the type that is wanted, with times parsed and secrets taken out."""
        if pa.types.is_struct(wanted):
            children = [
                self._refine(array.field(i), member.type, member.name)
                for i, member in enumerate(wanted)
            ]
            return pa.Array.from_buffers(
                wanted, len(array), array.buffers()[:1], array.null_count, children=children
            )
        if pa.types.is_list(wanted):
            values = self._refine(array.values, wanted.value_type, name)
            return pa.Array.from_buffers(
                wanted, len(array), array.buffers()[:2], array.null_count, children=[values]
            )
        if wanted == TIMESTAMP:
            return _times(array)
        return redact_array(name, array) if self._redact and wanted == TEXT else array

    def _tolerant(self, body: Body) -> Iterator[pa.StructArray]:
        """Yield the records of one body, read job by job."""
        jobs: list[str] = []
        try:
            scan = Scan(text_of(body), self._members, body.line)
            for found in scan:
                job = redact_value(found.job) if self._redact else found.job
                try:
                    jobs.append(json.dumps(self._fitter.fit(job)))
                except Misfit as reason:
                    self._reject(body, found, job, str(reason))
                if len(jobs) == _JOBS_A_FLUSH:
                    yield self._fitted(jobs)
                    jobs = []
            if not scan.pages:
                raise FormatError("there is no page and no job in it")
        except FormatError as error:
            yield self._fitted(jobs)
            raise FormatError(f"{body.source}: {error}") from None
        self._repeated |= scan.repeated
        self._strangers |= scan.strangers
        yield self._fitted(jobs)

    def _fitted(self, jobs: list[str]) -> pa.StructArray:
        """Return the records of jobs that the fitter has made fit."""
        if not jobs:
            return pa.array([], self._fitter.record)
        try:
            return self._refine(
                self._read("\n".join(jobs).encode(), in_pages=False), self._fitter.record
            )
        except _Refused:
            raise FormatError(
                "its jobs could not be typed, which is a fault of dxnotebook; please report it"
            ) from None

    def _reject(self, body: Body, found: Found, job: Any, reason: str) -> None:
        raw = valid_utf8(json.dumps(job, ensure_ascii=False))
        self.rejects.append(
            Reject(body.source, body.page + found.page, found.position, reason, raw)
        )

    def warn(self) -> None:
        """Warn, once for the load, of what was kept but is odd."""
        met = [".".join(path) for path in self._fitter.learnt]
        unknown = [
            name.replace(f".{ELEMENT}", ELEMENT) for name in met if not name.endswith(TEXT_MARK)
        ]
        unknown = [name.replace("\0", ":") for name in unknown]
        unknown += sorted(f"{redact_text(name)} (of a page, not kept)" for name in self._strangers)
        if unknown:
            more = f" and {len(unknown) - _NAMES_SHOWN} more" if len(unknown) > _NAMES_SHOWN else ""
            warn(
                f"AWS sent members that the installed botocore does not know: {', '.join(unknown[:_NAMES_SHOWN])}{more}. "
                "They were kept as further columns and rows; a newer boto3 may know them.",
                UnknownFieldWarning,
            )
        if self._repeated:
            warn(
                f"Some objects had the same key twice: {', '.join(sorted(self._repeated))}. The last value "
                "was used and another one kept beside it; of 'Jobs', all.",
                DataWarning,
            )
        if self._fitter.unzoned:
            warn(
                f"{self._fitter.unzoned:,} times named no time zone and were taken as UTC.",
                DataWarning,
            )


@dataclass(frozen=True)
class Glance:
    """What the loader must know of a page before it asks for the next one.

    Attributes
    ----------
    body : bytes
        The page's content, decompressed and without byte order mark.
    token : str or None
        The NextToken, None where the listing ends.
    created : numpy.ndarray
        The jobs' times of creation, datetime64[us] in UTC, in the page's order; NaT where there is
        none.
    """

    body: bytes
    token: str | None
    created: np.ndarray[Any, np.dtype[np.datetime64]] = field(repr=False)


_GLANCE = pa.schema([("Jobs", pa.list_(pa.struct([("CreatedAt", TEXT)]))), ("NextToken", TEXT)])


def glance(content: bytes) -> Glance:
    """Check that a response is a ListJobs page, whole, and return what it says of the next.

    Raises
    ------
    FormatError
        When it is not JSON, or its Jobs is not a list, or its NextToken not a text.
    """
    body = as_utf8(content)
    try:
        if not body.lstrip().startswith(b"{") or not is_utf8(body) or len(body) > _LARGEST_BLOCK:
            raise _Refused
        table = _read_json(body, _GLANCE, "ignore")
        if table.num_rows != 1 or table["Jobs"].null_count:
            raise _Refused
        created = _times(table["Jobs"].chunk(0).flatten().field("CreatedAt"))
    except _Refused:
        return _tolerant_glance(body)
    return Glance(
        body, table["NextToken"][0].as_py() or None, created.to_numpy(zero_copy_only=False)
    )


def _tolerant_glance(body: bytes) -> Glance:
    scan = Scan(text_of(Body(body, "response")), frozenset())
    created = [_created(found.job) for found in scan]
    if scan.pages != 1:
        raise FormatError(f"the response holds {scan.pages} documents, not one page")
    token = scan.tokens[-1] if scan.tokens else None
    if token is not None and type(token) is not str:  # a number too large is a text of its own kind
        raise FormatError("NextToken is not a text")
    return Glance(body, token or None, np.array(created, "datetime64[us]"))


def _created(job: Any) -> datetime | None:
    try:
        return (
            instant(job.get("CreatedAt"))[0].replace(tzinfo=None) if isinstance(job, dict) else None
        )
    except ValueError:
        return None


def _read_json(content: bytes, schema: pa.Schema, unexpected: str) -> pa.Table:
    """Return one row for each document; the content must begin with an object, or the reader itself may crash."""
    try:
        return pj.read_json(
            pa.BufferReader(content),
            # one block, so that documents may span lines; no threads, so that the user keeps a core
            read_options=pj.ReadOptions(use_threads=False, block_size=len(content) + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior=unexpected
            ),
        )
    except pa.ArrowInvalid:
        raise _Refused from None


def _times(texts: pa.LargeStringArray) -> pa.TimestampArray:
    """Return times in UTC; refuse texts without a zone, finer than a microsecond, or outside the years 1 to 9999."""
    try:
        times = pc.cast(texts, TIMESTAMP)
    except pa.ArrowInvalid:
        raise _Refused from None
    extremes = pc.min_max(times.view(pa.int64()))
    if (
        extremes["min"].is_valid
        and not _YEAR_1 <= extremes["min"].as_py() <= extremes["max"].as_py() < _YEAR_10000
    ):
        raise _Refused
    return times


def _filled(array: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which values hold anything at all."""
    if not pa.types.is_struct(array.type):
        return np.asarray(array.is_valid(), bool)
    filled = np.zeros(len(array), bool)
    for member in array.flatten():
        filled |= _filled(member)
    return filled


def _check_scalars(array: pa.Array, data_type: pa.DataType, lists: int = 0) -> None:
    """Refuse numbers that the reader may have rounded, and elements of an inner list that its rows could not show."""
    if pa.types.is_struct(data_type):
        for i, member in enumerate(data_type):
            _check_scalars(array.field(i), member.type, lists)
    elif pa.types.is_list(data_type):
        if lists and not _filled(array.values).all():
            raise _Refused
        _check_scalars(array.values, data_type.value_type, lists + 1)
    elif pa.types.is_floating(data_type):
        largest = pc.max(pc.abs(array)).as_py()
        if largest is not None and not largest < _EXACT:  # NaN is no less either
            raise _Refused
