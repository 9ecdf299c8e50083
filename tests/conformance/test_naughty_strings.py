"""The Big List of Naughty Strings at every text of a job, through all that keeps or shows jobs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache

import pandas as pd
import pytest
from botocore.model import ListShape, StructureShape

import dxnotebook as dx
from dxnotebook.archive import rows
from dxnotebook.model import MODEL, leaves
from dxnotebook.records.decode import glance
from dxnotebook.report.table import Table
from tests.conformance.conftest import suite
from tests.conftest import output_shape, page_of, pruned
from tests.scripted import START

pytestmark = [pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning"), pytest.mark.slow]

STRINGS = json.loads(suite("blns.json").read_bytes())
JOB = output_shape().members["Jobs"].member
BRANCHES = JOB.members["Details"].members


def filled(shape, text):
    """Return the JSON of a shape with this text wherever one can be."""
    if isinstance(shape, StructureShape):
        return {name: filled(member, text) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [filled(shape.member, text)] * 2
    values = {"timestamp": "2026-09-01T00:00:00+00:00", "double": 1.5}
    return values.get(shape.type_name, text)


@cache
def jobs():
    """Return a job for each string and branch, with the string at every text and as a member."""
    found = []
    for text in STRINGS:
        for branch, shape in BRANCHES.items():
            number = len(found)
            whole = {name: filled(member, text) for name, member in JOB.members.items()}
            whole |= {"Arn": f"a:{number}:{text}", "Id": f"{number}:{text}"}
            found.append(whole | {"Details": {branch: filled(shape, text)}, "Unknown": [text]})
    return found


@cache
def tables():
    return dx.read_jobs(page_of(*jobs()), redact=False)


def given(found):
    """Return jobs by id, as JSON, what is absent or empty left out."""
    return {
        job["Id"]: json.dumps(pruned(job), sort_keys=True, default=datetime.isoformat)
        for job in found
    }


def test_every_text_of_the_model_has_a_string():
    count = sum(not {"timestamp", "double"} & {str(kind)} for _, kind in leaves(MODEL.record))
    assert len(STRINGS) == 515
    assert count > 60
    assert len(jobs()) == 515 * 9


def assert_same(found):
    ours, theirs = given(found), given(jobs())
    assert ours.keys() == theirs.keys()
    lost = [name for name, text in theirs.items() if ours[name] != text]
    assert not lost, f"{len(lost)} lost, such as {ours[lost[0]]} of {theirs[lost[0]]}"


def test_they_come_back_from_tables():
    assert tables().rejects.empty
    assert len(glance(page_of(*jobs())).created) == len(jobs())
    assert_same(tables().to_jobs())
    assert_same(dx.read_jobs(jobs(), redact=False).to_jobs())
    assert_same(dx.concat([tables(), tables()]).to_jobs())


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".jsonl", ".jsonl.gz"])
def test_they_come_back_from_exports(suffix, tmp_path):
    path = dx.export(tables(), tmp_path / f"all{suffix}")
    assert_same(dx.read_tables(path, redact=False).to_jobs())


NAMES = ("jobs", "details", "errors")
# Excel has none of them
_NO_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def escape(sign):
    return sign[0].encode("unicode_escape").decode()


def texts_of(frame):
    """Return the texts of a frame, column by column."""
    return {n: frame[n].astype(object) for n in frame.select_dtypes(["str", "category"])}


def test_they_come_back_from_csv(tmp_path):
    path = dx.export(tables(), tmp_path / "all.csv", escape_formulas=False, folder=True)
    for name in NAMES:
        read = pd.read_csv(path / f"{name}.csv", dtype="str", keep_default_na=False)
        for column, texts in texts_of(getattr(tables(), name)).items():
            assert read[column].tolist() == texts.fillna("").tolist(), column


def test_they_come_back_from_excel(tmp_path):
    part = tables().filter(tables().jobs["job_id"][::9])
    path = dx.export(part, tmp_path / "all.xlsx", escape_formulas=False)
    for name in NAMES:
        read = pd.read_excel(path, sheet_name=name, dtype="str", keep_default_na=False)
        for column, texts in texts_of(getattr(part, name)).items():
            shown = [_NO_XML.sub(escape, text) for text in texts.fillna("")]
            assert read[column].tolist() == shown, column


def test_they_come_back_from_an_archive(tmp_path):
    archive = dx.Archive(tmp_path)
    archive.add(tables())
    redacted = dx.read_jobs(page_of(*jobs()))
    assert given(archive.load().to_jobs()) == given(redacted.to_jobs())
    row = rows.archived(redacted, pd.Timestamp(START))
    assert given(rows.restored(row).to_jobs()) == given(redacted.to_jobs())


def test_they_can_be_shown():
    explorer = dx.explore(tables())
    assert len(explorer.selection) == len(jobs())
    for text in STRINGS[::10]:
        explorer.filters = {"text": text}
    for shown in (tables(), Table(tables().jobs), Table(dx.error_causes(tables()))):
        page = shown._repr_html_()
        assert "<script" not in page.lower()
        page.encode()
