"""Ctrl-C at fifty moments of every command and call: it ends within a second, in one line.

python -m tests.faults.interrupt                   # some minutes
python -m tests.faults.interrupt --moments 5 load_jobs sync
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dxnotebook import demo

COMMAND = [sys.executable, "-m", "dxnotebook"]
# each prints "ready" when it begins what is to be interrupted
CALL = """\
import os, sys
import dxnotebook as dx
from dxnotebook import demo
import dxnotebook.archive.archive, dxnotebook.aws.load, dxnotebook.report.write
client = demo.Endpoint(demo.Account(0)).client(endpoint_url=sys.argv[1])
tables, nothing = dx.load_jobs(demo.client(300), progress=False), dx.read_jobs([])
try:
    print("ready", flush=True)
    {call}
except KeyboardInterrupt as interrupt:
    partial = getattr(interrupt, "partial", None)
    print("interrupted", partial is not None, flush=True)
os._exit(0)  # what Python does at its end is no part of the call
"""
CALLS = {
    "load_jobs": "dx.load_jobs(client, progress=False)",
    "refresh": "dx.refresh(nothing, client, progress=False)",
    "sync": "dx.Archive('archive').sync(client, progress=False)",
    "add": "[dx.Archive(f'archive{n}').add(tables) for n in range(10)]",
    "read_jobs": "[dx.read_jobs(tables.to_jobs()) for _ in range(20)]",
    "with_names": "[dx.with_names(tables, client) for _ in range(50)]",
    "export": "[dx.export(tables, 'jobs.xlsx', progress=False) for _ in range(20)]",
    "write_report": "dx.write_report(tables, 'report.html')",
}
COMMANDS = {
    "demo": ["demo"],
    "check": ["check", "--demo"],
    "export_command": ["export", "--demo", "jobs.csv"],
    "report_command": ["report", "--demo", "page.html"],
    "sync_command": None,
}
PROMISE_PARTIAL = ("load_jobs", "refresh")


def begun(name, url, folder):
    """Start a call or command in a folder, and return it once it has begun."""
    if name in CALLS:
        command = [sys.executable, "-c", CALL.format(call=CALLS[name]), url]
    else:
        command = [*COMMAND, *COMMANDS[name]]
    process = subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    if name in CALLS:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def interrupted(name, url, after):
    """Interrupt after some seconds; return whether it was still going, and what was wrong."""
    with tempfile.TemporaryDirectory() as folder:
        process = begun(name, url, folder)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        else:
            process.communicate()
            return False, []
        started = time.monotonic()
        try:
            out, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return True, [f"does not end: {err[-300:]}"]
        took = time.monotonic() - started
        left = [path.name for path in Path(folder).rglob("*.tmp*")]
        return True, wrong(name, out, err, took, left)


def wrong(name, out, err, took, left):
    """Yield what is not as promised."""
    found = [f"took {took:.1f} s"] if took > 1.5 else []
    lines = [line for line in err.splitlines() if line.strip()]
    if "Traceback" in err or len(lines) > 3:
        found.append("said: " + " / ".join(lines[-4:]))
    if name in PROMISE_PARTIAL and "interrupted False" in out:
        found.append("no .partial")
    return [*found, *(f"left {file}" for file in left)]


def main():
    parser = argparse.ArgumentParser("python -m tests.faults.interrupt")
    parser.add_argument("names", nargs="*", default=[*CALLS, *COMMANDS])
    parser.add_argument("--moments", type=int, default=50)
    given = parser.parse_args()
    failed = False
    with demo.Endpoint(demo.Account(4_000), delay=0.05) as endpoint:
        COMMANDS["sync_command"] = ["sync", "archive", "--region", "us-east-1"]
        os.environ |= {"AWS_ENDPOINT_URL_DATAEXCHANGE": endpoint.url,
                       "AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo"}  # fmt: skip
        for name in given.names:
            with tempfile.TemporaryDirectory() as folder:
                process = begun(name, endpoint.url, folder)
                started = time.monotonic()
                process.communicate()
                whole = time.monotonic() - started
            moments = [whole * (number + 0.5) / given.moments for number in range(given.moments)]
            results = [interrupted(name, endpoint.url, moment) for moment in moments]
            problems = [text for _, found in results for text in found]
            hit = sum(was_going for was_going, _ in results)
            tried = f"{hit:>3} of {given.moments} interrupted"
            print(f"{name:<15}{tried}, {len(problems)} problems")
            for text in dict.fromkeys(problems):
                print(f"    {text}")
            failed |= bool(problems)
    sys.exit(failed)


if __name__ == "__main__":
    main()
