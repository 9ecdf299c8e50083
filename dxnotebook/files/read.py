"""Saved jobs: files of any form that people keep, and what boto3 returned."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any

from dxnotebook import errors
from dxnotebook.errors import DxError, FormatError, UnreadableError, warn
from dxnotebook.files import foreign
from dxnotebook.files.typed import CSV, TYPED, read_saved, resolved, saved_as
from dxnotebook.records.body import Body, as_utf8, encode
from dxnotebook.records.decode import BATCH_BYTES, Decoder
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.assemble import Batch, assemble, concat
from dxnotebook.tables.flatten import flatten
from dxnotebook.tables.jobtables import JobTables, warn_of_rejects
from dxnotebook.text import counted, enumerated

Source = str | os.PathLike[str] | bytes | IO[Any] | Mapping[str, Any] | Iterable[Any]

_LARGE_BYTES = 2**25
# full pages of so many are a batch
_DICTS_A_BODY = 100
_FILES_SHOWN = 5
_JOB_ARN = r"arn:[^:]*:dataexchange:[^:]*:[^:]*:jobs/"
# a page's token, where it has one, and the account and region of its first job
_TOKEN = re.compile(rb'"NextToken"\s*:\s*"(?:[^"\\]|\\.)+"')
_OWNER = re.compile(rb'"Arn"\s*:\s*"arn:[^":]*:dataexchange:([^":]*:[^":]*):')
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
        expected; ``partial`` holds what was read before. It is a `FormatError`, too.
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
    several = source if isinstance(source, list | tuple) else [source]
    exports = [found for one in several for found in _exports_at(one)]
    if not exports:
        return decoded(bodies(source), redact=redact)
    parts = [read_saved(*found) for found in exports]
    if rest := [one for one in several if not _exports_at(one)]:
        parts.append(decoded(bodies(rest), redact=redact))
    return concat(parts) if len(parts) > 1 else parts[0]


def _exports_at(source: object) -> list[tuple[Path, str]]:
    """Return the folders of exported tables that a path or pattern means, and their suffixes."""
    if not isinstance(source, str | os.PathLike) or not str(source) or "\0" in str(source):
        return []
    path = resolved(os.fspath(source))
    matches = [path] if saved_as(path) else map(resolved, glob.glob(os.fspath(source)))  # noqa: PTH207
    return [(match, suffix) for match in matches if (suffix := saved_as(match))]


def read_tables(path: str | os.PathLike[str], *, redact: bool = True) -> JobTables:
    """Return the tables that `export` wrote, in any format.

    Parameters
    ----------
    path : str or path
        The path that was given to `export`, or a folder with ``jobs.parquet``, ``details.parquet``
        and ``errors.parquet``, or the same in .feather or .csv, as `export` writes them one by one.
    redact : bool
        Whether to take secrets out of JSON Lines once more; all else is read as it is.

    Returns
    -------
    JobTables
        Tables equal to those that were exported; those of JSON Lines, CSV and Excel do not say when
        they were asked for. Of CSV and Excel the model says the types, so that members it does not
        know are columns of texts, and not in ``to_jobs()``. The quotes that `export` put before
        formulas are removed. Excel has times to the millisecond, no empty texts, and texts as
        `export` shortened and escaped them. CSV in one file has no details, and of a job's errors
        the first; a warning says so.

    Raises
    ------
    DxError
        When there are no such tables, or somebody changed what cannot be a time or a number then.
    MissingDependencyError
        When it is Excel and openpyxl is not installed.

    Examples
    --------
    >>> import dxnotebook as dx, pathlib, tempfile
    >>> tables = dx.load_jobs(dx.demo.client(jobs=50))
    >>> path = dx.export(tables, pathlib.Path(tempfile.mkdtemp()) / "all.feather")
    >>> dx.read_tables(path).jobs.equals(tables.jobs)
    True
    """
    found = resolved(path)
    name, shown = Path(path).name.lower(), repr(str(path))
    if suffix := saved_as(found):
        return read_saved(found, suffix)
    if name.endswith((".jsonl", ".jsonl.gz")):
        return read_jobs(found, redact=redact)
    if found.is_file() and name.endswith((*TYPED, *CSV)):
        form = name.removesuffix(".gz").rpartition(".")[2]
        how = f"pandas.read_{form}, or give the folder that all tables are in"
        raise DxError(f"{shown} is a single frame; read it with {how}.")
    if found.is_file():
        raise FormatError(f"{shown} is no export. Read listings of jobs with dx.read_jobs.")
    return read_saved(found, found.suffix if found.suffix in TYPED else TYPED[0])


def decoded(contents: Iterable[Body], *, redact: bool) -> JobTables:
    """Return the tables of all jobs in bodies, or raise LoadError with those of the jobs before."""
    decoder = Decoder(redact=redact)
    batches: list[Batch] = []
    first, group, ends = Body(b"", ""), [], _Ends()
    try:
        for group in _grouped(contents):
            first = first if first.source else group[0]
            ends.note(group)
            for records in decoder.decode(group):
                # one by one, as what came before an error counts
                batches.append(flatten(records, decoder.layout))  # noqa: PERF401
    except FormatError as error:
        raise _unreadable(error, group, assemble(batches, decoder)) from None
    tables = assemble(batches, decoder)
    _check_are_jobs(tables, first)
    decoder.warn()
    warn_of_rejects(tables.rejects["reason"])
    ends.warn()
    return tables


def _unreadable(error: FormatError, group: Iterable[Body], tables: JobTables) -> UnreadableError:
    """Return the error of what cannot be read, which says what it is if that is known."""
    message = (
        f"{error}. Expected ListJobs pages or jobs as the AWS CLI or boto3 write them, in JSON."
    )
    for body in group:
        if str(error).startswith(f"{body.source}: ") and (form := foreign.form(body.content)):
            message = f"{body.source}: {form}"
    before = f"What was read before is in `.partial` ({counted(len(tables), 'job')})."
    return UnreadableError(f"{message} {before}", tables)


def _check_are_jobs(tables: JobTables, first: Body) -> None:
    """Raise UnreadableError where what was read are no jobs at all, warn where some are none."""
    arns = tables.jobs["job_arn"]
    others = arns.str.startswith("arn:") & ~arns.str.match(_JOB_ARN)
    is_nothing = others.all() and (len(others) or len(tables.rejects))
    if is_nothing and (form := foreign.form(first.content)):
        raise UnreadableError(f"{first.source}: {form} What was read is in `.partial`.", tables)
    if others.any():
        number = counted(int(others.sum()), "job has", "jobs have")
        warn(f"{number} an ARN that is of no job of AWS Data Exchange.", errors.DataWarning)


class _Ends:
    """Which files end in the middle of a listing, because no page follows the last one's token."""

    def __init__(self) -> None:
        # by file: whether a token is the last thing said, and whose listing it is of
        self._ends: dict[str, tuple[bool, bytes | None]] = {}

    def note(self, bodies: Iterable[Body]) -> None:
        """Note how bodies end; of a file in pieces the last one that has a page counts."""
        for body in bodies:
            content = body.content
            last_token, last_page = content.rfind(b'"NextToken"'), content.rfind(b'"Jobs"')
            if max(last_token, last_page) < 0:
                continue
            token = _TOKEN.match(content, last_token) if last_token >= 0 else None
            # before the jobs of its own page nothing is closed
            is_open = token is not None and b"}" not in content[token.end() : max(last_page, 0)]
            owner = _OWNER.search(content)
            self._ends[body.source] = is_open, owner and owner[1]

    def warn(self) -> None:
        """Warn of listings without an end: the pages of one may be files, in any order."""
        ended = {owner for is_open, owner in self._ends.values() if not is_open}
        # a page without jobs may be of any listing
        is_ended = {owner: bool(ended & {owner, None}) for _, owner in self._ends.values()}
        is_ended[None] = bool(ended)
        names = [name for name, (_, owner) in self._ends.items() if not is_ended[owner]]
        if names:
            what = f"{enumerated(names, _FILES_SHOWN)}: a part of a listing, as its last page has a"
            how = "without --max-items and --no-paginate, or go on with --starting-token"
            warn(f"{what} NextToken. For the rest, list jobs {how}.", errors.PartialLoadWarning)


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
            yield from _split(path.read_bytes(), redact_text(str(path)), large)
    elif isinstance(source, bytes | bytearray | memoryview):
        yield from _split(bytes(source), "bytes" if name == "dicts" else name, large)
    elif hasattr(source, "read"):
        content = source.read()
        if isinstance(content, str):
            content = content.encode("utf-8", "backslashreplace")
        called = redact_text(str(getattr(source, "name", "open file")))
        yield from _split(content, called, large)
    elif isinstance(source, Iterable) and not foreign.kind(source):
        yield from _each([source] if isinstance(source, Mapping) else source, name)
    else:
        what = f"Cannot read jobs from a {type(source).__name__}"
        if known := foreign.kind(source):
            raise FormatError(f"{what}, which is {known}")
        raise DxError(f"{what}; give a path, an open file, bytes or dicts.")


def _each(sources: Iterable[Any], name: str) -> Iterator[Body]:
    """Yield the bodies of several sources; dicts are gathered, not to be decoded one by one."""
    done = 0
    for are_dicts, alike in groupby(enumerate(sources), lambda one: isinstance(one[1], Mapping)):
        if not are_dicts:
            for number, source in alike:
                yield from bodies(source, f"item {number}")
            continue
        while dicts := [one for _, one in islice(alike, _DICTS_A_BODY)]:
            yield Body(encode(dicts), name, page=done, line=done)
            done += len(dicts)


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
        raise DxError(f"No file matches {redact_text(text)!r}. {hint}")
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
