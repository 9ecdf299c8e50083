"""What dxnotebook raises and warns with; every error says what, where and what to do next."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from dxnotebook.text import visible

# what not everybody has installed, by the extra that brings it
_NOTEBOOK = """IPython anywidget ipykernel ipywidgets jupyter_client jupyterlab nbclient nbconvert
 nbformat traitlets"""
_EXTRAS = dict.fromkeys(_NOTEBOOK.split(), "notebook") | {"voila": "dashboard"}
_EXTRAS |= {"deltalake": "archive", "matplotlib": "plots"}
_EXTRAS |= {"openpyxl": "excel", "xlsxwriter": "excel"}
_LONGEST_SHOWN = 500  # characters of what cannot be, such as a path


class DxError(Exception):
    """The base of every error that dxnotebook raises.

    Examples
    --------
    >>> from dxnotebook import DxError, read_jobs
    >>> try:
    ...     read_jobs("no-such-file.json")
    ... except DxError as error:
    ...     print(error)  # doctest: +NORMALIZE_WHITESPACE
    No file matches 'no-such-file.json'. Give the path of a saved listing, or a pattern such as
    'jobs/*.json'.
    """

    # a parser's error, which a message is made of, quotes what it parsed, secrets and all
    __context__ = property(lambda _: None, lambda *_: None)

    def __str__(self) -> str:
        return visible(super().__str__())


class FormatError(DxError):
    """A page or file is not what ListJobs, GetJob or the AWS CLI writes.

    The message names what was found, where, and what was expected; it never quotes a value.
    """


class ArchiveError(DxError):
    """An archive is not there, cannot be read or written, or never was free for a commit."""


class LoadError(DxError):
    r"""A load broke off midway; what had been read until then is in ``partial``.

    Attributes
    ----------
    partial : JobTables or None
        The tables of everything read before the failure, as complete as the listing was by then.

    Examples
    --------
    >>> from dxnotebook import LoadError, read_jobs
    >>> job = b'{"Arn": "arn:aws:dataexchange:us-east-1:111122223333:jobs/a1", "Id": "a1"}'
    >>> try:
    ...     read_jobs(job + b"\n" + job[:20])
    ... except LoadError as error:
    ...     len(error.partial.jobs)
    1
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class UnreadableError(LoadError, FormatError):
    """What was given is no listing of jobs, or a damaged one."""


class LoadInterrupted(LoadError, KeyboardInterrupt):  # noqa: N818 (named like what it is)
    """The user stopped a load; it is a ``KeyboardInterrupt`` that carries ``partial``.

    Attributes
    ----------
    partial : JobTables or None
        The tables of what had been read, made when they are first asked for: nobody waits for them
        who only wants to stop.
    """

    def __init__(self, message: str, make: Callable[[], Any] = lambda: None) -> None:
        super(LoadError, self).__init__(message)
        self._make = make

    @cached_property
    def partial(self) -> Any:  # noqa: D102 (above)
        return self._make()


class MissingDependencyError(DxError, ImportError):
    """Something needs a library that is not installed: an ``ImportError`` that says what to do."""

    def __init__(self, name: str, library: str, extra: str) -> None:
        super().__init__(f"{name} needs {library}. Install it with: {installing(extra)}")


def installing(extra: str) -> str:
    """Return the command that installs an extra's libraries, wherever this package came from.

    pip takes the package that is installed, if it is there: that of a checkout, too.
    """
    return f"python -m pip install 'dxnotebook[{extra}]'"


class DxWarning(UserWarning):
    """The base of every warning that dxnotebook gives."""


class UnknownFieldWarning(DxWarning):
    """AWS sent members that botocore does not know; they were kept as further columns or rows."""


class DataWarning(DxWarning):
    """The data was kept, but something about it is odd: an order, a time, a repeated key, a tie."""


class PartialLoadWarning(DxWarning):
    """Some jobs are not in the tables, which hold the rest.

    Some of several clients failed, and ``tables.failures`` says which; or a file holds only a part
    of a listing.
    """


class GapWarning(DxWarning):
    """An archive was not synced for longer than AWS keeps jobs: it may never see some of them."""


def invalid(parameter: str, given: object, valid: str) -> DxError:
    """Return the error of a parameter that cannot be what was given: "Valid …" says what it can be.

    Examples
    --------
    >>> from dxnotebook.errors import invalid
    >>> print(invalid("top", 0, "is a number of causes, at least 1"))
    Invalid top: 0. Valid is a number of causes, at least 1.
    """
    shown = repr(given)
    if "\n" in shown or len(shown) > _LONGEST_SHOWN:
        shown = f"a {type(given).__name__}"
    return DxError(f"Invalid {parameter}: {shown}. Valid {valid}.")


def texts(parameter: str, given: object) -> list[str]:
    """Return the texts that a parameter gives, one or several, or raise DxError that names it."""
    is_one = isinstance(given, str) or not isinstance(given, Iterable)
    several: list[Any] = [given] if is_one else [*given]  # type: ignore[misc]
    if not all(isinstance(one, str) for one in several):
        raise invalid(parameter, given, "is a text, or a list of texts")
    return list(dict.fromkeys(several))


@contextmanager
def interruptible(message: str, make: Callable[[], Any] = lambda: None) -> Iterator[None]:
    """Turn the user's interrupt into LoadInterrupted, with what `make` makes as its ``partial``.

    Raises
    ------
    LoadInterrupted
        When the user interrupts.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise LoadInterrupted(message, make) from None


@contextmanager
def naming_extras(name: str) -> Iterator[None]:
    """Import what `name` needs, and tell how to install what is missing of it.

    Raises
    ------
    MissingDependencyError
        When one of those libraries is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if library not in _EXTRAS:
            raise
        raise MissingDependencyError(name, library, _EXTRAS[library]) from None


def warn(message: str, category: type[DxWarning]) -> None:
    """Warn at the line outside this package that called into it."""
    package = str(Path(__file__).parent)
    # what warnings itself walks; its skip_file_prefixes needs Python 3.12
    depth, frame = 2, sys._getframe(1)  # noqa: SLF001
    while frame.f_back and frame.f_code.co_filename.startswith(package):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(visible(message), category, stacklevel=depth)
