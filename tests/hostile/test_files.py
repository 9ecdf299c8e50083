"""Files that are empty, damaged, encoded otherwise or written by somebody else."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pytest

import dxnotebook as dx
from tests.conftest import job, page_of, parsed_by_boto3
from tests.hostile.common import (
    NAMES,
    S3,
    assert_recovers_or_breaks,
    between,
    numbers,
    read,
    reply,
    saved,
    timed,
)


def unread(source, what):
    """Check that a source does not read, and that it says what is wrong; return the rest."""
    with pytest.raises(dx.LoadError, match=what) as caught:
        dx.read_jobs(source)
    message = str(caught.value)
    assert str(source) in message or isinstance(source, bytes)
    assert "Expected ListJobs pages or jobs" in message
    return caught.value.partial


def test_22_page_without_jobs(tmp_path):
    full = read(
        job(
            1,
            Errors=[{"Code": "MALWARE_SCAN_ENCRYPTED_FILE"}],
            Details={S3: {"AssetSources": [{"Key": "k"}]}},
        )
    )
    for source in (
        b'{"Jobs": []}',
        b'{"Jobs":[],"NextToken":null}',
        saved(tmp_path, b'{"Jobs": []}'),
        {"Jobs": []},
    ):
        empty = dx.read_jobs(source)
        for name in NAMES:
            assert getattr(empty, name).empty
            pd.testing.assert_series_equal(getattr(empty, name).dtypes, getattr(full, name).dtypes)
        assert empty.to_jobs() == []


@pytest.mark.parametrize(
    "form",
    [
        lambda jobs: jobs,
        lambda jobs: [{"Jobs": jobs}],
        lambda jobs: [{"Jobs": [one]} for one in jobs],
    ],
)
def test_23_bare_list(tmp_path, form):
    jobs = [job(n) for n in range(1, 4)]
    tables = dx.read_jobs(saved(tmp_path, json.dumps(form(jobs), indent=1).encode()))
    assert tables.to_jobs() == parsed_by_boto3(page_of(*jobs))


def test_23_one_job(tmp_path):
    got = {**job(1), "ResponseMetadata": {"HTTPStatusCode": 200}}
    assert dx.read_jobs(saved(tmp_path, json.dumps(got).encode())).to_jobs() == [timed(job(1))]


@pytest.mark.parametrize(
    ("indent", "separator"), [(4, b"\n"), (4, b""), (None, b"\n"), (None, b""), (None, b" \r\n\t")]
)
def test_24_concatenated_pages(tmp_path, indent, separator):
    pages = [{"Jobs": [job(n), job(n + 1)], "NextToken": "t"} for n in (1, 3, 5)] + [{"Jobs": []}]
    tables = dx.read_jobs(
        saved(tmp_path, separator.join(json.dumps(page, indent=indent).encode() for page in pages))
    )
    assert numbers(tables) == [1, 2, 3, 4, 5, 6]
    assert tables.rejects.empty


@pytest.mark.parametrize("cut", [1, 10, 60, 150])
def test_25_half_a_last_line(tmp_path, cut):
    lines = [json.dumps(job(n)).encode() for n in range(1, 6)]
    path = saved(tmp_path, b"\n".join(lines)[:-cut], "jobs.ndjson")
    partial = unread(path, "line 5, column [0-9]+: ")
    assert partial.to_jobs() == [timed(job(n)) for n in range(1, 5)]


def test_26_gzip_is_read_whatever_its_name(tmp_path):
    content = gzip.compress(page_of(job(1))) + gzip.compress(page_of(job(2)))
    for name in ("jobs.json.gz", "jobs.json"):
        assert numbers(dx.read_jobs(saved(tmp_path, content, name))) == [1, 2]
    assert numbers(dx.read_jobs(content)) == [1, 2]


DAMAGES = {
    "cut": lambda content: content[:-9],
    "one byte wrong": lambda content: content[:40] + bytes([content[40] ^ 0xFF]) + content[41:],
    "wrong checksum": lambda content: content[:-8] + bytes(4) + content[-4:],
    "only a head": lambda content: content[:2],
    "garbage behind": lambda content: content + b"garbage",
    "nothing in it": lambda content: gzip.compress(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_26_gzip_that_is_damaged_in_a_file(tmp_path, damage):
    content = DAMAGES[damage](gzip.compress(page_of(*(job(n) for n in range(9)))))
    what = "no page and no job" if damage == "nothing in it" else "gzip data is damaged"
    assert unread(saved(tmp_path, content, "jobs.json.gz"), what).jobs.empty


@pytest.mark.slow
def test_27_zip_bomb(tmp_path):
    bomb = gzip.compress(page_of(job(1))) + gzip.compress(b" " * 2**24) * 25
    assert len(bomb) < 2**20
    assert unread(
        saved(tmp_path, bomb, "jobs.json.gz"), "swells to more than [0-9,]+ bytes"
    ).jobs.empty


@pytest.mark.parametrize("content", [b"", b" \n\t ", b"\xef\xbb\xbf"])
def test_28_empty_file(tmp_path, content):
    assert unread(saved(tmp_path, content), "no page and no job").jobs.empty


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"]
)
def test_29_other_encodings(tmp_path, encoding):
    content = page_of(job(1, State="é")).replace(b"\\u00e9", "é".encode()).decode()
    path = saved(tmp_path, content.encode(encoding))
    if encoding in ("utf-16", "utf-8-sig"):
        assert dx.read_jobs(path).jobs["state"].tolist() == ["é"]
    else:
        assert unread(path, "line 1").jobs.empty


def test_29_utf16_that_breaks_off(tmp_path):
    assert unread(
        saved(tmp_path, page_of(job(1)).decode().encode("utf-16")[:-1]), "UTF-16"
    ).jobs.empty


TWICE = {
    "State": ({"State": "ERROR"}, {"State": "CANCELLED"}),
    "Id": ({"Id": "other"}, {"Id": f"{2:032x}"}),
    "Errors": ({"Errors": [{"Code": "first"}]}, {"Errors": [{"Code": "second"}]}),
    "Details": (
        {"Details": {S3: {"DataSetId": "first"}}},
        {"Details": {S3: {"DataSetId": "second"}}},
    ),
    "New": ({"New": "first"}, {"New": {"second": 2}}),
}


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
@pytest.mark.parametrize("name", TWICE)
def test_30_duplicate_keys(name):
    first, second = (
        {**{k: v for k, v in job(2).items() if k != name}, **half} for half in TWICE[name]
    )
    twice = json.dumps(first)[:-1] + "," + json.dumps(TWICE[name][1])[1:]
    with pytest.warns(dx.DataWarning, match=f"same key twice: {name}"):
        tables = dx.read_jobs(between("@", twice))
    assert tables.rejects.empty
    one, both, three = tables.to_jobs()
    assert [one, three] == [timed(job(1)), timed(job(3))]
    assert both[name] == second[name]
    assert str(first[name]) in str(both)


def test_30_jobs_twice_on_a_page():
    content = b'{"Jobs": [%b], "Jobs": [%b]}' % (
        json.dumps(job(1)).encode(),
        json.dumps(job(2)).encode(),
    )
    with pytest.warns(dx.DataWarning, match="same key twice: Jobs"):
        assert numbers(dx.read_jobs(content)) == [1, 2]


def lowered(one):
    return {name.lower(): value for name, value in one.items()}


@pytest.mark.parametrize(
    "content",
    [
        {"jobs": []},
        {"jobs": [job(1)]},
        {"JOBS": [job(1)], "NextToken": "t"},
        {"jobs": [lowered(job(1))]},
        lowered(job(1)),
        [lowered(job(1))],
        {"Jobs": [lowered(job(1))]},
        {"Jobs": [lowered(job(1)), lowered(job(2))]},
    ],
)
def test_31_wrong_case_keys(tmp_path, content):
    body = json.dumps(content).encode()
    assert unread(
        saved(tmp_path, body), "found '(jobs|JOBS|arn)' where the API writes '(Jobs|Arn)'"
    ).jobs.empty


def test_31_wrong_case_keys_on_a_page():
    assert_recovers_or_breaks(reply(b'{"jobs": []}'), "found 'jobs' where the API writes 'Jobs'")
