"""The grammar of time: instants, lengths, limits and windows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook import DxError
from dxnotebook.times import Window, instant, length, limit, moment

NOW = pd.Timestamp("2026-09-30 12:00", tz="UTC")
UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@given(st.datetimes(timezones=st.timezones()))
@pytest.mark.property
def test_an_instant_is_the_time_that_iso_says(time):
    try:
        expected = time.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="outside the years 1 to 9999"):
            instant(time.isoformat())
        return
    offset = time.utcoffset()
    if offset and offset.total_seconds() % 60:  # of long ago; no offset in JSON has seconds
        with pytest.raises(ValueError, match="is not a time"):
            instant(time.isoformat())
    else:
        assert instant(time.isoformat()) == (expected, True, True)


@pytest.mark.parametrize(
    ("value", "exact", "zoned"),
    [
        ("2026-09-01T00:00:00Z", True, True),
        ("2026-09-01", True, False),
        ("2026-09-01T00:00:00.000000000Z", True, True),
        ("2026-09-01T00:00:00,0000001", False, False),
        (1_788_220_800, True, True),
        (1_788_220_800_000.0, True, True),
        ("1788220800", True, True),
    ],
)
def test_an_instant_says_what_it_does_not_carry(value, exact, zoned):
    assert instant(value) == (datetime(2026, 9, 1, tzinfo=UTC), exact, zoned)


@pytest.mark.parametrize(
    "value", [None, True, {}, "", "now", "2026-9-1", 946_684_799, 10**11, 10**14, 10**500]
)
def test_what_is_no_instant_says_so(value):
    with pytest.raises(ValueError, match="is not a time"):
        instant(value)


@given(st.none() | st.integers(0, 999) | st.floats(0, 999).map(lambda n: round(n, 3)))
@pytest.mark.property
def test_a_length_is_a_number_of_units(count):
    said = "" if count is None else f"{count:f}"
    for unit, seconds in UNITS.items():
        assert length(f" {said} {unit.upper()} ") == (count, seconds, 0)
    for unit, months in {"mo": 1, "q": 3, "y": 12}.items():
        assert length(said + unit) == (count, 0, months)


@pytest.mark.parametrize("wrong", ["", "5", "d5", "-1d", "1 day", "1.d", None, 5, timedelta(1)])
def test_what_is_no_length_is_none(wrong):
    assert length(wrong) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("30d", pd.Timedelta(days=30)),
        ("1.5h", pd.Timedelta(minutes=90)),
        (timedelta(2), pd.Timedelta(days=2)),
        (np.timedelta64(2, "D"), pd.Timedelta(days=2)),
        ("2026-09-30 12:00", NOW),
        ("2026-09-30T14:00+02:00", NOW),
        (date(2026, 9, 30), NOW.normalize()),
        (np.datetime64("2026-09-30T12:00"), NOW),
        (NOW.tz_convert("Asia/Tokyo"), NOW),
    ],
)
def test_a_limit_is_a_time_or_how_long_ago(value, expected):
    assert limit("since", value) == expected


@pytest.mark.parametrize("wrong", ["soon", "d", "1mo", "2026-13-01", 5, pd.NaT, "9" * 400 + "d"])
def test_what_is_no_limit_names_the_parameter(wrong):
    with pytest.raises(DxError, match=r"Invalid since: .* Valid are how long ago"):
        limit("since", wrong)


def test_a_moment_is_in_utc_or_an_error():
    assert moment("at", "2026-09-30 12:00") == NOW
    for wrong in ("soon", None, [1]):
        with pytest.raises(DxError, match=r"Invalid at: .* Valid is a time"):
            moment("at", wrong)


def test_a_window_counts_back_from_now():
    window = Window.of("1d", "2026-09-30", NOW)
    assert (window.start, window.end) == (NOW - pd.Timedelta(days=1), NOW.normalize())
    assert Window.of("1d", None).start is None
    assert Window.of("999999d", None, NOW).start == pd.Timestamp("0001-01-01", tz="UTC")
