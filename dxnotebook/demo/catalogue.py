"""What the simulated account publishes, and what goes wrong in it: data sets, feeds, causes, the story, all data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Json: TypeAlias = dict[str, Any]

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)

# Times are milliseconds since 1970.
HOUR = 3_600_000
DAY = 24 * HOUR
END = int(NOW.timestamp() * 1000)
BEGIN = END - 90 * DAY
NEVER = 1 << 62


def _before(days: float) -> int:
    """Return the time so many days before the midnight with which NOW's day begins."""
    return int(END - 12 * HOUR - days * DAY)


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

EXPORTS = {TO_S3, TO_URL, REVISIONS}
MINUTES = {
    S3: 3,
    URL: 1.2,
    TO_S3: 4,
    TO_URL: 0.2,
    REVISIONS: 9,
    REDSHIFT: 2,
    API: 0.8,
    ACCESS: 1.5,
    LAKE: 2.5,
}
ASSET_TYPES = {
    REDSHIFT: "REDSHIFT_DATA_SHARE",
    API: "API_GATEWAY_API",
    ACCESS: "S3_DATA_ACCESS",
    LAKE: "LAKE_FORMATION_DATA_PERMISSION",
}


# Name, slug, and how many of 6,000 jobs of each type. A data set without imports is another
# provider's. The type with 0 is used now and then: it gets the jobs that are left over.
DATA_SETS: tuple[tuple[str, str, dict[str, int]], ...] = (
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


FEEDS = [
    _Feed(data_set, slug, job_type, share)
    for data_set, (_, slug, jobs) in enumerate(DATA_SETS)
    for job_type, share in jobs.items()
]
EARLIER = [
    number % 3 if feed.type == REVISIONS else 0 for number, feed in enumerate(FEEDS)
]  # revisions exported too
REVISION_DAYS = 104  # every data set has one revision a day
FIRST_REVISION = _before(100)


def feed_number(slug: str, job_type: str) -> int:
    return next(
        number for number, feed in enumerate(FEEDS) if (feed.slug, feed.type) == (slug, job_type)
    )


# What goes wrong

STATES = ("ERROR", "CANCELLED", "TIMED_OUT", "COMPLETED", "WAITING", "IN_PROGRESS")
ERROR, CANCELLED, TIMED_OUT, COMPLETED, WAITING, IN_PROGRESS = range(6)
OUTCOME_BELOW = (
    0.03,
    0.034,
    0.037,
)  # of a uniform draw: ERROR, CANCELLED, TIMED_OUT; else COMPLETED


class Cause(NamedTuple):
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

CAUSES = (
    Cause(
        _DENIED,
        (),
        "Access denied to s3://{bucket}/{key}: the bucket policy of {bucket} does not allow "
        "s3:GetObject for dataexchange.amazonaws.com.",
    ),
    Cause(
        _QUOTA,
        (),
        "The limit of {quota} for concurrent in progress jobs of type {type} has been reached in "
        "account {account_id}.",
    ),
    Cause(
        "MALWARE_DETECTED",
        (),
        "Malware was detected in s3://{bucket}/{key}. Asset {asset_id} was not imported.",
        "ASSET",
    ),
    Cause(
        _INTERNAL,
        (S3, URL, TO_S3, REVISIONS),
        "An internal error occurred. Please try again. (Request ID: {uuid})",
    ),
    Cause(
        _INTERNAL,
        (TO_S3, TO_URL),
        "Internal failure while copying asset {asset_id} of revision {revision_id}.",
        "ASSET",
    ),
    Cause(
        _DENIED,
        (S3,),
        "User: arn:aws:sts::{account_id}:assumed-role/dx-publisher/{slug} is not authorized to "
        "perform: s3:GetObject on resource: arn:aws:s3:::{bucket}/{key}",
    ),
    Cause(_MISSING, (S3,), "The object s3://{bucket}/{key} does not exist."),
    Cause(
        _INVALID,
        (S3,),
        "The key {key} in bucket {bucket} is already an asset of revision {revision_id}.",
        "REVISION",
    ),
    Cause(
        "MALWARE_SCAN_ENCRYPTED_FILE",
        (S3, URL),
        "The file {key} is encrypted and cannot be scanned for malware.",
        "ASSET",
    ),
    Cause(
        _QUOTA,
        (S3,),
        "Revision {revision_id} would hold {size} assets; the limit is 10000.",
        "REVISION",
        "Assets per revision",
        10_000,
    ),
    Cause(
        _QUOTA,
        (S3, URL),
        "Asset {key} has {size} MB; the limit is 100 GB.",
        "ASSET",
        "Asset size in GB",
        100,
    ),
    Cause(_INVALID, (URL,), "The MD5 hash of {key} does not match {md5}.", "ASSET"),
    Cause(_INVALID, (URL,), "The signed URL {job.signed_url} has expired.", "DATA_SET"),
    Cause(
        _DENIED, (TO_S3, REVISIONS), "Access denied: s3:PutObject on arn:aws:s3:::{bucket}/{key}"
    ),
    Cause(_DENIED, (REVISIONS, TO_S3), "Access denied: kms:GenerateDataKey on {kms_key}"),
    Cause(
        _MISSING,
        (REVISIONS,),
        "Revision {revision_id} of data set {data_set_id} was not found.",
        "REVISION",
    ),
    Cause(_MISSING, (TO_S3,), "The bucket {bucket} does not exist."),
    Cause(
        _MISSING, (TO_URL,), "Asset {asset_id} was not found in revision {revision_id}.", "ASSET"
    ),
    Cause(
        _DENIED,
        (REDSHIFT,),
        "The data share {slug}_0 of cluster {uuid} is not authorized for AWS Data Exchange.",
        "DATA_SET",
    ),
    Cause(
        _QUOTA,
        (REDSHIFT,),
        "Revision {revision_id} has reached the limit of 20 datashares.",
        "REVISION",
        "Amazon Redshift datashare assets per revision",
        20,
    ),
    Cause(
        _INVALID,
        (API,),
        "The OpenAPI specification is not valid: paths./{slug}/{size} has no responses.",
        "ASSET",
    ),
    Cause(
        _DENIED,
        (ACCESS,),
        "The bucket policy of {bucket} does not grant s3:PutAccessPointPolicy.",
        "DATA_SET",
    ),
    Cause(
        _QUOTA,
        (ACCESS,),
        "Revision {revision_id} already has an Amazon S3 data access asset.",
        "REVISION",
        "Amazon S3 data access assets per revision",
        1,
    ),
    Cause(
        _DENIED,
        (LAKE,),
        "Role dx-lake-{slug} lacks grantable permissions in catalog {account_id}.",
        "DATA_SET",
    ),
    Cause(
        _QUOTA,
        (LAKE,),
        "Revision {revision_id} has reached the limit of 10 data permissions.",
        "REVISION",
        "AWS Lake Formation data permission assets per revision",
        10,
    ),
)
POLICY, CONCURRENT, MALWARE = range(3)  # the story's
CAUSES_OF = [[i for i, cause in enumerate(CAUSES) if feed.type in cause.types] for feed in FEEDS]


BURSTS = (  # start, feed, jobs of 6,000, quota
    (_before(70.65), feed_number("intraday-prices", S3), 24, 10),
    (_before(47.4), feed_number("fx-rates", TO_S3), 24, 10),
    (_before(19.9), feed_number("us-equities-eod", REVISIONS), 16, 5),
)
BURST, BURST_ENDS = (
    600_000,
    1_900_000,
)  # within this it begins, within that the last of its jobs ends
BAD_FEED = feed_number("grid-load", S3)
BAD_FROM, BAD_TO, FIXED = _before(30), _before(23), _before(22.6)
MALWARE_FEED = feed_number("foot-traffic", S3)
MALWARE_TIME = _before(42)
STUCK_TIMES = [_before(days) for days in (2, 5, 9, 17)]
