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
from collections import Counter
from datetime import timedelta
from pathlib import Path

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.archive.archive import Archive
from dxnotebook.archive.sync import Sync  # noqa: F401 (loaded before a process is forked)
from tests.scripted import Scripted

SOURCE = Path(__file__).with_name("shim.c")
RUSTS_OWN = "object_store"
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

    def __init__(self, parts, work):
        self._parts, self.work = parts, work

    def prepare(self, folder):
        for part in self._parts:
            Archive(folder / "archive").add(read(part))
            orphan = folder / "archive" / "jobs" / "part-left-by-a-killed-writer.parquet"
            orphan.touch()
            os.utime(orphan, (0, 0))

    def state(self, folder):
        try:
            return Archive(folder / "archive").load().to_jobs()
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


def operations(client):
    """Return what is tried, by name."""

    def sync(folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Archive(folder / "archive").sync(client, progress=False)

    def add(folder):
        Archive(folder / "archive").add(tables(is_new=True))

    def optimize(folder):
        Archive(folder / "archive").optimize()

    names = ("a.parquet", "a.csv", "a.xlsx", "a.jsonl.gz")
    exports = {f"export {name}": Exported(name) for name in names}
    old, hours = account(is_new=False).listed(), Scripted()
    for number in range(6):
        hours.create(number, at=hours.now - timedelta(hours=number))
    # two files whose times overlap
    untidy = [hours.listed()[start::2] for start in range(2)]
    archives = {"first sync": Archived([], sync), "sync": Archived([old], sync)}
    archives |= {"add": Archived([old], add), "optimize": Archived(untidy, optimize)}
    return archives | exports | {"report": Reported()}


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
        self._reset()
        self.old = result_of(self._looked)
        self.calls = result_of(self._armed, 0, 0, 0)
        self.new = result_of(self._looked)

    def _reset(self):
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._template, self._place)

    def _looked(self):
        return self._operation.state(self._place)

    def _armed(self, how, call, code):
        """Do it with a fault at a call; return how many there were, or the DxError."""
        shim = ctypes.CDLL(None)
        shim.fault_arm(os.fsencode(self._place), how, ctypes.c_long(call), code)
        try:
            self._operation.work(self._place)
        except dx.DxError as error:
            return error
        finally:
            calls = shim.fault_count()
            shim.fault_arm(b"/none/", 0, ctypes.c_long(0), 0)
        return calls

    def _judged(self):
        """Return how it is, and, done again, how it is then."""
        found = self._looked()
        self._operation.work(self._place)
        return found, self._looked()

    def run(self, fault, call):
        """Return what came of a fault at a call, and what is wrong with that."""
        self._reset()
        how, code = FAULTS[fault]
        status, result, printed = forked(self._armed, how, call, code)
        done = "killed" if status == -signal.SIGKILL else f"status {status}"
        wrong = []
        if not status:
            done = type(result).__name__ if isinstance(result, BaseException) else "done"
        if not (done in ("done", "killed") or isinstance(result, dx.DxError)):
            wrong.append(f"{done}: {result}")
        if RUSTS_OWN in printed:
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


def try_all(client, only=(), faults=tuple(FAULTS), say=print):
    """Try each fault at each call of each operation; return what was wrong."""
    wrong = []
    for name, operation in operations(client).items():
        if only and name.split()[0] not in only and name not in only:
            continue
        began, found = time.perf_counter(), Counter()
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(operation, Path(os.path.realpath(folder)))
            for fault in faults:
                for call in range(1, trial.calls + 1):
                    done, problems = trial.run(fault, call)
                    found[f"{fault}: {done}"] += 1
                    wrong += [f"{name}, {fault} at call {call}: {one}" for one in problems]
        took = time.perf_counter() - began
        say(f"{name}: {trial.calls} calls, {dict(found)}, {took:.0f} s", flush=True)
    return wrong


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
    wrong = try_all(client, given.only, given.faults)
    print(*wrong, sep="\n")
    print(f"{len(wrong)} things are wrong")
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main())
