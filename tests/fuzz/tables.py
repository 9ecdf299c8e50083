"""Coverage-guided: bytes become tables with nothing lost, or an error of ours.

pip install atheris
python -m tests.fuzz.tables -max_total_time=60
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dxnotebook"]):
    import dxnotebook as dx
    import dxnotebook.files.read  # (what is imported later is not instrumented)

from tests.fuzz.harness import check, jobs_in, run

JOB_ARN = re.compile("arn:[^:]*:dataexchange:[^:]*:[^:]*:jobs/")
FILE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "page.json"


def one(content):
    came = jobs_in(content)
    FILE.write_bytes(content)
    try:
        tables = dx.read_jobs(FILE, redact=False)
    except dx.DxError:
        # a listing of something else may be refused
        if came and all(JOB_ARN.match(str(job.get("Arn"))) for job in came):
            raise AssertionError(f"refused: {content!r}") from None
        return
    if came is not None:
        check(tables, came)


if __name__ == "__main__":
    run(one)
