"""A simulated provider account: its jobs are planned as arrays and written out for the page that is asked for.

In order: what there is to do, what goes wrong, the plan of all jobs, the JSON of one job, the account.
"""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["NOW", "Account", "Story"]

Array: TypeAlias = npt.NDArray[Any]
Json: TypeAlias = dict[str, Any]

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)

# Times are milliseconds since 1970.
_HOUR = 3_600_000
_DAY = 24 * _HOUR
_END = int(NOW.timestamp() * 1000)
_BEGIN = _END - 90 * _DAY
_NEVER = 1 << 62


def _before(days: float) -> int:
    """Return the time so many days before the midnight with which NOW's day begins."""
    return int(_END - 12 * _HOUR - days * _DAY)


def _datetime(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, UTC)


# What there is to do

S3 = "IMPORT_ASSETS_FROM_S3"
URL = "IMPORT_ASSET_FROM_SIGNED_URL"
TO_S3 = "EXPORT_ASSETS_TO_S3"
TO_URL = "EXPORT_ASSET_TO_SIGNED_URL"
REVISIONS = "EXPORT_REVISIONS_TO_S3"
REDSHIFT = "IMPORT_ASSETS_FROM_REDSHIFT_DATA_SHARES"
API = "IMPORT_ASSET_FROM_API_GATEWAY_API"
ACCESS = "CREATE_S3_DATA_ACCESS_FROM_S3_BUCKET"
LAKE = "IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY"

_EXPORTS = {TO_S3, TO_URL, REVISIONS}
_MINUTES = {S3: 3, URL: 1.2, TO_S3: 4, TO_URL: 0.2, REVISIONS: 9, REDSHIFT: 2, API: 0.8, ACCESS: 1.5, LAKE: 2.5}
_ASSET_TYPES = {
    REDSHIFT: "REDSHIFT_DATA_SHARE",
    API: "API_GATEWAY_API",
    ACCESS: "S3_DATA_ACCESS",
    LAKE: "LAKE_FORMATION_DATA_PERMISSION",
}


# Name, slug, and how many of 6,000 jobs of each type. A data set without imports is another provider's.
# The type with 0 is used now and then: it gets the jobs that are left over.
_DATA_SETS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("Power Grid Load by Region, Hourly", "grid-load", {S3: 2160, REVISIONS: 90}),
    ("Intraday Power Prices", "intraday-prices", {S3: 360, TO_S3: 90}),
    ("US Equities End-of-Day Bars", "us-equities-eod", {S3: 90, REVISIONS: 90}),
    ("FX Reference Rates", "fx-rates", {S3: 90, TO_S3: 90}),
    ("Consumer Card Spend Panel", "card-spend", {S3: 90, REVISIONS: 13}),
    ("Retail Foot Traffic by Store", "foot-traffic", {S3: 90, TO_S3: 90}),
    ("Surface Weather Observations", "weather-observations", {S3: 180}),
    ("Global Weather Forecasts", "weather-forecasts", {S3: 180, REVISIONS: 90}),
    ("Satellite Crop Yield Index", "crop-index", {S3: 13}),
    ("Vessel Positions (AIS)", "vessel-positions", {S3: 180, TO_S3: 90}),
    ("Company Fundamentals", "fundamentals", {URL: 90, TO_URL: 90}),
    ("ESG Scores", "esg-scores", {URL: 13}),
    ("Clinical Trial Registry", "clinical-trials", {URL: 90}),
    ("Hospital Price Transparency", "hospital-prices", {URL: 26}),
    ("Address Points", "address-points", {URL: 13, REVISIONS: 13}),
    ("Warehouse Inventory", "inventory", {REDSHIFT: 90}),
    ("Sales Ledger", "sales-ledger", {REDSHIFT: 13}),
    ("Geocoding API", "geocoding", {API: 26}),
    ("Currency Conversion API", "currency", {API: 13}),
    ("Raw Sensor Readings", "sensor-readings", {ACCESS: 45}),
    ("Web Crawl Archive", "web-crawl", {ACCESS: 13}),
    ("Insurance Claims Lake", "claims", {LAKE: 45}),
    ("News Headlines", "news-headlines", {REVISIONS: 90, TO_URL: 0}),
    ("Credit Ratings", "credit-ratings", {REVISIONS: 90, TO_S3: 90}),
    ("Shipping Tariffs", "shipping-tariffs", {TO_S3: 90}),
)


class _Feed(NamedTuple):
    """The jobs of one type of one data set."""

    data_set: int
    slug: str
    type: str
    jobs: int  # of 6,000


_FEEDS = [
    _Feed(data_set, slug, job_type, share)
    for data_set, (_, slug, jobs) in enumerate(_DATA_SETS)
    for job_type, share in jobs.items()
]
_EARLIER = [number % 3 if feed.type == REVISIONS else 0 for number, feed in enumerate(_FEEDS)]  # revisions exported too
_REVISION_DAYS = 104  # every data set has one revision a day
_FIRST_REVISION = _before(100)

# To be indexed with arrays of feeds.
_DATA_SET_OF = np.array([feed.data_set for feed in _FEEDS])
_TYPE_OF = np.array([feed.type for feed in _FEEDS])
_MINUTES_OF = np.array([_MINUTES[feed.type] for feed in _FEEDS])
_IMPORTS = np.array([feed.type not in _EXPORTS for feed in _FEEDS])
_EARLIER_OF = np.array(_EARLIER)


def _feed(slug: str, job_type: str) -> int:
    return next(number for number, feed in enumerate(_FEEDS) if (feed.slug, feed.type) == (slug, job_type))


# What goes wrong

_STATES = ("ERROR", "CANCELLED", "TIMED_OUT", "COMPLETED", "WAITING", "IN_PROGRESS")
_ERROR, _CANCELLED, _TIMED_OUT, _COMPLETED, _WAITING, _IN_PROGRESS = range(6)
_OUTCOME_BELOW = (0.03, 0.034, 0.037)  # of a uniform draw: ERROR, CANCELLED, TIMED_OUT; else COMPLETED


class _Cause(NamedTuple):
    """A cause of failure and how the service words it, with attributes of the job filled in."""

    code: str
    types: tuple[str, ...]  # whose jobs fail of it now and then; none if only the story has it
    message: str
    resource: str = ""
    limit: str = ""
    value: float = 0.0


_DENIED = "ACCESS_DENIED_EXCEPTION"
_MISSING = "RESOURCE_NOT_FOUND_EXCEPTION"
_INVALID = "VALIDATION_EXCEPTION"
_QUOTA = "SERVICE_QUOTA_EXCEEDED_EXCEPTION"
_INTERNAL = "INTERNAL_SERVER_EXCEPTION"

_CAUSES = (
    _Cause(_DENIED, (), "Access denied to s3://{bucket}/{key}: the bucket policy of {bucket} does not allow "
        "s3:GetObject for dataexchange.amazonaws.com."),
    _Cause(_QUOTA, (), "The limit of {quota} for concurrent in progress jobs of type {type} has been reached in "
        "account {account_id}."),
    _Cause("MALWARE_DETECTED", (), "Malware was detected in s3://{bucket}/{key}. Asset {asset_id} was not imported.",
        "ASSET"),
    _Cause(_INTERNAL, (S3, URL, TO_S3, REVISIONS),
        "An internal error occurred. Please try again. (Request ID: {uuid})"),
    _Cause(_INTERNAL, (TO_S3, TO_URL), "Internal failure while copying asset {asset_id} of revision {revision_id}.",
        "ASSET"),
    _Cause(_DENIED, (S3,), "User: arn:aws:sts::{account_id}:assumed-role/dx-publisher/{slug} is not authorized to "
        "perform: s3:GetObject on resource: arn:aws:s3:::{bucket}/{key}"),
    _Cause(_MISSING, (S3,), "The object s3://{bucket}/{key} does not exist."),
    _Cause(_INVALID, (S3,), "The key {key} in bucket {bucket} is already an asset of revision {revision_id}.",
        "REVISION"),
    _Cause("MALWARE_SCAN_ENCRYPTED_FILE", (S3, URL), "The file {key} is encrypted and cannot be scanned for malware.",
        "ASSET"),
    _Cause(_QUOTA, (S3,), "Revision {revision_id} would hold {size} assets; the limit is 10000.",
        "REVISION", "Assets per revision", 10_000),
    _Cause(_QUOTA, (S3, URL), "Asset {key} has {size} MB; the limit is 100 GB.", "ASSET", "Asset size in GB", 100),
    _Cause(_INVALID, (URL,), "The MD5 hash of {key} does not match {md5}.", "ASSET"),
    _Cause(_INVALID, (URL,), "The signed URL {job.signed_url} has expired.", "DATA_SET"),
    _Cause(_DENIED, (TO_S3, REVISIONS), "Access denied: s3:PutObject on arn:aws:s3:::{bucket}/{key}"),
    _Cause(_DENIED, (REVISIONS, TO_S3), "Access denied: kms:GenerateDataKey on {kms_key}"),
    _Cause(_MISSING, (REVISIONS,), "Revision {revision_id} of data set {data_set_id} was not found.", "REVISION"),
    _Cause(_MISSING, (TO_S3,), "The bucket {bucket} does not exist."),
    _Cause(_MISSING, (TO_URL,), "Asset {asset_id} was not found in revision {revision_id}.", "ASSET"),
    _Cause(_DENIED, (REDSHIFT,), "The data share {slug}_0 of cluster {uuid} is not authorized for AWS Data Exchange.",
        "DATA_SET"),
    _Cause(_QUOTA, (REDSHIFT,), "Revision {revision_id} has reached the limit of 20 datashares.",
        "REVISION", "Amazon Redshift datashare assets per revision", 20),
    _Cause(_INVALID, (API,), "The OpenAPI specification is not valid: paths./{slug}/{size} has no responses.", "ASSET"),
    _Cause(_DENIED, (ACCESS,), "The bucket policy of {bucket} does not grant s3:PutAccessPointPolicy.", "DATA_SET"),
    _Cause(_QUOTA, (ACCESS,), "Revision {revision_id} already has an Amazon S3 data access asset.",
        "REVISION", "Amazon S3 data access assets per revision", 1),
    _Cause(_DENIED, (LAKE,), "Role dx-lake-{slug} lacks grantable permissions in catalog {account_id}.", "DATA_SET"),
    _Cause(_QUOTA, (LAKE,), "Revision {revision_id} has reached the limit of 10 data permissions.",
        "REVISION", "AWS Lake Formation data permission assets per revision", 10),
)  # fmt: skip
_POLICY, _CONCURRENT, _MALWARE = range(3)  # the story's
_CAUSES_OF = [[i for i, cause in enumerate(_CAUSES) if feed.type in cause.types] for feed in _FEEDS]


_BURSTS = (  # start, feed, jobs of 6,000, quota
    (_before(70.65), _feed("intraday-prices", S3), 24, 10),
    (_before(47.4), _feed("fx-rates", TO_S3), 24, 10),
    (_before(19.9), _feed("us-equities-eod", REVISIONS), 16, 5),
)
_BURST, _BURST_ENDS = 600_000, 1_900_000  # within this it begins, within that the last of its jobs ends
_BAD_FEED = _feed("grid-load", S3)
_BAD_FROM, _BAD_TO, _FIXED = _before(30), _before(23), _before(22.6)
_MALWARE_FEED = _feed("foot-traffic", S3)
_MALWARE_TIME = _before(42)
_STUCK_TIMES = [_before(days) for days in (2, 5, 9, 17)]


# The plan: one row a job. The slot is the scheduled time, which names the work: a re-run has its first run's slot.

_PLAN = np.dtype(
    [("created", "i8"), ("ended", "i8"), ("slot", "i8"), ("feed", "u1"), ("outcome", "u1"), ("cause", "i1")]
)


def _make_plan(jobs: int, seed: int) -> Array:
    """Return all jobs of the 90 days before NOW in strict order of creation, oldest first."""
    rng = np.random.default_rng(seed)
    first = np.concatenate([_scheduled(rng, jobs), *(_burst(rng, jobs, burst) for burst in _BURSTS)])
    again = _repeats(rng, first, jobs - len(first))
    at = rng.integers(_BEGIN + 1_000, _END - 1_000, jobs - len(first) - len(again))
    ad_hoc = _everyday(rng, at, _feed("news-headlines", TO_URL), at)
    plan = np.concatenate([first, again, ad_hoc])
    for start, feed, *_ in _BURSTS:
        _make_way(plan, start, feed)
    plan = plan[plan["created"].argsort(kind="stable")]
    newest = jobs // 1_000  # have just begun
    plan["created"][jobs - newest :] = _END - 35_000 + np.arange(newest) * 30_000 // max(newest, 1)
    number = np.arange(jobs)
    plan["created"] = np.maximum.accumulate(plan["created"] - number) + number  # no two at the same time
    plan["ended"] = np.maximum(plan["ended"], plan["created"])
    plan["ended"][jobs - newest :] = _END + rng.integers(20_000, 600_000, newest)
    if jobs >= 1_000:
        plan["ended"][np.searchsorted(plan["created"], _STUCK_TIMES)] = _NEVER
    return plan


def _everyday(rng: np.random.Generator, slot: Array, feed: Array | int, created: Array) -> Array:
    """Return a plan of some jobs with everyday durations and failures."""
    plan = np.zeros(len(slot), _PLAN)
    plan["slot"] = slot
    plan["feed"] = feed
    plan["created"] = created
    plan["outcome"] = np.searchsorted(_OUTCOME_BELOW, rng.random(len(slot)), side="right")
    plan["cause"] = -1
    failed = np.flatnonzero(plan["outcome"] == _ERROR)
    causes = [_CAUSES_OF[number] for number in plan["feed"][failed]]
    draws = rng.random(len(failed))
    plan["cause"][failed] = [some[int(draw * len(some))] for some, draw in zip(causes, draws, strict=True)]
    minutes = _MINUTES_OF[plan["feed"]] * rng.lognormal(0, 0.6, len(slot))
    minutes[plan["outcome"] == _CANCELLED] *= 0.4
    minutes[plan["outcome"] == _TIMED_OUT] = 360
    plan["ended"] = created + (minutes * 60_000).astype(np.int64) + 400
    return plan


def _fail(plan: Array, where: Array | np.intp, cause: int) -> None:
    """Make some jobs of a plan fail within half a minute."""
    plan["outcome"][where] = _ERROR
    plan["cause"][where] = cause
    plan["ended"][where] = plan["created"][where] + 20_000 + plan["slot"][where] % 9_973


def _scheduled(rng: np.random.Generator, jobs: int) -> Array:
    """Return every feed's own runs, evenly spaced, with the malware, the bad week and all other causes planted."""
    counts = np.diff(np.cumsum([0, *(feed.jobs for feed in _FEEDS)]) * jobs // 6_000)
    slots = []
    for number, count in enumerate(counts):
        step = (_END - _BEGIN) // max(count, 1)
        start = _BEGIN + number * 319 * 60_000 % step
        slots.append(start + np.arange(count) * step)
    slot = np.concatenate(slots)
    feed = np.repeat(np.arange(len(_FEEDS)), counts)
    created = slot + rng.exponential(25_000, len(slot)).astype(np.int64)
    plan = _everyday(rng, slot, feed, np.minimum(created, _END - 1_000))
    _plant_every_cause(plan)
    traffic = np.flatnonzero(feed == _MALWARE_FEED)
    if len(traffic):
        _fail(plan, traffic[np.abs(slot[traffic] - _MALWARE_TIME).argmin()], _MALWARE)
    bad_week = (feed == _BAD_FEED) & (slot >= _BAD_FROM) & (slot < _BAD_TO)
    _fail(plan, np.flatnonzero(bad_week & (rng.random(len(slot)) < 0.97)), _POLICY)
    return plan


def _plant_every_cause(plan: Array) -> None:
    """Make one job of the first type of every cause fail of it, if there are enough that did not fail."""
    for number, cause in enumerate(_CAUSES):
        feeds = [i for i, feed in enumerate(_FEEDS) if feed.type in cause.types[:1]]
        candidates = np.flatnonzero(np.isin(plan["feed"], feeds) & (plan["outcome"] == _COMPLETED))
        if len(candidates) >= 10:
            _fail(plan, candidates[len(candidates) * (number + 1) // (len(_CAUSES) + 1)], number)


def _make_way(plan: Array, start: int, feed: int) -> None:
    """Put off what would run beside a burst, as the service would refuse it."""
    burst = (plan["feed"] == feed) & (plan["slot"] < start) & (plan["created"] < start + _BURST)
    same_type = _TYPE_OF[plan["feed"]] == _FEEDS[feed].type
    beside = same_type & ~burst & (plan["created"] < start + _BURST_ENDS) & (plan["ended"] >= start)
    later = np.arange(beside.sum()) * _BURST + start + _BURST_ENDS - plan["created"][beside]
    plan["created"][beside] += later
    plan["ended"][beside] += later


def _burst(rng: np.random.Generator, jobs: int, burst: tuple[int, int, int, int]) -> Array:
    """Return a backfill started all at once: as many jobs as the quota allows run, the service refuses the others."""
    start, feed, share, quota = burst
    number = np.arange(share * jobs // 6_000)
    slot = start - (number % 96 + 1) * 6 * _HOUR  # of the 24 days before, however many jobs there are
    plan = _everyday(rng, slot, feed, start + number * _BURST // max(len(number), 1))
    plan["outcome"] = _COMPLETED
    plan["cause"] = -1
    plan["ended"] = start + 700_000 + rng.integers(0, 1_200_000, len(number))
    refused = plan[quota:]
    refused["outcome"] = _ERROR
    refused["cause"] = _CONCURRENT
    refused["ended"] = refused["created"]
    return plan


def _repeats(rng: np.random.Generator, first: Array, most: int) -> Array:
    """Return the re-run of the bad week and the retries of most other failures, all of them successes."""
    denied = np.flatnonzero(first["cause"] == _POLICY)[:most]
    rerun = _FIXED + np.arange(len(denied)) * 3 * _HOUR // max(len(denied), 1)
    other = np.flatnonzero(np.isin(first["outcome"], (_ERROR, _TIMED_OUT)) & (first["cause"] != _POLICY))
    retry = first["ended"][other] + 600_000 + rng.exponential(2 * _HOUR, len(other)).astype(np.int64)
    retried = np.flatnonzero((rng.random(len(other)) < 0.7) & (retry < _END))[: most - len(denied)]
    source = first[np.concatenate([denied, other[retried]])]
    plan = _everyday(rng, source["slot"], source["feed"], np.concatenate([rerun, retry[retried]]))
    failed = plan["outcome"] != _COMPLETED
    plan["ended"][failed] = plan["created"][failed] + 150_000
    plan["outcome"] = _COMPLETED
    plan["cause"] = -1
    return plan


def _revision_days(plan: Array) -> Array:
    """Return the days of the jobs' newest revisions: an import makes its own day's, an export reads its schedule's."""
    times = np.where(_IMPORTS[plan["feed"]], plan["created"], plan["slot"])
    return np.asarray((times - _FIRST_REVISION) // _DAY)


# The JSON of one job


def _scatter(numbers: Array, salt: int) -> list[int]:
    """Return 64 evenly scattered bits for each number (splitmix64)."""
    z = (numbers.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return list((z ^ (z >> np.uint64(31))).tolist())


def _ids(numbers: Array, salt: int) -> list[str]:
    halves = zip(_scatter(numbers, salt), _scatter(numbers, salt ^ 0x5DEECE66D), strict=True)
    return [f"{high:016x}{low:016x}" for high, low in halves]


def _stamps(times: Array, zones: Iterable[str] = itertools.repeat("Z")) -> list[str]:
    texts = np.datetime_as_string(times.astype("M8[ms]")).tolist()
    return [text + zone for text, zone in zip(texts, zones, strict=False)]


class _Names:
    """What an account calls its things."""

    def __init__(self, account_id: str, region: str, seed: int) -> None:
        self.account_id = account_id
        self.region = region
        self.arn = f"arn:aws:dataexchange:{region}:{account_id}"
        self.salt = zlib.crc32(f"{account_id} {region} {seed}".encode()) << 31
        self.data_set_ids = _ids(np.arange(len(_DATA_SETS)), self.salt + (1 << 40))
        self.revision_ids = _ids(np.arange(len(_DATA_SETS) * _REVISION_DAYS), self.salt + (1 << 41))
        self.buckets = [f"{feed.slug}-{'delivery' if feed.type in _EXPORTS else 'raw'}-{region}" for feed in _FEEDS]


@dataclass
class _Job:
    """One job of the plan with everything that its JSON names."""

    names: _Names
    id: str
    created: str
    updated: str
    expires: str
    slot: str
    state: int
    cause: int
    feed: int
    day: int  # of its newest revision
    chance: int  # belongs to the work, so that a re-run has the same keys

    def __post_init__(self) -> None:
        data_set, self.slug, self.type, _ = _FEEDS[self.feed]
        newest = data_set * _REVISION_DAYS + self.day
        stem = f"dt={self.slot[:10]}/{self.slot[11:19].replace(':', '')}"
        self.account_id = self.names.account_id
        self.region = self.names.region
        self.bucket = self.names.buckets[self.feed]
        self.data_set_id = self.names.data_set_ids[data_set]
        self.revision_ids = self.names.revision_ids[newest - _EARLIER[self.feed] : newest + 1][::-1]
        self.revision_id = self.revision_ids[0]
        self.keys = [f"{self.slug}/{stem}-part-{number}.csv.gz" for number in range(1 + self.chance % 4)]
        self.quota = 5 if self.type == REVISIONS else 10
        self.size = 100_001 + self.chance % 50_000
        digits = self.digits = f"{self.chance:016x}"
        self.asset_id = digits + digits[::-1]
        self.uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[1:4]}-a{digits[5:8]}-{digits[4:]}"
        self.md5 = base64.b64encode(digits.encode()).decode()
        self.kms_key = f"arn:aws:kms:{self.region}:{self.account_id}:key/{self.uuid}"

    @property
    def signed_url(self) -> str:
        day = self.expires[:10].replace("-", "")
        return (
            f"https://aws-dx-assets.s3.{self.region}.amazonaws.com/{self.data_set_id}/{self.keys[0]}"
            "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential=ASIA{self.digits[:10]}%2F{day}%2F{self.region}%2Fs3%2Faws4_request"
            f"&X-Amz-Date={day}T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
            f"&X-Amz-Security-Token=demo%2F{self.asset_id}%3D%3D"
            f"&X-Amz-Signature={self.revision_id}{self.asset_id}"
        )

    def objects(self, keys: Sequence[str]) -> list[Json]:
        return [{"Bucket": self.bucket, "Key": key} for key in keys]

    def sometimes(self, bit: int, **members: object) -> Json:
        """Return optional members for half of the jobs, by a bit of the chance."""
        return members if self.chance >> bit & 1 else {}

    def encryption(self) -> Json:
        return {"KmsKeyArn": self.kms_key, "Type": "aws:kms"} if self.chance >> 8 & 1 else {"Type": "AES256"}

    def to_json(self) -> Json:
        revision = {} if self.type == REVISIONS else {"RevisionId": self.revision_id}
        details = {"DataSetId": self.data_set_id, **revision, **_DETAILS[self.type](self)}
        job: Json = {"Arn": f"{self.names.arn}:jobs/{self.id}"}
        if self.chance % 7 == 0 and self.type not in _EXPORTS:
            tags = [{"Key": "team", "Value": self.slug}, {"Key": "env", "Value": "prod"}]
            job["AssetConfiguration"] = {"Tags": tags}
        job["CreatedAt"] = self.created
        job["Details"] = {_MEMBERS[self.type]: details}
        if self.state == _ERROR:
            job["Errors"] = _errors(self, _CAUSES[self.cause])
        job["Id"] = self.id
        job["State"] = _STATES[self.state]
        job["Type"] = self.type
        job["UpdatedAt"] = self.updated
        return job


# A type's member of Details is named like the type, and holds this beside the ids of data set and revision.
_MEMBERS = {job_type: job_type.title().replace("_", "") for job_type in _MINUTES}
_KEY_PATTERN = "/${Revision.CreatedAt}/${Asset.Name}"
_LINES = {"TagKey": "line", "TagValues": ["motor", "home", "travel"]}
_REGIONS = {"TagKey": "region", "TagValues": ["eu"]}
_DETAILS: dict[str, Callable[[_Job], Json]] = {
    S3: lambda job: {"AssetSources": job.objects(job.keys)},
    URL: lambda job: {
        "AssetName": job.keys[0],
        "SignedUrl": job.signed_url,
        "SignedUrlExpiresAt": job.expires,
        **job.sometimes(0, Md5Hash=job.md5),
    },
    TO_S3: lambda job: {
        "AssetDestinations": [
            {"AssetId": job.digits[i:] + job.digits[::-1] + job.digits[:i], **place}
            for i, place in enumerate(job.objects(job.keys))
        ],
        **job.sometimes(0, Encryption=job.encryption()),
    },
    TO_URL: lambda job: {"AssetId": job.asset_id, "SignedUrl": job.signed_url, "SignedUrlExpiresAt": job.expires},
    REVISIONS: lambda job: {
        "RevisionDestinations": [
            {"Bucket": job.bucket, "KeyPattern": job.slug + _KEY_PATTERN, "RevisionId": revision_id}
            for revision_id in job.revision_ids
        ],
        **job.sometimes(0, Encryption=job.encryption()),
        **job.sometimes(1, EventActionArn=f"{job.names.arn}:event-actions/{job.asset_id}"),
    },
    REDSHIFT: lambda job: {
        "AssetSources": [
            {"DataShareArn": f"arn:aws:redshift:{job.region}:{job.account_id}:datashare:{job.uuid}/{job.slug}_{i}"}
            for i in range(len(job.keys))
        ]
    },
    API: lambda job: {
        "ApiId": job.digits[:10],
        "ApiName": f"{job.slug}-v2",
        "ApiSpecificationMd5Hash": job.md5,
        "ApiSpecificationUploadUrl": job.signed_url,
        "ApiSpecificationUploadUrlExpiresAt": job.expires,
        "ProtocolType": "REST",
        "Stage": "prod",
        **job.sometimes(0, ApiDescription=f"The {job.slug} service, stage prod"),
        **job.sometimes(1, ApiKey=job.asset_id),
    },
    ACCESS: lambda job: {
        "AssetSource": {
            "Bucket": job.bucket,
            "KeyPrefixes": [f"{job.slug}/raw/", f"{job.slug}/clean/"],
            "Keys": job.keys,
            "KmsKeysToGrant": [{"KmsKeyArn": job.kms_key}],
        }
    },
    LAKE: lambda job: {
        "CatalogId": job.account_id,
        "RoleArn": f"arn:aws:iam::{job.account_id}:role/dx-lake-{job.slug}",
        "Table": {"Expression": [_LINES, _REGIONS], "Permissions": ["DESCRIBE", "SELECT"]},
        **job.sometimes(0, Database={"Expression": [_LINES], "Permissions": ["DESCRIBE"]}),
    },
}


def _errors(job: _Job, cause: _Cause) -> list[Json]:
    """Return one to three errors, which share out the keys."""
    several = cause.types and job.type in (S3, TO_S3) and "{key}" in cause.message
    count = min(1 + job.size % 3, len(job.keys)) if several else 1
    return [_error(job, cause, job.keys[number::count]) for number in range(count)]


def _error(job: _Job, cause: _Cause, keys: Sequence[str]) -> Json:
    message = cause.message.format(**vars(job), job=job, key=keys[0])
    error: Json = {"Code": cause.code, "Message": message}
    if job.type == S3:
        error["Details"] = {"ImportAssetsFromS3JobErrorDetails": job.objects(keys)}
    elif job.type == URL:
        error["Details"] = {"ImportAssetFromSignedUrlJobErrorDetails": {"AssetName": keys[0]}}
    if cause.limit:
        error |= {"LimitName": cause.limit, "LimitValue": float(cause.value)}
    if cause.resource:
        ids = {"REVISION": job.revision_id, "ASSET": job.asset_id, "DATA_SET": job.data_set_id}
        error |= {"ResourceId": ids[cause.resource], "ResourceType": cause.resource}
    return error


# The account


@dataclass(frozen=True)
class Story:
    """What was planted in an account, for an analysis to find.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> story = demo.Account().story
    >>> story.data_set_name, story.code, f"{story.bad_week[0]:%d %B}"
    ('Power Grid Load by Region, Hourly', 'ACCESS_DENIED_EXCEPTION', '31 August')
    """

    data_set_id: str
    data_set_name: str
    bucket: str
    code: str
    bad_week: tuple[datetime, datetime]
    failed: int
    fixed_at: datetime  # when all that had failed were run again, with success
    malware_job_id: str | None
    stuck_job_ids: tuple[str, ...]
    quota_bursts: tuple[tuple[datetime, str], ...]


class Account:
    """A simulated provider account.

    The jobs are those of the 90 days before `NOW`. Another `now` looks at the same account at another moment:
    later jobs are not there yet, jobs that run then are open, jobs older than 90 days are gone.

    Parameters
    ----------
    jobs : int
        How many jobs there are at `NOW`.
    now : datetime
        The moment of looking.
    account_id, region : str
        Whose jobs, and where. Others have other ids.
    seed : int
        The same one gives the same bytes, anywhere.

    Attributes
    ----------
    data_sets : list of dict
        The data sets as ListDataSets gives them.
    story : Story
        What was planted.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> account = demo.Account(1_000)
    >>> len(account), len(account.data_sets), account.page(size=1)[:54]
    (1000, 25, b'{"Jobs":[{"Arn":"arn:aws:dataexchange:us-east-1:111122')
    """

    def __init__(
        self,
        jobs: int = 6_000,
        *,
        now: datetime = NOW,
        account_id: str = "111122223333",
        region: str = "us-east-1",
        seed: int = 0,
    ) -> None:
        self.now = now
        self.account_id = account_id
        self.region = region
        self._names = _Names(account_id, region, seed)
        self._plan = _make_plan(jobs, seed)
        self._time = int(now.timestamp() * 1000)
        window = [self._time - 90 * _DAY, self._time + 1]
        self._first, self._end = np.searchsorted(self._plan["created"], window).tolist()
        self._found: dict[tuple[str | None, str | None], Array] = {}
        self.data_sets = [_data_set(self._names, number) for number in range(len(_DATA_SETS))]
        self.story = self._story()

    def __len__(self) -> int:
        return int(self._end - self._first)

    def page(
        self,
        start: int = 0,
        size: int = 200,
        *,
        data_set_id: str | None = None,
        revision_id: str | None = None,
        next_token: str | None = None,
    ) -> bytes:
        """Return the body of one ListJobs response: JSON, with a NextToken unless it is the last page.

        Parameters
        ----------
        start, size : int
            How many of the newest jobs come before the page, and how many it holds.
        data_set_id, revision_id : str, optional
            Only jobs of this data set, of this revision.
        next_token : str, optional
            Instead of the true one.

        Raises
        ------
        LookupError
            With the type and the id of a data set or revision that the account does not have.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> demo.Account(0).page()
        b'{"Jobs":[]}'
        """
        rows = self._rows(data_set_id, revision_id)
        end = start + size
        if next_token is None and end < len(rows):
            next_token = self.token(end, data_set_id, revision_id)
        more = {} if next_token is None else {"NextToken": next_token}
        jobs = [job.to_json() for job in self._jobs(np.asarray(rows[start:end], np.int64))]
        return json.dumps({"Jobs": jobs, **more}, separators=(",", ":")).encode()

    def pages(self, size: int = 200) -> Iterator[bytes]:
        """Yield the body of every page of the whole listing.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> sum(1 for _ in demo.Account(450).pages())
        3
        """
        for start in range(0, max(len(self), 1), size):
            yield self.page(start, size)

    def token(self, offset: int, *listing: str | None, detours: int = 0) -> str:
        """Return the NextToken that leads to an offset of a listing, which its filters name.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> account = demo.Account(10)
        >>> account.offset(account.token(5, None, None), None, None)
        (5, 0)
        """
        text = json.dumps([self.account_id, self.region, offset, detours, *listing])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def offset(self, token: str, *listing: str | None) -> tuple[int, int]:
        """Return what a token of this listing was made of, or raise ValueError.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> account = demo.Account(10)
        >>> account.offset(account.token(5, "a", None, detours=1), "a", None)
        (5, 1)
        """
        match json.loads(base64.urlsafe_b64decode(token + "==")):
            case [self.account_id, self.region, int(offset), int(detours), *named] if named == list(listing):
                return offset, detours
        raise ValueError(f"Invalid token: {token!r}")

    def _rows(self, data_set_id: str | None, revision_id: str | None) -> Array | range:
        """Return the places in the plan of the jobs that name a data set and a revision, newest first."""
        if data_set_id is None and revision_id is None:
            return range(self._end - 1, self._first - 1, -1)
        filters = (data_set_id, revision_id)
        if filters not in self._found:
            self._found[filters] = np.flatnonzero(self._matches(*filters))[::-1] + self._first
        return self._found[filters]

    def _matches(self, data_set_id: str | None, revision_id: str | None) -> Array:
        plan = self._plan[self._first : self._end]
        data_set = _DATA_SET_OF[plan["feed"]]
        matches = np.ones(len(plan), bool)
        if data_set_id is not None:
            matches &= data_set == _index(self._names.data_set_ids, data_set_id, "DATA_SET")
        if revision_id is not None:
            owner, day = divmod(_index(self._names.revision_ids, revision_id, "REVISION"), _REVISION_DAYS)
            age = _revision_days(plan) - day
            matches &= (data_set == owner) & (age >= 0) & (age <= _EARLIER_OF[plan["feed"]])
        return matches

    def _jobs(self, rows: Array) -> Iterator[_Job]:
        plan = self._plan[rows]
        is_open = plan["ended"] > self._time
        begun = np.minimum(plan["created"] + rows % 3 * 7_000, self._time)
        updated = np.where(is_open, begun, plan["ended"])
        open_state = np.where(rows % 3 == 0, _WAITING, _IN_PROGRESS)
        zones = ["000+00:00" if row % 16 == 5 else "Z" for row in rows.tolist()]  # the service writes both forms
        return map(
            _Job,
            itertools.repeat(self._names),
            _ids(rows, self._names.salt),
            _stamps(plan["created"], zones),
            _stamps(updated, zones),
            _stamps(plan["created"] + _HOUR),
            _stamps(plan["slot"]),
            np.where(is_open, open_state, plan["outcome"]).tolist(),
            plan["cause"].tolist(),
            plan["feed"].tolist(),
            _revision_days(plan).tolist(),
            _scatter(plan["slot"] * 64 + plan["feed"], self._names.salt),
        )

    def _story(self) -> Story:
        malware = _ids(np.flatnonzero(self._plan["cause"] == _MALWARE), self._names.salt)
        stuck = _ids(np.flatnonzero(self._plan["ended"] == _NEVER), self._names.salt)
        return Story(
            data_set_id=self._names.data_set_ids[_FEEDS[_BAD_FEED].data_set],
            data_set_name=_DATA_SETS[_FEEDS[_BAD_FEED].data_set][0],
            bucket=self._names.buckets[_BAD_FEED],
            code=_CAUSES[_POLICY].code,
            bad_week=(_datetime(_BAD_FROM), _datetime(_BAD_TO)),
            failed=int((self._plan["cause"] == _POLICY).sum()),
            fixed_at=_datetime(_FIXED),
            malware_job_id=malware[0] if malware else None,
            stuck_job_ids=tuple(stuck),
            quota_bursts=tuple((_datetime(start), _FEEDS[feed].type) for start, feed, *_ in _BURSTS),
        )


def _index(ids: list[str], wanted: str, resource: str) -> int:
    if wanted not in ids:
        raise LookupError(resource, wanted)
    return ids.index(wanted)


def _data_set(names: _Names, number: int) -> Json:
    """Return a data set as ListDataSets gives it."""
    name, slug, jobs = _DATA_SETS[number]
    data_set_id = names.data_set_ids[number]
    asset_type = next((_ASSET_TYPES[kind] for kind in jobs if kind in _ASSET_TYPES), "S3_SNAPSHOT")
    entitled = set(jobs) <= _EXPORTS
    data_set: Json = {
        "Arn": f"{names.arn}:data-sets/{data_set_id}",
        "AssetType": asset_type,
        "CreatedAt": f"2025-06-{number + 1:02d}T09:30:00.000Z",
        "Description": f"{name}, published as {slug}",
        "Id": data_set_id,
        "Name": name,
        "Origin": "ENTITLED" if entitled else "OWNED",
        "UpdatedAt": f"2026-06-{number + 1:02d}T09:30:00.000Z",
    }
    if entitled:
        data_set["OriginDetails"] = {"ProductId": f"prod-{data_set_id[:13]}"}
        data_set["SourceId"] = data_set_id[::-1]
    return data_set
