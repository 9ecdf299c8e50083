"""Saved jobs: files of any form that people keep, and what boto3 returned."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from dxnotebook.errors import DxError, FormatError, LoadError
from dxnotebook.records.body import Body, as_utf8, encode
from dxnotebook.records.decode import Decoder
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.flatten import flatten
from dxnotebook.tables.jobtables import JobTables

Source = str | os.PathLike[str] | bytes | IO[Any] | Mapping[str, Any] | Iterable[Any]

_BATCH_BYTES = 2**24
_LARGE_BYTES = 2**25
_JOBS_A_BODY = 5_000
# a document on the first line, or an indented one: then a line that begins with a brace begins a
# document
_DOCUMENTS_BEGIN_LINES = re.compile(rb"\s*\{(?:[^\n]*\}\r?\n|\r?\n[ \t])")


def read_jobs(source: Source, *, redact: bool = True) -> JobTables:
    """Return the jobs that were saved in files, or that boto3 returned.

    Parameters
    ----------
    source : path, pattern, open file, bytes, dict, or iterable of these
        What ``aws dataexchange list-jobs`` or ``get-job`` wrote, raw pages, lists of jobs, a job a
        line; any number of them in one file, gzipped or not. A ``str`` is a path or a pattern such
        as ``"jobs/*.json.gz"``. Dicts are pages or jobs as boto3 returns them, so a paginator's
        pages can be given as they come.
    redact : bool
        Whether to take secrets (signed URLs' queries, API keys) out.

    Returns
    -------
    JobTables
        The jobs in the order they were read, each ARN once.

    Raises
    ------
    LoadError
        When a file is cut off, damaged or foreign: the message says which, where, and what was
        expected; ``partial`` holds what was read before.
    DxError
        When there is no such file, or the source is of another kind.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> arn = "arn:aws:dataexchange:us-east-1:111122223333:jobs/a1"
    >>> tables = dx.read_jobs({"Jobs": [{"Arn": arn, "Id": "a1", "State": "ERROR"}]})
    >>> tables.jobs[["job_id", "state", "region"]].iloc[0].tolist()
    ['a1', 'ERROR', 'us-east-1']
    """
    decoder = Decoder(redact=redact)
    batches: list[dict[str, pa.Table]] = []
    try:
        for bodies in _grouped(_bodies(source, "dicts")):
            for records in decoder.decode(bodies):
                batches.append(flatten(records, decoder.layout))  # noqa: PERF401 (what came before an error counts)
    except FormatError as error:
        tables = assemble(batches, decoder)
        raise LoadError(
            f"{error}. Expected ListJobs pages or jobs as the AWS CLI or boto3 write them, in JSON. "
            f"What was read before is in `.partial` ({len(tables):,} jobs).",
            tables,
        ) from None
    tables = assemble(batches, decoder)
    decoder.warn()
    return tables


def _grouped(bodies: Iterable[Body]) -> Iterator[list[Body]]:
    """Yield bodies in groups that are worth a call of the reader."""
    group: list[Body] = []
    size = 0
    for body in bodies:
        group.append(body)
        size += len(body.content)
        if size >= _BATCH_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _bodies(source: Source, name: str) -> Iterator[Body]:
    """Yield what is to be decoded, in order; `name` is what to call a source that has no name of its own."""
    if isinstance(source, str | os.PathLike):
        for path in _paths(source):
            yield from _split(path.read_bytes(), str(path))
    elif isinstance(source, bytes | bytearray | memoryview):
        yield from _split(bytes(source), "bytes" if name == "dicts" else name)
    elif hasattr(source, "read"):
        content = source.read()
        content = (
            content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
        )
        yield from _split(content, str(getattr(source, "name", "open file")))
    elif isinstance(source, Mapping):
        yield Body(encode([source]), name)
    elif isinstance(source, Iterable):
        yield from _each(source, name)
    else:
        raise DxError(
            f"Cannot read jobs from a {type(source).__name__}; give a path, an open file, bytes or dicts."
        )


def _each(sources: Iterable[Any], name: str) -> Iterator[Body]:
    """Yield the bodies of each of several sources; dicts are gathered, so that jobs are not decoded one by one."""
    dicts: list[Mapping[str, Any]] = []
    jobs = documents = 0
    for number, source in enumerate(sources):
        if isinstance(source, Mapping):
            dicts.append(source)
            jobs += len(source["Jobs"]) if isinstance(source.get("Jobs"), list) else 1
        if dicts and (jobs >= _JOBS_A_BODY or not isinstance(source, Mapping)):
            yield Body(encode(dicts), name, documents)
            documents += len(dicts)
            dicts, jobs = [], 0
        if not isinstance(source, Mapping):
            yield from _bodies(source, f"item {number}")
    if dicts:
        yield Body(encode(dicts), name, documents)


def _paths(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files that a path or pattern means."""
    text = os.fspath(source)
    if text.lstrip().startswith(("{", "[")):
        raise DxError(
            "That looks like JSON, not a path; give it as bytes: read_jobs(text.encode())."
        )
    path = Path(text)
    if text and path.is_dir():
        raise DxError(
            f"{text!r} is a folder; give a pattern of its files, such as {str(path / '*.json')!r}."
        )
    found = (
        [path]
        if text and path.exists()
        else sorted(Path(match) for match in glob.glob(text, recursive=True))
    )
    files = [match for match in found if not match.is_dir()]
    if not files:
        raise DxError(
            f"No file matches {text!r}. Give the path of a saved listing, or a pattern such as 'jobs/*.json'."
        )
    return files


def _split(content: bytes, name: str) -> Iterator[Body]:
    """Yield a file's content, a large one in pieces where documents seem to begin, so that not all is decoded at once."""
    try:
        content = as_utf8(content)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from None
    if len(content) <= _LARGE_BYTES or not _DOCUMENTS_BEGIN_LINES.match(content):
        yield Body(content, name)
        return
    start = page = line = 0
    while start < len(content):
        end = content.find(b"\n{", start + _LARGE_BYTES) + 1 or len(content)
        yield Body(content[start:end], name, page, line)
        page += content.count(b"\n{", start, end - 1) + 1
        line += content.count(b"\n", start, end)
        start = end
