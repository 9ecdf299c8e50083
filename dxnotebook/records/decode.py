"""Bytes → Arrow records: a fast path, a tolerant path for what that refuses, redaction on both.

The fast path hands many pages at once to pyarrow's JSON reader with the record type given. It is
told to refuse members that the type lacks instead of inferring them, because inference rounds
integers, turns text into times and overflows the stack on deep nesting. A refused page goes
through the tolerant path alone, which learns the members, so that the pages after it are fast
again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from dxnotebook import model as models
from dxnotebook.arrays import Array, Mask, list_lengths, mask_of, one_chunk
from dxnotebook.errors import DataWarning, FormatError, UnknownFieldWarning, warn
from dxnotebook.model import TEXT, TIMESTAMP, Layout, Model
from dxnotebook.records.body import Body, as_utf8, is_utf8, text_of
from dxnotebook.records.fit import MOST_EMPTY, TEXT_MARK, Fitter, Misfit, dotted
from dxnotebook.records.redact import redact_array, redact_text, redact_value
from dxnotebook.records.rejects import Reject, Rejects
from dxnotebook.records.scan import Scan
from dxnotebook.text import counted, enumerated, valid_utf8
from dxnotebook.times import instant

#: From how many bytes on bodies are worth a call of the reader.
BATCH_BYTES = 2**24
_LARGEST_BLOCK = 2**31 - 2  # the reader counts bytes in 32 bits
_EXACT = 2**53  # integers beyond it are rounded in a double
_YEAR_1, _YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999, in µs
_FIRST_KEY = re.compile(rb'\s*(\[?)\s*\{\s*"(\w+)"')
_JOBS_A_FLUSH, _NAMES_SHOWN = 1_000, 50
# the reader makes of "{},{},…" eighty times as much; listings have a comma every fifty bytes
_LARGE_BODY, _STEP, _DENSE = 2**20, 61, 20


class _Refused(Exception):  # noqa: N818 (a signal between the two paths)
    """The fast path would lose something of these bodies, or cannot read them."""


def _refuse_if(condition: object) -> None:
    if condition:
        raise _Refused


class Decoder:
    """Decodes the bodies of one load and remembers the odd: unknown members, rejects, oddities.

    Parameters
    ----------
    model : Model
        The model to type the jobs by.
    redact : bool
        Whether to take secrets out.

    Attributes
    ----------
    rejects : Rejects
        The jobs that could not be typed, in the order they were met.
    """

    def __init__(self, model: Model = models.MODEL, *, redact: bool = True) -> None:
        self.model = model
        self.rejects = Rejects()
        self._redact = redact
        self._fitter = Fitter(model.record)
        self._members = frozenset(member.name for member in model.record)
        self._repeated: set[str] = set()
        self._strangers: set[str] = set()

    @property
    def layout(self) -> Layout:
        """The layout of the records decoded so far: the model's, and the members met beside it."""
        return models.layout(self.model.record, tuple(self._fitter.learnt.items()))

    @property
    def record(self) -> pa.DataType:
        """The type of a record by now."""
        return self._fitter.record

    def decode(self, bodies: Sequence[Body]) -> Iterator[pa.StructArray]:
        """Yield the records of these bodies, in order, before what is no JSON raises.

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
            else:
                for body in bodies:
                    yield from self.decode([body])
        except MemoryError:
            what = "it takes more memory than there is; split it, and read the parts one by one"
            raise FormatError(f"{bodies[0].source}: {what}") from None

    # The fast path

    def _fast(self, bodies: Sequence[Body]) -> pa.StructArray:
        """Return the records of bodies of one form; refuse what the reader would not get right."""
        contents = [body.content for body in bodies]
        samples = [content[::_STEP] for content in contents if len(content) > _LARGE_BODY]
        _refuse_if(any(sample.count(b",") * _DENSE > len(sample) for sample in samples))
        forms = set(map(self._form, contents))
        _refuse_if(len(forms) != 1)
        [form] = forms
        if form == "list":
            contents = [b'{"Jobs":%b}' % content for content in contents]
        # nothing, but between two bodies that are whole only together it is an error
        nothing = b"\n{}\n" if form == "jobs" else b'\n{"Jobs":[]}\n'
        records = self._read(nothing.join(contents), form, 2 * len(contents) - 1)
        if form == "jobs" and len(contents) > 1:
            is_job = records.field("Arn").is_valid()
            _refuse_if(pc.sum(is_job).as_py() != len(records) - len(contents) + 1)
            records = records.filter(is_job)
        _check(records)
        return self._typed(records, self.record)

    def _form(self, content: bytes) -> str:
        """Return what a body looks like by its first key; only reading it tells whether it is."""
        match = _FIRST_KEY.match(content)
        in_list, key = match.groups() if match else (b"", b"")
        if key in (b"Jobs", b"NextToken") and not in_list:
            return "pages"
        _refuse_if(key.decode() not in self._members)
        return "list" if in_list else "jobs"

    def _read(self, content: bytes, form: str, documents: int = 1) -> pa.StructArray:
        """Return the jobs as pyarrow's reader types them: times as text, secrets as they came."""
        # lists of nothing but null are wrong arrays as the reader makes them
        as_text = (TIMESTAMP, pa.null())
        job = models.map_scalars(self.record, lambda kind: TEXT if kind in as_text else kind)
        jobs, token = ("Jobs", pa.list_(job)), ("NextToken", TEXT)
        members = {"jobs": list(job), "list": [jobs], "pages": [jobs, token]}[form]
        table = _read_json(content, pa.schema(members), "error")
        if form == "jobs":
            return one_chunk(table.to_struct_array())
        # a list that is not whole can be so in an object, or be several
        _refuse_if(form == "list" and table.num_rows != documents)
        lists = one_chunk(table["Jobs"])
        _refuse_if(lists.null_count)
        return lists.flatten()

    def _typed(self, array: pa.Array, wanted: pa.DataType, name: str = "") -> pa.Array:
        """Return an array as read in the type wanted, with times parsed and secrets taken out."""
        if pa.types.is_nested(wanted):
            is_list = pa.types.is_list(wanted)
            members = [wanted.field(i) for i in range(wanted.num_fields)]
            children = [
                self._typed(child, member.type, name if is_list else member.name)
                for child, member in zip(_children(array), members, strict=True)
            ]
            # what is null, and where lists begin, stays; the values alone are other ones
            buffers = array.buffers()[: 1 + is_list]
            return pa.Array.from_buffers(wanted, len(array), buffers, -1, 0, children)
        if wanted == TIMESTAMP:
            return _times(array)
        if pa.types.is_null(wanted):
            _refuse_if(array.null_count < len(array))
            return pa.nulls(len(array))
        return redact_array(name, array) if self._redact and wanted == TEXT else array

    # The tolerant path

    def _tolerant(self, body: Body) -> Iterator[pa.StructArray]:
        """Yield the records of one body, read job by job."""
        jobs: list[tuple[Any, ...]] = []
        try:
            scan = Scan(text_of(body), self._members, body.line)
            for page, position, value in scan:
                place = body.source, body.page + page, position
                job = redact_value(value) if self._redact else value
                try:
                    jobs.append((place, job, json.dumps(self._fitter.fit(job))))
                except Misfit as reason:
                    self._reject(place, job, str(reason))
                if len(jobs) == _JOBS_A_FLUSH:
                    yield from self._fitted(jobs)
                    jobs = []
            if not scan.pages:
                raise FormatError("there is no page and no job in it")
        except FormatError as error:
            yield from self._fitted(jobs)
            raise FormatError(f"{body.source}: {error}") from None
        self._repeated |= scan.repeated
        self._strangers |= scan.strangers
        yield from self._fitted(jobs)

    def _reject(self, place: tuple[str, int, int], job: Any, reason: str) -> None:
        """Put a job aside, as JSON."""
        raw = valid_utf8(json.dumps(job, ensure_ascii=False))
        self.rejects.add(Reject(*place, reason, raw))

    def _fitted(self, jobs: list[tuple[Any, ...]]) -> Iterator[pa.StructArray]:
        """Yield the records of jobs that the fitter has made fit; one that is not is a reject."""
        try:
            page = f'{{"Jobs":[{",".join(fitted for _, _, fitted in jobs)}]}}'.encode()
            yield self._typed(self._read(page, "pages"), self.record)
        except _Refused:
            half = len(jobs) // 2
            if not half:
                self._reject(jobs[0][0], jobs[0][1], "its members cannot be typed")
                return
            yield from self._fitted(jobs[:half])
            yield from self._fitted(jobs[half:])

    def warn(self) -> None:
        """Warn, once for the load, of what was kept but is odd."""
        learnt = map(dotted, self._fitter.learnt)
        unknown = [name.replace("\0", ":") for name in learnt if not name.endswith(TEXT_MARK)]
        unknown += sorted(f"{redact_text(name)} (of a page, not kept)" for name in self._strangers)
        if unknown:
            what = "AWS sent members that the installed botocore does not know"
            how = "They were kept as further columns and rows; a newer boto3 may know them"
            names = enumerated(unknown, _NAMES_SHOWN)
            warn(f"{what}: {names}. {how}.", UnknownFieldWarning)
        if names := enumerated(sorted(map(redact_text, self._repeated)), _NAMES_SHOWN):
            how = "The last value was used and another one kept beside it; of 'Jobs', all"
            warn(f"Some objects had the same key twice: {names}. {how}.", DataWarning)
        if unzoned := self._fitter.unzoned:
            one, several = "time named no time zone and was", "times named no time zone and were"
            warn(f"{counted(unzoned, one, several)} taken as UTC.", DataWarning)


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
    created: Array = field(repr=False)

    @property
    def entries(self) -> bytes:
        """What tells its jobs from those of another page."""
        return self.created.tobytes()


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
        _refuse_if(not body.lstrip().startswith(b"{"))
        table = _read_json(body, _GLANCE, "ignore")
        _refuse_if(table.num_rows != 1 or table["Jobs"].null_count)
        created = _times(one_chunk(table["Jobs"]).flatten().field("CreatedAt"))
    except _Refused:
        return _tolerant_glance(body)
    token = table["NextToken"][0].as_py() or None
    return Glance(body, token, created.to_numpy(zero_copy_only=False))


def _tolerant_glance(body: bytes) -> Glance:
    scan = Scan(text_of(Body(body, "response")), frozenset())
    created = [_created(job) for _, _, job in scan]
    if scan.pages != 1:
        raise FormatError(f"the response holds {scan.pages} documents, not one page")
    token = scan.tokens[-1] if scan.tokens else None
    if token is not None and type(token) is not str:  # a number too large is a text of its own kind
        raise FormatError("NextToken is not a text")
    return Glance(body, token or None, np.array(created, "datetime64[us]"))


def _created(job: Any) -> datetime | None:
    try:
        created = instant(job["CreatedAt"])[0].replace(tzinfo=None)
    except (KeyError, TypeError, ValueError):
        return None
    return None if created == datetime.min else created  # noqa: DTZ901 (as in _times)


def _read_json(content: bytes, schema: pa.Schema, unexpected: str) -> pa.Table:
    """Return one row for each document; the reader may crash if the first one is no object."""
    _refuse_if(len(content) > _LARGEST_BLOCK or not is_utf8(content))
    # one block, so that documents may span lines; no threads, so that the user keeps a core
    reading = pj.ReadOptions(use_threads=False, block_size=len(content) + 1)
    parsing = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected)
    try:
        return pj.read_json(pa.BufferReader(content), reading, parsing)
    except pa.ArrowInvalid:
        raise _Refused from None


def _times(texts: pa.LargeStringArray) -> pa.TimestampArray:
    """Return times in UTC; refuse texts without zone, too fine, or outside the years 1 to 9999."""
    try:
        times = pc.cast(texts, TIMESTAMP)
    except pa.ArrowInvalid:
        raise _Refused from None
    first, last = pc.min_max(times).values()
    _refuse_if(first.is_valid and not _YEAR_1 <= first.value <= last.value <= _YEAR_9999)
    if first.value == _YEAR_1:  # what Go and .NET write for none
        return pc.if_else(pc.equal(times, first), None, times)
    return times


def _check(records: pa.StructArray) -> None:
    """Refuse what the record type would carry but not tell apart."""
    _refuse_if(records.null_count)
    for name in ("Arn", "Id"):
        lengths = pc.fill_null(pc.binary_length(records.field(name)), 0)
        _refuse_if(pc.min(lengths).as_py() == 0)
    details = records.field("Details")
    filled = np.zeros(len(records), np.int8)
    for branch in models.branches(records.type):
        filled += mask_of(details.field(branch).is_valid())
    _refuse_if((filled > 1).any())
    _check_values(records)


def _check_values(array: pa.Array, lists: int = 0) -> None:
    """Refuse numbers that may be rounded, and elements of lists that rows cannot show."""
    is_list = pa.types.is_list(array.type)
    _refuse_if(is_list and list_lengths(array).max(initial=0) > MOST_EMPTY)
    _refuse_if(is_list and lists and not _filled(array.values).all())
    for child in _children(array):
        _check_values(child, lists + is_list)
    if pa.types.is_floating(array.type):
        largest = pc.max(pc.abs(array)).as_py()
        _refuse_if(largest is not None and not largest < _EXACT)  # NaN is no less either


def _filled(array: pa.Array) -> Mask:
    """Return which values hold anything at all."""
    if not pa.types.is_struct(array.type):
        return mask_of(array.is_valid())
    filled = np.zeros(len(array), bool)
    for member in array.flatten():
        filled |= _filled(member)
    return filled


def _children(array: pa.Array) -> list[pa.Array]:
    """Return the members of structures, or the elements of lists."""
    if pa.types.is_list(array.type):
        return [array.values]
    return [array.field(i) for i in range(array.type.num_fields)]
