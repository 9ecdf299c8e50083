"""Coverage-guided: bytes become tables, go into an archive, and come back with nothing lost.

pip install atheris
python -m tests.fuzz.archive -max_total_time=60
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dxnotebook"]):
    import dxnotebook as dx
    import dxnotebook.archive.archive
    import dxnotebook.archive.sync
    import dxnotebook.files.read

from tests.conftest import pruned
from tests.fuzz.harness import run

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


def one(content):
    page, archived = FOLDER / "page.json", FOLDER / "archive"
    page.write_bytes(content)
    try:
        tables = dx.read_jobs(page)
    except dx.DxError:
        return
    archive = dx.Archive(archived)
    try:
        archive.add(tables)
        back = archive.load() if len(tables.jobs) + len(tables.rejects) else tables
        # a second time changes nothing, and still can
        archive.add(tables)
    finally:
        shutil.rmtree(archived, ignore_errors=True)
    expected, ours = ({text_of(one): name_of(one) for one in t.to_jobs()} for t in (tables, back))
    # of a job that came in two versions, one of which is a reject, an archive has one
    if not ours.keys() <= expected.keys() or {*ours.values()} != {*expected.values()}:
        raise AssertionError(f"{expected} came back as {ours}")


def name_of(one):
    """Return what an archive tells a job by: its ARN, else all of it."""
    arn = one.get("Arn") if isinstance(one, dict) else None
    return arn if isinstance(arn, str) and arn else text_of(one)


def text_of(one):
    """Return all of a job, whatever the order of its members."""
    return json.dumps(pruned(one), sort_keys=True, default=repr)


if __name__ == "__main__":
    run(one)
