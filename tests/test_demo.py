import gc
import hashlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    PaginationError,
    ReadTimeoutError,
)

from dxnotebook import demo

ONCE = Config(retries={"total_max_attempts": 1})
MODEL = botocore.session.Session().get_service_model("dataexchange")
SHAPE = MODEL.operation_model("ListJobs").output_shape.members["Jobs"].member
OPEN = ("WAITING", "IN_PROGRESS")


@pytest.fixture(scope="module")
def account():
    return demo.Account()


@pytest.fixture(scope="module")
def jobs(account):
    """The default account's jobs, as JSON."""
    return [job for body in account.pages() for job in json.loads(body)["Jobs"]]


@pytest.fixture(scope="module")
def small():
    return demo.Account(1_000)


@pytest.fixture(scope="module")
def tiny():
    return demo.Account(100)


def get(endpoint, target, method="GET"):
    connection = http.client.HTTPConnection(endpoint.url.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def when(job, member="CreatedAt"):
    return datetime.fromisoformat(job[member])


def details(job):
    (member,) = job["Details"].values()
    return member


def keys(job):
    return tuple(source["Key"] for source in details(job)["AssetSources"])


def leaves(value, shape, path=""):
    """Every scalar of a value with its path; fails at a member the shape does not know or requires in vain."""
    if shape.type_name == "structure":
        assert not set(value) - set(shape.members), path
        assert not set(shape.metadata.get("required", ())) - set(value), path
        for name, member in value.items():
            yield from leaves(member, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        assert value, path
        for member in value:
            yield from leaves(member, shape.member, path)
    else:
        yield path, value, shape


def leaf_paths(shape, path=""):
    if shape.type_name == "structure":
        return {
            p
            for name, member in shape.members.items()
            for p in leaf_paths(member, f"{path}.{name}")
        }
    return leaf_paths(shape.member, path) if shape.type_name == "list" else {path}


# The listing


def test_boto3_lists_the_whole_account(jobs):
    pages = list(demo.client().get_paginator("list_jobs").paginate())
    listed = [job for page in pages for job in page["Jobs"]]
    assert [len(page["Jobs"]) for page in pages] == [200] * 30
    assert [job["Arn"] for job in listed] == [job["Arn"] for job in jobs]
    assert [job["CreatedAt"] for job in listed] == [when(job) for job in jobs]
    assert {"NextToken"} == set(pages[0]) - set(pages[-1])


def test_jobs_are_in_strict_order_and_within_90_days(jobs):
    assert len({job["Arn"] for job in jobs}) == len({job["Id"] for job in jobs}) == 6_000
    assert all(newer > older for newer, older in itertools.pairwise(map(when, jobs)))
    assert demo.NOW - timedelta(days=90) <= when(jobs[-1])
    assert all(when(job) <= when(job, "UpdatedAt") <= demo.NOW for job in jobs)


def test_jobs_match_the_shape_and_show_all_of_it(jobs):
    seen, enums = set(), {}
    for job in jobs:
        for path, value, shape in leaves(job, SHAPE):
            seen.add(path)
            assert isinstance(value, float if shape.type_name == "double" else str)
            if "enum" in shape.metadata:
                enums.setdefault(shape.name, set()).add(value)
                assert value in shape.enum
            if shape.type_name == "timestamp":
                assert datetime.fromisoformat(value).tzinfo
            assert len(value) >= shape.metadata.get("min", 0) if isinstance(value, str) else True
    assert seen == leaf_paths(SHAPE)
    for name in (
        "Type",
        "State",
        "Code",
        "JobErrorLimitName",
        "JobErrorResourceTypes",
        "ServerSideEncryptionTypes",
    ):
        assert enums[name] == set(MODEL.shape_for(name).enum)


def test_jobs_look_like_the_service_s(jobs):
    forms = Counter(job["CreatedAt"][23:] for job in jobs)
    assert forms["Z"] > 10 * forms["000+00:00"] > 0
    assert 700 <= len(json.dumps(jobs, separators=(",", ":"))) / len(jobs) <= 1_000
    assert all((job["State"] == "ERROR") == ("Errors" in job) for job in jobs)
    assert {len(job["Errors"]) for job in jobs if "Errors" in job} == {1, 2, 3}
    assert all(
        len({error["Message"] for error in job["Errors"]}) == len(job["Errors"])
        for job in jobs
        if "Errors" in job
    )
    assert all(
        "X-Amz-Signature=" in details(job).get("SignedUrl", "X-Amz-Signature=") for job in jobs
    )
    assert any(
        "X-Amz-Security-Token=" in error["Message"]
        for job in jobs
        for error in job.get("Errors", ())
    )
    assert all(len(job["Details"]) == 1 for job in jobs)


@pytest.mark.parametrize("size", [0, 1, 2, 13, 60, 600, 999, 7_001])
def test_any_size(size):
    account = demo.Account(size)
    listed = [job for body in account.pages() for job in json.loads(body)["Jobs"]]
    assert len(account) == len(listed) == len({job["Id"] for job in listed}) == size
    assert all(newer > older for newer, older in itertools.pairwise(map(when, listed)))


def test_a_million_jobs_are_there_for_the_asking():
    account = demo.Account(1_000_000)
    for start in (0, 765_400, 999_900):
        page = json.loads(account.page(start))
        assert ("NextToken" in page) == (start < 999_900)
        assert all(newer > older for newer, older in itertools.pairwise(map(when, page["Jobs"])))
        for job in page["Jobs"]:
            assert {path for path, _, _ in leaves(job, SHAPE)} >= {".Arn", ".Id", ".State", ".Type"}
    assert account.page(300_000, 100) == account.page(300_000, 100)


def test_the_same_bytes_in_any_process(account):
    code = """
import hashlib
from dxnotebook import demo
print(hashlib.sha256(b"".join(demo.Account().pages())).hexdigest())
"""
    command = [sys.executable, "-c", code]
    apart = {"env": os.environ | {"PYTHONHASHSEED": "7"}, "cwd": Path(demo.__file__).parents[2]}
    other = subprocess.run(command, **apart, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(b"".join(account.pages())).hexdigest()


def test_another_seed_account_or_region_has_other_ids():
    ids = [
        json.loads(demo.Account(1, **other).page())["Jobs"][0]["Id"]
        for other in ({}, {"seed": 1}, {"account_id": "444455556666"}, {"region": "eu-central-1"})
    ]
    assert len(set(ids)) == 4


def test_another_now_sees_the_same_account_at_another_time(jobs):
    earlier = demo.NOW - timedelta(days=3)
    past = [job for body in demo.Account(now=earlier).pages() for job in json.loads(body)["Jobs"]]
    assert [job["Id"] for job in past] == [job["Id"] for job in jobs if when(job) <= earlier]
    finished = {job["Id"]: job for job in jobs}
    for job in past:
        known = finished[job["Id"]]
        assert job == known or (job["State"] in OPEN and when(known, "UpdatedAt") > earlier)
    later = demo.Account(now=demo.NOW + timedelta(days=30))
    assert 3_500 < len(later) < 4_500
    assert json.loads(later.page())["Jobs"][0]["Id"] == jobs[0]["Id"]


# The story


def test_the_bad_week(account, jobs):
    story = account.story
    start, end = story.bad_week
    imports = [
        job
        for job in jobs
        if details(job)["DataSetId"] == story.data_set_id and job["Type"] == "IMPORT_ASSETS_FROM_S3"
    ]
    denied = [
        job
        for job in imports
        if any(
            story.bucket in error["Message"] and "policy" in error["Message"]
            for error in job.get("Errors", ())
        )
    ]
    week = [job for job in imports if start <= when(job) < end]
    assert (start, end) == (datetime(2026, 8, 31, tzinfo=UTC), datetime(2026, 9, 7, tzinfo=UTC))
    assert all(error["Code"] == story.code for job in denied for error in job["Errors"])
    assert len(denied) == story.failed > 0.9 * len(week) > 100
    assert all(start <= when(job) < end for job in denied)
    reruns = {
        keys(job): job
        for job in imports
        if story.fixed_at <= when(job) < story.fixed_at + timedelta(hours=4)
    }
    for job in denied:
        again = reruns[keys(job)]
        assert again["State"] == "COMPLETED"
        assert details(again)["RevisionId"] != details(job)["RevisionId"]


def test_the_everyday_failure_rate_is_about_three_percent(account, jobs):
    start, end = account.story.bad_week
    usual = [
        job
        for job in jobs
        if not start <= when(job) < end and job["State"] not in (*OPEN, "CANCELLED")
    ]
    refused = [
        job for job in usual if "concurrent" in job.get("Errors", [{"Message": ""}])[0]["Message"]
    ]
    failed = sum(job["State"] != "COMPLETED" for job in usual) - len(refused)
    assert 0.02 < failed / len(usual) < 0.04


def test_the_malware_and_the_stuck_jobs(account, jobs):
    found = [
        job
        for job in jobs
        if any(error["Code"] == "MALWARE_DETECTED" for error in job.get("Errors", ()))
    ]
    assert [job["Id"] for job in found] == [account.story.malware_job_id]
    stuck = [
        job for job in jobs if job["State"] in OPEN and when(job) < demo.NOW - timedelta(days=1)
    ]
    assert {job["Id"] for job in stuck} == set(account.story.stuck_job_ids)
    assert len(stuck) == 4


def test_the_quota_bursts_reach_the_quota_and_nothing_exceeds_it(account, jobs):
    peaks = {}
    for job_type in MODEL.shape_for("Type").enum:
        mine = [job for job in jobs if job["Type"] == job_type]
        ends = ((demo.NOW if job["State"] in OPEN else when(job, "UpdatedAt"), -1) for job in mine)
        moments = sorted([*((when(job), 1) for job in mine), *ends])
        peaks[job_type] = max(itertools.accumulate(step for _, step in moments))
    quotas = dict.fromkeys(peaks, 10) | {"EXPORT_REVISIONS_TO_S3": 5}
    bursts = {job_type: at for at, job_type in account.story.quota_bursts}
    for job_type, peak in peaks.items():
        assert peak == quotas[job_type] if job_type in bursts else peak < quotas[job_type]
    for job in jobs:
        if "concurrent" in job.get("Errors", [{"Message": ""}])[0]["Message"]:
            assert job["Errors"][0]["Code"] == "SERVICE_QUOTA_EXCEEDED_EXCEPTION"
            assert timedelta() <= when(job) - bursts[job["Type"]] < timedelta(minutes=15)


# Filters, sizes, tokens


def test_filters_give_exactly_the_jobs_that_name_the_id(jobs):
    client = demo.client()
    exported = next(job for job in jobs if len(details(job).get("RevisionDestinations", ())) > 2)
    data_set = details(exported)["DataSetId"]
    revision = details(exported)["RevisionDestinations"][1]["RevisionId"]
    for filters, mentioned in (
        ({"DataSetId": data_set}, data_set),
        ({"RevisionId": revision}, revision),
        ({"DataSetId": data_set, "RevisionId": revision}, revision),
    ):
        pages = client.get_paginator("list_jobs").paginate(
            **filters, PaginationConfig={"PageSize": 50}
        )
        found = [job["Id"] for page in pages for job in page["Jobs"]]
        assert found == [
            job["Id"] for job in jobs if f'"{mentioned}"' in json.dumps(job["Details"])
        ]
    other = next(job for job in jobs if details(job)["DataSetId"] != data_set)
    assert (
        client.list_jobs(DataSetId=details(other)["DataSetId"], RevisionId=revision)["Jobs"] == []
    )


@pytest.mark.parametrize("size", [1, 7, 200])
def test_page_sizes(small, size):
    with demo.Endpoint(small) as endpoint:
        pages = (
            endpoint.client()
            .get_paginator("list_jobs")
            .paginate(PaginationConfig={"PageSize": size, "MaxItems": 210})
        )
        assert len({job["Id"] for page in pages for job in page["Jobs"]}) == 210
        assert {query["maxResults"] for _, _, query in endpoint.requests} == {str(size)}


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ("maxResults=0", 400, "ValidationException", "greater than or equal to 1"),
        ("maxResults=201", 400, "ValidationException", "less than or equal to 200"),
        ("maxResults=many", 400, "ValidationException", "Value 'many' at 'maxResults'"),
        ("nextToken=None", 400, "ValidationException", "NextToken"),
        ("nextToken=", 400, "ValidationException", "NextToken"),
        ("nextToken=W10", 400, "ValidationException", "NextToken"),
        ("dataSetId=" + "a" * 32, 404, "ResourceNotFoundException", "Data set aaaa"),
        ("revisionId=" + "b" * 32, 404, "ResourceNotFoundException", "Revision bbbb"),
    ],
)
def test_invalid_requests(small, query, status, code, message):
    with demo.Endpoint(small) as endpoint:
        answered, headers, body = get(endpoint, f"/v1/jobs?{query}")
    assert (answered, headers["x-amzn-ErrorType"]) == (status, code)
    assert message in json.loads(body)["Message"]


def test_boto3_raises_the_modelled_exceptions(small):
    with demo.Endpoint(small) as endpoint:
        client = endpoint.client()
        with pytest.raises(
            client.exceptions.ValidationException, match="less than or equal to 200"
        ):
            client.list_jobs(MaxResults=500)
        with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
            client.list_jobs(DataSetId="a" * 32)
        assert missing.value.response["ResourceType"] == "DATA_SET"


def test_a_token_belongs_to_its_listing(small):
    token = json.loads(small.page(size=10))["NextToken"]
    others = demo.Account(1_000, account_id="444455556666"), demo.Account(1_000, region="eu-west-1")
    for account in others:
        with demo.Endpoint(account) as endpoint:
            assert get(endpoint, f"/v1/jobs?nextToken={token}")[0] == 400
    with demo.Endpoint(small) as endpoint:
        assert get(endpoint, f"/v1/jobs?nextToken={token}")[0] == 200
        assert (
            get(endpoint, f"/v1/jobs?nextToken={token}&dataSetId={small.story.data_set_id}")[0]
            == 400
        )
        assert get(endpoint, f"/v1/data-sets?nextToken={token}")[0] == 400


def test_data_sets():
    client = demo.client(0)
    owned = client.list_data_sets()["DataSets"]
    assert owned == client.list_data_sets(Origin="OWNED")["DataSets"]
    pages = client.get_paginator("list_data_sets").paginate(
        Origin="ENTITLED", PaginationConfig={"PageSize": 2}
    )
    entitled = [data_set for page in pages for data_set in page["DataSets"]]
    assert (len(owned), len(entitled)) == (22, 3)
    shape = MODEL.shape_for("DataSetEntry")
    for data_set in demo.Account(0).data_sets:
        assert all(value for _, value, _ in leaves(data_set, shape))
    assert {data_set["AssetType"] for data_set in owned} == set(MODEL.shape_for("AssetType").enum)
    with pytest.raises(client.exceptions.ValidationException, match="origin"):
        client.list_data_sets(Origin="STOLEN")


def test_jobs_belong_to_listed_data_sets(account, jobs):
    owners = {data_set["Id"]: data_set["Origin"] for data_set in account.data_sets}
    assert {details(job)["DataSetId"] for job in jobs} == set(owners)
    assert all(
        job["Type"].startswith("EXPORT")
        for job in jobs
        if owners[details(job)["DataSetId"]] == "ENTITLED"
    )


# The endpoint


def test_other_operations_and_methods(small):
    with demo.Endpoint(small) as endpoint:
        assert get(endpoint, "/v1/assets")[0] == 404
        assert get(endpoint, "/v1/jobs", "POST")[0] == 405
        with pytest.raises(ClientError, match="UnknownOperationException"):
            endpoint.client().get_job(JobId="a" * 32)


def test_headers(small):
    with demo.Endpoint(small) as endpoint:
        _, headers, body = get(endpoint, "/v1/jobs?maxResults=2")
        _, again, _ = get(endpoint, "/v1/jobs")
    assert parsedate_to_datetime(headers["Date"]) == demo.NOW
    assert (headers["Content-Type"], int(headers["Content-Length"])) == (
        "application/json",
        len(body),
    )
    assert headers["x-amzn-RequestId"] != again["x-amzn-RequestId"]


def test_connections_are_kept_alive(small):
    with demo.Endpoint(small) as endpoint:
        connection = http.client.HTTPConnection(endpoint.url.removeprefix("http://"))
        connection.connect()
        port = connection.sock.getsockname()
        for _ in range(3):
            connection.request("GET", "/v1/jobs?maxResults=1")
            assert len(json.loads(connection.getresponse().read())["Jobs"]) == 1
            assert connection.sock.getsockname() == port
        connection.close()


def test_parallel_clients_are_all_answered_and_noted(small):
    with demo.Endpoint(small) as endpoint, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: get(endpoint, f"/v1/jobs?maxResults={n}"), range(1, 65)))
    assert [len(json.loads(body)["Jobs"]) for _, _, body in answers] == list(range(1, 65))
    assert sorted(int(query["maxResults"]) for _, _, query in endpoint.requests) == list(
        range(1, 65)
    )


def test_a_delay_holds_for_every_answer(small):
    with demo.Endpoint(small, delay=0.05) as endpoint:
        begun = time.perf_counter()
        get(endpoint, "/v1/jobs?maxResults=1")
        get(endpoint, "/v1/data-sets")
        assert time.perf_counter() - begun >= 0.1


def test_nothing_is_answered_after_close(small):
    with demo.Endpoint(small) as endpoint:
        connection = http.client.HTTPConnection(endpoint.url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/v1/jobs?maxResults=1")
        connection.getresponse().read()
    connection.request("GET", "/v1/jobs?maxResults=1")
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()


def test_a_forgotten_client_closes_its_endpoint():
    client = demo.client(1)
    client.list_jobs()
    connection = http.client.HTTPConnection(
        client.meta.endpoint_url.removeprefix("http://"), timeout=5
    )
    connection.connect()
    del client
    gc.collect()
    connection.request("GET", "/v1/jobs")
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()


def test_no_setting_of_the_user_s_reaches_the_client(monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[profile mine]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:1\n")
    settings = {
        "AWS_PROFILE": "mine",
        "AWS_CONFIG_FILE": str(config),
        "AWS_REGION": "eu-north-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = demo.client(3, region="eu-central-2", account_id="444455556666")
    assert client.meta.region_name == "eu-central-2"
    assert client.list_jobs()["Jobs"][0]["Arn"].startswith(
        "arn:aws:dataexchange:eu-central-2:444455556666:jobs/"
    )


# Faults


def faulty(account, kind, page=1, **more):
    return demo.Endpoint(account, faults=[demo.Fault(kind, page, **more)])


def walk(endpoint, size=10, limit=15):
    """The job ids of each page, following the tokens, and how the walk ended."""
    client, pages, token = endpoint.client(config=ONCE), [], None
    while len(pages) < limit:
        answer = client.list_jobs(MaxResults=size, **({"NextToken": token} if token else {}))
        pages.append([job["Id"] for job in answer["Jobs"]])
        token = answer.get("NextToken")
        if not token:
            break
    return pages


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttle", 429, "ThrottlingException"),
        ("server_error", 500, "InternalServerException"),
        ("expired", 403, "ExpiredTokenException"),
        ("denied", 403, "AccessDeniedException"),
        ("unavailable", 503, "503"),
    ],
)
def test_errors_on_request(tiny, kind, status, code):
    with faulty(tiny, kind) as endpoint, pytest.raises(ClientError) as raised:
        walk(endpoint)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert raised.value.response["Error"]["Code"] == code
    assert len(endpoint.requests) == 2
    if kind == "denied":
        assert "dataexchange:ListJobs" in str(raised.value)


@pytest.mark.parametrize(("times", "statuses"), [(2, [429, 429, 200]), (None, [429, 429, 429])])
def test_a_fault_is_over_after_its_times(small, times, statuses):
    with faulty(small, "throttle", page=0, times=times) as endpoint:
        assert [get(endpoint, "/v1/jobs?maxResults=1")[0] for _ in statuses] == statuses


def test_boto3_retries_what_passes(small):
    with faulty(small, "reset", page=0) as endpoint:
        assert len(endpoint.client().list_jobs(MaxResults=5)["Jobs"]) == 5
        assert len(endpoint.requests) == 2


def test_a_page_is_known_by_its_offset(small):
    with faulty(small, "server_error", page=3) as endpoint:
        token = json.loads(small.page(50, 10))["NextToken"]
        assert get(endpoint, f"/v1/jobs?nextToken={token}&maxResults=10")[0] == 200
        assert get(endpoint, f"/v1/jobs?nextToken={token}&maxResults=20")[0] == 500


def test_stall_and_reset(small):
    with faulty(small, "stall", page=0, seconds=0.5) as endpoint:
        with pytest.raises(ReadTimeoutError):
            endpoint.client(config=ONCE.merge(Config(read_timeout=0.1))).list_jobs()
        assert len(endpoint.client().list_jobs()["Jobs"]) == 200
    with faulty(small, "reset", page=0) as endpoint, pytest.raises(ConnectionClosedError):
        endpoint.client(config=ONCE).list_jobs()


def test_truncate_sends_less_than_it_says(small):
    with faulty(small, "truncate", page=0) as endpoint:
        with pytest.raises(http.client.IncompleteRead) as raised:
            get(endpoint, "/v1/jobs")
        assert len(raised.value.partial) + raised.value.expected == len(small.page())
        assert get(endpoint, "/v1/jobs")[2] == small.page()


@pytest.mark.parametrize("kind", ["cut", "empty", "html"])
def test_bodies_that_are_no_json(small, kind):
    with faulty(small, kind, page=0) as endpoint:
        status, headers, body = get(endpoint, "/v1/jobs")
    assert (status, int(headers["Content-Length"])) == (200, len(body))
    assert {
        "cut": small.page().startswith(body) and body,
        "empty": not body,
        "html": body.startswith(b"<html>"),
    }[kind]


def test_a_reply_is_given_as_it_is(small):
    with faulty(
        small, "reply", page=0, status=418, headers=(("X-Tea", "pot"),), body=b"\xef\xbb\xbf{}"
    ) as endpoint:
        status, headers, body = get(endpoint, "/v1/jobs")
    assert (status, headers["X-Tea"], body) == (418, "pot", b"\xef\xbb\xbf{}")


def test_tokens_that_lead_astray(tiny):
    with demo.Endpoint(tiny) as endpoint:
        pages = walk(endpoint)
    assert len(pages) == 10
    with faulty(tiny, "repeat_token", page=2) as endpoint:
        assert walk(endpoint) == [*pages[:3], *pages[2:]]
    with (
        faulty(tiny, "repeat_token", page=2, times=None) as endpoint,
        pytest.raises(PaginationError),
    ):
        list(
            endpoint.client().get_paginator("list_jobs").paginate(PaginationConfig={"PageSize": 10})
        )
    with faulty(tiny, "cycle_token", page=2) as endpoint:
        assert walk(endpoint) == [*pages[:3], *pages]
    with faulty(tiny, "cycle_token", page=2, times=None) as endpoint:
        assert walk(endpoint) == pages[:3] * 5
    with faulty(tiny, "empty_token", page=2) as endpoint:
        assert walk(endpoint) == pages[:3]
    for times in (1, None):
        with faulty(tiny, "empty_page", page=2, times=times) as endpoint:
            assert walk(endpoint) == [*pages[:2], [], *pages[2:]]


def test_faults_of_one_page_come_one_after_the_other(small):
    faults = [demo.Fault("throttle", 0), demo.Fault("server_error", 0), demo.Fault("empty", 0)]
    with demo.Endpoint(small, faults=faults) as endpoint:
        assert [get(endpoint, "/v1/jobs")[0] for _ in range(4)] == [429, 500, 200, 200]


def test_an_unknown_kind_of_fault_is_refused():
    with pytest.raises(ValueError, match=r"Invalid kind: 'flood'\. Valid options are: throttle, "):
        demo.Fault("flood", 0)


def test_a_revision_belongs_to_one_data_set_however_many_jobs_there_are():
    account = demo.Account(1_000_000)
    owners = {}
    for start in range(0, 1_000_000, 25_000):
        for job in json.loads(account.page(start))["Jobs"]:
            for details in job["Details"].values():
                destinations = details.get("RevisionDestinations", [details])
                for revision_id in (destination["RevisionId"] for destination in destinations):
                    assert (
                        owners.setdefault(revision_id, details["DataSetId"]) == details["DataSetId"]
                    )
    assert len(owners) > 1_000
