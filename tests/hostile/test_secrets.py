"""Secrets are taken out wherever they stand; nobody gets to see one."""

from __future__ import annotations

import json
import warnings

import pytest

import dxnotebook as dx
from tests.conftest import job, page_of, pruned
from tests.hostile.common import (
    NAMES,
    S3,
    between,
    broken,
    read,
    read_quietly,
    reply,
    timed,
)

SECRET = "wJalrXUtnFEMI7MDENGbPxRfiCYEXAMPLEKEY"
SIGNED = f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={SECRET}"
QUOTED = {
    "alone": SIGNED,
    "in a sentence": f"GET {SIGNED} failed: 403",
    "in quotes": f'<Error url="{SIGNED}" />',
    "two of them": f"{SIGNED} {SIGNED}",
    "more behind": f"{SIGNED}&X-Amz-Expires=60&x={SECRET}",
    "more before": f"https://b/k?X-Amz-Security-Token={SECRET}&X-Amz-Signature=1",
    "a session's token": f"https://b/k?X-Amz-Security-Token={SECRET}",
    "version 2": f"https://b.s3.amazonaws.com/k?AWSAccessKeyId=A&Expires=1&Signature={SECRET}",
    "lower case": SIGNED.replace("X-Amz-Signature", "x-amz-signature"),
    "ampersands escaped": SIGNED.replace("&", "&amp;"),
    "percent-encoded": "https://r/?to="
    + SIGNED.replace("?", "%3F").replace("=", "%3D").replace("&", "%26"),
    "percent-encoded in lower case": SIGNED.replace("?", "%3f")
    .replace("=", "%3d")
    .replace("&", "%26"),
    "percent-encoded twice": SIGNED.replace("?", "%253F")
    .replace("=", "%253D")
    .replace("&", "%2526"),
    "escaped for JSON": SIGNED.replace("&", "\\u0026").replace("=", "\\u003d"),
    "wrapped before the query": SIGNED.replace("?", "\n?"),
    "wrapped within the query": SIGNED.replace("&X", "&\nX"),
    "wrapped before the value": SIGNED.replace(SECRET, "\n" + SECRET),
    "wrapped within the value": SIGNED.replace(SECRET, "0123456789abcdef\n" + SECRET),
    "set apart by spaces": f"https://b/k?X-Amz-Credential=A&X-Amz-Signature =\t{SECRET}",
    "set apart by spaces twice": f"https://b/k?X-Amz-Credential = A&X-Amz-Signature = {SECRET}",
    "an account's key": f"DefaultEndpointsProtocol=https;AccountKey={SECRET};EndpointSuffix=core",
    "a fragment only": f"…X-Amz-Signature={SECRET}",
    "Google": "https://storage.googleapis.com/b/k?X-Goog-Date=1"
    f"&X-Goog-Signature={SECRET}&X-Goog-Expires=1",
    "Azure": f"https://a.blob.core.windows.net/c/b?sv=2020-08-04&sr=b&sig={SECRET}&se=2026",
    "CloudFront": f"https://d1.cloudfront.net/k?Expires=1&Signature={SECRET}&Key-Pair-Id=K",
    "CloudFront's policy": f"https://d1.cloudfront.net/k?Policy={SECRET}&Signature=1&Key-Pair-Id=K",
    "CloudFront's key pair": f"https://d1.cloudfront.net/k?Key-Pair-Id={SECRET}",
}


def planted(url):
    """Return jobs that hold an URL in one place each, and one for each place of a reject."""
    source = {"Bucket": "b", "Key": url}
    places = {
        "Message": {"Errors": [{"Code": "c", "Message": url}]},
        "Key": {"Details": {S3: {"AssetSources": [source]}}},
        "AssetName": {"Details": {"ImportAssetFromSignedUrl": {"AssetName": url}}},
        "an error's Key": {
            "Errors": [{"Details": {"ImportAssetsFromS3JobErrorDetails": [source]}}]
        },
        "an error's AssetName": {
            "Errors": [{"Details": {"ImportAssetFromSignedUrlJobErrorDetails": {"AssetName": url}}}]
        },
        "ResourceId": {"Errors": [{"ResourceId": url}]},
        "State": {"State": url},
        "Type": {"Type": url},
        "a tag": {"AssetConfiguration": {"Tags": [{"Key": "k", "Value": url}]}},
        "unknown": {"New": url},
        "unknown, nested": {"New": {"A": {"B": url}}},
        "unknown, in a list": {"NewList": [url, "x"]},
        "unknown, in a list of objects": {"NewList": [{"A": url}]},
        "unknown, in a list of lists": {"NewLists": [[url]]},
        "unknown, in a branch": {
            "Details": {"ImportAssetsFromMoon": {"A": url, "B": [url], "C": {"D": [[url]]}}}
        },
        "unknown, in an error": {"Errors": [{"New": url, "NewList": [url]}]},
        "reject": {"Details": url},
        "reject, nested": {"Details": {S3: {"AssetSources": {"a": [[url]]}}}},
        "reject, its time": {"CreatedAt": url},
        "reject, its number": {"Errors": [{"LimitValue": url}]},
    }
    return {place: job(n, **members) for n, (place, members) in enumerate(places.items(), 1)}


def shown(tables, caught=()):
    """Return all that anybody gets to see of tables."""
    frames = [getattr(tables, name) for name in NAMES]
    texts = [frame.to_csv() + repr(frame.attrs) + repr(list(frame)) for frame in frames]
    said = [str(warning.message) for warning in caught]
    return "\n".join(
        [
            *texts,
            *said,
            repr(tables),
            tables._repr_html_(),
            str(tables.to_jobs()),
            str(tables.failures),
        ]
    )


def leaks(text, secret=SECRET):
    return secret in text


def assert_scrubbed(source, jobs):
    """Check that a source's secret is nowhere to be seen; return the tables."""
    tables, caught = read_quietly(source)
    assert len(tables.jobs) + len(tables.rejects) == jobs
    assert not leaks(shown(tables, caught))
    return tables


@pytest.mark.parametrize("form", QUOTED)
def test_66_signed_url_wherever_it_stands(form):
    jobs = planted(QUOTED[form])
    tables, caught = read_quietly(page_of(*jobs.values()))
    leaking = {one["Id"] for one in tables.to_jobs() if SECRET in str(one)}
    assert [place for place, one in jobs.items() if one["Id"] in leaking] == []
    assert len(tables.jobs) + len(tables.rejects) == len(jobs)
    assert not leaks(shown(tables, caught))


@pytest.mark.parametrize("form", ["in a sentence", "wrapped within the value", "escaped for JSON"])
def test_66_redact_false_leaves_everything_as_it_came(form):
    jobs = planted(QUOTED[form])
    tables, _ = read_quietly(page_of(*jobs.values()), redact=False)
    found = {one["Id"]: pruned(one) for one in tables.to_jobs()}
    for one in jobs.values():
        times = timed(
            {name: one[name] for name in ("CreatedAt", "UpdatedAt") if one[name].startswith("2026")}
        )
        assert found[one["Id"]] == pruned({**one, **times})


SECRET_MEMBERS = {
    "SignedUrl": {
        "Details": {"ImportAssetFromSignedUrl": {"SignedUrl": f"https://b/k?opaque={SECRET}"}}
    },
    "SignedUrl of an export": {"Details": {"ExportAssetToSignedUrl": {"SignedUrl": SIGNED}}},
    "SignedUrl on several lines": {
        "Details": {"ExportAssetToSignedUrl": {"SignedUrl": f"https://b/k?a=1\n&b={SECRET}"}}
    },
    "SignedUrl with a fragment": {
        "Details": {"ExportAssetToSignedUrl": {"SignedUrl": f"https://b/k#{SECRET}"}}
    },
    "SignedUrl percent-encoded": {
        "Details": {"ExportAssetToSignedUrl": {"SignedUrl": f"https://b/k%3Fopaque%3D{SECRET}"}}
    },
    "ApiSpecificationUploadUrl": {
        "Details": {
            "ImportAssetFromApiGatewayApi": {
                "ApiSpecificationUploadUrl": f"https://b/k?opaque={SECRET}"
            }
        }
    },
    "ApiKey": {"Details": {"ImportAssetFromApiGatewayApi": {"ApiKey": SECRET}}},
    "ApiKey, unknown place": {"New": {"ApiKey": SECRET}},
    "SignedUrl, unknown place": {"New": [{"SignedUrl": f"https://b/k?opaque={SECRET}"}]},
    "ApiKey, a list": {"Details": {"ImportAssetFromApiGatewayApi": {"ApiKey": [SECRET]}}},
    "ApiKey, an object": {
        "Details": {"ImportAssetFromApiGatewayApi": {"ApiKey": {"a": {"b": SECRET}}}}
    },
    "SignedUrl, a list": {
        "Details": {"ImportAssetFromSignedUrl": {"SignedUrl": [f"https://b/k?opaque={SECRET}"]}}
    },
    "SignedUrl, an object": {
        "Details": {
            "ImportAssetFromSignedUrl": {"SignedUrl": {"a": f"https://b/k?opaque={SECRET}"}}
        }
    },
    "AccessKey and PrivateKey": {"New": {"AccessKey": SECRET, "PrivateKey": [SECRET]}},
    "SasToken, unknown branch": {"Details": {"ImportAssetsFromMoon": {"SasToken": SECRET}}},
    "ApiKey of mixed types": {"New": {"ApiKey": [1, SECRET]}},
    "ApiKey in a list of lists": {"New": [[{"ApiKey": SECRET}]]},
    "SignedUrl in a list of lists": {"New": [[{"SignedUrl": f"https://b/k?opaque={SECRET}"}]]},
    "unknown, of mixed types": {"New": [1, SIGNED]},
    "past the limit": {
        **{f"New{n}": SIGNED for n in range(250)},
        "ApiKey": SECRET,
        "SignedUrl": f"https://b/k?opaque={SECRET}",
        SIGNED: 1,
    },
    "a key": {SIGNED: 1},
    "a key in an object": {"New": {SIGNED: {"a": [1]}}},
    "a branch": {"Details": {SIGNED: {"a": 1}}},
    "a branch of a reject": {"Details": {SIGNED: {"a": 1}, S3: {"DataSetId": "d"}}},
    "Arn": {"Arn": f"arn:aws:x:y:z:{SIGNED}"},
    "Id": {"Id": SIGNED},
}


@pytest.mark.parametrize("member", SECRET_MEMBERS)
def test_66_secret_members(member):
    members = SECRET_MEMBERS[member]
    assert_scrubbed(page_of(job(1), job(2, **members), job(3)), 3)
    tolerant, reject = ({**members, "UpdatedAt": value} for value in (1_788_220_860, "garbage"))
    assert_scrubbed(page_of(job(1), job(2, **tolerant), job(3)), 3)
    assert_scrubbed(page_of(job(1), job(2, **reject), job(3)), 3)


@pytest.mark.parametrize("name", ["ApiKey", "SignedUrl"])
def test_66_secret_member_that_stands_there_twice(name):
    branch = "ImportAssetFromApiGatewayApi" if name == "ApiKey" else "ImportAssetFromSignedUrl"
    value = SECRET if name == "ApiKey" else f"https://b/k?opaque={SECRET}"
    details = json.dumps({branch: {name: value, "x": "other"}}).replace('"x"', f'"{name}"')
    assert_scrubbed(between(job(2, Details="@"), details), 3)


@pytest.mark.parametrize("branch", ["ImportAssetFromApiGatewayApi", "New"])
def test_66_api_key_that_is_a_number(branch):
    tables, caught = read_quietly(page_of(job(1, Details={branch: {"ApiKey": 918273645546}})))
    assert not leaks(shown(tables, caught), "918273645546")


def test_66_pages_and_jobs_as_boto3_gives_them():
    jobs = [
        timed(job(n, **SECRET_MEMBERS[name])) for n, name in enumerate(("SignedUrl", "ApiKey"), 1)
    ]
    for source in ([{"Jobs": jobs}], jobs, iter(jobs)):
        assert_scrubbed(source, 2)


def test_66_the_rest_of_a_load_that_breaks():
    good = page_of(*planted(SIGNED).values())
    with pytest.raises(dx.LoadError, match="line 2") as caught:
        read_quietly(good + b'\n{"' + SIGNED.encode())
    assert len(caught.value.partial) > 10
    assert not leaks(f"{caught.value!s} {caught.value!r} {shown(caught.value.partial)}")


@pytest.mark.parametrize(
    "content",
    [
        f'{{"{SIGNED}": 1}}',
        f'"{SIGNED}"',
        SIGNED,
        f'{{"Jobs": "{SIGNED}"}}',
        f'{{"Jobs": [], "{SIGNED}": 1}}',
        f'{{"Jobs": [], "NextToken": "{SIGNED}", "NextToken": "x"}}',
        f'{{"Jobs": []}} {SIGNED}',
    ],
)
def test_66_errors_and_warnings_of_what_is_no_listing(content):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said = shown(dx.read_jobs(content.encode()))
        except dx.LoadError as error:
            said = f"{error!s} {error!r}"
    assert not leaks(said)
    assert not leaks("".join(str(warning.message) for warning in caught))


def test_66_error_text_of_the_service():
    headers = (("x-amzn-ErrorType", "ValidationException"),)
    fault = reply(
        json.dumps({"Message": QUOTED["in a sentence"]}).encode(), status=400, headers=headers
    )
    error = broken(fault, "ValidationException", advice="")
    assert not leaks(f"{error!s}{error!r}{error.partial.failures}")
    assert "https://b.s3.amazonaws.com/k?REDACTED failed" in str(error)


def test_66_texts_that_only_look_like_secrets_stay():
    texts = [
        "Signature mismatch",
        "what is the signature?",
        "50% = half?",
        "a?b=c",
        "design=x",
        "https://x/y?page=2",
        "Access key and account key do not match",
    ]
    tables = read(*(job(n, Errors=[{"Message": text}]) for n, text in enumerate(texts)))
    assert tables.errors["message"].tolist() == texts
