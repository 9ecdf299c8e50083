"""Jobs before and after: intervals and p-values against statsmodels, and a story that comes out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

import dxnotebook as dx
from dxnotebook.metrics.compare import differences
from dxnotebook.tables.jobtables import AS_OF, within

NOW = pd.Timestamp("2026-09-30 12:00", tz="UTC")
LATE, EARLY = NOW - pd.Timedelta(days=5), NOW - pd.Timedelta(days=35)


@pytest.fixture(scope="module")
def demo_tables():
    return dx.load_jobs(dx.demo.client())


def tables_of(rows):
    """Return tables of jobs: each (state, created_at, data set, message), on its own."""
    jobs = [
        {
            "Arn": f"arn:aws:dataexchange:us-east-1:111122223333:jobs/{number}",
            "Id": str(number),
            "Type": "IMPORT_ASSET_FROM_SIGNED_URL",
            "State": state,
            "CreatedAt": created.isoformat(),
            "UpdatedAt": (created + pd.Timedelta(seconds=60 + number % 7)).isoformat(),
            "Details": {
                "ImportAssetFromSignedUrl": {
                    "DataSetId": data_set,
                    "RevisionId": f"r{number}",
                    "AssetName": f"a{number}.csv",
                }
            },
            **({"Errors": [{"Code": "VALIDATION_EXCEPTION", "Message": why}]} if why else {}),
        }
        for number, (state, created, data_set, why) in enumerate(rows)
    ]
    tables = dx.read_jobs(jobs)
    tables.jobs.attrs[AS_OF] = NOW
    return tables


def counted(k_before, n_before, k_after, n_after, data_set="d"):
    sides = ((k_before, n_before, EARLY), (k_after, n_after, LATE))
    return [
        ("ERROR" if number < k else "COMPLETED", created, data_set, None)
        for k, n, created in sides
        for number in range(n)
    ]


def measure(frame, name):
    [row] = frame[frame["measure"] == name].to_dict("records")
    return row


@pytest.mark.property
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_the_interval_is_newcombes(data):
    n_before, n_after = (data.draw(st.integers(2, 60)) for _ in range(2))
    k_before, k_after = (data.draw(st.integers(1, n - 1)) for n in (n_before, n_after))
    tables = tables_of(counted(k_before, n_before, k_after, n_after))
    row = measure(dx.compare(tables), "failure_rate")
    expected = confint_proportions_2indep(
        k_after, n_after, k_before, n_before, method="newcomb", compare="diff"
    )
    # one job in a cluster is one observation, but for what n - 1 makes of it
    np.testing.assert_allclose((row["low"], row["high"]), expected, rtol=0, atol=1e-9)
    assert row["difference"] == pytest.approx(k_after / n_after - k_before / n_before)


def test_p_values_of_groups_are_adjusted():
    numbers = [(5, 50, 5, 50), (2, 50, 12, 50), (10, 50, 2, 50), (3, 40, 6, 40)]
    rows = [row for n, four in enumerate(numbers) for row in counted(*four, data_set=f"d{n}")]
    found = dx.compare(tables_of(rows), by="data_set_id")
    rates = found[found["measure"] == "failure_rate"]
    expected = multipletests(rates["p"], method="fdr_bh")[1]
    np.testing.assert_allclose(rates["p_adjusted"], expected)
    assert rates["change"].tolist()[1:3] == ["more", "less"]
    assert rates["change"].isna().tolist() == [True, False, False, True]
    assert "d1" in found.attrs["summary"]


def test_jobs_that_fail_together_are_fewer_observations():
    rows = counted(2, 60, 12, 60)
    alone = tables_of(rows)
    together = tables_of(rows)
    jobs = together.jobs
    jobs["revision_id"] = [f"r{number // 12}" for number in range(len(jobs))]
    narrow, wide = (measure(dx.compare(tables), "failure_rate") for tables in (alone, together))
    assert wide["high"] - wide["low"] > 1.5 * (narrow["high"] - narrow["low"])
    assert wide["p"] > narrow["p"]


def test_a_fix_in_the_middle_of_the_month_comes_out():
    day = pd.Timedelta(days=1)
    rows = []
    for number in range(600):
        created = NOW - 60 * day + number * day / 10
        is_fixed = created >= NOW - 15 * day
        fails = number % (50 if is_fixed else 8) == 0
        why = "The file has no header" if not is_fixed else "A number is too large"
        rows.append(("ERROR" if fails else "COMPLETED", created, "d", why if fails else None))
    tables = tables_of(rows)
    found = dx.compare(tables, after=("15d", None))
    rate = measure(found, "failure_rate")
    assert rate["change"] == "less"
    assert rate["high"] < 0
    causes = found[found["measure"] == "cause"].set_index("fingerprint")["change"]
    assert causes.to_dict() == {"The file has no header": "gone", "A number is too large": "new"}
    assert found.attrs["summary"].startswith("failures 2.0 %, 13 % the 15 d before (−")
    assert found.attrs["summary"].endswith("1 cause is new; 1 cause is gone")
    # what was the same is not told
    same = dx.compare(tables, after=("30d", "15d"))
    assert measure(same, "failure_rate")["p_adjusted"] > 0.05


@pytest.mark.parametrize(
    ("since", "called"),
    [("1d", "day"), ("7d", "week"), ("30d", "month"), ("36h", "1.5 d"), ("6h", "6 h")],
)
def test_lengths_have_names(since, called):
    found = dx.compare(tables_of(counted(1, 10, 2, 10)), before=("60d", "31d"), after=(since, None))
    assert "until 2026" in found.attrs["summary"]
    rows = [("COMPLETED", NOW - pd.Timedelta(minutes=9), "d", None)]
    summary = dx.compare(tables_of(rows), after=(since, None)).attrs["summary"]
    assert summary.startswith(f"failures 0.0 %, unknown the {called} before")


def test_a_cause_that_was_there_before_all_windows_is_not_new():
    old = ("ERROR", NOW - pd.Timedelta(days=80), "d", "The file has no header")
    late = ("ERROR", LATE, "d", "The file has no header")
    found = dx.compare(tables_of([old, late, *counted(1, 20, 1, 20)]))
    assert found.loc[found["measure"] == "cause", "change"].isna().all()


@pytest.mark.parametrize(
    "window", [("2026-08-31", "2026-09-07"), ("30d", None), ("2026-07-10", "2026-08-01")]
)
def test_work_left_undone_is_that_of_unresolved_failures(demo_tables, window):
    since, until = window
    row = measure(dx.compare(demo_tables, after=window), "left_undone")
    jobs = within(demo_tables, since, until).jobs
    left = jobs["job_id"].isin(dx.unresolved_failures(demo_tables)["job_id"])
    finished = jobs["state"].isin(["COMPLETED", "ERROR", "TIMED_OUT"])
    assert left.any()
    assert row["after"] == pytest.approx(left.sum() / finished.sum())
    assert row["n_after"] == finished.sum()


def test_durations_are_those_of_completed_jobs(demo_tables):
    found = dx.compare(demo_tables, after=("30d", None))
    jobs = demo_tables.jobs
    jobs = jobs[
        (jobs["state"] == "COMPLETED") & (jobs["created_at"] >= NOW - pd.Timedelta(days=30))
    ]
    for name, share in (("median_s", 0.5), ("p95_s", 0.95)):
        row = measure(found, name)
        assert row["after"] == pytest.approx(jobs["duration_s"].quantile(share))
        assert row["low"] < row["difference"] < row["high"]
        assert row["n_after"] == len(jobs)


def test_a_slower_month_is_seen():
    rows = [("COMPLETED", created, "d", None) for created in (EARLY, LATE) for _ in range(100)]
    tables = tables_of(rows)
    is_late = tables.jobs["created_at"] > NOW - pd.Timedelta(days=30)
    tables.jobs["duration_s"] += np.where(is_late, 9, 0)
    found = dx.compare(tables)
    assert measure(found, "median_s")["change"] == "more"
    assert measure(found, "median_s")["difference"] == 9
    assert "median duration 1.2 min, 1.05 min the month before (+9 s" in found.attrs["summary"]


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 5])
def test_where_nothing_changed_little_is_found(together):
    random = np.random.default_rng(20260930)
    k = random.binomial(200 // together, 0.06, (200, 2)) * together
    rows = [row for n, (a, b) in enumerate(k) for row in counted(a, 200, b, 200, f"d{n:03}")]
    tables = tables_of(rows)
    tables.jobs["revision_id"] = [f"r{number // together}" for number in range(len(rows))]
    rates = dx.compare(tables, by="data_set_id")
    rates = rates[rates["measure"] == "failure_rate"]
    assert (rates["p"] < 0.05).mean() < 0.09
    assert ((rates["low"] > 0) | (rates["high"] < 0)).mean() < 0.09
    assert rates["change"].notna().sum() == 0


def test_two_groups_are_compared_side_by_side():
    rows = [*counted(3, 60, 0, 0, "d0"), *counted(24, 60, 0, 0, "d1")]
    tables = tables_of(rows)
    tables.jobs["side"] = np.arange(len(rows)) % 2
    is_d0 = (tables.jobs["data_set_id"] == "d0").to_numpy()
    found = differences(tables, is_d0, ~is_d0, when="of d0")
    assert found.attrs["summary"].startswith("failures 40 %, 5.0 % of d0 (+35.0, +20.6 to +48.1)")
    assert measure(found, "failure_rate")["change"] == "more"
    # a job of both is of the second only, and a column may have any name
    all_jobs = np.ones(len(rows), bool)
    found = differences(tables, all_jobs, ~is_d0, by="side")
    rates = found[found["measure"] == "failure_rate"]
    assert rates[["side", "n_before", "n_after"]].to_numpy().tolist() == [[0, 30, 30], [1, 30, 30]]


def test_no_cause_is_new_or_gone_in_groups_of_the_same_time(demo_tables):
    sets = demo_tables.jobs["data_set_id"]
    one, other = ((sets == name).to_numpy() for name in sets.value_counts().index[:2])
    for sides in ((one, other), (other, one)):
        assert not differences(demo_tables, *sides)["change"].isin(["new", "gone"]).any()


def test_causes_are_counted_by_group():
    whys = ["A number is too large", "The file has no header", None]
    random = np.random.default_rng(5)
    rows = []
    for number in random.integers(0, 3, 90):
        state = "COMPLETED" if whys[number] is None else "ERROR"
        created = (EARLY, LATE)[random.integers(2)]
        rows.append((state, created, f"d{random.integers(3)}", whys[number]))
    found = dx.compare(tables_of(rows), by="data_set_id")
    found = found[found["measure"] == "cause"].set_index(["data_set_id", "fingerprint"])
    for (data_set, why), row in found.iterrows():
        for side, created in (("before", EARLY), ("after", LATE)):
            jobs = [each for each in rows if each[1:3] == (created, data_set)]
            assert row[f"n_{side}"] == len(jobs)
            assert row[side] == pytest.approx(sum(each[3] == why for each in jobs) / len(jobs))
    assert len(found) == 6


def test_empty_windows_say_so():
    tables = tables_of(counted(1, 10, 2, 10))
    later = dx.compare(tables, after=("2030-01-01", "2030-02-01"))
    assert later.attrs["summary"] == "no jobs to compare"
    first = dx.compare(tables, before=("2020-01-01", "2020-02-01"), after=("30d", None))
    assert first.attrs["summary"].startswith("failures 20 %, unknown until 2020-02-01")
    assert pd.isna(measure(first, "failure_rate")["before"])
    none = tables.filter([])
    assert len(dx.compare(none, by="type")) == 0
    assert dx.compare(none).attrs["summary"] == "no jobs to compare"


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({"after": "30d"}, "is a pair"),
        ({"after": None}, "is a pair"),
        ({"after": (None, "1d")}, "since when"),
        ({"before": ("9d", None)}, "ends when `after` begins"),
        ({"before": ("9d", "1d"), "after": ("5d", None)}, "ends when `after` begins"),
        ({"after": ("1d", "5d")}, "earlier `since`"),
        ({"after": ("soon", None)}, "how long ago"),
    ],
)
def test_windows_that_cannot_be_are_refused(windows, message):
    with pytest.raises(dx.DxError, match=message):
        dx.compare(tables_of(counted(1, 10, 2, 10)), **windows)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(dx.DxError, match="no column 'team'"):
        dx.compare(tables_of(counted(1, 10, 2, 10)), by="team")
