"""Times in every form that somebody writes, and those that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pandas as pd
import pytest

import dxnotebook as dx
from tests.conftest import job, page_of
from tests.hostile.common import DIGITS, assert_kept, between, filled, numbers, timed


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def read_time(value):
    """Return the tables of a page with this time as a job's own, and as one deep in another job."""
    own = job(2, CreatedAt="@", UpdatedAt=None)
    deep = job(4, Details={"ExportAssetToSignedUrl": {"SignedUrlExpiresAt": "@"}})
    return dx.read_jobs(filled(page_of(job(1), own, job(3), deep, job(5)), value))


def assert_time(tables, expected, given_back=None):
    """Check that both odd jobs have this time, and that nothing was rejected."""
    assert tables.rejects.empty
    assert numbers(tables) == [1, 2, 3, 4, 5]
    for name, row in (("created_at", 1), ("signed_url_expires_at", 3)):
        assert tables.jobs[name].dtype == "datetime64[us, UTC]"
        assert tables.jobs[name][row] == expected
    one, own, three, deep, five = tables.to_jobs()
    assert own["CreatedAt"] == (given_back or expected)
    expires = deep["Details"]["ExportAssetToSignedUrl"]["SignedUrlExpiresAt"]
    assert expires == (given_back or expected)
    assert [one, three, five] == [timed(job(n)) for n in (1, 3, 5)]
    assert "JobTables: 5 jobs" in repr(tables)


def assert_no_time(tables, value, reason=" is not a time"):
    """Check that both odd jobs are rejects, with the time as it came, beside the others."""
    verbatim = value.strip('"')
    assert tables.rejects["position"].tolist() == [1, 3]
    own, deep = tables.rejects.to_dict("records")
    assert f"CreatedAt{reason}" in own["reason"]
    assert f"SignedUrlExpiresAt{reason}" in deep["reason"]
    assert verbatim in own["raw"]
    assert verbatim in deep["raw"]
    assert tables.to_jobs()[:3] == [timed(job(n)) for n in (1, 3, 5)]
    assert [one["Id"] for one in tables.to_jobs()[3:]] == [job(2)["Id"], job(4)["Id"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1726000000", at(2024, 9, 10, 20, 26, 40)),
        ("1726000000.5", at(2024, 9, 10, 20, 26, 40, 500_000)),
        ("1.726e9", at(2024, 9, 10, 20, 26, 40)),
        ('"1726000000"', at(2024, 9, 10, 20, 26, 40)),
        ("4102444800", at(2100, 1, 1)),
    ],
)
def test_49_epoch_seconds(text, expected):
    assert_time(read_time(text), expected)


@pytest.mark.parametrize("text", ["1726000000123", "1726000000123.0", '"1726000000123"'])
def test_50_epoch_milliseconds(text):
    tables = read_time(text)
    if tables.rejects.empty:
        assert_time(tables, at(2024, 9, 10, 20, 26, 40, 123_000))
    else:
        assert_no_time(tables, text)


@pytest.mark.parametrize("text", ["1726000000123456", "1726000000123456789", "100000000000"])
def test_50_epoch_microseconds_and_nanoseconds(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text", ['"20240102"', "20240102", '"2024"', "2024", '"202401"', "0", "-1", "86400"]
)
def test_51_a_date_written_as_a_number(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text", ['"Jan"', '"2024-01"', '"12:30"', '"now"', '"today"', '"Monday"', '""', '" "']
)
def test_52_a_part_of_a_date(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text", ["2024-01-02T03:04:05", "2024-01-02 03:04:05.000", "2024-01-02T03:04"]
)
def test_53_no_zone(text):
    with pytest.warns(dx.DataWarning, match="2 times named no time zone and were taken as UTC"):
        tables = read_time(f'"{text}"')
    assert_time(tables, at(2024, 1, 2, 3, 4, 5 if text.count(":") == 2 else 0))


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("+05:30", at(2024, 1, 1, 21, 34, 5)),
        ("+0530", at(2024, 1, 1, 21, 34, 5)),
        ("+05", at(2024, 1, 1, 22, 4, 5)),
        ("-08:00", at(2024, 1, 2, 11, 4, 5)),
        ("-23:59", at(2024, 1, 3, 3, 3, 5)),
        ("+00:00", at(2024, 1, 2, 3, 4, 5)),
        ("-00:00", at(2024, 1, 2, 3, 4, 5)),
        (".250+05:30", at(2024, 1, 1, 21, 34, 5, 250_000)),
    ],
)
def test_54_offset(zone, expected):
    tables = read_time(f'"2024-01-02T03:04:05{zone}"')
    assert_time(tables, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:01Z", at(1, 1, 1, 0, 0, 1)),
        ("0001-01-01T05:30:01+05:30", at(1, 1, 1, 0, 0, 1)),
        ("9999-12-31T23:59:59.999999Z", at(9999, 12, 31, 23, 59, 59, 999_999)),
        ("1677-01-01T00:00:00Z", at(1677, 1, 1)),
        ("2263-01-01T00:00:00Z", at(2263, 1, 1)),
        ("1969-12-31T23:59:59.999999Z", at(1969, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_55_year_1_and_year_9999(text, expected):
    assert_time(read_time(f'"{text}"'), expected)


@pytest.mark.parametrize("created", ["0001-01-01T00:00:01Z", "1700-01-01T00:00:00Z"])
@pytest.mark.parametrize("updated", ["9999-12-31T23:59:59.999999Z", "2026-09-01T00:00:00Z"])
def test_55_created_centuries_before_it_was_updated(created, updated):
    odd = job(2, CreatedAt=created, UpdatedAt=updated)
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    expected = (datetime.fromisoformat(updated) - datetime.fromisoformat(created)).total_seconds()
    assert tables.jobs["duration_s"].tolist() == [60, pytest.approx(expected), 60]


@pytest.mark.filterwarnings("ignore:.*updated before .* created:dxnotebook.DataWarning")
def test_55_updated_centuries_before_it_was_created():
    odd = job(2, CreatedAt="9999-12-31T23:59:59Z", UpdatedAt="0001-01-01T00:00:01Z")
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert pd.isna(tables.jobs["duration_s"][1])


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+00:01",
        "10000-01-01T00:00:00Z",
        "+12024-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
    ],
)
def test_56_outside_the_years_1_to_9999(text):
    assert_no_time(read_time(f'"{text}"'), text, reason="")


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:59:60Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "garbage",
        "2024-01-02T25:00:00Z",
        "2024-01-02T03:60:00Z",
        "2024-01-02T03:04:05+24:00",
        "2024-01-02T03:04:05+99:99",
        "2024-01-02T03:04:05ZZ",
        "2024-01-02T03:04:05Z[UTC]",
        "Tue, 32 Jan 2024 03:04:05 GMT",
        "2024-01-02 03:04:05 PST",
        "2024-W01-2",
        "2024-001",
        "٢٠٢٤-01-02T03:04:05Z",
        "01/02/2024",
    ],
)
def test_57_leap_second_30_february_garbage(text):
    value = json.dumps(text, ensure_ascii=False)
    assert_no_time(read_time(value), text)


@pytest.mark.parametrize(
    "text", ["true", "{}", "[]", '["2024-01-02T03:04:05Z"]', "Infinity", "1e400", DIGITS]
)
def test_57_not_even_a_text(text):
    assert_no_time(read_time(text), text)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T03:04:05.123456789Z",
        "2024-01-02T08:34:05.123456789+05:30",
        "2024-01-02T03:04:05.1234561Z",
    ],
)
def test_58_nanoseconds(text):
    tables = read_time(f'"{text}"')
    assert_time(tables, at(2024, 1, 2, 3, 4, 5, 123_456), given_back=text)


@pytest.mark.parametrize("text", ["2024-01-02T03:04:05.123456000Z", "2024-01-02T03:04:05.123456Z"])
def test_58_nanoseconds_that_are_none(text):
    assert_time(read_time(f'"{text}"'), at(2024, 1, 2, 3, 4, 5, 123_456))
