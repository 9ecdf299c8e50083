"""Each call that changes files, in turn, fails, falls short, meets a full disk or is the last.

A sync, an add, an optimize, exports and a report run with `shim.c` preloaded, once for each such
call and each fault. Afterwards what they write is the old or the new, whole, they said nothing but
a DxError, and doing it again completes it. By hand, some minutes; exit status 1 where not so::

    python -m tests.faults.every_write
    python -m tests.faults.every_write --only sync export --faults kill full
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import pickle
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from datetime import timedelta
from functools import partial
from pathlib import Path

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.archive import Archive
from dxnotebook.archive.sync import Sync  # noqa: F401 (loaded before a process is forked)
from tests.scripted import Scripted

SOURCE = Path(__file__).with_name("shim.c")
#: What the engine prints by itself, of a panic or its settings.
RUSTS_OWN = ("object_store", "aws_config")
#: What can happen at a call, as `shim.c` numbers it, with what it is to fail.
FAULTS = {"fail": (1, errno.EIO), "kill": (2, 0), "short": (3, 0), "full": (4, 0)}


def account(*, is_new):
    """Return an account before or after something happened in it."""
    made = Scripted(per_page=3)
    arns = [made.create(number, at=made.now - timedelta(days=30 * number)) for number in range(3)]
    if is_new:
        made.now += timedelta(hours=3)
        made.change(arns[0], "ERROR")
        made.create(7, state="COMPLETED")
    return made


def read(jobs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dx.read_jobs(jobs)


def tables(*, is_new):
    return read(account(is_new=is_new).listed())


class Archived:
    """An archive, with jobs or without, and what is done to it."""

    def __init__(self, parts, work, opened=lambda folder: Archive(folder / "archive")):
        self._parts, self._work, self._opened = parts, work, opened

    def prepare(self, place):
        for part in self._parts:
            self._opened(place).add(read(part))
        if self._parts and isinstance(place, Path):
            orphan = place / "archive" / "jobs" / "part-left-by-a-killed-writer.parquet"
            orphan.touch()
            os.utime(orphan, (0, 0))

    def work(self, place):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._work(self._opened(place))

    def state(self, place):
        try:
            return self._opened(place).load().to_jobs()
        except dx.ArchiveError as error:
            if "There is no archive" not in str(error):
                raise
            return []


class Exported:
    """An export, over one that is there."""

    def __init__(self, name):
        self._name = name
        self.prepare = lambda folder: self._export(folder, is_new=False)
        self.work = lambda folder: self._export(folder, is_new=True)

    def _export(self, folder, *, is_new):
        dx.export(tables(is_new=is_new), folder / self._name, progress=False)

    def state(self, folder):
        target = folder / self._name
        if target.suffix in (".parquet", ".feather"):
            return dx.read_tables(target).to_jobs()
        if target.suffix == ".xlsx":  # when it was made stands in it, too
            with zipfile.ZipFile(target) as book:
                return {name: book.read(name) for name in book.namelist() if "sheet" in name}
        return target.read_bytes() if target.is_file() else _contents(target)


class Reported:
    """A report, over one that is there: no two are equal, so what it says is looked at."""

    def prepare(self, folder):
        dx.write_report(tables(is_new=False), folder / "report.html")

    def work(self, folder):
        dx.write_report(tables(is_new=True), folder / "report.html")

    def state(self, folder):
        page = (folder / "report.html").read_text()
        return "4 jobs" in page, "3 jobs" in page, page.rstrip().endswith("</html>")


def archives(client, **options):
    """Return what is tried with archives, by name."""
    old, hours = account(is_new=False).listed(), Scripted()
    for number in range(6):
        hours.create(number, at=hours.now - timedelta(hours=number))
    # two files whose times overlap
    untidy = [hours.listed()[start::2] for start in range(2)]

    def sync(archive):
        archive.sync(client, progress=False)

    def add(archive):
        archive.add(tables(is_new=True))

    tried = {"first sync": ([], sync), "sync": ([old], sync), "add": ([old], add)}
    tried["optimize"] = untidy, Archive.optimize
    return {name: Archived(*one, **options) for name, one in tried.items()}


def operations(client):
    """Return what is tried, by name."""
    names = ("a.parquet", "a.csv", "a.xlsx", "a.jsonl.gz")
    exports = {f"export {name}": Exported(name) for name in names}
    return archives(client) | exports | {"report": Reported()}


def _contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def forked(work, *args, seconds=120):
    """Run something in its own process; return its exit status, result, and what it printed."""
    receive, send = os.pipe()
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if not child:
            os.dup2(printed.fileno(), 2)
            try:
                result = work(*args)
            except BaseException as error:  # noqa: BLE001 (it is judged by who asked)
                result = error
            with os.fdopen(send, "wb") as pipe:
                pickle.dump(result, pipe)
            os._exit(0)
        os.close(send)
        with os.fdopen(receive, "rb") as pipe:
            if not select.select([pipe], [], [], seconds)[0]:
                os.kill(child, signal.SIGKILL)
            content = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed.seek(0)
        return status, pickle.loads(content) if content else None, printed.read().decode()


def result_of(work, *args):
    """Return what something that must not fail gives, in a process of its own."""
    status, result, printed = forked(work, *args)
    if status or isinstance(result, BaseException):
        raise AssertionError(f"status {status}: {result!r} {printed}")
    return result


class Trial:
    """One operation, from its old state to its new one, with a fault at a call."""

    def __init__(self, operation, folder):
        self._operation = operation
        self._template, self._place = folder / "template", folder / "place"
        self._template.mkdir()
        result_of(operation.prepare, self._template)
        self._compare()

    def _compare(self):
        """Find out what is old and new, and how many calls lie between."""
        self._reset()
        self.old = result_of(self._looked)
        self.calls = result_of(self._faulty, "none", 0)
        self.new = result_of(self._looked)

    def _reset(self):
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._template, self._place)

    def _looked(self):
        return self._operation.state(self._place)

    def _arm(self, fault, call):
        """Have a fault at a call; return what ends that, and says how many calls there were."""
        shim = ctypes.CDLL(None)
        how, code = FAULTS.get(fault, (0, 0))
        shim.fault_arm(os.fsencode(self._place), how, ctypes.c_long(call), code)

        def disarm():
            calls = shim.fault_count()
            shim.fault_arm(b"/none/", 0, ctypes.c_long(0), 0)
            return calls

        return disarm

    def _faulty(self, fault, call):
        """Do it with a fault at a call; return how many there were, or the DxError."""
        disarm = self._arm(fault, call)
        try:
            self._operation.work(self._place)
        except dx.DxError as error:
            return error
        finally:
            calls = disarm()
        return calls

    def _judged(self):
        """Return how it is, and, done again, how it is then."""
        found = self._looked()
        self._operation.work(self._place)
        return found, self._looked()

    def run(self, fault, call):
        """Return what came of a fault at a call, and what is wrong with that."""
        self._reset()
        status, result, printed = forked(self._faulty, fault, call)
        done = "killed" if status == -signal.SIGKILL else f"status {status}"
        wrong = []
        if not status:
            done = type(result).__name__ if isinstance(result, BaseException) else "done"
        if not (done in ("done", "killed") or isinstance(result, dx.DxError)):
            wrong.append(f"{done}: {result}")
        if any(name in printed for name in RUSTS_OWN):
            done += ", with what Rust prints"  # once a write is under way nobody can keep it off
        elif printed:
            wrong.append(f"printed: {printed[:300]}")
        return done, wrong + self._wrong_afterwards(done)

    def _wrong_afterwards(self, done):
        status, judged, printed = forked(self._judged)
        if status or isinstance(judged, BaseException):
            return [f"afterwards status {status}: {judged!r} {printed[:300]}"]
        found, again = judged
        problems = {
            "neither old nor new": found not in (self.old, self.new),
            "said done, but is not": done == "done" and found != self.new,
            "not complete when done again": again != self.new,
        }
        return [problem for problem, is_there in problems.items() if is_there]


def try_all(trials, faults, say=print):
    """Try each fault at each call of the trials that these make; return what was wrong."""
    wrong = []
    for name, made in trials.items():
        began, found, trial = time.perf_counter(), Counter(), made()
        for fault in faults:
            for call in range(1, trial.calls + 1):
                done, problems = trial.run(fault, call)
                found[f"{fault}: {done}"] += 1
                wrong += [f"{name}, {fault} at call {call}: {one}" for one in problems]
        took = time.perf_counter() - began
        say(f"{name}: {trial.calls} calls, {dict(found)}, {took:.0f} s", flush=True)
    return wrong


def chosen(operations, names):
    """Return the operations of these names, or of these kinds."""
    return {
        name: one
        for name, one in operations.items()
        if not names or name in names or name.split()[0] in names
    }


def told(wrong):
    """Print what is wrong, and return the exit status."""
    print(*wrong, f"{len(wrong)} things are wrong", sep="\n")
    return min(len(wrong), 1)


def compiled(folder):
    """Return the shim, compiled, or None where there is no compiler, or no such loader."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        return None
    target = Path(folder, "shim.so")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", target, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return target


def run(arguments, shim, **options):
    """Run this module with the shim preloaded, against an endpoint of this process."""
    command = [sys.executable, "-m", "tests.faults.every_write", *arguments]
    with demo.Endpoint(account(is_new=True)) as endpoint:
        environment = os.environ | {"LD_PRELOAD": str(shim)}
        return subprocess.run(
            [*command, "--url", endpoint.url], env=environment, check=False, **options
        )


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.every_write")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), choices=FAULTS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.url is None:
        with tempfile.TemporaryDirectory() as folder:
            shim = compiled(folder)
            if shim is None:
                print("There is no C compiler, or this is not Linux.")
                return 1
            return run(sys.argv[1:], shim).returncode
    client = demo.Endpoint(demo.Account(0)).client(endpoint_url=given.url)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(os.path.realpath(folder))
        trials = {
            name: partial(Trial, operation, Path(tempfile.mkdtemp(dir=place)))
            for name, operation in chosen(operations(client), given.only).items()
        }
        return told(try_all(trials, given.faults))


if __name__ == "__main__":
    sys.exit(main())
