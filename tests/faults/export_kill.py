"""Killing exports: a child writes two sets of tables in turn to one place and gets SIGKILL.

By hand, at full size, from the repository (some minutes; exit status 1 if ever the target was
neither of the two); first 30 kills of Parquet exports of 1,000,000 jobs::

    python -m tests.faults.export_kill
    python -m tests.faults.export_kill --suffix .csv --kills 10 --jobs 200000
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd

import dxnotebook as dx

CHILD = """
import pickle, sys
import dxnotebook as dx
both = pickle.load(open(sys.argv[1], "rb"))
print("ready", flush=True)
while True:
    for tables in reversed(both):
        dx.export(tables, sys.argv[2], progress=False)
"""


def content(target):
    """Return a hash of all that an export holds; what is damaged raises."""
    digest = hashlib.sha256()
    if target.suffix in (".parquet", ".feather"):
        tables = dx.read_tables(target)
        for name in ("jobs", "details", "errors"):
            digest.update(
                pd.util.hash_pandas_object(getattr(tables, name), index=False).to_numpy().tobytes()
            )
    elif target.suffix == ".xlsx":
        with zipfile.ZipFile(target) as book:
            for name in sorted(name for name in book.namelist() if "sheet" in name):
                digest.update(book.read(name))
    else:
        for file in sorted(target.iterdir()) if target.is_dir() else [target]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def leftovers(target):
    return [path for path in target.parent.iterdir() if path.name.startswith(f".{target.name}.")]


class Killing:
    """Exports that are killed: of `both` tables in turn to `target`, which holds the first now."""

    def __init__(self, both, target):
        self.target = target
        self.saved = target.parent / "both.pickle"
        self.saved.write_bytes(pickle.dumps(both))
        self.known = {}
        for name, tables in zip(("new", "old"), reversed(both), strict=True):
            start = time.perf_counter()
            dx.export(tables, target, progress=False)
            self.takes = time.perf_counter() - start
            self.known[content(target)] = name

    def kill(self, after):
        """Return what the target is after a kill, "old", "new" or what is wrong, and if it hit."""
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, self.saved, self.target],
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(after)
            child.kill()
        midway = bool(leftovers(self.target))
        try:
            return self.known.get(content(self.target), "neither"), midway
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it)
            return repr(error), midway


def main():
    parser = argparse.ArgumentParser(
        "python -m tests.faults.export_kill", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--suffix", default=".parquet")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    moments = random.Random(options.seed)
    tables = dx.read_jobs(dx.demo.Account(options.jobs).pages())
    old = tables.filter(tables.jobs["state"] != "CANCELLED")
    with tempfile.TemporaryDirectory() as folder:
        killing = Killing((old, tables), Path(folder) / f"jobs{options.suffix}")
        print(
            f"{len(tables):,} jobs to {options.suffix}: {killing.takes:.1f} s an export; "
            f"seed {options.seed}",
            flush=True,
        )
        found = Counter()
        for number in range(1, options.kills + 1):
            after = moments.uniform(0, 3 * killing.takes)
            result = killing.kill(after)
            found[result] += 1
            print(
                f"  kill {number:>2} after {after:6.2f} s: "
                f"{result[0]}{' (midway)' if result[1] else ''}",
                flush=True,
            )
        dx.export(tables, killing.target, progress=False)
        left = leftovers(killing.target)
    whole = sum(count for (state, _), count in found.items() if state in ("old", "new"))
    midway = sum(count for (_, hit), count in found.items() if hit)
    print(
        f"{whole} of {options.kills} whole, {midway} killed midway, "
        f"{len(left)} leftovers after the next export"
    )
    return 0 if whole == options.kills and not left else 1


if __name__ == "__main__":
    sys.exit(main())
