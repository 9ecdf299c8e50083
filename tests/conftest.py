"""What tests share: the installed model, boto3's own parser, and jobs made of botocore's shape."""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import settings

import dxnotebook as dx
from dxnotebook.aws import pages
from dxnotebook.model import MODEL, Model
from dxnotebook.records.body import Body
from dxnotebook.records.decode import Decoder
from dxnotebook.tables.assemble import assemble
from dxnotebook.tables.flatten import flatten
from dxnotebook.tables.jobtables import JobTables

collect_ignore = ["fuzz"]  # it needs atheris, and is no test

# how long an example takes is the machine's business
settings.register_profile("dxnotebook", deadline=None, max_examples=25)
settings.load_profile("dxnotebook")

NOT_QUICK = {"browser", "docs", "notebook", "property", "slow", "spark", "suite"}
MARKED_FOLDERS = {"browser": "browser", "conformance": "suite"}
# of these, what is not marked otherwise
INTEGRATION = (
    "archive", "explorer", "hostile", "aws/test_refresh.py", "files/test_untyped.py", "test_cli.py",
    "test_exported_members.py",
)  # fmt: skip
DEFINITION: dict[str, Any] = Loader().load_service_model("dataexchange", "service-2")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(pages, "PAUSES", pages.Pauses(first_s=0.001, longest_s=0.002))


@pytest.hookimpl(tryfirst=True)  # before -m chooses by what is marked here
def pytest_collection_modifyitems(items):
    """Mark tests by what they need; quick is what needs nothing but the package."""
    tests = Path(__file__).parent
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.path.suffix == ".ipynb":
            item.add_marker("notebook")
        for folder, mark in MARKED_FOLDERS.items():
            if item.path.is_relative_to(tests / folder):
                item.add_marker(mark)
        if fixtures & {"spark", "cluster"}:
            item.add_marker("spark")
        if isinstance(item, pytest.DoctestItem) and item.path.parent.name == "report":
            item.add_marker("slow")  # it starts a kernel
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")
        if not NOT_QUICK & {mark.name for mark in item.iter_markers()}:
            goes_far = any(item.path.is_relative_to(tests / place) for place in INTEGRATION)
            item.add_marker("integration" if goes_far else "quick")


def output_shape(definition: dict[str, Any] = DEFINITION) -> Any:
    return ServiceModel(definition).operation_model("ListJobs").output_shape


def doctored(change) -> Any:
    """Return the ListJobs output shape of another version of the API."""
    definition = copy.deepcopy(DEFINITION)
    change(definition["shapes"])
    return output_shape(definition)


def page_of(*jobs: Any, **members: Any) -> bytes:
    return json.dumps({"Jobs": list(jobs), **members}).encode()


def job(number: int = 1, **members: Any) -> dict[str, Any]:
    """Return a job with what every job has; members given as None are null."""
    return {
        "Arn": f"arn:aws:dataexchange:us-east-1:111122223333:jobs/{number:032x}",
        "Id": f"{number:032x}",
        "State": "COMPLETED",
        "Type": "IMPORT_ASSETS_FROM_S3",
        "CreatedAt": "2026-09-01T00:00:00.000Z",
        "UpdatedAt": "2026-09-01T00:01:00.000Z",
        **members,
    }


def tables_of(
    *contents: bytes,
    model: Model = MODEL,
    redact: bool = True,
    together: bool = True,
    warn: bool = False,
) -> JobTables:
    """Return the tables of page bodies, by a model of one's own."""
    decoder = Decoder(model, redact=redact)
    bodies = [Body(content, "test", number) for number, content in enumerate(contents)]
    groups = [bodies] if together else [[body] for body in bodies]
    batches = [
        flatten(records, decoder.layout) for group in groups for records in decoder.decode(group)
    ]
    if warn:
        decoder.warn()
    return assemble(batches, decoder)


def parsed_by_boto3(content: bytes, shape: Any = None) -> list[dict[str, Any]]:
    response = {"status_code": 200, "headers": {}, "body": content}
    return create_parser("rest-json").parse(response, shape or output_shape())["Jobs"]


def pruned(value: Any) -> Any:
    """Return a value without what is absent, null or empty: to us these are one.

    So is a limit of 0 that has no name.
    """
    if isinstance(value, dict):
        if value.get("LimitValue") == 0 and not value.get("LimitName"):
            value = {name: member for name, member in value.items() if name != "LimitValue"}
        return {
            name: kept
            for name, member in value.items()
            if (kept := pruned(member)) not in (None, {}, [])
        }
    return [pruned(element) for element in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def cluster():
    from dask.distributed import Client, LocalCluster  # noqa: PLC0415 (as below)

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster),
    ):
        yield cluster


@pytest.fixture(scope="module")
def spark():
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        assert "CI" not in os.environ, "CI has to have Java, or Spark goes untested."
        pytest.skip("Spark needs Java; install a runtime, such as Debian's default-jre-headless.")
    from pyspark.sql import SparkSession  # noqa: PLC0415 (takes long, and is for those who have Java)

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config(
        "spark.driver.host", "127.0.0.1"
    )
    builder = builder.config("spark.sql.shuffle.partitions", "1").config(
        "spark.sql.session.timeZone", "America/New_York"
    )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def account(monkeypatch, tmp_path):
    """An endpoint that the default credentials and the profiles one and two lead to."""
    config = tmp_path / "config"
    keys = "aws_access_key_id=demo\naws_secret_access_key=demo\n"
    config.write_text(
        f"[profile one]\nregion=us-east-1\n{keys}[profile two]\nregion=eu-west-1\n{keys}"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "demo")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with dx.demo.Endpoint(dx.demo.Account(300)) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DATAEXCHANGE", endpoint.url)
        yield endpoint
