"""Periods: their numbers and starts against Python's own datetimes and zones, one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxnotebook import DxError
from dxnotebook.metrics.periods import Step

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Havana",
]
EPOCH = date(1970, 1, 1)
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)


def starts_of(times, every, zone):
    """Return the start of each time's period by the code under test."""
    times = pd.DatetimeIndex(times)
    step = Step.of(every, zone).between(times.min(), times.max())
    return step.starts(numbers_of(step, times.as_unit("s").asi8))


def numbers_of(step, seconds):
    return (
        step.numbered(nw.from_native(pd.DataFrame({"s": seconds})), "s").to_native()["s"].to_numpy()
    )


def start_by_hand(time, every, zone):
    """Return the start of a calendar period: the first moment of its day by the zone's clocks."""
    local = time.astimezone(ZoneInfo(zone)).date()
    first = {
        "1d": local,
        "2d": local - timedelta(days=(local.toordinal() - EPOCH.toordinal()) % 2),
        "1w": local - timedelta(days=local.weekday()),
        "1mo": local.replace(day=1),
        "1q": local.replace(day=1, month=(local.month - 1) // 3 * 3 + 1),
        "1y": local.replace(day=1, month=1),
    }[every]
    midnight = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone))
    utc = midnight.astimezone(UTC)
    back = utc.astimezone(ZoneInfo(zone))
    return utc if back.replace(fold=0) == midnight else next_moment(utc, first, zone)


def next_moment(utc, day, zone):
    """Return the first moment of a day whose midnight the clocks skip."""
    moment = utc - timedelta(hours=3)
    while moment.astimezone(ZoneInfo(zone)).date() < day:
        moment += timedelta(minutes=15)
    return moment


@pytest.mark.property
@settings(max_examples=20)
@pytest.mark.parametrize("zone", ZONES)
@given(
    st.lists(
        st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), min_size=1, max_size=30
    ),
    st.sampled_from(["1d", "2d", "1w", "1mo", "1q", "1y"]),
)
def test_calendar_periods_begin_when_the_zones_clocks_say(zone, times, every):
    times = [time.replace(tzinfo=UTC) for time in times]
    found = starts_of(times, every, zone)
    assert str(found.tz) == zone
    assert list(found.tz_convert("UTC")) == [
        pd.Timestamp(start_by_hand(time, every, zone)) for time in times
    ]


@pytest.mark.property
@settings(max_examples=20)
@pytest.mark.parametrize("zone", ZONES)
@given(
    st.lists(
        st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)), min_size=1, max_size=30
    ),
    st.sampled_from(["15min", "1h", "6h"]),
)
def test_fixed_periods_have_one_length_and_begin_at_a_midnight(zone, times, every):
    times = pd.DatetimeIndex(times, tz="UTC")
    found = starts_of(times, every, zone).tz_convert("UTC")
    length = pd.Timedelta(every)
    assert ((found <= times.floor("s")) & (times.floor("s") < found + length)).all()
    day = times.min().tz_convert(zone).tz_localize(None).normalize()
    # a zone may have a midnight twice, or not at all
    midnight = day.tz_localize(zone, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")
    if times.min().tz_convert(zone).utcoffset() == midnight.tz_convert(zone).utcoffset():
        assert ((found - midnight) % length == pd.Timedelta(0)).all()


def test_a_day_has_as_many_hours_as_the_clocks_give_it():
    hours = pd.date_range(
        "2026-03-28", "2026-03-31", freq="1h", tz="Europe/Berlin", inclusive="left"
    )
    assert pd.Series(starts_of(hours, "1d", "Europe/Berlin")).value_counts(sort=False).tolist() == [
        24,
        23,
        24,
    ]
    hours = pd.date_range(
        "2026-10-24", "2026-10-27", freq="1h", tz="Europe/Berlin", inclusive="left"
    )
    assert pd.Series(starts_of(hours, "1d", "Europe/Berlin")).value_counts(sort=False).tolist() == [
        24,
        25,
        24,
    ]


@pytest.mark.property
@given(st.integers(-100_000, 100_000))
def test_months_are_those_of_the_calendar(day):
    time = np.datetime64(day, "D")
    (number,) = numbers_of(Step.of("1mo"), [day * 86_400])
    assert number == time.astype("M8[M]").astype(int)


@pytest.mark.parametrize(
    "every", ["", "m", "5", "0d", "1 fortnight", "-1d", None, 3, "1.5h", "9" * 20 + "d", "102y"]
)
def test_steps_that_are_none_are_refused(every):
    with pytest.raises(DxError, match=r"Invalid every: .* 15min, 1h, 1d, 1w, 1mo, 1q, 1y"):
        Step.of(every)


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "../etc/passwd", None, 3, ("Europe", "Berlin")]
)
def test_zones_that_are_none_are_refused(zone):
    with pytest.raises(DxError, match="Invalid tz"):
        Step.of("1d", zone)


@pytest.mark.parametrize(
    ("text", "same"), [("D", "1d"), ("1W", "1w"), (" 3 mo ", "1q"), ("12mo", "y"), ("7D", "w")]
)
def test_a_step_may_be_written_in_several_ways(text, same):
    assert Step.of(text) == Step.of(same)
