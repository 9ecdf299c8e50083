"""What the simulated account publishes, and what goes wrong in it: read from catalogue.toml.

Times are milliseconds since 1970; a feed or a cause goes by its number, its place in the file.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Json: TypeAlias = dict[str, Any]

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)
HOUR = 3_600_000
DAY = 24 * HOUR
END = int(NOW.timestamp() * 1000)
BEGIN = END - 90 * DAY

S3 = "IMPORT_ASSETS_FROM_S3"
TO_S3 = "EXPORT_ASSETS_TO_S3"
TO_URL = "EXPORT_ASSET_TO_SIGNED_URL"
REVISIONS = "EXPORT_REVISIONS_TO_S3"

STATES = ("ERROR", "CANCELLED", "TIMED_OUT", "COMPLETED", "WAITING", "IN_PROGRESS")
ERROR, CANCELLED, TIMED_OUT, COMPLETED, WAITING, IN_PROGRESS = range(6)


class Feed(NamedTuple):
    """The jobs of one type of one data set."""

    data_set: int
    slug: str
    type: str
    jobs: int  # of 6,000


class Burst(NamedTuple):
    """A backfill that was started all at once."""

    start: int
    feed: int
    jobs: int  # of 6,000
    quota: int


def days_ago(days: float) -> int:
    """Return the time so many days before the midnight with which NOW's day begins."""
    return int(END - 12 * HOUR - days * DAY)


def feed_number(slug: str, job_type: str) -> int:
    """Return the number of the feed of a data set and type."""
    return [(feed.slug, feed.type) for feed in FEEDS].index((slug, job_type))


_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
MINUTES: dict[str, float] = _FILE["minutes"]
EXPORTS = {kind for kind in MINUTES if kind.startswith("EXPORT")}
ASSET_TYPES: dict[str, str] = _FILE["asset_types"]
DATA_SETS: list[Json] = _FILE["data_sets"]  # `jobs`: how many of 6,000 are of each type
FEEDS = [
    Feed(n, one["slug"], *jobs) for n, one in enumerate(DATA_SETS) for jobs in one["jobs"].items()
]
REFUSALS: dict[str, Json] = _FILE["refusals"]
TEXTS: dict[str, str] = _FILE["texts"]
DETAILS: Json = _FILE["details"]
ERROR_DETAILS: Json = _FILE["error_details"]
CAUSES: list[Json] = _FILE["causes"]
POLICY, CONCURRENT, MALWARE = range(3)
BURSTS = [
    Burst(days_ago(b["days"]), feed_number(b["slug"], b["type"]), b["jobs"], b["quota"])
    for b in _FILE["bursts"]
]

# the story: a bad week of one feed, run again after it; a malware finding; jobs that never end
BAD_FEED = feed_number("grid-load", S3)
BAD_FROM, BAD_TO, FIXED = days_ago(30), days_ago(23), days_ago(22.6)
MALWARE_FEED, MALWARE_TIME = feed_number("foot-traffic", S3), days_ago(42)
STUCK_TIMES = [days_ago(days) for days in (2, 5, 9, 17)]
