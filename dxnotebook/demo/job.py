"""The JSON of one job of the plan, and what an account calls its things."""

from __future__ import annotations

import base64
import itertools
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

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
        self.arn, self.bucket = self.names.arn, self.names.buckets[self.feed]
        self.data_set_id = self.names.data_set_ids[data_set]
        revision_ids = self.names.revision_ids[oldest : newest + 1][::-1]
        self.revision_id = revision_ids[0]
        self.quota = 5 if self.type == cat.REVISIONS else 10
        self.size = 100_001 + self.chance % 50_000
        digits = self.digits = f"{self.chance:016x}"
        reverse = digits[::-1]
        self.asset_id = digits + reverse
        self.uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[1:4]}-a{digits[5:8]}-{digits[4:]}"
        self.md5 = base64.b64encode(digits.encode()).decode()
        self.encryption = "aws:kms" if self.chance >> 8 & 1 else "AES256"
        self.date = self.expires[:10].replace("-", "")
        parts: list[Json] = [
            {"part": n, "part_id": digits[n:] + reverse + digits[:n]}
            | {"key": f"{self.slug}/{stem}-part-{n}.csv.gz"}
            for n in range(1 + self.chance % 4)
        ]
        self.key = parts[0]["key"]
        for name, text in cat.TEXTS.items():
            setattr(self, name, text.format_map(vars(self)))
        is_of_revisions = self.type == cat.REVISIONS
        self.parts = (
            parts if not is_of_revisions else [{"revision_id": one} for one in revision_ids]
        )

    def filled(self, template: Any, parts: Sequence[Json]) -> Any:
        """Return a template of the catalogue with what it says of the job, and of parts of it."""
        return _made_of(template, vars(self) | parts[0], parts)

    def to_json(self) -> Json:
        """Return the job as ListJobs gives it."""
        revision = {} if self.type == cat.REVISIONS else {"RevisionId": self.revision_id}
        details = {
            "DataSetId": self.data_set_id,
            **revision,
            **self.filled(cat.DETAILS[self.type], self.parts),
        }
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


def _made_of(template: Any, values: Json, parts: Sequence[Json] = ()) -> Any:
    match template:
        case str():
            return template.format_map(values)
        case list():
            return [_made_of(one, values) for one in template]
        case {"each": of_part}:
            return [_made_of(of_part, values | part) for part in parts]
    named = [(*name.split("?"), value) for name, value in template.items()]
    return {
        name: _made_of(value, values, parts)
        for name, *bits, value in named
        if all(values["chance"] >> int(bit) & 1 for bit in bits)
    }


def _errors(job: Job, cause: Json) -> list[Json]:
    """Return one to three errors, which share out the files."""
    several = cause["types"] and job.type in (cat.S3, cat.TO_S3) and "{key}" in cause["message"]
    count = min(1 + job.size % 3, len(job.parts)) if several else 1
    return [_error(job, cause, job.parts[number::count]) for number in range(count)]


def _error(job: Job, cause: Json, parts: Sequence[Json]) -> Json:
    error: Json = {"Code": cause["code"], "Message": job.filled(cause["message"], parts)}
    if job.type in cat.ERROR_DETAILS:
        error["Details"] = job.filled(cat.ERROR_DETAILS[job.type], parts)
    if "limit" in cause:
        error |= {"LimitName": cause["limit"], "LimitValue": cause["value"]}
    if resource := cause.get("resource"):
        resource_id = getattr(job, f"{resource.lower()}_id")
        error |= {"ResourceId": resource_id, "ResourceType": resource}
    return error
