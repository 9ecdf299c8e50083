"""An archive past one machine: synced by several processes at once, read by Dask and Spark."""

from __future__ import annotations

import pandas as pd
import pytest
from dask import dataframe as dd
from dask.distributed import default_client
from deltalake import DeltaTable

import dxnotebook as dx
from tests.metrics.test_engines import same

COLUMNS = ["job_id", "account_id", "type", "state", "created_at", "updated_at", "duration_s"]
METRICS = {
    "rate by account and week": lambda jobs: dx.failure_rate(
        jobs, "account_id", "1w", tz="America/New_York"
    ),
    "trend": dx.failure_trend,
}
DURATIONS = {"durations by type": lambda jobs: dx.durations(jobs, "type")}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Dask support is moving out:FutureWarning"),
]


def sync_account(archive, number):
    """Sync an account of its own into an archive that others sync into at the same time."""
    with dx.demo.Endpoint(
        dx.demo.Account(150, account_id=f"{number:012}", seed=number)
    ) as endpoint:
        return archive.sync(endpoint.client(), progress=False).new


@pytest.fixture(scope="module")
def archive(cluster, tmp_path_factory):
    archive = dx.Archive(tmp_path_factory.mktemp("scale") / "archive")
    client = default_client()  # that of the cluster
    synced = client.gather(client.map(sync_account, [archive] * 8, range(1, 9), pure=False))
    assert synced == [150] * 8
    return archive


def files_of(archive):
    """Return the Parquet files of the current version."""
    return DeltaTable(f"{archive.uri}/jobs").file_uris()


def test_all_that_several_processes_synced_at_once_is_there(archive):
    jobs = archive.load().jobs
    assert jobs["account_id"].value_counts().to_dict() == {
        f"{number:012}": 150 for number in range(1, 9)
    }
    assert jobs["job_arn"].is_unique


@pytest.mark.parametrize("name", METRICS)
def test_dask_reads_it_and_counts_as_pandas_does(archive, cluster, name):
    found = METRICS[name](dd.read_parquet(files_of(archive), columns=COLUMNS))
    assert isinstance(found, dd.DataFrame)
    same(found.compute().reset_index(drop=True), METRICS[name](archive.load().jobs))


@pytest.mark.spark
@pytest.mark.parametrize("name", [*METRICS, *DURATIONS])
def test_spark_reads_it_and_counts_as_pandas_does(archive, spark, name):
    metric = {**METRICS, **DURATIONS}[name]
    found = metric(spark.read.parquet(*files_of(archive)).select(*COLUMNS))
    same(found.toArrow().to_pandas(), metric(archive.load().jobs))
    assert not isinstance(found, pd.DataFrame)
