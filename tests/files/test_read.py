"""Sources that are not plain pages: many files, patterns, dicts, and what is none of these."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.files.read import bodies, decoded
from tests.conftest import job, page_of, parsed_by_boto3, pruned

SAMPLE = Path(__file__).parents[1] / "data" / "job-import-s3-completed.json"


def ids(tables):
    return [int(job_id, 16) for job_id in tables.jobs["job_id"]]


def test_a_job_as_get_job_prints_it():
    tables = dx.read_jobs(SAMPLE)
    assert tables.to_jobs() == [
        pruned(one) for one in parsed_by_boto3(page_of(json.loads(SAMPLE.read_text())))
    ]
    assert tables.details[["bucket", "key"]].to_numpy().tolist() == [
        ["DOC-EXAMPLE-BUCKET", "MyKey"]
    ]


def test_many_files_and_patterns(tmp_path):
    (tmp_path / "b.json").write_bytes(page_of(job(2), job(3)))
    (tmp_path / "a.json").write_bytes(json.dumps(job(1), indent=4).encode())
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(page_of(job(4))))
    (tmp_path / "folder.json").mkdir()
    assert ids(dx.read_jobs(str(tmp_path / "*.json*"))) == [1, 2, 3, 4]
    assert ids(dx.read_jobs([tmp_path / "b.json", str(tmp_path / "c.*")])) == [2, 3, 4]
    assert ids(
        dx.read_jobs(file for file in sorted(tmp_path.glob("*.json")) if file.is_file())
    ) == [1, 2, 3]
    with (tmp_path / "b.json").open("rb") as file:
        assert ids(dx.read_jobs(file)) == [2, 3]


@pytest.mark.slow
def test_what_boto3_gives_in_any_shape():
    client = demo.client(jobs=450)
    expected = [pruned(one) for one in dx.load_jobs(client, progress=False, redact=False).to_jobs()]

    def pages():
        return client.get_paginator("list_jobs").paginate(PaginationConfig={"PageSize": 200})

    jobs = [one for page in pages() for one in page["Jobs"]]
    for source in (
        pages(),
        list(pages()),
        jobs,
        iter(jobs),
        {"Jobs": jobs},
        [*jobs[:5], {"Jobs": jobs[5:]}],
    ):
        assert [pruned(one) for one in dx.read_jobs(source, redact=False).to_jobs()] == expected
    assert ids(dx.read_jobs([page_of(job(1)), job(2), {"Jobs": [job(3)]}])) == [1, 2, 3]
    assert dx.read_jobs([]).jobs.empty


def test_a_large_file_is_read_in_pieces_with_the_places_it_has():
    def read(content):
        return decoded(bodies(content, large=300), redact=True)

    lines = b"\n".join(json.dumps(job(n)).encode() for n in range(20))
    assert len(list(bodies(lines, large=300))) > 1
    assert ids(read(lines)) == list(range(20))
    odd = lines + b"\n" + json.dumps(job(20, Details=5)).encode() + b"\n" + lines
    [[page, position]] = read(odd).rejects[["page", "position"]].to_numpy().tolist()
    assert (page, position) == (20, 0)
    with pytest.raises(dx.LoadError, match="line 21, column 1"):
        read(lines + b"\nnonsense")
    unindented = json.dumps({"Jobs": [job(n) for n in range(9)]}, indent=0).encode()
    assert ids(read(unindented)) == list(range(9))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "No file matches"),
        ("nowhere/*.json", "No file matches"),
        ('{"Jobs": []}', "looks like JSON"),
        (5, "Cannot read jobs from a int"),
        ([5], "Cannot read jobs from a int"),
        (None, "Cannot read jobs from a NoneType"),
    ],
)
def test_what_cannot_be_read_says_so(source, said):
    with pytest.raises(dx.DxError, match=said):
        dx.read_jobs(source)


def test_a_folder_says_how_to_name_its_files(tmp_path):
    with pytest.raises(dx.DxError, match=r"is a folder; give a pattern .*\*\.json"):
        dx.read_jobs(tmp_path)


@pytest.mark.parametrize(
    "strange",
    [{"Jobs": 5}, {"Jobs": [{1, 2}]}, {"Jobs": iter([])}, job(1, Details={"X": object()})],
)
def test_dicts_that_boto3_never_gives_say_so(strange):
    with pytest.raises(dx.LoadError, match=r"Jobs|found a \w+ among"):
        dx.read_jobs([job(7), strange])


def test_rejects_are_warned_of_with_the_commonest_reason():
    with pytest.warns(dx.DataWarning, match=r"^2 jobs could not be read .*Mostly: no Id \(2\)\.$"):
        dx.read_jobs(page_of(job(1), job(2, Id=None), job(3, Id=None)))


def test_dicts_that_hold_themselves_say_so():
    strange = job(1)
    strange["Details"] = {"ImportAssetsFromS3": strange}
    with pytest.raises(dx.LoadError, match="in itself"):
        dx.read_jobs(strange)
