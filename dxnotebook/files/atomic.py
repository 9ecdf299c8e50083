"""Replacing files and folders whole: a crash at any moment leaves what was there before, or all that comes instead."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dxnotebook.errors import DxError

if sys.platform != "win32":
    import fcntl

_MARK, _ASIDE = ".partial", "aside"
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2
# what a kernel or a file system says that cannot swap two names
_CANNOT_SWAP = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)


@contextmanager
def replacing(target: Path, parts: Collection[str] = ()) -> Iterator[Path]:
    """Yield where to write: a folder if it may have parts of these names, else a file.

    What was written takes the target's place at the end, in one step. If anything fails, the target
    is as it was.

    Raises
    ------
    DxError
        When something else is there, or it cannot be written.
    """
    try:
        _check(target, parts)
        recover(target)
        with _workshop(target) as scratch:
            written = scratch / target.name
            if parts:
                written.mkdir()
            yield written
            _sync(written)
            _check(target, parts)  # while one wrote, a user may have put something there
            _put(written, target)
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else error
        raise DxError(
            f"Cannot write {str(target)!r}: {said}. What was there before is as it was; make room or choose another path."
        ) from error


def recover(target: Path) -> None:
    """Put back a folder that stepped aside when a crash came before the new one was in its place."""
    for scratch in _workshops(target):
        if (scratch / _ASIDE).is_dir() and (scratch / target.name).is_dir() and not target.exists():
            with suppress(OSError):  # another process was first
                (scratch / _ASIDE).rename(target)


def _check(target: Path, parts: Collection[str]) -> None:
    shown = str(target)
    if not target.parent.is_dir():
        raise DxError(
            f"There is no folder {str(target.parent)!r}; make it first, or choose another path."
        )
    if target.is_dir() and not parts:
        raise DxError(f"{shown!r} is a folder; give the path of a file.")
    if target.is_dir():
        foreign = sorted(
            part.name for part in target.iterdir() if part.name not in parts or not part.is_file()
        )
        if foreign:
            raise DxError(
                f"{shown!r} is a folder that holds more than exported tables: {foreign[0]!r}. Choose another path."
            )
    elif target.exists() and parts:
        raise DxError(
            f"{shown!r} is a file, and tables become a folder. Remove it, or choose another path."
        )
    elif target.exists() and not target.is_file():
        raise DxError(f"{shown!r} is neither a file nor a folder; choose another path.")


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """Yield a folder beside the target, so on its file system, and remove it and those that killed processes left."""
    for scratch in _workshops(target):
        with _claimed(scratch) as dead:
            if dead:
                shutil.rmtree(scratch, ignore_errors=True)
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_MARK}")
    scratch.mkdir()
    with _claimed(scratch):
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _workshops(target: Path) -> list[Path]:
    return list(target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * 8}{_MARK}"))


@contextmanager
def _claimed(scratch: Path) -> Iterator[bool]:
    """Hold a lock that ends with the process, and yield whether it was free; where there are no locks it never is."""
    if sys.platform == "win32":
        yield False
        return
    try:
        handle = os.open(scratch, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _put(written: Path, target: Path) -> None:
    """Put what was written in the target's place."""
    if target.is_file():
        shutil.copymode(target, written)
    if not (written.is_dir() and target.exists()):
        written.replace(target)
    elif not _swapped(written, target):
        # no system replaces a folder that is not empty in one step: for a moment nothing is there,
        # see `recover`
        target.rename(written.with_name(_ASIDE))
        written.rename(target)
    _sync_entry(target.parent)


def _swapped(one: Path, other: Path) -> bool:
    """Swap two names in one step, and tell whether the system could; Python itself has no call for that."""
    names = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            failed = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
        else:
            failed = libc.renamex_np(*names, _RENAME_SWAP)  # macOS
    except (AttributeError, OSError, TypeError):
        return False
    code = ctypes.get_errno()
    if failed and code not in _CANNOT_SWAP:
        raise OSError(code, os.strerror(code))
    return not failed


def _sync(written: Path) -> None:
    """Have all of it on the disk, so that not even a power cut leaves a name without its content."""
    for path in [*written.iterdir(), written] if written.is_dir() else [written]:
        _sync_entry(path)


def _sync_entry(path: Path) -> None:
    if path.is_dir() and sys.platform == "win32":
        return  # its folders cannot be opened
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
