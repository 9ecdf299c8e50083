"""Saved jobs: files of any form that people keep, and what boto3 returned."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from dxnotebook.errors import DxError, FormatError, LoadError
from dxnotebook.records.body import Body, as_utf8, encode
from dxnotebook.records.decode import BATCH_BYTES, Decoder
from dxnotebook.tables.assemble import Batch, assemble
from dxnotebook.tables.flatten import flatten
from dxnotebook.tables.jobtables import JobTables, warn_of_rejects
from dxnotebook.text import counted

Source = str | os.PathLike[str] | bytes | IO[Any] | Mapping[str, Any] | Iterable[Any]

_LARGE_BYTES = 2**25
# full pages of so many are a batch
_DICTS_A_BODY = 100
# a document on the first line, or an indented one: then a brace at a line's beginning begins one
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
    return decoded(bodies(source), redact=redact)


def decoded(contents: Iterable[Body], *, redact: bool) -> JobTables:
    """Return the tables of all jobs in bodies, or raise LoadError with those of the jobs before."""
    decoder = Decoder(redact=redact)
    batches: list[Batch] = []
    try:
        for group in _grouped(contents):
            for records in decoder.decode(group):
                # one by one, as what came before an error counts
                batches.append(flatten(records, decoder.layout))  # noqa: PERF401
    except FormatError as error:
        tables = assemble(batches, decoder)
        expected = "Expected ListJobs pages or jobs as the AWS CLI or boto3 write them, in JSON."
        before = f"What was read before is in `.partial` ({counted(len(tables), 'job')})."
        raise LoadError(f"{error}. {expected} {before}", tables) from None
    tables = assemble(batches, decoder)
    decoder.warn()
    warn_of_rejects(tables.rejects["reason"])
    return tables


def _grouped(contents: Iterable[Body]) -> Iterator[list[Body]]:
    """Yield bodies in groups that are worth a call of the reader."""
    group: list[Body] = []
    size = 0
    for body in contents:
        group.append(body)
        size += len(body.content)
        if size >= BATCH_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def bodies(source: Source, name: str = "dicts", large: int = _LARGE_BYTES) -> Iterator[Body]:
    """Yield what is to be decoded, in order, what is large in pieces.

    `name` is what to call a source that has no name of its own.
    """
    if isinstance(source, str | os.PathLike):
        for path in _paths(source):
            yield from _split(path.read_bytes(), str(path), large)
    elif isinstance(source, bytes | bytearray | memoryview):
        yield from _split(bytes(source), "bytes" if name == "dicts" else name, large)
    elif hasattr(source, "read"):
        content = source.read()
        if isinstance(content, str):
            content = content.encode("utf-8", "backslashreplace")
        yield from _split(content, str(getattr(source, "name", "open file")), large)
    elif isinstance(source, Iterable):
        yield from _each([source] if isinstance(source, Mapping) else source, name)
    else:
        raise DxError(
            f"Cannot read jobs from a {type(source).__name__}; "
            "give a path, an open file, bytes or dicts."
        )


def _each(sources: Iterable[Any], name: str) -> Iterator[Body]:
    """Yield the bodies of several sources; dicts are gathered, not to be decoded one by one."""
    dicts: list[Mapping[str, Any]] = []
    done = 0
    for number, source in enumerate(sources):
        is_dict = isinstance(source, Mapping)
        if is_dict:
            dicts.append(source)
        if dicts and (len(dicts) == _DICTS_A_BODY or not is_dict):
            yield Body(encode(dicts), name, page=done, line=done)
            done, dicts = done + len(dicts), []
        if not is_dict:
            yield from bodies(source, f"item {number}")
    if dicts:
        yield Body(encode(dicts), name, page=done, line=done)


def _paths(source: str | os.PathLike[str]) -> list[Path]:
    """Return the files that a path or pattern means."""
    text = os.fspath(source)
    if text.lstrip().startswith(("{", "[")):
        raise DxError(
            "That looks like JSON, not a path; give it as bytes: read_jobs(text.encode())."
        )
    path = Path(text)
    if text and path.is_dir():
        pattern = str(path / "*.json")
        raise DxError(f"{text!r} is a folder; give a pattern of its files, such as {pattern!r}.")
    # pathlib has no patterns that may be absolute
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207
    if text and path.exists():
        matches = [path]
    files = [match for match in matches if not match.is_dir()]
    if not files:
        hint = "Give the path of a saved listing, or a pattern such as 'jobs/*.json'."
        raise DxError(f"No file matches {text!r}. {hint}")
    return files


def _split(content: bytes, name: str, large: int) -> Iterator[Body]:
    """Yield a file's content, if large in pieces where documents seem to begin.

    So not all is decoded at once.
    """
    try:
        content = as_utf8(content)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from None
    if len(content) <= large or not _DOCUMENTS_BEGIN_LINES.match(content):
        yield Body(content, name)
        return
    start = page = line = 0
    while start < len(content):
        end = content.find(b"\n{", start + large) + 1 or len(content)
        yield Body(content[start:end], name, page, line)
        page += content.count(b"\n{", start, end - 1) + 1
        line += content.count(b"\n", start, end)
        start = end
