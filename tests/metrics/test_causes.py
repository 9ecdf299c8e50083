"""What messages have in common."""

from __future__ import annotations

import json
from collections import defaultdict

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job
from tests.metrics import wordings


def tables_of_errors(*errors_of_jobs, branch="ImportAssetsFromS3", details=None):
    """Return the tables of jobs with errors given as message, bucket, key."""
    jobs = []
    for number, errors in enumerate(errors_of_jobs):
        listed = [
            {
                "Code": "VALIDATION_EXCEPTION",
                "Message": message,
                "Details": {
                    "ImportAssetsFromS3JobErrorDetails": [
                        {"Bucket": bucket, "Key": key} for bucket, key in assets
                    ]
                },
            }
            for message, *assets in errors
        ]
        jobs.append(
            job(
                number,
                State="ERROR",
                Errors=listed,
                Details={branch: details or {"DataSetId": "d"}},
            )
        )
    return dx.read_jobs(json.dumps({"Jobs": jobs}).encode())


def fingerprint_of(message, *assets, **options):
    return dx.fingerprints(tables_of_errors([(message, *assets)], **options)).iloc[0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("GET https://b.s3.amazonaws.com/k/1?x=y failed.", "GET <url> failed."),
        ("see s3://my-bucket/a/b.csv, s3://my-bucket/c.csv", "see <url>"),
        ("http://[2001:db8::1]:80/x is down", "<url> is down"),
        ("role arn:aws:iam::111122223333:role/dx may not", "role <arn> may not"),
        ("arn:aws-cn:s3:::bucket/key: denied", "<arn>: denied"),
        ("Request ID: 0f8fad5b-d9cb-469f-a165-70867728950e", "Request ID: <uuid>"),
        ("at 2026-09-01T12:30:00.123Z, on 2026-09-01", "at <date>, on <date>"),
        ("at 2026-09-01 12:30:00 +02:00", "at <date>"),
        ("Asset 5956ebe8d8f1d0f25d8f1d0f25956ebe is gone", "Asset <id> is gone"),
        ("token AKIAIOSFODNN7EXAMPLE", "token <id>"),
        ("it took 1,234.5 s of 10 (99%)", "it took <n> s of <n> (<n>%)"),
        ("share inventory_17 has 3 parts", "share inventory_<n> has <n> parts"),
        ("The file a/b/c-1.csv.gz is bad.", "The file <key> is bad."),
        ("The file größe/über_1.csv is bad.", "The file <key> is bad."),
        ("read/write and/or I/O", "read/write and/or I/O"),
        ("no  such\n thing ", "no such thing"),
        ("The MD5 hash of S3 AES256", "The MD5 hash of S3 AES256"),
        ("in us-east-1, eu-central-1 or us-gov-west-1a", "in <region>, <region> or <region>"),
        ("RequestId=QWERTYUIOPASDFGH, HostId: Ab/+x/y=", "RequestId=<id>, HostId: <id>"),
        (
            "S3 Extended Request ID: q+/Zx==; Proxy: null",
            "S3 Extended Request ID: <id>; Proxy: null",
        ),
        ("upload " + "aB+/" * 19 + "=", "upload <id>"),
        ("Invalid: name", "Invalid: name"),
        ("on Tue, 24 Nov 2026 22:08:02 GMT, at Nov 24, 2026 10:08:02 PM", "on <date>, at <date>"),
        ("a.b@example.org from 2001:db8::1f", "<email> from <id>"),
        ("(Service: S3, Status Code: 404) for 404", "(Service: S3, Status Code: 404) for <n>"),
        ("status=403, HTTP 503, HTTP/1.1 416", "status=403, HTTP 503, <key> 416"),
        ("occurred (404) after 404 Not Found", "occurred (404) after 404 Not Found"),
    ],
)
def test_what_has_a_known_form_is_masked(message, expected):
    assert fingerprint_of(message) == expected


def test_names_are_masked_by_what_the_tables_say_they_are():
    assert (
        fingerprint_of("No odd (name) [1].csv in data", ("data", "odd (name) [1].csv"))
        == "No <key> in <bucket>"
    )
    both = fingerprint_of("left.csv, right.csv", ("bucket", "left.csv"), ("bucket", "right.csv"))
    assert both == "<key>"
    # a bucket that only the job's details name
    details = {"DataSetId": "d", "AssetSources": [{"Bucket": "far-bucket", "Key": "k"}]}
    assert (
        fingerprint_of("The bucket far-bucket does not exist.", details=details)
        == "The bucket <bucket> does not exist."
    )


def test_the_longest_name_is_masked_first_and_none_within_a_word():
    names = ["report", "the report", "report of may"]
    for order in (names, names[::-1]):
        assets = [("bucket", name) for name in order]
        assert fingerprint_of("No the report, no report of may.", *assets) == "No <key>, no <key>."
    assert (
        fingerprint_of("The database of my-data in data", ("data", "key"))
        == "The database of my-data in <bucket>"
    )
    assert (
        fingerprint_of("überdata, data2 and (data).", ("data", "key"))
        == "überdata, data2 and (<bucket>)."
    )


def test_a_name_that_may_be_part_of_any_word_is_left_alone():
    assert fingerprint_of("Access denied", ("buc", "A")) == "Access denied"


def test_a_signed_url_of_an_asset_with_spaces_is_one_url():
    assert (
        fingerprint_of("Cannot read s3://bucket/my file 1.csv now", ("bucket", "my file 1.csv"))
        == "Cannot read <url> now"
    )


MESSAGES = st.sampled_from(
    ["The key {} is bad", "No revision {:032x}", "{} of {} failed", "denied"]
)


@pytest.mark.property
@settings(max_examples=25)
@given(
    st.lists(st.lists(st.tuples(MESSAGES, st.integers(0, 10**6)), max_size=3), max_size=12),
    st.randoms(use_true_random=False),
)
def test_causes_count_what_a_loop_counts(errors_of_jobs, random):
    told = [
        [(message.format(number, number), ("bucket", "key")) for message, number in errors]
        for errors in errors_of_jobs
    ]
    tables = tables_of_errors(*told)
    causes = dx.error_causes(tables)
    assert list(causes) == [
        "fingerprint",
        "code",
        "resource_type",
        "count",
        "jobs",
        "share",
        "first_seen",
        "last_seen",
        "data_sets",
        "example_job_id",
    ]
    expected = defaultdict(list)
    for number, errors in enumerate(errors_of_jobs):
        for message, _ in errors:
            expected[message].append(number)
    assert sorted(causes["count"]) == sorted(map(len, expected.values()))
    assert sorted(causes["jobs"]) == sorted(len(set(numbers)) for numbers in expected.values())
    failing = sum(map(bool, errors_of_jobs))
    assert causes["share"].tolist() == (causes["jobs"] / max(failing, 1)).tolist()
    order = list(range(len(tables.errors)))
    random.shuffle(order)
    shuffled = dx.JobTables(tables.jobs, tables.details, tables.errors.take(order), tables.rejects)
    pd.testing.assert_series_equal(
        dx.fingerprints(shuffled).sort_index(), dx.fingerprints(tables), check_index_type=False
    )


def test_the_cause_of_the_demos_bad_week_is_what_was_planted():
    story = dx.demo.Account().story
    tables = dx.load_jobs(dx.demo.client())
    worst = dx.error_causes(tables).iloc[0]
    assert (worst["code"], worst["jobs"], worst["data_sets"]) == (story.code, story.failed, 1)
    start, end = story.bad_week
    assert start <= worst["first_seen"] < start + pd.Timedelta("1h")
    assert end - pd.Timedelta("2h") < worst["last_seen"] < end
    example = tables.filter([worst["example_job_id"]])
    assert example.jobs["data_set_id"].tolist() == [story.data_set_id]
    assert set(example.errors["bucket"]) == {story.bucket}
    assert dx.error_causes(tables)["share"].sum() == pytest.approx(1)


def test_messages_that_are_missing_long_or_hostile_are_survived():
    tables = tables_of_errors(
        [(None,)], [("x" * 10_000,)], [("a\0b $1 \\1 (?i) <n> 💥 \u202e 5",)], [("",)]
    )
    prints = dx.fingerprints(tables)
    assert prints.isna().tolist() == tables.errors["message"].isna().tolist()
    assert len(dx.error_causes(tables)) >= 3
    assert "💥" in " ".join(prints.dropna())


def test_errors_without_a_message_are_grouped_by_code_and_resource_type():
    errors = [
        {"Code": code, "ResourceType": kind}
        for code, kind in [("A", "ASSET"), ("A", "REVISION"), ("B", "ASSET"), ("A", "ASSET")]
    ] + [{"Code": "A", "ResourceType": kind, "Message": "m"} for kind in ("ASSET", "REVISION")]
    listing = {"Jobs": [job(1, State="ERROR", Errors=errors)]}
    causes = dx.error_causes(dx.read_jobs(json.dumps(listing).encode())).astype(object).fillna("")
    assert causes[["fingerprint", "code", "resource_type", "count"]].to_numpy().tolist() == [
        ["m", "A", "", 2],
        ["", "A", "ASSET", 2],
        ["", "A", "REVISION", 1],
        ["", "B", "ASSET", 1],
    ]


def fingerprints_of(*messages):
    return dx.fingerprints(tables_of_errors(*[[(message,)] for message in messages])).tolist()


@pytest.mark.parametrize(
    ("batch", "most", "alone"),
    [("tuned", 80, 68), ("kept_back", 97, 66), ("fresh", 106, 77), ("last", 96, 80)],
)
def test_each_wording_is_one_cause(batch, most, alone):
    numbers, messages = wordings.messages(batch)
    found = fingerprints_of(*messages)
    causes, purity, whole = wordings.measures(numbers, found)
    assert causes <= most
    assert purity >= 0.99
    assert whole >= alone


def test_empty_tables_and_other_things():
    assert dx.error_causes(dx.read_jobs([])).empty
    assert dx.fingerprints(dx.read_jobs([])).dtype == "str"
    with pytest.raises(DxError, match="Give JobTables"):
        dx.error_causes(pd.DataFrame())
