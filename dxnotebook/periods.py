"""Periods of time: steps such as "1h" or "1mo", numbered by integer arithmetic that every engine has.

A step of minutes or hours has a fixed length; one of days, weeks, months, quarters or years follows the calendar of a
time zone, so that a day in which clocks change has 23 or 25 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from dxnotebook.errors import DxError

_DAY = 86_400  # seconds
_SECONDS = {"min": 60, "h": 3_600, "d": _DAY, "w": 7 * _DAY}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_EVERY = re.compile(rf"\s*(\d*)\s*({'|'.join([*_SECONDS, *_MONTHS])})\s*", re.IGNORECASE)
_MONDAY = -3 * _DAY  # 1970 began on a Thursday
_SCAN = pd.Timedelta(minutes=15)  # clocks change at a multiple of this
_LONGEST = pd.Timedelta(days=50 * 365)  # how far back from the last job changes of the clocks are heeded


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
        From which second since 1970 on the zone's clocks are ahead of UTC by how many seconds, in order.
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
        >>> from dxnotebook.periods import Step
        >>> Step.of("2w").seconds, Step.of("1q").months
        (1209600, 3)
        """
        found = _EVERY.fullmatch(every) if isinstance(every, str) else None
        count = int(found[1] or 1) if found else 0
        if not found or not count:
            raise DxError(f"Invalid every: {every!r}. Valid are a count and a unit: 15min, 1h, 1d, 1w, 1mo, 1q, 1y.")
        try:
            ZoneInfo(tz)
        except (ValueError, OSError, TypeError, KeyError):
            raise DxError(f"Invalid tz: {tz!r}. Valid are the names of time zones, such as 'Europe/Berlin'.") from None
        unit = found[2].lower()
        return cls(count * _SECONDS.get(unit, 0), count * _MONTHS.get(unit, 0), tz)

    def between(self, first: pd.Timestamp, last: pd.Timestamp) -> Step:
        """Return the step with the changes of its zone's clocks from one time to another."""
        times = pd.date_range(max(first, last - _LONGEST).floor("D"), last, freq=_SCAN).tz_convert(self.zone)
        ahead = (times.tz_localize(None) - times.tz_convert(None)) // pd.Timedelta(seconds=1)
        changed = np.flatnonzero(np.diff(ahead, prepend=ahead[0] - 1))
        seconds = times[changed].as_unit("s").asi8
        return replace(self, changes=tuple(zip(seconds.tolist(), ahead[changed].tolist(), strict=True)))

    def number(self, seconds: Any) -> Any:  # noqa: ANN401 (narwhals' expressions)
        """Return the number of the period that a time lies in, as an expression of its seconds since 1970."""
        (_, ahead), *changes = self.changes
        local = seconds + ahead
        if self.seconds % _DAY and not self.months:
            return local // self.seconds
        for at, then in changes:
            local = local + (seconds >= at).cast(nw.Int64) * (then - ahead)
            ahead = then
        if self.months:
            return _month(local // _DAY) // self.months
        return (local - self._origin) // self.seconds

    def starts(self, numbers: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
        """Return when the periods of these numbers start, in the step's zone."""
        if self.seconds % _DAY and not self.months:
            at = pd.DatetimeIndex((numbers * self.seconds - self.changes[0][1]).astype("M8[s]"), tz="UTC")
            return at.as_unit("us").tz_convert(self.zone)
        if self.months:
            local = pd.DatetimeIndex((numbers * self.months).astype("M8[M]").astype("M8[s]"))
        else:
            local = pd.DatetimeIndex((numbers * self.seconds + self._origin).astype("M8[s]"))
        # a midnight that the clocks skip is when they do; of two, the day begins with the first
        first = np.ones(len(local), bool)
        return local.as_unit("us").tz_localize(self.zone, ambiguous=first, nonexistent="shift_forward")

    @property
    def _origin(self) -> int:
        return _MONDAY if self.seconds % _SECONDS["w"] == 0 else 0


def _month(days: Any) -> Any:  # noqa: ANN401 (narwhals' expressions)
    """Return the months since January 1970 of days since 1970-01-01.

    The arithmetic is that of ``civil_from_days`` in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms":
    years begin in March, so that the leap day is their last.
    """
    days = days + 719_468
    era = days // 146_097
    day = days - era * 146_097
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    month = (5 * (day - (365 * year + year // 4 - year // 100)) + 2) // 153
    return (era * 400 + year - 1970) * 12 + month + 2
