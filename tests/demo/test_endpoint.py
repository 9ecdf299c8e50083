"""The endpoint as boto3 and a plain HTTP client see it."""

import gc
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError

from dxnotebook import demo
from tests.demo.conftest import get


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
