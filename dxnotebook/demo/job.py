"""The JSON of one job of the plan, and what an account calls its things."""

from __future__ import annotations

import base64
import itertools
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from botocore.loaders import Loader

from dxnotebook.demo import catalogue as cat
from dxnotebook.demo.catalogue import CAUSES, FEEDS, Array, Json
from dxnotebook.demo.plan import EARLIER_OF, REVISION_DAYS


def scatter(numbers: Array, salt: int) -> list[int]:
    """Return 64 evenly scattered bits for each number (splitmix64)."""
    z = (numbers.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return list((z ^ (z >> np.uint64(31))).tolist())


def ids_of(numbers: Array, salt: int) -> list[str]:
    """Return an id for each number, 32 hexadecimal digits as the service's."""
    halves = zip(scatter(numbers, salt), scatter(numbers, salt ^ 0x5DEECE66D), strict=True)
    return [f"{high:016x}{low:016x}" for high, low in halves]


def stamps(times: Array, zones: Iterable[str] = itertools.repeat("Z")) -> list[str]:
    """Return times as the service writes them."""
    texts = np.datetime_as_string(times.astype("M8[ms]")).tolist()
    return [text + zone for text, zone in zip(texts, zones, strict=False)]


@cache
def _knows_tags() -> bool:
    """Tell whether the installed botocore knows assets' tags, which 1.42.79 does not yet."""
    shapes = Loader().load_service_model("dataexchange", "service-2")["shapes"]
    return "Tags" in shapes.get("AssetConfiguration", {}).get("members", {})


class Names:
    """What an account calls its things."""

    def __init__(self, account_id: str, region: str, seed: int) -> None:
        self.account_id, self.region = account_id, region
        self.arn = f"arn:aws:dataexchange:{region}:{account_id}"
        self.salt = zlib.crc32(f"{account_id} {region} {seed}".encode()) << 31
        sets = len(cat.DATA_SETS)
        self.data_set_ids = ids_of(np.arange(sets), self.salt + (1 << 40))
        self.revision_ids = ids_of(np.arange(sets * REVISION_DAYS), self.salt + (1 << 41))
        kinds = [(feed.slug, feed.type in cat.EXPORTS) for feed in FEEDS]
        self.buckets = [f"{slug}-{'delivery' if out else 'raw'}-{region}" for slug, out in kinds]


@dataclass
class Job:
    """One job of the plan with everything that its JSON names."""

    names: Names
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
        data_set, self.slug, self.type, _ = FEEDS[self.feed]
        newest = data_set * REVISION_DAYS + self.day
        oldest = newest - int(EARLIER_OF[self.feed])
        stem = f"dt={self.slot[:10]}/{self.slot[11:19].replace(':', '')}"
        self.account_id, self.region = self.names.account_id, self.names.region
        self.bucket = self.names.buckets[self.feed]
        self.data_set_id = self.names.data_set_ids[data_set]
        self.revision_ids = self.names.revision_ids[oldest : newest + 1][::-1]
        self.revision_id = self.revision_ids[0]
        parts = range(1 + self.chance % 4)
        self.keys = [f"{self.slug}/{stem}-part-{number}.csv.gz" for number in parts]
        self.quota = 5 if self.type == cat.REVISIONS else 10
        self.size = 100_001 + self.chance % 50_000
        digits = self.digits = f"{self.chance:016x}"
        self.asset_id = digits + digits[::-1]
        self.uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[1:4]}-a{digits[5:8]}-{digits[4:]}"
        self.md5 = base64.b64encode(digits.encode()).decode()
        self.kms_key = f"arn:aws:kms:{self.region}:{self.account_id}:key/{self.uuid}"

    @property
    def signed_url(self) -> str:
        """A URL whose query is a credential, as AWS signs them."""
        day = self.expires[:10].replace("-", "")
        host = f"aws-dx-assets.s3.{self.region}.amazonaws.com"
        return (
            f"https://{host}/{self.data_set_id}/{self.keys[0]}?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential=ASIA{self.digits[:10]}%2F{day}%2F{self.region}%2Fs3%2Faws4_request"
            f"&X-Amz-Date={day}T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
            f"&X-Amz-Security-Token=demo%2F{self.asset_id}%3D%3D"
            f"&X-Amz-Signature={self.revision_id}{self.asset_id}"
        )

    def objects(self, keys: Sequence[str]) -> list[Json]:
        """Return where files lie in S3."""
        return [{"Bucket": self.bucket, "Key": key} for key in keys]

    def sometimes(self, bit: int, **members: object) -> Json:
        """Return optional members for half of the jobs, by a bit of the chance."""
        return members if self.chance >> bit & 1 else {}

    def encryption(self) -> Json:
        """Return how an export is encrypted."""
        with_kms = {"KmsKeyArn": self.kms_key, "Type": "aws:kms"}
        return with_kms if self.chance >> 8 & 1 else {"Type": "AES256"}

    def to_json(self) -> Json:
        """Return the job as ListJobs gives it."""
        revision = {} if self.type == cat.REVISIONS else {"RevisionId": self.revision_id}
        details = {"DataSetId": self.data_set_id, **revision, **_DETAILS[self.type](self)}
        job: Json = {"Arn": f"{self.names.arn}:jobs/{self.id}"}
        if _knows_tags() and self.chance % 7 == 0 and self.type not in cat.EXPORTS:
            tags = [{"Key": "team", "Value": self.slug}, {"Key": "env", "Value": "prod"}]
            job["AssetConfiguration"] = {"Tags": tags}
        job["CreatedAt"] = self.created
        # a type's member of Details is named like the type
        job["Details"] = {self.type.title().replace("_", ""): details}
        if self.state == cat.ERROR:
            job["Errors"] = _errors(self, CAUSES[self.cause])
        ends = {"Id": self.id, "State": cat.STATES[self.state], "Type": self.type}
        return job | ends | {"UpdatedAt": self.updated}


_KEY_PATTERN = "/${Revision.CreatedAt}/${Asset.Name}"
_LINE_TAGS = {"TagKey": "line", "TagValues": ["motor", "home", "travel"]}
_REGION_TAGS = {"TagKey": "region", "TagValues": ["eu"]}


def _to_s3(job: Job) -> Json:
    digits, reverse = job.digits, job.digits[::-1]
    places = [
        {"AssetId": digits[i:] + reverse + digits[:i], **place}
        for i, place in enumerate(job.objects(job.keys))
    ]
    return {"AssetDestinations": places, **job.sometimes(0, Encryption=job.encryption())}


def _revisions_to_s3(job: Job) -> Json:
    place = {"Bucket": job.bucket, "KeyPattern": job.slug + _KEY_PATTERN}
    action = f"{job.names.arn}:event-actions/{job.asset_id}"
    return {
        "RevisionDestinations": [{**place, "RevisionId": one} for one in job.revision_ids],
        **job.sometimes(0, Encryption=job.encryption()),
        **job.sometimes(1, EventActionArn=action),
    }


def _from_redshift(job: Job) -> Json:
    share = f"arn:aws:redshift:{job.region}:{job.account_id}:datashare:{job.uuid}/{job.slug}"
    return {"AssetSources": [{"DataShareArn": f"{share}_{i}"} for i in range(len(job.keys))]}


# what the member of Details holds beside the ids of data set and revision
_DETAILS: dict[str, Callable[[Job], Json]] = {
    cat.S3: lambda job: {"AssetSources": job.objects(job.keys)},
    cat.URL: lambda job: {
        "AssetName": job.keys[0], "SignedUrl": job.signed_url, "SignedUrlExpiresAt": job.expires,
        **job.sometimes(0, Md5Hash=job.md5),
    },
    cat.TO_S3: _to_s3,
    cat.TO_URL: lambda job: {
        "AssetId": job.asset_id, "SignedUrl": job.signed_url, "SignedUrlExpiresAt": job.expires,
    },
    cat.REVISIONS: _revisions_to_s3,
    cat.REDSHIFT: _from_redshift,
    cat.API: lambda job: {
        "ApiId": job.digits[:10], "ApiName": f"{job.slug}-v2", "ApiSpecificationMd5Hash": job.md5,
        "ApiSpecificationUploadUrl": job.signed_url,
        "ApiSpecificationUploadUrlExpiresAt": job.expires, "ProtocolType": "REST", "Stage": "prod",
        **job.sometimes(0, ApiDescription=f"The {job.slug} service, stage prod"),
        **job.sometimes(1, ApiKey=job.asset_id),
    },
    cat.ACCESS: lambda job: {"AssetSource": {
        "Bucket": job.bucket, "KeyPrefixes": [f"{job.slug}/raw/", f"{job.slug}/clean/"],
        "Keys": job.keys, "KmsKeysToGrant": [{"KmsKeyArn": job.kms_key}],
    }},
    cat.LAKE: lambda job: {
        "CatalogId": job.account_id,
        "RoleArn": f"arn:aws:iam::{job.account_id}:role/dx-lake-{job.slug}",
        "Table": {"Expression": [_LINE_TAGS, _REGION_TAGS], "Permissions": ["DESCRIBE", "SELECT"]},
        **job.sometimes(0, Database={"Expression": [_LINE_TAGS], "Permissions": ["DESCRIBE"]}),
    },
}  # fmt: skip


def _errors(job: Job, cause: cat.Cause) -> list[Json]:
    """Return one to three errors, which share out the keys."""
    several = cause.types and job.type in (cat.S3, cat.TO_S3) and "{key}" in cause.message
    count = min(1 + job.size % 3, len(job.keys)) if several else 1
    return [_error(job, cause, job.keys[number::count]) for number in range(count)]


def _error(job: Job, cause: cat.Cause, keys: Sequence[str]) -> Json:
    message = cause.message.format(**vars(job), job=job, key=keys[0])
    error: Json = {"Code": cause.code, "Message": message}
    if job.type == cat.S3:
        error["Details"] = {"ImportAssetsFromS3JobErrorDetails": job.objects(keys)}
    elif job.type == cat.URL:
        error["Details"] = {"ImportAssetFromSignedUrlJobErrorDetails": {"AssetName": keys[0]}}
    if cause.limit:
        error |= {"LimitName": cause.limit, "LimitValue": cause.value}
    if cause.resource:
        ids = {"REVISION": job.revision_id, "ASSET": job.asset_id, "DATA_SET": job.data_set_id}
        error |= {"ResourceId": ids[cause.resource], "ResourceType": cause.resource}
    return error
