"""What is different about failures: Fisher's test against scipy, planted stories, and nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

import dxnotebook as dx

NOW = pd.Timestamp("2026-09-30 12:00", tz="UTC")


def tables_of(failed, data_sets, buckets, kms=None):
    """Return tables of exports, one an hour: which failed, their data sets and buckets."""
    jobs = []
    for number, (fails, data_set, bucket) in enumerate(
        zip(failed, data_sets, buckets, strict=True)
    ):
        created = (NOW - pd.Timedelta(hours=number)).isoformat()
        destination = {"AssetId": f"a{number}", "Bucket": bucket, "Key": f"{bucket}/k{number}.csv"}
        details = {"DataSetId": data_set, "RevisionId": f"r{number}"}
        details["AssetDestinations"] = [destination]
        if kms is not None and kms[number]:
            details["Encryption"] = {"Type": "aws:kms"}
        jobs.append(
            {
                "Arn": f"arn:aws:dataexchange:us-east-1:111122223333:jobs/{number}",
                "Id": str(number),
                "Type": "EXPORT_ASSETS_TO_S3",
                "State": "ERROR" if fails else "COMPLETED",
                "CreatedAt": created,
                "UpdatedAt": created,
                "Details": {"ExportAssetsToS3": details},
            }
        )
    return dx.read_jobs(jobs)


def planted(seed, rate):
    random = np.random.default_rng(seed)
    data_set, bucket = random.integers(0, 6, 600), random.integers(0, 4, 600)
    fails = random.random(600) < rate(data_set, bucket)
    return tables_of(fails, [f"d{n}" for n in data_set], [f"b{n}" for n in bucket])


def test_what_is_told_is_the_planted_factor_and_nothing_behind_it():
    tables = planted(1, lambda data_set, _: np.where(data_set == 2, 0.5, 0.04))
    [row] = dx.risk_factors(tables).to_dict("records")
    assert (row["factor"], row["value"]) == ("data_set_id", "d2")
    jobs = tables.jobs
    inside, failed = jobs["data_set_id"] == "d2", jobs["state"] == "ERROR"
    table = pd.crosstab(~inside, ~failed)
    assert row["p"] == pytest.approx(fisher_exact(table, alternative="greater").pvalue)
    assert row["rate"] == pytest.approx(failed[inside].mean())
    assert row["others_rate"] == pytest.approx(failed[~inside].mean())
    beyond = (failed & inside).sum() - inside.sum() * failed[~inside].mean()
    assert row["share"] == pytest.approx(beyond / failed.sum())
    assert row["low"] < row["risk_ratio"] < row["high"]


def test_two_factors_are_two_findings_and_twins_are_one():
    tables = planted(
        2, lambda data_set, bucket: np.where((data_set == 2) | (bucket == 1), 0.5, 0.03)
    )
    found = dx.risk_factors(tables)
    assert set(zip(found["factor"], found["value"], strict=True)) == {
        ("data_set_id", "d2"),
        ("bucket", "b1"),
    }
    [also] = found.loc[found["factor"] == "bucket", "also"]
    assert also == ["key_prefix: b1/"]


def test_the_bad_week_of_the_demo_is_its_data_set():
    tables = dx.load_jobs(dx.demo.client())
    [row] = dx.risk_factors(tables, since="2026-08-31", until="2026-09-07").to_dict("records")
    assert row["factor"] == "data_set_id"
    assert "bucket: grid-load-raw-us-east-1" in row["also"]
    assert row["share"] > 0.8


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_group_of_which_many_fail_is_found_however_jobs_are_bundled(size):
    random = np.random.default_rng(size)
    fails = random.random(1100) < 0.03
    fails[:100] = False
    fails[random.permutation(100)[:40]] = True
    tables = tables_of(fails, ["d0"] * 100 + ["d1", "d2"] * 500, random.choice(["a", "b"], 1100))
    tables.jobs["revision_id"] = [f"r{number // size}" for number in range(1100)]
    found = dx.risk_factors(tables)
    assert found[["factor", "value"]].iloc[0].tolist() == ["data_set_id", "d0"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 10])
def test_where_nothing_is_different_little_is_found(size):
    false = 0
    for seed in range(20):
        tables = planted(seed, lambda *_: 0.06)
        revision = np.arange(600) // size
        fails = np.random.default_rng(seed).random(600) < 0.06
        tables.jobs["revision_id"] = [f"r{number}" for number in revision]
        tables.jobs["data_set_id"] = [f"d{number % 6}" for number in revision]
        tables.jobs["state"] = np.where(fails[revision], "ERROR", "COMPLETED")
        false += len(dx.risk_factors(tables)) > 0
    assert false <= 1


FACTORS = {
    "type": ("IMPORT_ASSETS_FROM_S3", "type", "IMPORT_ASSETS_FROM_S3"),
    "account_id": ("9", "account_id", "9"),
    "region": ("eu-west-1", "region", "eu-west-1"),
    "encryption_type": ("aws:kms", "encryption_type", "aws:kms"),
    "started": ("automatic", "event_action_arn", "arn:aws:dataexchange:::event-actions/1"),
    "asset_type": ("parquet", "asset_name", "x.PARQUET"),
    "bucket": ("other", "asset_source_bucket", "other"),
}


@pytest.mark.parametrize("factor", FACTORS)
def test_columns_of_jobs_are_factors(factor):
    value, column, given = FACTORS[factor]
    tables = planted(7, lambda *_: 0.02)
    has = np.random.default_rng(8).random(600) < 0.15
    state = np.where(has & (np.arange(600) % 3 > 0), "ERROR", tables.jobs["state"].astype("str"))
    tables.jobs["state"] = state
    tables.jobs[column] = tables.jobs[column].astype("str").mask(has, given)
    found = dx.risk_factors(tables).iloc[0]
    assert (found["factor"], found["value"]) == (factor, value)
    assert found["jobs"] == has.sum()


@pytest.mark.parametrize(
    ("factor", "value", "chosen"),
    [
        ("hour", "03:00", lambda created: created.dt.hour == 3),
        ("weekday", "Monday", lambda created: created.dt.day_of_week == 0),
        ("days", "0", lambda created: created < created.min() + pd.Timedelta(days=1)),
    ],
)
def test_times_are_factors(factor, value, chosen):
    tables = tables_of(np.zeros(600, bool), ["d"] * 600, ["b"] * 600)
    has = chosen(tables.jobs["created_at"]).to_numpy()
    tables.jobs["state"] = np.where(has, "ERROR", "COMPLETED")
    found = dx.risk_factors(tables).iloc[0]
    assert (found["factor"], found["value"], found["jobs"]) == (factor, value, has.sum())


def test_each_level_of_keys_and_the_number_of_assets_are_factors():
    tables = planted(9, lambda *_: 0.02)
    has = np.arange(600) % 10 == 3
    tables.jobs["state"] = np.where(has, "ERROR", "COMPLETED")
    of_job = dict(zip(tables.jobs["job_id"], has, strict=True))
    has_detail = tables.details["job_id"].map(of_job)
    key = tables.details["key"]
    tables.details["key"] = "raw/" + np.where(has_detail, "x", "y") + "/" + key
    found = dx.risk_factors(tables).iloc[0]
    assert (found["factor"], found["value"]) == ("key_prefix", "raw/x/")
    tables.details["key"] = key
    several = pd.concat([tables.details, *[tables.details[has_detail]] * 2], ignore_index=True)
    found = dx.risk_factors(replace(tables, details=several)).iloc[0]
    assert (found["factor"], found["value"], found["jobs"]) == ("assets", "2–5", has.sum())


@pytest.mark.property
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.05, 0.6))
def test_p_is_that_of_fishers_test(seed, rate):
    random = np.random.default_rng(seed)
    data_set = random.choice(["d0", "d1", "d2"], 60)
    fails = random.random(60) < np.where(data_set == "d0", rate, 0.1)
    tables = tables_of(fails, data_set, random.choice(["a", "b"], 60))
    for row in dx.risk_factors(tables, confidence=0.01).head(1).to_dict("records"):
        if row["factor"] == "data_set_id":
            table = pd.crosstab(data_set != row["value"], ~fails)
            assert row["p"] == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_no_jobs_no_failures_and_failures_alone_have_no_factors():
    tables = planted(3, lambda *_: 0.3)
    for state in ("CANCELLED", "COMPLETED", "ERROR"):
        found = dx.risk_factors(tables.filter(tables.jobs["state"] == state))
        assert found.empty
        assert found.dtypes["jobs"] == "int64"
