"""Sources that are not plain pages: many files, patterns, dicts, and what is none of these."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from pathlib import Path

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.files.read import bodies, decoded
from tests.conftest import job, page_of, parsed_by_boto3, pruned
from tests.files.conftest import equal, exported

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


def part(number, token=None, account="111122223333", first=False):
    """Return a page with one job, and with a token where it has a successor."""
    one = job(number, Arn=f"arn:aws:dataexchange:us-east-1:{account}:jobs/{number}")
    rest = {} if token is None else {"NextToken": token}
    return json.dumps({**rest, "Jobs": [one]} if first else {"Jobs": [one], **rest}).encode()


def warned_of(source):
    """Return the sources that a warning calls parts of a listing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", dx.PartialLoadWarning)
        dx.read_jobs(source)
    assert len(caught) <= 1
    return [re.match("(.*?): a part of a listing", str(one.message))[1] for one in caught]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n" + json.dumps(job(9)).encode()])
def test_a_listing_that_stops_at_a_token_is_a_part(first, end):
    whole = part(1, "a", first=first) + part(2, "b", first=first) + part(3, first=first)
    assert warned_of(whole + end) == []
    assert warned_of(part(1, "a", first=first) + end) == ["bytes"]
    assert warned_of(part(1, "a", first=first) + b"\n" + part(2, "b", first=first) + end) == [
        "bytes"
    ]
    assert warned_of(part(1, "a", first=first) + part(2, "", first=first) + end) == []
    assert warned_of(whole + part(4, "d", first=first) + end) == ["bytes"]
    assert warned_of(b'{"Jobs": [], "NextToken": null}' + end) == []


def test_a_token_among_the_values_is_none():
    told = job(1, Details={"ImportAssetsFromS3": {"DataSetId": "NextToken", "RevisionId": "Jobs"}})
    assert warned_of(page_of(told)) == []
    assert warned_of(page_of(told, NextToken="t")) == ["bytes"]
    quoted = {"Code": "VALIDATION_EXCEPTION", "Message": '"NextToken": "x"'}
    assert warned_of(page_of(job(1, State="ERROR", Errors=[quoted]))) == []


def test_pages_in_files_are_one_listing_in_any_order(tmp_path):
    for name, content in {
        "page-1": part(1, "a"),
        "page-10": b'{"Jobs": []}',
        "page-2": part(2, "b"),
        "page-3": b'{"Jobs": [], "NextToken": "c"}',
    }.items():
        (tmp_path / f"{name}.json").write_bytes(content)
    assert warned_of(str(tmp_path / "*.json")) == []
    (tmp_path / "page-10.json").unlink()
    [names] = warned_of(str(tmp_path / "*.json"))
    assert names.count("page-") == 3


def test_a_part_of_one_account_is_not_made_whole_by_another(tmp_path):
    (tmp_path / "a.json").write_bytes(part(1, "a"))
    (tmp_path / "b.json").write_bytes(part(2, account="444455556666"))
    assert warned_of(str(tmp_path / "*.json")) == [str(tmp_path / "a.json")]


def test_pages_of_boto3_that_stop_early_are_a_part():
    paginator = demo.client(jobs=450).get_paginator("list_jobs")
    assert warned_of(paginator.paginate()) == []
    assert warned_of(paginator.paginate(PaginationConfig={"MaxItems": 210})) == ["dicts"]
    assert warned_of(paginator.paginate().build_full_result()) == []
    assert warned_of(paginator.paginate(PaginationConfig={"MaxItems": 5}).build_full_result()) == [
        "dicts"
    ]


def test_a_part_says_how_to_get_the_rest():
    with pytest.warns(dx.PartialLoadWarning, match="without --max-items and --no-paginate, or go"):
        dx.read_jobs(part(1, "a"))


def test_a_file_in_pieces_is_judged_by_its_end():
    whole = b"\n".join([*(part(n, "t") for n in range(9)), part(9)])
    for content, expected in ((whole, 0), (whole + b"\n" + part(10, "t"), 1)):
        pieces = list(bodies(content, large=300))
        assert len(pieces) > 2
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", dx.PartialLoadWarning)
            decoded(pieces, redact=True)
        assert len(caught) == expected


@pytest.mark.parametrize("name", ["all.parquet", "all.feather", "all.jsonl"])
def test_what_export_wrote_is_read_beside_listings(name, account, tmp_path):
    path = exported(account, tmp_path / name)
    (tmp_path / "more.json").write_bytes(page_of(job(1)))
    for source in (path, str(path), [path], str(tmp_path / "all.*")):
        equal(dx.read_jobs(source), dx.read_tables(path))
    both = dx.read_jobs([tmp_path / "more.json", str(path)])
    assert len(both) == len(account) + 1


def test_the_folder_of_tables_written_one_by_one_is_read(account, tmp_path):
    for name in ("jobs", "details", "errors"):
        exported(getattr(account, name), tmp_path / f"{name}.parquet")
        exported(getattr(account, name), tmp_path / f"{name}.csv")
    equal(dx.read_jobs(tmp_path), account)
