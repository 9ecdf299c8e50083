"""Replacing files and folders whole: a crash leaves what was there, or all that comes instead."""

from __future__ import annotations

import ctypes
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
        _check_target(target, parts)
        recover(target)
        with _scratch_folder(target) as scratch:
            written = scratch / target.name
            if parts:
                written.mkdir()
            yield written
            for path in [*(written.iterdir() if parts else []), written]:
                _sync(path)
            _check_target(target, parts)  # while one wrote, a user may have put something there
            _put_in_place(written, target)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        hint = "What was there before is as it was; make room or choose another path."
        raise DxError(f"Cannot write {str(target)!r}: {reason}. {hint}") from error


def recover(target: Path) -> None:
    """Put back a folder that stepped aside, when something kept the new one from its place."""
    for scratch in _scratch_folders(target):
        if (scratch / _ASIDE).is_dir() and (scratch / target.name).is_dir() and not target.exists():
            with suppress(OSError):  # another process was first
                (scratch / _ASIDE).rename(target)


def _check_target(target: Path, parts: Collection[str]) -> None:
    """Raise DxError where a target may not be replaced, or nothing can be."""
    shown, problem = repr(str(target)), ""
    if not target.parent.is_dir():
        folder = str(target.parent)
        problem = f"There is no folder {folder!r}; make it first, or choose another path."
    elif target.is_dir() and not parts:
        problem = f"{shown} is a folder; give the path of a file."
    elif target.is_dir():
        foreign = [p.name for p in target.iterdir() if p.name not in parts or not p.is_file()]
        if foreign:
            problem = f"{shown} is a folder that holds more than exported tables: {min(foreign)!r}."
            problem += " Choose another path."
    elif target.exists() and parts:
        problem = f"{shown} is a file, and tables become a folder."
        problem += " Remove it, or choose another path."
    elif target.exists() and not target.is_file():
        problem = f"{shown} is neither a file nor a folder; choose another path."
    if problem:
        raise DxError(problem)


@contextmanager
def _scratch_folder(target: Path) -> Iterator[Path]:
    """Yield a folder beside the target, so on its file system, and remove those of the dead."""
    for abandoned in _scratch_folders(target):
        with _claimed(abandoned) as is_free:
            if is_free:
                shutil.rmtree(abandoned, ignore_errors=True)
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_MARK}")
    scratch.mkdir(0o700)  # what is in it gets its rights at the end
    with _claimed(scratch):
        try:
            yield scratch
        finally:
            recover(target)
            shutil.rmtree(scratch, ignore_errors=True)


def _scratch_folders(target: Path) -> list[Path]:
    return list(target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * 8}{_MARK}"))


@contextmanager
def _claimed(scratch: Path) -> Iterator[bool]:
    """Hold a lock that ends with the process; yield whether it was free, never where none are."""
    handle, is_free = None, False
    if sys.platform != "win32":
        with suppress(OSError):  # another process has it, or has removed the folder
            handle = os.open(scratch, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_free = True
    try:
        yield is_free
    finally:
        if handle is not None:
            os.close(handle)


def _put_in_place(written: Path, target: Path) -> None:
    """Put what was written in the target's place, with the rights of what was there."""
    _copy_rights(target, written)
    if not (written.is_dir() and target.exists()):
        written.replace(target)
    elif not _swapped(written, target):
        # no system replaces a folder that is not empty in one step: for a moment nothing is there,
        # see `recover`
        target.rename(written.with_name(_ASIDE))
        written.rename(target)
    _sync(target.parent)


def _copy_rights(old: Path, new: Path) -> None:
    if old.exists():  # else they are what the user's umask says
        for part in new.iterdir() if new.is_dir() else ():
            _copy_rights(old / part.name, part)
        shutil.copymode(old, new)


def _swapped(one: Path, other: Path) -> bool:
    """Swap two names in one step, and tell if the system could; Python has no call for that."""
    names = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "linux":
            failed = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
        else:
            failed = libc.renamex_np(*names, _RENAME_SWAP)  # macOS
    except (AttributeError, OSError, TypeError):
        return False
    return not failed


def _sync(path: Path) -> None:
    """Have a file or folder on the disk: not even a power cut leaves a name without its content."""
    if path.is_dir() and sys.platform == "win32":
        return  # its folders cannot be opened
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
