"""What is different about failures: Fisher's test against scipy, planted stories, and nothing."""

import numpy as np
import pandas as pd
import pytest
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


@pytest.mark.slow
def test_where_nothing_is_different_little_is_found():
    false = sum(len(dx.risk_factors(planted(seed, lambda *_: 0.06))) > 0 for seed in range(60))
    assert false <= 3


def test_no_jobs_no_failures_and_failures_alone_have_no_factors():
    tables = planted(3, lambda *_: 0.3)
    for state in ("CANCELLED", "COMPLETED", "ERROR"):
        found = dx.risk_factors(tables.filter(tables.jobs["state"] == state))
        assert found.empty
        assert found.dtypes["jobs"] == "int64"
