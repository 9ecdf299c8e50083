"""The one grammar of time: instants as JSON has them, lengths such as "30d", windows.

What names no zone is in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.errors import DxError, invalid

Moment = str | date | datetime | timedelta | pd.Timestamp | pd.Timedelta
At = Moment | None
Instant = pd.Timestamp | None
Limit = pd.Timestamp | pd.Timedelta | None

_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
_LENGTH_UNITS = "|".join([*_SECONDS, *_MONTHS])
_LENGTH = re.compile(rf"\s*(\d+(?:\.\d+)?)?\s*({_LENGTH_UNITS})\s*", re.IGNORECASE)
_DATE = re.compile(r"\s*\d{4}-")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?)?"
    r"\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)
# what PowerShell's ConvertTo-Json writes; the zone only says how to show it
_DOTNET_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_UNIX_START = datetime(1970, 1, 1, tzinfo=UTC)
# what is no time to us, but one to somebody
_OTHER_FORMS = {
    r"\d{15,17}(\.\d*)?": "epoch microseconds: divide them by 1,000,000",
    r"\d{18,20}(\.\d*)?": "epoch nanoseconds: divide them by 1,000,000,000",
    r"\d{1,2}/\d{1,2}/\d{2,4}\b.*": "a US date, which is ambiguous: write 2026-09-01T00:00:00Z",
}
# in seconds, 2000-01-01 and the year 5138; less is a date written as a number
_FIRST_EPOCH, _LAST_EPOCH = 946_684_800, 10**11
_EARLIEST = pd.Timestamp("0001-01-01", tz="UTC")


def instant(value: Any) -> tuple[datetime, bool, bool]:
    """Return the time that a value means, in UTC, if that is all it says, and if it has a zone.

    Raises
    ------
    ValueError
        When it is no time, or one outside the years 1 to 9999; the message goes on after a name.

    Examples
    --------
    >>> from dxnotebook.times import instant
    >>> instant("2026-09-01T00:00:00.123456789Z")[1:]
    (False, True)
    """
    try:
        if found := _read(value):
            return found
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999 in UTC") from None
    except ValueError:  # such as a month 13
        pass
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    form = next((form for like, form in _OTHER_FORMS.items() if re.fullmatch(like, text)), None)
    raise ValueError("is not a time" + (f", it looks like {form}" if form else ""))


def _read(value: Any) -> tuple[datetime, bool, bool] | None:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if isinstance(value, str):
        if match := _INSTANT.fullmatch(value.strip()):
            return _from_iso(*match.groups(default=""))
        if match := _DOTNET_DATE.fullmatch(value):
            return _UNIX_START + timedelta(milliseconds=int(match[1])), True, True
        if _HTTP_DATE.fullmatch(value):
            return parsedate_to_datetime(value).astimezone(UTC), True, True
        if re.fullmatch(r"\d{9,14}(\.\d+)?", value, re.ASCII):
            number = float(value)
    for unit in (1, 1000):  # seconds, milliseconds
        if number is not None and _FIRST_EPOCH * unit <= number < _LAST_EPOCH * unit:
            return datetime.fromtimestamp(number / unit, UTC), True, True
    return None


def _from_iso(
    day: str, minute: str, second: str, fraction: str, zone: str
) -> tuple[datetime, bool, bool]:
    clock = f"{minute or '00:00'}{second or ':00'}.{fraction[:6]:0<6}"
    offset = zone if zone[:1] in ("+", "-") else "Z"
    time = datetime.fromisoformat(f"{day}T{clock}{offset}").astimezone(UTC)
    return time, not fraction[6:].strip("0"), bool(zone)


def length(text: object) -> tuple[float | None, int, int] | None:
    """Return how often, how many seconds, how many months a text such as "12h" or "mo" names.

    A length has seconds or months, and no count where the text has none; what is no length is None.

    Examples
    --------
    >>> from dxnotebook.times import length
    >>> length("1.5d"), length("Q"), length("soon")
    ((1.5, 86400, 0), (None, 0, 3), None)
    """
    match = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    count = None if match[1] is None else float(match[1])
    unit = match[2].lower()
    return count, _SECONDS.get(unit, 0), _MONTHS.get(unit, 0)


def moment(name: str, value: Any) -> pd.Timestamp:
    """Return a time in UTC, or raise DxError that names the parameter."""
    try:
        return _in_utc(pd.Timestamp(value))
    except (ValueError, TypeError):
        valid = "is a time, such as '2026-09-30 12:00' (UTC) or a Timestamp"
        raise invalid(name, value, valid) from None


def limit(name: str, value: Moment | None) -> Limit:
    """Return a limit as a time in UTC, or as how long ago, or raise DxError that names it."""
    if value is None:
        return None
    try:
        count, seconds, _ = length(value) or (None, 0, 0)
        if count is not None and seconds:
            return pd.Timedelta(timedelta(seconds=count * seconds))
        if isinstance(value, timedelta | np.timedelta64):
            return pd.Timedelta(value)
        if isinstance(value, date | np.datetime64) or _DATE.match(str(value)):
            return _in_utc(pd.Timestamp(value))
    except (ValueError, TypeError, OverflowError):
        pass
    valid = "are how long ago ('30d', '12h'), a date ('2026-09-01') or a Timestamp"
    raise invalid(name, value, valid)


def _in_utc(time: pd.Timestamp) -> pd.Timestamp:
    if pd.isna(time):
        raise ValueError("is not a time")
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


@dataclass
class Window:
    """The times of creation that are wanted; what is relative is so to `now`.

    Attributes
    ----------
    since, until : Timestamp, Timedelta or None
        From when, and until before when; a Timedelta is how long before `now`.
    now : Timestamp or None
        The service's time, once it is known.
    """

    since: Limit = None
    until: Limit = None
    now: Instant = None

    @classmethod
    def of(cls, since: Moment | None, until: Moment | None, now: Instant = None) -> Window:
        """Return the window that a user names, or raise DxError, also where nothing fits in."""
        window = cls(limit("since", since), limit("until", until), now)
        if window._is_inverted():
            problem = f"Invalid since: {str(since)!r} is not before until, {str(until)!r}"
            raise DxError(f"{problem}. Valid is an earlier `since`, or a later `until`.")
        return window

    def contains(self, times: pd.Series[Any]) -> pd.Series[bool]:
        """Return which times are in the window; one that is unknown is in any."""
        # nothing is before or after NaT
        outside = (times < (self.start or pd.NaT)) | (times >= (self.end or pd.NaT))
        return ~outside

    def _is_inverted(self) -> bool:
        """Tell whether the window ends before it begins, as far as that is known."""
        since, until = self.since, self.until
        if isinstance(since, pd.Timedelta) and isinstance(until, pd.Timedelta):
            return since <= until
        start, end = self.start, self.end
        return start is not None and end is not None and start >= end

    @property
    def start(self) -> Instant:
        """From when, None where there is no limit or `now` is not known yet."""
        return self._at(self.since)

    @property
    def end(self) -> Instant:
        """Until before when, None where there is no limit or `now` is not known yet."""
        return self._at(self.until)

    def _at(self, limit: Limit) -> Instant:
        if isinstance(limit, pd.Timedelta):
            return None if pd.isna(self.now) else max(self.now - limit, _EARLIEST)
        return limit
