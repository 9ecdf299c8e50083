"""A simulated provider account behind a real HTTP endpoint on loopback: for trying, showing and testing without AWS."""

# ruff: noqa: SLF001
# (an endpoint answers from the inner parts of its account)
from __future__ import annotations

import base64
import functools
import json
import os
import socketserver
import threading
import weakref
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import boto3
import numpy as np
from botocore.config import Config
from botocore.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    from botocore.client import BaseClient

    Array = npt.NDArray[Any]

__all__ = ["NOW", "Account", "Endpoint", "Fault", "Story", "client"]

NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)

S3, URL, TO_S3, TO_URL, REVISIONS, REDSHIFT, API, ACCESS, LAKE = _TYPES = (
    "IMPORT_ASSETS_FROM_S3", "IMPORT_ASSET_FROM_SIGNED_URL", "EXPORT_ASSETS_TO_S3", "EXPORT_ASSET_TO_SIGNED_URL",
    "EXPORT_REVISIONS_TO_S3", "IMPORT_ASSETS_FROM_REDSHIFT_DATA_SHARES", "IMPORT_ASSET_FROM_API_GATEWAY_API",
    "CREATE_S3_DATA_ACCESS_FROM_S3_BUCKET", "IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY",
)  # fmt: skip
_MEDIAN_MINUTES = np.array([3.0, 1.2, 4.0, 0.2, 9.0, 2.0, 0.8, 1.5, 2.5])  # in the order of the types
_EXPORTS = (TO_S3, TO_URL, REVISIONS)
_STATES = ("ERROR", "CANCELLED", "TIMED_OUT", "COMPLETED", "WAITING", "IN_PROGRESS")
_ERROR, _CANCELLED, _TIMED_OUT, _COMPLETED, _WAITING, _IN_PROGRESS = range(6)
_OUTCOME_BELOW = (0.03, 0.034, 0.037)  # of a uniform draw: ERROR, CANCELLED, TIMED_OUT, else COMPLETED

# Name, slug, asset type, and of 6,000 jobs the runs by type. What has no import is another provider's, subscribed to.
# The one feed without runs is ad hoc: it gets the jobs that are left.
_DATA_SETS: tuple[tuple[str, str, str, dict[str, int]], ...] = (
    ("Power Grid Load by Region, Hourly", "grid-load", "S3_SNAPSHOT", {S3: 2160, REVISIONS: 90}),
    ("Intraday Power Prices", "intraday-prices", "S3_SNAPSHOT", {S3: 360, TO_S3: 90}),
    ("US Equities End-of-Day Bars", "us-equities-eod", "S3_SNAPSHOT", {S3: 90, REVISIONS: 90}),
    ("FX Reference Rates", "fx-rates", "S3_SNAPSHOT", {S3: 90, TO_S3: 90}),
    ("Consumer Card Spend Panel", "card-spend", "S3_SNAPSHOT", {S3: 90, REVISIONS: 13}),
    ("Retail Foot Traffic by Store", "foot-traffic", "S3_SNAPSHOT", {S3: 90, TO_S3: 90}),
    ("Surface Weather Observations", "weather-observations", "S3_SNAPSHOT", {S3: 180}),
    ("Global Weather Forecasts", "weather-forecasts", "S3_SNAPSHOT", {S3: 180, REVISIONS: 90}),
    ("Satellite Crop Yield Index", "crop-index", "S3_SNAPSHOT", {S3: 13}),
    ("Vessel Positions (AIS)", "vessel-positions", "S3_SNAPSHOT", {S3: 180, TO_S3: 90}),
    ("Company Fundamentals", "fundamentals", "S3_SNAPSHOT", {URL: 90, TO_URL: 90}),
    ("ESG Scores", "esg-scores", "S3_SNAPSHOT", {URL: 13}),
    ("Clinical Trial Registry", "clinical-trials", "S3_SNAPSHOT", {URL: 90}),
    ("Hospital Price Transparency", "hospital-prices", "S3_SNAPSHOT", {URL: 26}),
    ("Address Points", "address-points", "S3_SNAPSHOT", {URL: 13, REVISIONS: 13}),
    ("Warehouse Inventory", "inventory", "REDSHIFT_DATA_SHARE", {REDSHIFT: 90}),
    ("Sales Ledger", "sales-ledger", "REDSHIFT_DATA_SHARE", {REDSHIFT: 13}),
    ("Geocoding API", "geocoding", "API_GATEWAY_API", {API: 26}),
    ("Currency Conversion API", "currency", "API_GATEWAY_API", {API: 13}),
    ("Raw Sensor Readings", "sensor-readings", "S3_DATA_ACCESS", {ACCESS: 45}),
    ("Web Crawl Archive", "web-crawl", "S3_DATA_ACCESS", {ACCESS: 13}),
    ("Insurance Claims Lake", "claims", "LAKE_FORMATION_DATA_PERMISSION", {LAKE: 45}),
    ("News Headlines", "news-headlines", "S3_SNAPSHOT", {REVISIONS: 90, TO_URL: 0}),
    ("Credit Ratings", "credit-ratings", "S3_SNAPSHOT", {REVISIONS: 90, TO_S3: 90}),
    ("Shipping Tariffs", "shipping-tariffs", "S3_SNAPSHOT", {TO_S3: 90}),
)
_FEEDS = tuple((d, kind, runs) for d, row in enumerate(_DATA_SETS) for kind, runs in row[3].items())
_FEED_DATA_SET = np.array([d for d, _, _ in _FEEDS])
_FEED_TYPE = np.array([_TYPES.index(kind) for _, kind, _ in _FEEDS])
_FEED_IMPORTS = np.array([kind not in _EXPORTS for _, kind, _ in _FEEDS])
_FEED_EARLIER = np.array([f % 3 if kind == REVISIONS else 0 for f, (_, kind, _) in enumerate(_FEEDS)])


def _feed(slug: str, job_type: str) -> int:
    return next(f for f, (d, kind, _) in enumerate(_FEEDS) if (_DATA_SETS[d][1], kind) == (slug, job_type))


# The story, told in days before the midnight with which NOW's day begins.
_MIDNIGHT = NOW.replace(hour=0)
_BAD_FEED, _BAD_FROM, _BAD_TO, _FIX = _feed("grid-load", S3), 30, 23, 22.6
_MALWARE_FEED, _MALWARE_DAY, _STUCK_DAYS = _feed("foot-traffic", S3), 42, (2, 5, 9, 17)
_BURSTS = (  # day, feed, jobs of 6,000, how many jobs of the type may be open at once
    (70.65, _feed("intraday-prices", S3), 24, 10),
    (47.4, _feed("fx-rates", TO_S3), 24, 10),
    (19.9, _feed("us-equities-eod", REVISIONS), 16, 5),
)
_HOUR, _DAY = 3_600_000, 86_400_000  # times are milliseconds since 1970
_END, _FOREVER = int(NOW.timestamp() * 1000), 1 << 62
_BEGIN = _END - 90 * _DAY


def _before(days: float) -> int:
    return int(_MIDNIGHT.timestamp() * 1000 - days * _DAY)


_REVISION_DAYS, _REVISION_DAY_0 = 104, _before(100)


class _Kind(NamedTuple):
    """A cause of failure and how the service words it; one without types is planted by the story only."""

    code: str
    types: tuple[str, ...]
    message: str
    resource: str = ""
    limit: str = ""
    value: float = 0.0


_DENIED, _MISSING, _INVALID = "ACCESS_DENIED_EXCEPTION", "RESOURCE_NOT_FOUND_EXCEPTION", "VALIDATION_EXCEPTION"
_QUOTA, _INTERNAL = "SERVICE_QUOTA_EXCEEDED_EXCEPTION", "INTERNAL_SERVER_EXCEPTION"
_POLICY, _CONCURRENT, _MALWARE = range(3)
_KINDS = (
    _Kind(_DENIED, (), "Access denied to s3://%(bucket)s/%(key)s: the bucket policy of %(bucket)s does not allow s3:GetObject for dataexchange.amazonaws.com."),
    _Kind(_QUOTA, (), "The limit of %(open)s for concurrent in progress jobs of type %(type)s has been reached in account %(account)s."),
    _Kind("MALWARE_DETECTED", (), "Malware was detected in s3://%(bucket)s/%(key)s. Asset %(asset)s was not imported.", "ASSET"),
    _Kind(_INTERNAL, (S3, URL, TO_S3, REVISIONS), "An internal error occurred. Please try again. (Request ID: %(uuid)s)"),
    _Kind(_INTERNAL, (TO_S3, TO_URL), "Internal failure while copying asset %(asset)s of revision %(revision)s.", "ASSET"),
    _Kind(_DENIED, (S3,), "User: arn:aws:sts::%(account)s:assumed-role/dx-publisher/%(slug)s is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::%(bucket)s/%(key)s"),
    _Kind(_MISSING, (S3,), "The object s3://%(bucket)s/%(key)s does not exist."),
    _Kind(_INVALID, (S3,), "The key %(key)s in bucket %(bucket)s is already an asset of revision %(revision)s.", "REVISION"),
    _Kind("MALWARE_SCAN_ENCRYPTED_FILE", (S3, URL), "The file %(key)s is encrypted and cannot be scanned for malware.", "ASSET"),
    _Kind(_QUOTA, (S3,), "Revision %(revision)s would hold %(over)s assets; the limit is 10000.", "REVISION", "Assets per revision", 10_000),
    _Kind(_QUOTA, (S3, URL), "Asset %(key)s has %(over)s MB; the limit is 100 GB.", "ASSET", "Asset size in GB", 100),
    _Kind(_INVALID, (URL,), "The MD5 hash of %(key)s does not match %(md5)s.", "ASSET"),
    _Kind(_INVALID, (URL,), "The signed URL %(url)s has expired.", "DATA_SET"),
    _Kind(_DENIED, (TO_S3, REVISIONS), "Access denied: s3:PutObject on arn:aws:s3:::%(bucket)s/%(key)s"),
    _Kind(_DENIED, (REVISIONS, TO_S3), "Access denied: kms:GenerateDataKey on arn:aws:kms:%(region)s:%(account)s:key/%(uuid)s"),
    _Kind(_MISSING, (REVISIONS,), "Revision %(revision)s of data set %(data_set)s was not found.", "REVISION"),
    _Kind(_MISSING, (TO_S3,), "The bucket %(bucket)s does not exist."),
    _Kind(_MISSING, (TO_URL,), "Asset %(asset)s was not found in revision %(revision)s.", "ASSET"),
    _Kind(_DENIED, (REDSHIFT,), "The data share %(slug)s_0 of cluster %(uuid)s is not authorized for AWS Data Exchange.", "DATA_SET"),
    _Kind(_QUOTA, (REDSHIFT,), "Revision %(revision)s has reached the limit of 20 datashares.", "REVISION", "Amazon Redshift datashare assets per revision", 20),
    _Kind(_INVALID, (API,), "The OpenAPI specification is not valid: paths./%(slug)s/%(over)s has no responses.", "ASSET"),
    _Kind(_DENIED, (ACCESS,), "The bucket policy of %(bucket)s does not grant s3:PutAccessPointPolicy.", "DATA_SET"),
    _Kind(_QUOTA, (ACCESS,), "Revision %(revision)s already has an Amazon S3 data access asset.", "REVISION", "Amazon S3 data access assets per revision", 1),
    _Kind(_DENIED, (LAKE,), "Role dx-lake-%(slug)s lacks grantable permissions in catalog %(account)s.", "DATA_SET"),
    _Kind(_QUOTA, (LAKE,), "Revision %(revision)s has reached the limit of 10 data permissions.", "REVISION", "AWS Lake Formation data permission assets per revision", 10),
)  # fmt: skip
_KINDS_OF_TYPE = [[k for k, kind in enumerate(_KINDS) if t in kind.types] for t in _TYPES]

# A job's Details by type: the member, what it always holds, what it may hold, and one element of its list (%(list)s).
# Written as JSON text: filling text in is several times faster than building and encoding dicts.
_UPLOAD = '"ApiSpecificationUploadUrl":"%(url)s","ApiSpecificationUploadUrlExpiresAt":"%(expires)s"'
_MOTOR = '{"TagKey":"line","TagValues":["motor","home","travel"]}'
_DETAILS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    S3: ("ImportAssetsFromS3", '"AssetSources":[%(list)s]', (), '{"Bucket":"%(bucket)s","Key":"%(key)s"}'),
    URL: ("ImportAssetFromSignedUrl", '"AssetName":"%(key)s","SignedUrl":"%(url)s","SignedUrlExpiresAt":"%(expires)s"', ('"Md5Hash":"%(md5)s"',), ""),
    TO_S3: ("ExportAssetsToS3", '"AssetDestinations":[%(list)s]', ('"Encryption":%(encryption)s',), '{"AssetId":"%(asset)s","Bucket":"%(bucket)s","Key":"%(key)s"}'),
    TO_URL: ("ExportAssetToSignedUrl", '"AssetId":"%(asset)s","SignedUrl":"%(url)s","SignedUrlExpiresAt":"%(expires)s"', (), ""),
    REVISIONS: (
        "ExportRevisionsToS3", '"RevisionDestinations":[%(list)s]',
        ('"Encryption":%(encryption)s', '"EventActionArn":"arn:aws:dataexchange:%(region)s:%(account)s:event-actions/%(asset)s"'),
        '{"Bucket":"%(bucket)s","KeyPattern":"%(slug)s/${Revision.CreatedAt}/${Asset.Name}","RevisionId":"%(revision)s"}',
    ),
    REDSHIFT: ("ImportAssetsFromRedshiftDataShares", '"AssetSources":[%(list)s]', (), '{"DataShareArn":"arn:aws:redshift:%(region)s:%(account)s:datashare:%(uuid)s/%(slug)s_%(position)s"}'),
    API: (
        "ImportAssetFromApiGatewayApi", f'"ApiId":"%(short)s","ApiName":"%(slug)s-v2","ApiSpecificationMd5Hash":"%(md5)s",{_UPLOAD},"ProtocolType":"REST","Stage":"prod"',
        ('"ApiDescription":"The %(slug)s service, stage prod"', '"ApiKey":"%(asset)s"'), "",
    ),
    ACCESS: (
        "CreateS3DataAccessFromS3Bucket",
        '"AssetSource":{"Bucket":"%(bucket)s","KeyPrefixes":["%(slug)s/raw/","%(slug)s/clean/"],"Keys":[%(list)s],"KmsKeysToGrant":[{"KmsKeyArn":"arn:aws:kms:%(region)s:%(account)s:key/%(uuid)s"}]}',
        (), '"%(key)s"',
    ),
    LAKE: (
        "ImportAssetsFromLakeFormationTagPolicy",
        '"CatalogId":"%(account)s","RoleArn":"arn:aws:iam::%(account)s:role/dx-lake-%(slug)s","Table":{"Expression":['
        + _MOTOR + ',{"TagKey":"region","TagValues":["eu"]}],"Permissions":["DESCRIBE","SELECT"]}',
        ('"Database":{"Expression":[' + _MOTOR + '],"Permissions":["DESCRIBE"]}',), "",
    ),
}  # fmt: skip
_ENCRYPTIONS = ('{"Type":"AES256"}', '{"KmsKeyArn":"arn:aws:kms:%(region)s:%(account)s:key/%(uuid)s","Type":"aws:kms"}')
_SIGNED_URL = (
    "https://aws-dx-assets.s3.%(region)s.amazonaws.com/%(data_set)s/%(key)s?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=ASIA%(short)s%%2F%(day)s%%2F%(region)s%%2Fs3%%2Faws4_request&X-Amz-Date=%(day)sT000000Z&X-Amz-Expires=3600"
    "&X-Amz-SignedHeaders=host&X-Amz-Security-Token=demo%%2F%(asset)s%%3D%%3D&X-Amz-Signature=%(revision)s%(asset)s"
)
_TAGS = '"AssetConfiguration":{"Tags":[{"Key":"team","Value":"%s"},{"Key":"env","Value":"prod"}]},'
_JOB = (
    '{"Arn":"%%(arn)s:jobs/%%(id)s",%%(configuration)s"CreatedAt":"%%(created)s","Details":{"%s":{"DataSetId":"%%(data_set)s",%s}},'
    '%%(errors)s"Id":"%%(id)s","State":"%%(state)s","Type":"%%(type)s","UpdatedAt":"%%(updated)s"}'
)


def _texts(job_type: str) -> list[str]:
    """Return the texts of a job of a type, one for each choice among the optional members."""
    member, always, options, _ = _DETAILS[job_type]
    fixed = [always] if job_type == REVISIONS else ['"RevisionId":"%(revision)s"', always]
    chosen = ([option for i, option in enumerate(options) if bits >> i & 1] for bits in range(1 << len(options)))
    return [_JOB % (member, ",".join(fixed + some)) for some in chosen]


_TEXTS = {job_type: _texts(job_type) for job_type in _TYPES}

# One row a job. The slot is the scheduled time, which names the work: a re-run has the slot of the run it repeats.
_PLAN = np.dtype(
    [("created", "i8"), ("ended", "i8"), ("slot", "i8"), ("feed", "u1"), ("outcome", "u1"), ("kind", "i1")]
)


def _runs(rng: np.random.Generator, slot: Array, feed: Array | int, created: Array) -> Array:
    """Return the plan of some jobs with everyday durations and failures."""
    plan = np.zeros(len(slot), _PLAN)
    plan["slot"], plan["feed"], plan["created"], plan["kind"] = slot, feed, created, -1
    types = _FEED_TYPE[plan["feed"]]
    outcome = np.searchsorted(_OUTCOME_BELOW, rng.random(len(slot)), side="right")
    failed = np.flatnonzero(outcome == _ERROR)
    for i, t, u in zip(failed, types[failed], rng.random(len(failed)), strict=True):
        plan["kind"][i] = _KINDS_OF_TYPE[t][int(u * len(_KINDS_OF_TYPE[t]))]
    minutes = _MEDIAN_MINUTES[types] * rng.lognormal(0, 0.6, len(slot))
    minutes[outcome == _CANCELLED] *= 0.4
    minutes[outcome == _TIMED_OUT] = 360
    plan["ended"], plan["outcome"] = created + (minutes * 60_000).astype(np.int64) + 400, outcome
    return plan


def _fail(plan: Array, where: Array | np.intp, kind: int) -> None:
    plan["outcome"][where], plan["kind"][where] = _ERROR, kind
    plan["ended"][where] = plan["created"][where] + 20_000 + plan["slot"][where] % 9_973


def _scheduled(rng: np.random.Generator, jobs: int) -> Array:
    """Return the feeds' own runs, with a failure of every kind, the malware and the bad week planted in them."""
    counts = np.diff(np.cumsum([0, *(runs for _, _, runs in _FEEDS)]) * jobs // 6_000)
    steps = (_END - _BEGIN) // np.maximum(counts, 1)
    feed = np.repeat(np.arange(len(_FEEDS)), counts)
    slot = _BEGIN + np.concatenate(
        [np.arange(n) * step + f * 319 * 60_000 % step for f, (n, step) in enumerate(zip(counts, steps, strict=True))]
    )
    plan = _runs(rng, slot, feed, np.minimum(slot + rng.exponential(25_000, len(slot)).astype(np.int64), _END - 1_000))
    for k, kind in enumerate(_KINDS):
        usual = np.isin(_FEED_TYPE[feed], [_TYPES.index(t) for t in kind.types[:1]]) & (plan["outcome"] == _COMPLETED)
        if usual.sum() >= 10:  # or a small account would be all failures
            _fail(plan, np.flatnonzero(usual)[usual.sum() * (k + 1) // (len(_KINDS) + 1)], k)
    if len(traffic := np.flatnonzero(feed == _MALWARE_FEED)):
        _fail(plan, traffic[np.abs(slot[traffic] - _before(_MALWARE_DAY)).argmin()], _MALWARE)
    bad_week = (feed == _BAD_FEED) & (slot >= _before(_BAD_FROM)) & (slot < _before(_BAD_TO))
    _fail(plan, np.flatnonzero(bad_week & (rng.random(len(slot)) < 0.97)), _POLICY)
    return plan


def _burst(rng: np.random.Generator, jobs: int, burst: tuple[float, int, int, int]) -> Array:
    """Return a backfill started all at once: as many jobs as may be open run, the service refuses the others."""
    day, feed, share, quota = burst
    n = np.arange(share * jobs // 6_000)
    plan = _runs(rng, _before(day) - (n + 1) * 6 * _HOUR, feed, _before(day) + n * 600_000 // max(len(n), 1))
    plan["outcome"], plan["kind"] = _COMPLETED, -1
    plan["ended"] = _before(day) + 700_000 + rng.integers(0, 1_200_000, len(n))
    plan["outcome"][quota:], plan["kind"][quota:], plan["ended"][quota:] = _ERROR, _CONCURRENT, plan["created"][quota:]
    return plan


def _again(rng: np.random.Generator, first: Array, room: int) -> Array:
    """Return the re-run of the bad week and the retries of most other failures, all of them successes."""
    policy = np.flatnonzero(first["kind"] == _POLICY)[:room]
    rerun = _before(_FIX) + np.arange(len(policy)) * 3 * _HOUR // max(len(policy), 1)
    other = np.flatnonzero(np.isin(first["outcome"], (_ERROR, _TIMED_OUT)) & (first["kind"] != _POLICY))
    retry = first["ended"][other] + 600_000 + rng.exponential(2 * _HOUR, len(other)).astype(np.int64)
    kept = np.flatnonzero((rng.random(len(other)) < 0.7) & (retry < _END))[: room - len(policy)]
    source = first[np.concatenate([policy, other[kept]])]
    plan = _runs(rng, source["slot"], source["feed"], np.concatenate([rerun, retry[kept]]))
    unusual = plan["outcome"] != _COMPLETED
    plan["ended"][unusual] = plan["created"][unusual] + 150_000
    plan["outcome"], plan["kind"] = _COMPLETED, -1
    return plan


def _make_plan(jobs: int, seed: int) -> Array:
    """Return all jobs of the 90 days before NOW in strict order of creation, oldest first."""
    rng = np.random.default_rng(seed)
    parts = [np.concatenate([_scheduled(rng, jobs), *(_burst(rng, jobs, burst) for burst in _BURSTS)])]
    parts.append(_again(rng, parts[0], jobs - len(parts[0])))
    at = rng.integers(_BEGIN + 1_000, _END - 1_000, jobs - sum(map(len, parts)))
    plan = np.concatenate([*parts, _runs(rng, at, _feed("news-headlines", TO_URL), at)])
    plan = plan[plan["created"].argsort(kind="stable")]
    n = np.arange(jobs)
    plan["created"] = np.maximum.accumulate(plan["created"] - n) + n
    plan["ended"] = np.maximum(plan["ended"], plan["created"])
    newest = n[jobs - jobs // 1_000 :]
    plan["ended"][newest] = _END + rng.integers(20_000, 600_000, len(newest))
    if jobs >= 1_000:
        plan["ended"][np.searchsorted(plan["created"], [_before(day) for day in _STUCK_DAYS])] = _FOREVER
    return plan


def _mix(numbers: Array, salt: int) -> list[int]:
    """Return 64 evenly scattered bits for each number (splitmix64)."""
    z = (numbers.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return list((z ^ (z >> np.uint64(31))).tolist())


def _ids(numbers: Array, salt: int) -> list[str]:
    pairs = zip(_mix(numbers, salt), _mix(numbers, salt ^ 0x5DEECE66D), strict=True)
    return [f"{high:016x}{low:016x}" for high, low in pairs]


def _stamps(times: Array) -> list[str]:
    return list(np.datetime_as_string(times.astype("M8[ms]")).tolist())


def _errors(facts: Mapping[str, Any], kind: _Kind, keys: list[str]) -> list[dict[str, Any]]:
    """Return one to three errors; those of an import share out its keys."""
    several = kind.types and facts["type"] in (S3, TO_S3) and "%(key)s" in kind.message
    parts = min((1, 2, 3)[facts["over"] % 3], len(keys)) if several else 1
    resources = {"REVISION": facts["revision"], "ASSET": facts["asset"], "DATA_SET": facts["data_set"]}
    errors = []
    for names in (keys[part::parts] for part in range(parts)):
        error: dict[str, Any] = {"Code": kind.code, "Message": kind.message % {**facts, "key": names[0]}}
        if facts["type"] == S3:
            listed = [{"Bucket": facts["bucket"], "Key": name} for name in names]
            error["Details"] = {"ImportAssetsFromS3JobErrorDetails": listed}
        elif facts["type"] == URL:
            error["Details"] = {"ImportAssetFromSignedUrlJobErrorDetails": {"AssetName": names[0]}}
        if kind.limit:
            error |= {"LimitName": kind.limit, "LimitValue": float(kind.value)}
        if kind.resource:
            error |= {"ResourceId": resources[kind.resource], "ResourceType": kind.resource}
        errors.append(error)
    return errors


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
    fixed_at: datetime
    malware_job_id: str | None
    stuck_job_ids: tuple[str, ...]
    quota_bursts: tuple[tuple[datetime, str], ...]


class Account:
    """A simulated provider account: its jobs are planned as arrays and written out for the page that is asked for.

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
        self.now, self.account_id, self.region = now, account_id, region
        self._plan, self._now = _make_plan(jobs, seed), int(now.timestamp() * 1000)
        self._first, self._end = np.searchsorted(self._plan["created"], [self._now - 90 * _DAY, self._now + 1]).tolist()
        self._salt = zlib.crc32(f"{account_id} {region} {seed}".encode()) << 31
        self._arn = f"arn:aws:dataexchange:{region}:{account_id}"
        self._ids = _ids(np.arange(len(_DATA_SETS)), self._salt + (1 << 40))
        self._revisions = _ids(np.arange(len(_DATA_SETS) * _REVISION_DAYS), self._salt + (1 << 41))
        self._buckets = [f"{_DATA_SETS[d][1]}-{'delivery' if t in _EXPORTS else 'raw'}-{region}" for d, t, _ in _FEEDS]
        self._found: dict[tuple[str | None, str | None], Array] = {}
        self.data_sets = [self._data_set(i) for i in range(len(_DATA_SETS))]
        self.story = self._story()

    def __len__(self) -> int:
        return int(self._end - self._first)

    def page(
        self, start: int = 0, size: int = 200, *, data_set_id: str | None = None, revision_id: str | None = None
    ) -> bytes:
        """Return the body of one ListJobs response.

        Parameters
        ----------
        start, size : int
            How many of the newest jobs come before the page, and how many it holds.
        data_set_id, revision_id : str, optional
            Only jobs of this data set, of this revision.

        Returns
        -------
        bytes
            JSON, with a NextToken unless it is the last page.

        Raises
        ------
        LookupError
            If the account has no such data set or revision.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> demo.Account(0).page()
        b'{"Jobs":[]}'
        """
        rows, filters = self._rows(data_set_id, revision_id), (data_set_id, revision_id)
        return self._body(
            rows[start : start + size], self._token(start + size, 0, *filters) if start + size < len(rows) else None
        )

    def pages(self, size: int = 200) -> Iterator[bytes]:
        """Yield the body of every page of the whole listing.

        Parameters
        ----------
        size : int
            Jobs a page.

        Yields
        ------
        bytes
            As `page` returns it.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> sum(1 for _ in demo.Account(450).pages())
        3
        """
        for start in range(0, max(len(self), 1), size):
            yield self.page(start, size)

    def _story(self) -> Story:
        malware, stuck = (self._plan["kind"] == _MALWARE, self._plan["ended"] == _FOREVER)
        return Story(
            data_set_id=self._ids[0],
            data_set_name=_DATA_SETS[0][0],
            bucket=self._buckets[_BAD_FEED],
            code=_KINDS[_POLICY].code,
            bad_week=(_MIDNIGHT - timedelta(days=_BAD_FROM), _MIDNIGHT - timedelta(days=_BAD_TO)),
            failed=int((self._plan["kind"] == _POLICY).sum()),
            fixed_at=_MIDNIGHT - timedelta(days=_FIX),
            malware_job_id=next(iter(_ids(np.flatnonzero(malware), self._salt)), None),
            stuck_job_ids=tuple(_ids(np.flatnonzero(stuck), self._salt)),
            quota_bursts=tuple((_MIDNIGHT - timedelta(days=day), _FEEDS[feed][1]) for day, feed, _, _ in _BURSTS),
        )

    def _data_set(self, index: int) -> dict[str, Any]:
        (name, slug, asset_type, feeds), data_set_id = _DATA_SETS[index], self._ids[index]
        entitled = set(feeds) <= set(_EXPORTS)
        origin = {"OriginDetails": {"ProductId": f"prod-{data_set_id[:13]}"}, "SourceId": data_set_id[::-1]}
        return {
            "Arn": f"{self._arn}:data-sets/{data_set_id}", "AssetType": asset_type, "CreatedAt": f"2025-06-{index + 1:02d}T09:30:00.000Z",
            "Description": f"{name}, published as {slug}", "Id": data_set_id, "Name": name,
            "Origin": "ENTITLED" if entitled else "OWNED", "UpdatedAt": f"2026-06-{index + 1:02d}T09:30:00.000Z",
        } | (origin if entitled else {})  # fmt: skip

    def _days(self, plan: Array) -> Array:
        """Return the days of the jobs' revisions: an import makes its own day's, an export reads its schedule's."""
        days: Array = (np.where(_FEED_IMPORTS[plan["feed"]], plan["created"], plan["slot"]) - _REVISION_DAY_0) // _DAY
        return days

    def _rows(self, data_set_id: str | None, revision_id: str | None) -> Array | range:
        """Return the places of the listed jobs in the plan, newest first."""
        if data_set_id is None and revision_id is None:
            return range(self._end - 1, self._first - 1, -1)
        if data_set_id is not None and data_set_id not in self._ids:
            raise LookupError("DATA_SET", data_set_id)
        if revision_id is not None and revision_id not in self._revisions:
            raise LookupError("REVISION", revision_id)
        if (data_set_id, revision_id) not in self._found:
            plan = self._plan[self._first : self._end]
            data_set, wanted = _FEED_DATA_SET[plan["feed"]], np.ones(len(plan), bool)
            if data_set_id is not None:
                wanted &= data_set == self._ids.index(data_set_id)
            if revision_id is not None:
                owner, day = divmod(self._revisions.index(revision_id), _REVISION_DAYS)
                age = self._days(plan) - day
                wanted &= (data_set == owner) & (age >= 0) & (age <= _FEED_EARLIER[plan["feed"]])
            self._found[data_set_id, revision_id] = np.flatnonzero(wanted)[::-1] + self._first
        return self._found[data_set_id, revision_id]

    def _token(self, *parts: object) -> str:
        text = json.dumps([self.account_id, self.region, *parts])
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _offset(self, token: str | None, *filters: object) -> tuple[int, int]:
        """Return the offset that a token of this listing leads to and how many detours it has made, or raise ValueError."""
        if token is None:
            return 0, 0
        *whose, offset, detours, first, second = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if (*whose, first, second) != (self.account_id, self.region, *filters):
            raise ValueError(token)
        return int(offset), int(detours)

    def _body(self, rows: Array | range, token: str | None) -> bytes:
        end = "]}" if token is None else f'],"NextToken":"{token}"}}'
        return f'{{"Jobs":[{",".join(self._jobs(np.asarray(rows, np.int64)))}{end}'.encode()

    def _jobs(self, rows: Array) -> Iterator[str]:
        plan = self._plan[rows]
        opened = plan["ended"] > self._now
        begun = np.minimum(plan["created"] + rows % 3 * 7_000, self._now)
        state = np.where(opened, np.where(rows % 3 == 0, _WAITING, _IN_PROGRESS), plan["outcome"])
        zones = ["000+00:00" if row % 16 == 5 else "Z" for row in rows.tolist()]  # the service writes both forms
        updated = _stamps(np.where(opened, begun, plan["ended"]))
        columns = (
            _ids(rows, self._salt), map(str.__add__, _stamps(plan["created"]), zones), map(str.__add__, updated, zones),
            _stamps(plan["created"] + _HOUR), _stamps(plan["slot"]), state.tolist(), plan["kind"].tolist(), plan["feed"].tolist(),
            self._days(plan).tolist(), _mix(plan["slot"] * 64 + plan["feed"], self._salt),
        )  # fmt: skip
        return map(self._job, zip(*columns, strict=True))

    def _job(self, row: tuple[Any, ...]) -> str:
        """Return the JSON of one job; the chance in it belongs to the work, so that a re-run has the same keys."""
        job_id, created, updated, expires, slot, state, kind, feed, day, chance = row
        data_set, job_type, _ = _FEEDS[feed]
        slug, newest, low = _DATA_SETS[data_set][1], data_set * _REVISION_DAYS + day, f"{chance:016x}"
        stem = f"{slug}/dt={slot[:10]}/{slot[11:19].replace(':', '')}-part-"
        keys = [f"{stem}{i}.csv.gz" for i in range(1 + chance % 4)]
        revisions = self._revisions[newest - int(_FEED_EARLIER[feed]) : newest + 1][::-1]
        facts: dict[str, Any] = {
            "id": job_id, "arn": self._arn, "account": self.account_id, "region": self.region, "created": created, "updated": updated,
            "type": job_type, "state": _STATES[state], "slug": slug, "bucket": self._buckets[feed], "data_set": self._ids[data_set],
            "short": low[:10], "uuid": f"{low[:8]}-{low[8:12]}-4{low[1:4]}-a{low[5:8]}-{low[4:]}", "over": 100_001 + chance % 50_000,
            "open": 5 if job_type == REVISIONS else 10, "expires": f"{expires}Z", "day": expires[:10].replace("-", ""), "errors": "",
            "md5": base64.b64encode(low.encode()).decode(), "configuration": _TAGS % slug if chance % 7 == 0 and _FEED_IMPORTS[feed] else "",
        }  # fmt: skip
        elements = []
        for i in reversed(
            range(len(revisions if job_type == REVISIONS else keys))
        ):  # what follows is told of the first
            facts |= {"key": keys[i % len(keys)], "revision": revisions[i % len(revisions)], "position": i}
            facts["asset"] = f"{low[i:]}{low[::-1]}{low[:i]}"
            elements.append(_DETAILS[job_type][3] % facts)
        facts["list"] = ",".join(reversed(elements))
        if job_type != S3:  # which most jobs are, and which needs neither
            facts["url"], facts["encryption"] = _SIGNED_URL % facts, _ENCRYPTIONS[chance >> 8 & 1] % facts
        if state == _ERROR:
            facts["errors"] = f'"Errors":{json.dumps(_errors(facts, _KINDS[kind], keys), separators=(",", ":"))},'
        texts = _TEXTS[job_type]
        return str(texts[chance % len(texts)] % facts)


_REFUSALS = {  # fault: status, code, message
    "throttle": (429, "ThrottlingException", "Rate exceeded"),
    "server_error": (500, "InternalServerException", "An internal error occurred. Please try again."),
    "expired": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "denied": (403, "AccessDeniedException", (
        "User: arn:aws:iam::{0}:user/demo is not authorized to perform: dataexchange:ListJobs on resource: "
        "arn:aws:dataexchange:{1}:{0}:jobs/* because no identity-based policy allows the dataexchange:ListJobs action")),
}  # fmt: skip
_FAULTS = (
    *_REFUSALS, "unavailable", "stall", "reset", "truncate", "cut", "empty", "html",
    "repeat_token", "cycle_token", "empty_page", "empty_token", "reply",
)  # fmt: skip
_JSON, _HTML = {"Content-Type": "application/json"}, {"Content-Type": "text/html"}
_UNAVAILABLE = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """What goes wrong when a page of ListJobs is asked for.

    Parameters
    ----------
    kind : str
        "throttle" (429), "server_error" (500), "unavailable" (503, HTML), "expired" or "denied" (403);
        "stall" (answers after `seconds`), "reset" (closes without an answer);
        "truncate" (sends half of what Content-Length says), "cut" (half a JSON), "empty" or "html" (200 all the same);
        "repeat_token" (NextToken is the one just used), "cycle_token" (leads to the first page),
        "empty_page" (no jobs but a NextToken to the true page), "empty_token" (NextToken "");
        "reply" (`status`, `headers` and `body` as given).
    page : int
        Which page of the listing, from 0; a retry asks for the same page.
    times : int or None
        For how many requests; None for all.
    seconds : float
        How long a "stall" takes.
    status, headers, body : int, tuple of pairs, bytes
        The whole of a "reply".

    Examples
    --------
    >>> from dxnotebook import demo
    >>> client = demo.client(300, faults=[demo.Fault("denied", page=1, times=None)])
    >>> client.list_jobs(NextToken=client.list_jobs()["NextToken"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    botocore.errorfactory.AccessDeniedException: An error occurred (AccessDeniedException) when calling the ListJobs ...
    """

    kind: str
    page: int
    times: int | None = 1
    seconds: float = 1.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __post_init__(self) -> None:
        if self.kind not in _FAULTS:
            raise ValueError(f"Invalid kind: {self.kind!r}. Valid options are: {', '.join(_FAULTS)}")


class _Reply(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str] = _JSON
    missing: int = 0  # bytes that Content-Length promises and nobody sends


class _RefusalError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        self.reply = _Reply(
            status, json.dumps({"Message": message} | more).encode(), {**_JSON, "x-amzn-ErrorType": code}
        )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    timeout = 0.05  # how soon the serving thread notices that it is to end

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that goes away is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    endpoint: Endpoint

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.endpoint._answer(self.command, self.path)
        if reply is None or reply.missing:
            self.close_connection = True
        if reply is not None:
            headers = {**reply.headers, "Content-Length": len(reply.body) + reply.missing}
            lines = [
                f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
                *(f"{k}: {v}" for k, v in headers.items()),
            ]
            # One send: a second small one would wait for the client's delayed acknowledgement.
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + reply.body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


_MAKING_CLIENTS = threading.Lock()  # a session is not thread-safe, its clients are


@functools.cache  # reading botocore's data files is most of what a client costs
def _session(region: str) -> boto3.Session:
    nowhere = (None, None, os.devnull, None)
    alone = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    return boto3.Session("AKIADEMO", "demo", region_name=region, botocore_session=Session(alone))


class Endpoint:
    """An HTTP endpoint on 127.0.0.1 that answers ListJobs and ListDataSets for an account until it is closed.

    Parameters
    ----------
    account : Account
        Whose jobs are listed.
    faults : sequence of Fault
        What goes wrong; of several for one page the first that is not used up counts.
    delay : float
        Seconds that every answer takes.

    Attributes
    ----------
    url : str
        Where it listens.
    requests : list of tuple
        Method, path and query of every request so far.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> with demo.Endpoint(demo.Account(10)) as endpoint:
    ...     jobs = endpoint.client().list_jobs(MaxResults=4)["Jobs"]
    >>> len(jobs), endpoint.requests
    (4, [('GET', '/v1/jobs', {'maxResults': '4'})])
    """

    def __init__(self, account: Account, *, faults: Sequence[Fault] = (), delay: float = 0.0) -> None:
        self.account, self.faults, self.delay = account, tuple(faults), delay
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._used: Counter[int] = Counter()
        self._lock, self._closed = threading.Lock(), threading.Event()
        server = _Server(("127.0.0.1", 0), type("_BoundHandler", (_Handler,), {"endpoint": self}))
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=self._serve, args=(server,), name="dxnotebook-demo", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> demo.Endpoint(demo.Account(1)).close()
        """
        self._closed.set()

    def client(self, **kwargs: object) -> BaseClient:
        """Return a boto3 client of this endpoint that no profile, configuration file or proxy of the user's reaches.

        Parameters
        ----------
        **kwargs
            For boto3's `Session.client`; a `config` is merged over the one made here.

        Returns
        -------
        botocore.client.DataExchange
            Of a session of the demo's own, with credentials that are worth nothing.

        Examples
        --------
        >>> from dxnotebook import demo
        >>> with demo.Endpoint(demo.Account(1)) as endpoint:
        ...     endpoint.client().meta.region_name
        'us-east-1'
        """
        config = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
        options: dict[str, Any] = {"endpoint_url": self.url, **kwargs}
        options["config"] = config.merge(options.get("config") or Config())
        with _MAKING_CLIENTS:
            made: BaseClient = _session(self.account.region).client("dataexchange", **options)
        return made

    def _serve(self, server: _Server) -> None:
        # Polled: `shutdown` would wait for itself if garbage collection forgot a client in this very thread.
        with server:
            while not self._closed.is_set():
                server.handle_request()

    def _answer(self, method: str, target: str) -> _Reply | None:
        if self._closed.wait(self.delay):
            return None
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        with self._lock:
            self.requests.append((method, path, query))
            number = len(self.requests)
        try:
            reply = self._operation(method, path, query)
        except _RefusalError as refusal:
            reply = refusal.reply
        common = {
            "Date": format_datetime(self.account.now, usegmt=True),
            "x-amzn-RequestId": f"{number:08x}-0000-4000-8000-{number:012x}",
        }
        return reply and reply._replace(headers=common | dict(reply.headers))

    def _operation(self, method: str, path: str, query: dict[str, str]) -> _Reply | None:
        if path not in ("/v1/jobs", "/v1/data-sets"):
            raise _RefusalError(404, "UnknownOperationException", f"Unknown operation: {method} {path}")
        if method != "GET":
            raise _RefusalError(405, "MethodNotAllowedException", f"{path} does not allow {method}")
        return self._list_jobs(query) if path == "/v1/jobs" else self._list_data_sets(query)

    def _list_jobs(self, query: dict[str, str]) -> _Reply | None:
        size, filters = _page_size(query), (query.get("dataSetId"), query.get("revisionId"))
        try:
            rows = self.account._rows(*filters)
        except LookupError as unknown:
            kind, name = unknown.args
            message = f"{kind.replace('_', ' ').capitalize()} {name} was not found."
            raise _RefusalError(404, "ResourceNotFoundException", message, ResourceId=name, ResourceType=kind) from None
        start, detours = self._start(query, *filters)
        fault = None if detours else self._fault(start // size)
        after = self.account._token(start + size, 0, *filters) if start + size < len(rows) else None
        if fault and fault.kind == "empty_page":
            rows, after = range(0), self.account._token(start, 1, *filters)
        elif fault:
            first = self.account._token(0, 0, *filters)
            wrong = {"repeat_token": query.get("nextToken", first), "cycle_token": first, "empty_token": ""}
            after = wrong.get(fault.kind, after)
        body = self.account._body(rows[start : start + size], after)
        return self._spoilt(fault, body) if fault else _Reply(200, body)

    def _fault(self, page: int) -> Fault | None:
        with self._lock:
            for i, fault in enumerate(self.faults):
                if fault.page == page and (fault.times is None or self._used[i] < fault.times):
                    self._used[i] += 1
                    return fault
        return None

    def _spoilt(self, fault: Fault, body: bytes) -> _Reply | None:
        if fault.kind in _REFUSALS:
            status, code, message = _REFUSALS[fault.kind]
            raise _RefusalError(status, code, message.format(self.account.account_id, self.account.region))
        if fault.kind == "reset" or (fault.kind == "stall" and self._closed.wait(fault.seconds)):
            return None
        half = len(body) // 2
        replies = {
            "unavailable": _Reply(503, _UNAVAILABLE, _HTML),
            "truncate": _Reply(200, body[:half], missing=len(body) - half),
            "cut": _Reply(200, body[:half]),
            "empty": _Reply(200, b""),
            "html": _Reply(200, _UNAVAILABLE, _HTML),
            "reply": _Reply(fault.status, fault.body, dict(fault.headers)),
        }
        return replies.get(fault.kind, _Reply(200, body))

    def _list_data_sets(self, query: dict[str, str]) -> _Reply:
        origin, size = query.get("origin", "OWNED"), _page_size(query)
        if origin not in ("OWNED", "ENTITLED"):
            raise _invalid(origin, "origin", "Member must satisfy enum value set: [OWNED, ENTITLED]")
        start, _ = self._start(query, "data-sets", origin)
        found = [data_set for data_set in self.account.data_sets if data_set["Origin"] == origin]
        more = (
            {"NextToken": self.account._token(start + size, 0, "data-sets", origin)}
            if start + size < len(found)
            else {}
        )
        return _Reply(200, json.dumps({"DataSets": found[start : start + size], **more}).encode())

    def _start(self, query: dict[str, str], *filters: str | None) -> tuple[int, int]:
        try:
            return self.account._offset(query.get("nextToken"), *filters)
        except (ValueError, TypeError):
            raise _RefusalError(400, "ValidationException", "The NextToken is not valid for this request.") from None


def _page_size(query: dict[str, str]) -> int:
    value = query.get("maxResults", "200")
    if not value.removeprefix("-").isdecimal():
        raise _invalid(value, "maxResults", "Member must be an integer")
    if not 1 <= int(value) <= 200:
        bound = "greater than or equal to 1" if int(value) < 1 else "less than or equal to 200"
        raise _invalid(value, "maxResults", f"Member must have value {bound}")
    return int(value)


def _invalid(value: str, name: str, constraint: str) -> _RefusalError:
    message = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"
    return _RefusalError(400, "ValidationException", message)


def client(
    jobs: int = 6_000,
    *,
    faults: Sequence[Fault] = (),
    delay: float = 0.0,
    region: str = "us-east-1",
    account_id: str = "111122223333",
    seed: int = 0,
) -> BaseClient:
    """Return a real boto3 client that talks to a simulated provider account in this process.

    Parameters
    ----------
    jobs : int
        How many jobs the account has.
    faults, delay
        As for `Endpoint`.
    region, account_id, seed
        As for `Account`.

    Returns
    -------
    botocore.client.DataExchange
        Its endpoint closes when the client is forgotten.

    Examples
    --------
    >>> from dxnotebook import demo
    >>> pages = demo.client(500).get_paginator("list_jobs").paginate()
    >>> [len(page["Jobs"]) for page in pages]
    [200, 200, 100]
    """
    endpoint = Endpoint(Account(jobs, account_id=account_id, region=region, seed=seed), faults=faults, delay=delay)
    made = endpoint.client()
    weakref.finalize(made, endpoint.close)
    return made
