"""Periods of time: steps such as "1h" or "1mo", numbered by integer arithmetic.

Every engine has that. A step of minutes or hours has a fixed length; one of days, weeks, months,
quarters or years follows the calendar of a time zone, so that a day in which clocks change has 23
or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.arrays import Integers
from dxnotebook.errors import invalid
from dxnotebook.times import length

_DAY = 86_400  # seconds
_LONGEST_STEP = 100 * 366 * _DAY
_FIRST_MONDAY = -3 * _DAY  # 1970 began on a Thursday
_SCAN = pd.Timedelta(minutes=15)  # clocks change at a multiple of this
# how far back from the last job changes of the clocks are heeded
_HEEDED = pd.Timedelta(days=50 * 365)


@dataclass(frozen=True)
class Step:
    """A step of time in a time zone.

    Attributes
    ----------
    seconds, months : int
        How long it is; one of them is 0.
    zone : str
        Whose calendar it follows.
    changes : tuple of (int, int)
        From which second since 1970 on the zone's clocks are ahead of UTC by how many seconds, in
        order.
    """

    seconds: int
    months: int
    zone: str
    changes: tuple[tuple[int, int], ...] = ((0, 0),)

    @classmethod
    def of(cls, every: str, tz: str = "UTC") -> Step:
        """Return the step that a text names, or raise DxError.

        Examples
        --------
        >>> from dxnotebook.metrics.periods import Step
        >>> Step.of("2w").seconds, Step.of("1q").months
        (1209600, 3)
        """
        count, seconds, months = length(every) or (0, 0, 0)
        count = 1 if count is None else count
        about = count * (seconds + months * 30 * _DAY)
        # periods of seconds are too many, and half a month is nothing that a calendar has
        if seconds == 1 or not 0 < about <= _LONGEST_STEP or count != int(count):
            raise invalid("every", every, "are a count and a unit: 15min, 1h, 1d, 1w, 1mo, 1q, 1y")
        if not _is_zone(tz):
            raise invalid("tz", tz, "are names of time zones, such as 'Europe/Berlin'")
        return cls(int(count) * seconds, int(count) * months, tz)

    def between(self, first: pd.Timestamp, last: pd.Timestamp) -> Step:
        """Return the step with the changes of its zone's clocks from one time to another."""
        start = max(first, last - _HEEDED).floor("D")
        times = pd.date_range(start, last.ceil("D") + _SCAN, freq=_SCAN)
        local = times.tz_convert(self.zone).tz_localize(None)
        ahead = (local - times.tz_convert(None)) // pd.Timedelta(seconds=1)
        new = np.flatnonzero(np.diff(ahead, prepend=ahead[0] - 1))
        changes = zip(times[new].as_unit("s").asi8.tolist(), ahead[new].tolist(), strict=True)
        return replace(self, changes=tuple(changes))

    def numbered(self, frame: Any, name: str) -> Any:
        """Return a frame in which seconds since 1970 have become the number of their period."""
        seconds = nw.col(name)
        (_, ahead), *changes = self.changes
        local = seconds + ahead
        if self._is_fixed:
            return frame.with_columns((local // self.seconds).alias(name))
        for at, then in changes:
            local, ahead = local + (seconds >= at).cast(nw.Int64) * (then - ahead), then
        if self.months:
            return _months(frame.with_columns((local // _DAY).alias(name)), name, self.months)
        return frame.with_columns(((local - self._origin) // self.seconds).alias(name))

    def starts(self, numbers: Integers) -> pd.DatetimeIndex:
        """Return when the periods of these numbers start, in the step's zone."""
        if self._is_fixed:
            seconds = (numbers * self.seconds - self.changes[0][1]).astype("M8[s]")
            return pd.DatetimeIndex(seconds, tz="UTC").as_unit("us").tz_convert(self.zone)
        if self.months:
            local = (numbers * self.months).astype("M8[M]").astype("M8[s]")
        else:
            local = (numbers * self.seconds + self._origin).astype("M8[s]")
        # a midnight that the clocks skip is when they do; of two, the day begins with the first
        first = np.ones(len(local), bool)
        times = pd.DatetimeIndex(local).as_unit("us")
        return times.tz_localize(self.zone, ambiguous=first, nonexistent="shift_forward")

    @property
    def _is_fixed(self) -> bool:
        return self.seconds % _DAY != 0

    @property
    def _origin(self) -> int:
        return _FIRST_MONDAY if self.seconds % (7 * _DAY) == 0 else 0


def _months(frame: Any, name: str, step: int) -> Any:
    """Return a frame in which days since 1970 have become steps of some months since January 1970.

    The arithmetic is that of ``civil_from_days`` in Howard Hinnant's "chrono-Compatible Low-Level
    Date Algorithms": years begin in March, so that the leap day is their last. Each step is a
    column, as engines without common subexpressions take very long over one expression of it all.
    """
    day, era, year = (nw.col(column) for column in (name, f"{name} era", f"{name} year"))
    years = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    frame = frame.with_columns((day + 719_468).alias(name))
    frame = frame.with_columns((day // 146_097).alias(f"{name} era"))
    frame = frame.with_columns((day - era * 146_097).alias(name))
    frame = frame.with_columns(years.alias(f"{name} year"))
    day_of_year = day - (365 * year + year // 4 - year // 100)
    frame = frame.with_columns(((5 * day_of_year + 2) // 153).alias(name))
    months = (era * 400 + year - 1970) * 12 + nw.col(name) + 2
    return frame.with_columns((months // step).alias(name)).drop(f"{name} era", f"{name} year")


def _is_zone(tz: object) -> bool:
    """Tell whether something is the name of a time zone."""
    if not isinstance(tz, str):
        return False
    try:
        ZoneInfo(tz)
    except (ValueError, OSError, KeyError):
        return False
    return True
