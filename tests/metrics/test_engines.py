"""The metrics on other engines' frames: pandas' numbers, in a frame of the same engine."""

from __future__ import annotations

import datetime as dt
import functools
from io import BytesIO

import dask.dataframe as dd
import duckdb
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of

METRICS = {
    "rate": dx.failure_rate,
    "rate by type": lambda jobs: dx.failure_rate(jobs, "type"),
    "rate by two": lambda jobs: dx.failure_rate(jobs, ["type", "data_set_id"]),
    "rate a day": lambda jobs: dx.failure_rate(jobs, every="1d"),
    "rate a week, in Berlin": lambda jobs: dx.failure_rate(jobs, "type", "1w", tz="Europe/Berlin"),
    "rate a month, in New York": lambda jobs: dx.failure_rate(
        jobs, every="1mo", tz="America/New_York"
    ),
    "rate, other states": lambda jobs: dx.failure_rate(jobs, failed=["CANCELLED"], confidence=0.99),
    "rate, clusters": lambda jobs: dx.failure_rate(jobs, cluster="revision_id"),
    "rate by type, clusters": lambda jobs: dx.failure_rate(
        jobs, "type", "1w", cluster=["data_set_id", "revision_id"]
    ),
    "trend": dx.failure_trend,
    "trend, clusters": lambda jobs: dx.failure_trend(jobs, cluster="revision_id", season="week"),
    "trend by type": lambda jobs: dx.failure_trend(jobs, "1w", by="type"),
}
QUANTILES = {
    "durations": dx.durations,
    "durations by type": lambda jobs: dx.durations(jobs, "type"),
    "durations a month": lambda jobs: dx.durations(jobs, "type", "1mo", tz="Asia/Kolkata"),
}
COLUMNS = ["job_id", "type", "state", "created_at", "updated_at", "duration_s", "data_set_id"]
COLUMNS += ["revision_id"]

# narwhals says that Dask's support moves to a package that is not there yet
pytestmark = pytest.mark.filterwarnings("ignore:Dask support is moving out:FutureWarning")


@pytest.fixture(scope="module")
def jobs():
    jobs = dx.load_jobs(dx.demo.client(), progress=False).jobs[COLUMNS].copy()
    jobs.loc[::50, "type"] = None
    jobs.loc[::30, "revision_id"] = None
    jobs.loc[jobs.index[:20], "created_at"] += pd.Timedelta(
        days=45
    )  # beyond a change of the clocks
    return jobs


def plain(jobs):
    """Return jobs as other systems have them: text in place of categories."""
    return jobs.astype({"type": "str", "state": "str"})


def same(result, expected):
    """Hold that a result, as a pandas frame, says what pandas says."""
    assert list(result) == list(expected)
    for name in expected:
        mine, other = result[name], expected[name]
        if isinstance(other.dtype, pd.DatetimeTZDtype):
            mine, other = (
                pd.to_datetime(times, utc=True).astype("datetime64[us, UTC]")
                for times in (mine, other)
            )
        elif other.dtype == "category" or pd.api.types.is_string_dtype(other):
            mine, other = (texts.astype("str") for texts in (mine, other))
        pd.testing.assert_series_equal(mine, other, check_dtype=False, rtol=1e-9)


@pytest.mark.parametrize("name", [*METRICS, *QUANTILES])
def test_polars(jobs, name):
    metric = {**METRICS, **QUANTILES}[name]
    frame = pl.from_pandas(jobs)
    for given, kind in ((frame.lazy(), pl.LazyFrame), (frame, pl.DataFrame)):
        result = metric(given)
        assert isinstance(result, kind)
        same(result.lazy().collect().to_pandas(), metric(jobs))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*METRICS, *QUANTILES])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_duckdb_whatever_its_connections_zone_is(jobs, name, zone):
    metric = {**METRICS, **QUANTILES}[name]
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        table = pa.Table.from_pandas(jobs, preserve_index=False)
        connection.register("given", table)
        connection.execute("CREATE TABLE jobs AS SELECT * FROM given")
        result = metric(connection.table("jobs"))
        assert isinstance(result, duckdb.DuckDBPyRelation)
        same(result.to_arrow_table().to_pandas(), metric(jobs))
        assert (
            result.join(connection.table("jobs").limit(1), "true").to_arrow_table().num_rows
        )  # of one connection


def test_duckdb_counts_each_job_in_its_period():
    jobs = tables_of(page_of(job(1), job(2, CreatedAt="2026-09-03T23:59:59Z", UpdatedAt=None))).jobs
    with duckdb.connect() as connection:
        relation = connection.from_arrow(pa.Table.from_pandas(plain(jobs), preserve_index=False))
        result = dx.failure_rate(relation, every="1d").to_arrow_table().to_pandas()
    days = pd.to_datetime(result["period"], utc=True)
    assert days.tolist() == list(pd.date_range("2026-09-01", "2026-09-03", tz="UTC"))
    assert result["n"].tolist() == [1, 0, 1]


NAN = pl.DataFrame({"kind": ["a", "a", "b"], "duration_s": np.array([1.0, np.nan, np.nan])})


@pytest.mark.parametrize("shape", [pl.DataFrame, pl.DataFrame.lazy, pl.DataFrame.to_arrow])
def test_nan_is_no_duration(shape):
    result = dx.durations(shape(NAN), states=None)
    result = nw.from_native(result).lazy().collect("pandas").to_native()
    assert result[["n", "median", "p90", "max"]].to_numpy().tolist() == [[1, 1, 1, 1]]


def test_nan_is_no_duration_of_a_group():
    for given in (NAN, duckdb.from_arrow(NAN.to_arrow())):
        result = dx.durations(given, "kind", states=None)
        result = nw.from_native(result).lazy().collect("pandas").to_native()
        assert result["n"].tolist() == [1, 0]
        assert result["median"].isna().tolist() == [False, True]


@pytest.mark.slow
@pytest.mark.spark
def test_nan_is_no_duration_on_spark(spark):
    frame = spark.createDataFrame([("a", 1.0), ("a", float("nan"))], ["kind", "duration_s"])
    assert dx.durations(frame, "kind", states=None).toArrow().to_pylist()[0]["n"] == 1


def test_pandas_on_arrow_is_as_plain_pandas(jobs):
    content = BytesIO()
    jobs.to_parquet(content)
    read = pd.read_parquet(content, dtype_backend="pyarrow").set_index("job_id")
    assert isinstance(read["type"].dtype, pd.ArrowDtype)
    for metric in (*METRICS.values(), *QUANTILES.values()):
        same(metric(read), metric(jobs))
    result = dx.failure_rate(read, "type")["type"]
    assert list(result.cat.categories) == list(jobs["type"].cat.categories)
    same(dx.concurrency(read), dx.concurrency(jobs))
    censored = {"by": "type", "open_jobs": "censored"}
    same(dx.durations(read, **censored), dx.durations(jobs, **censored))


def ibis_table(frame):
    return pytest.importorskip("ibis").memtable(frame)


def sqlframe_frame(frame):
    session = pytest.importorskip("sqlframe.duckdb").DuckDBSession()
    return session.createDataFrame(frame.head(1))


@pytest.mark.parametrize(
    "shape", [ibis_table, sqlframe_frame, list, dict, lambda jobs: jobs["type"]]
)
def test_what_is_not_taken_is_said_with_what_is(jobs, shape):
    given = shape(plain(jobs))
    for metric in (dx.failure_rate, dx.failure_trend, dx.durations):
        with pytest.raises(DxError, match="Give a frame of pandas, Polars, PyArrow, DuckDB, Dask"):
            metric(given)


def test_pyarrow(jobs):
    result = dx.failure_rate(pa.Table.from_pandas(jobs, preserve_index=False), "type", "1d")
    assert isinstance(result, pa.Table)
    same(result.to_pandas(), dx.failure_rate(jobs, "type", "1d"))
    result = METRICS["rate by type, clusters"](pa.Table.from_pandas(jobs, preserve_index=False))
    same(result.to_pandas(), METRICS["rate by type, clusters"](jobs))


def test_groups_keep_the_types_they_have_there():
    large = 2**53
    columns = {
        "state": pa.array(["ERROR", "COMPLETED", "ERROR", "ERROR"]),
        "number": pa.array([large, large + 1, None, None], pa.int64()),
        "day": pa.array([None] * 4, pa.date32()),
        "duration_s": pa.array([1.0, 2.0, 3.0, 4.0]),
    }
    table = pa.table(columns)
    frame = pl.from_arrow(table)
    for metric in (dx.failure_rate, functools.partial(dx.durations, states=None)):
        result = metric(frame, ["number", "day"])
        assert result.schema["number"] == pl.Int64
        assert result.schema["day"] == pl.Date
        assert result["number"].to_list() == [large, large + 1, None]
        assert result["n"].to_list() == [1, 1, 2]
    assert dx.failure_rate(table, ["number", "day"]).schema.field("number").type == pa.int64()
    with duckdb.connect() as connection:
        relation = connection.from_arrow(table)
        result = dx.durations(relation, ["number", "day"]).to_arrow_table()
    assert (result["number"].to_pylist(), result.schema.field("day").type) == (
        [large, large + 1, None],
        pa.date32(),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape"), [*((name, plain) for name in METRICS), ("trend by type", lambda jobs: jobs)]
)
def test_dask_on_two_processes(jobs, cluster, name, shape):
    result = METRICS[name](dd.from_pandas(shape(jobs), npartitions=3))
    assert isinstance(result, dd.DataFrame)
    same(result.compute().reset_index(drop=True), METRICS[name](jobs))


def test_what_dask_cannot_do_is_said(jobs):
    with pytest.raises(
        DxError, match=r"Dask has no quantiles of groups. Give durations\(\) `jobs.compute\(\)`"
    ):
        dx.durations(dd.from_pandas(jobs, npartitions=2), "type")


def test_what_needs_pandas_is_said(jobs):
    with pytest.raises(DxError, match="needs a pandas frame; convert it"):
        dx.durations(pl.from_pandas(jobs), "type", open_jobs="censored")


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize("name", [*METRICS, *QUANTILES])
def test_spark(jobs, spark, name):
    metric = {**METRICS, **QUANTILES}[name]
    frame = spark.createDataFrame(pa.Table.from_pandas(plain(jobs), preserve_index=False))
    result = metric(frame)
    assert type(result) is type(frame)
    same(result.toArrow().to_pandas(), metric(jobs))


@pytest.mark.parametrize(
    "shape",
    [
        pl.from_pandas,
        lambda jobs: pl.from_pandas(jobs).lazy(),
        lambda jobs: dd.from_pandas(jobs, npartitions=1),
    ],
)
def test_empty_frames_of_other_engines(jobs, shape):
    result = dx.failure_rate(shape(jobs.iloc[:0]), "type", "1d")
    assert list(getattr(result, "collect_schema", lambda: result.columns)()) == [
        "type",
        "period",
        "n",
        "failed",
        "rate",
        "low",
        "high",
    ]


@pytest.mark.parametrize("zone", ["EST5EDT", "America/Port-au-Prince", "+05:30"])
def test_times_in_any_zone_are_the_same_times(jobs, zone):
    zoned = jobs.assign(created_at=jobs["created_at"].dt.tz_convert(zone))
    pd.testing.assert_frame_equal(
        dx.failure_rate(zoned, every="1d"), dx.failure_rate(jobs, every="1d")
    )


def test_times_without_a_zone_are_utc(jobs):
    naive = jobs.assign(created_at=jobs["created_at"].dt.tz_localize(None))
    same(dx.failure_rate(naive, every="1d"), dx.failure_rate(jobs, every="1d"))
    same(
        dx.failure_rate(pl.from_pandas(naive).lazy(), every="1d").collect().to_pandas(),
        dx.failure_rate(jobs, every="1d"),
    )
    assert dx.failure_rate(naive, every="1d")["period"].dt.tz == dt.UTC
