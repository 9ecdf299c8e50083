"""Jobs of all types that share assets, and by plain Python what they ask for."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from hypothesis import strategies as st

import dxnotebook as dx

START = datetime.fromisoformat("2026-09-01T00:00:00+00:00")
NAMES = ["x/a", "x/b", "y/c"]
TYPES = {
    "ImportAssetsFromS3": "IMPORT_ASSETS_FROM_S3",
    "ImportAssetFromSignedUrl": "IMPORT_ASSET_FROM_SIGNED_URL",
    "ImportAssetsFromRedshiftDataShares": "IMPORT_ASSETS_FROM_REDSHIFT_DATA_SHARES",
    "ImportAssetFromApiGatewayApi": "IMPORT_ASSET_FROM_API_GATEWAY_API",
    "CreateS3DataAccessFromS3Bucket": "CREATE_S3_DATA_ACCESS_FROM_S3_BUCKET",
    "ImportAssetsFromLakeFormationTagPolicy": "IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY",
    "ExportAssetsToS3": "EXPORT_ASSETS_TO_S3",
    "ExportAssetToSignedUrl": "EXPORT_ASSET_TO_SIGNED_URL",
    "ExportRevisionsToS3": "EXPORT_REVISIONS_TO_S3",
}
IMPORTS = [branch for branch in TYPES if not branch.startswith("Export")]
EXPORTS = [branch for branch in TYPES if branch.startswith("Export")]
MINUTES = st.integers(0, 8)
STATES = ["COMPLETED", "COMPLETED", "ERROR", "ERROR", "TIMED_OUT", "CANCELLED", "WAITING"]


def details_of(branch, names):
    """Return what a job of a branch says of assets of these names."""
    first = names[0] if names else "x/a"
    expression = [{"TagKey": "team", "TagValues": names}] if names else []
    return {
        "ImportAssetsFromS3": {"AssetSources": [{"Bucket": "b", "Key": name} for name in names]},
        "ImportAssetFromSignedUrl": {"AssetName": first, "SignedUrl": "https://h/p?X-Amz-Signature=s"},
        "ImportAssetsFromRedshiftDataShares": {
            "AssetSources": [{"DataShareArn": name} for name in names]
        },
        "ImportAssetFromApiGatewayApi": {
            "ApiId": first, "ApiName": "n", "ApiKey": "hush", "Stage": "prod",
            "ProtocolType": "REST", "ApiSpecificationMd5Hash": 24 * "m",
        },
        "CreateS3DataAccessFromS3Bucket": {
            "AssetSource": {
                "Bucket": "b", "Keys": names[:1], "KeyPrefixes": names[1:],
                "KmsKeysToGrant": [{"KmsKeyArn": "k"}],
            }
        },
        "ImportAssetsFromLakeFormationTagPolicy": {
            "CatalogId": "111122223333", "RoleArn": "r",
            "Table": {"Expression": expression, "Permissions": ["SELECT"]},
            "Database": {"Expression": expression[::-1], "Permissions": ["DESCRIBE"]},
        },
        "ExportAssetsToS3": {
            "AssetDestinations": [
                {"AssetId": f"i{name}", "Bucket": "b", "Key": name} for name in names
            ],
            "Encryption": {"Type": "AES256"},
        },
        "ExportAssetToSignedUrl": {"AssetId": first},
        "ExportRevisionsToS3": {
            "RevisionDestinations": [
                {"Bucket": "b", "KeyPattern": "p", "RevisionId": name} for name in names
            ],
            **({"EventActionArn": "e"} if len(names) == 2 else {}),
        },
    }[branch]  # fmt: skip


def made(  # noqa: PLR0917 (a row of a table of jobs)
    number, branch, data_set, revision, names, state, created, took, account="111122223333"
):
    """Return a job; `created` is in minutes after the start, None where it does not say."""
    start = START + timedelta(minutes=created or 0)
    details = {"DataSetId": data_set, **details_of(branch, names)}
    if branch != "ExportRevisionsToS3":
        details["RevisionId"] = revision
    one = {
        "Arn": f"arn:aws:dataexchange:us-east-1:{account}:jobs/{number}",
        "Id": f"{number:03}",
        "Type": TYPES[branch],
        "State": state,
        "Details": {branch: details},
        "AssetConfiguration": {"Tags": [{"Key": "k", "Value": str(number % 2)}]},
    }
    if created is not None:
        one["CreatedAt"] = start.isoformat()
        one["UpdatedAt"] = (start + timedelta(minutes=took)).isoformat()
    if state == "ERROR":
        one["Errors"] = [{"Code": "INTERNAL_SERVER_EXCEPTION", "Message": f"of {number}"}]
    return one


def jobs_of(branches, *, most=14, created=MINUTES):
    """Return a strategy for jobs of these branches, of few data sets, revisions and assets."""
    one = st.tuples(
        st.sampled_from(branches),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["r1", "r2", "r3"]),
        st.lists(st.sampled_from(NAMES), max_size=3),
        st.sampled_from(STATES),
        created,
        st.integers(0, 30),
        st.sampled_from(["111122223333", "444455556666"]),
    )
    return st.lists(one, max_size=most).map(
        lambda rows: [made(number, *row) for number, row in enumerate(rows)]
    )


def tables_of_jobs(jobs):
    return dx.read_jobs(json.dumps({"Jobs": jobs}).encode())


def branch_of(job):
    ((branch, details),) = job["Details"].items()
    return branch, details


def feed_of(job):
    return job["Arn"].split(":")[4], job["Type"], branch_of(job)[1]["DataSetId"]


def assets_by_hand(job):
    """Return the set of what a job asks for, as the docstring of `revisions` says."""
    branch, details = branch_of(job)
    feed = feed_of(job)
    listed = {
        "ImportAssetsFromS3": lambda: [
            (one["Bucket"], one["Key"]) for one in details["AssetSources"]
        ],
        "ImportAssetFromSignedUrl": lambda: [details["AssetName"]],
        "ImportAssetsFromRedshiftDataShares": lambda: [
            one["DataShareArn"] for one in details["AssetSources"]
        ],
        "ImportAssetFromApiGatewayApi": lambda: [(details["ApiId"], details["Stage"])],
        "CreateS3DataAccessFromS3Bucket": lambda: [
            (name, one) for name in ("Keys", "KeyPrefixes") for one in details["AssetSource"][name]
        ],
        "ImportAssetsFromLakeFormationTagPolicy": lambda: [
            (
                kind,
                frozenset(
                    value for tag in details[kind]["Expression"] for value in tag["TagValues"]
                ),
            )
            for kind in ("Table", "Database")
            if details[kind]["Expression"]
        ],
        "ExportAssetsToS3": lambda: [
            (one["AssetId"], one.get("Key")) for one in details["AssetDestinations"]
        ],
        "ExportAssetToSignedUrl": lambda: [details["AssetId"]],
        "ExportRevisionsToS3": lambda: [
            one["RevisionId"] for one in details["RevisionDestinations"]
        ],
    }[branch]()
    return {(*feed, one) for one in listed or [None]}


def created_of(job):
    return datetime.fromisoformat(job["CreatedAt"]) if "CreatedAt" in job else None


def ended_of(job):
    return datetime.fromisoformat(job["UpdatedAt"]) if "UpdatedAt" in job else created_of(job)
