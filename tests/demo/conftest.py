"""Accounts of several sizes, their jobs, and a plain HTTP client."""

import http.client
import json
from datetime import datetime

import pytest
from botocore.config import Config

from dxnotebook import demo

ONCE = Config(retries={"total_max_attempts": 1})


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
