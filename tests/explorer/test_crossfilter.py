"""Filters that cross, against loops over dicts."""

from __future__ import annotations

import itertools
from collections import Counter
from statistics import median

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.explorer.crossfilter import Crossfilter
from tests.conftest import job, page_of, tables_of
from tests.explorer.conftest import A_JOB, BOTH_WAYS, FILTERS, VALUES, tables_from

DIVIDED = list(VALUES)


def facts_of(tables):
    """Return what each job has of each dimension, and all its texts, by hand."""
    fingerprints = dx.fingerprints(tables).tolist()
    facts = []
    for row in tables.jobs.to_dict("records"):
        mine = [
            i for i, identity in enumerate(tables.errors["job_id"]) if identity == row["job_id"]
        ]
        details = tables.details[tables.details["job_id"] == row["job_id"]]
        errors = tables.errors.iloc[mine]
        texts = [
            row["job_id"],
            row["data_set_id"],
            row["revision_id"],
            *details["key"],
            *details["bucket"],
            *errors["message"],
        ]
        facts.append({
            **{name: {None if pd.isna(row[name]) else row[name]} for name in DIVIDED[:5]},
            "code": set(errors["code"]),
            "cause": {None if pd.isna(fingerprints[i]) else fingerprints[i] for i in mine},
            "time": row["created_at"],
            "texts": [text for text in texts if not pd.isna(text)],
            "took": row["duration_s"],
        })  # fmt: skip
    return facts


def passes(fact, filters, *, but=()):
    """Tell whether a job passes the filters, but for some of them."""
    for name, wanted in filters.items():
        if name in but:
            continue
        if name == "not":
            times = {one: wanted[one] for one in ("since", "until") if one in wanted}
            others = [{one: wanted[one]} for one in wanted if one not in (*times, *but)]
            if times and not set(but) & {"since", "until"}:
                others.append(times)
            if any(passes(fact, one) for one in others):
                return False
            continue
        if name == "since":
            passed = not pd.isna(fact["time"]) and fact["time"] >= pd.Timestamp(wanted)
        elif name == "until":
            passed = not pd.isna(fact["time"]) and fact["time"] < pd.Timestamp(wanted)
        elif name == "text":
            passed = any(wanted.lower() in text.lower() for text in fact["texts"])
        else:
            passed = bool(fact[name] & set(wanted))
        if not passed:
            return False
    return True


@pytest.mark.property
@settings(max_examples=60)
@given(st.lists(A_JOB, max_size=12), st.lists(BOTH_WAYS, min_size=1, max_size=3))
def test_every_control_counts_what_the_others_leave(rows, clicks):
    tables = tables_from(rows)
    crossfilter, facts = Crossfilter(tables), facts_of(tables)
    for filters in clicks:
        view = crossfilter.view(filters)
        shown = [number for number, fact in enumerate(facts) if passes(fact, filters)]
        expected = [True] * len(facts) if view.mask is None else view.mask.tolist()
        assert [number for number, is_shown in enumerate(expected) if is_shown] == shown
        for name in DIVIDED:
            counted, more = crossfilter.counts(view, name, 100)
            others = Counter(
                value for fact in facts if passes(fact, filters, but=[name]) for value in fact[name]
            )
            assert more == 0
            assert {value: count for value, count in counted if count} == others
            chosen = {*filters.get(name, []), *filters.get("not", {}).get(name, [])}
            assert chosen <= {value for value, _ in counted}
            gone = {value for value in chosen if not any(value in fact[name] for fact in facts)}
            assert {value for one, value in crossfilter.unknown(view) if one == name} == gone
        assert_summary(crossfilter.summary(view), [facts[number] for number in shown])
        assert_trend(
            crossfilter.trend(view),
            [fact for fact in facts if passes(fact, filters, but=["since", "until"])],
        )


def assert_summary(summary, facts):
    states = Counter(state for fact in facts for state in fact["state"])
    took = [fact["took"] for fact in facts if not pd.isna(fact["took"])]
    assert (summary["jobs"], summary["open"]) == (len(facts), states["WAITING"])
    assert summary["failed"] == states["ERROR"] + states["TIMED_OUT"]
    assert summary["finished"] == summary["failed"] + states["COMPLETED"]
    assert summary["median"] == (pytest.approx(median(took)) if took else None)
    if summary["finished"]:
        assert (
            summary["low"]
            <= summary["rate"]
            == summary["failed"] / summary["finished"]
            <= summary["high"]
        )
    else:
        assert summary["rate"] is summary["low"] is None


def assert_trend(trend, facts):
    for kind, states in (
        ("failed", {"ERROR", "TIMED_OUT"}),
        ("succeeded", {"COMPLETED"}),
        ("others", {"WAITING", "PAUSED"}),
    ):
        times = [
            fact["time"] for fact in facts if fact["state"] & states and not pd.isna(fact["time"])
        ]
        found = Counter(
            (time.timestamp() * 1000 - trend["starts"][0]) // trend["step"] for time in times
        )
        assert {n: count for n, count in enumerate(trend[kind]) if count} == found
    assert len(trend["starts"]) <= 121


@pytest.mark.property
@given(
    st.lists(A_JOB, max_size=12),
    FILTERS,
    st.sampled_from(["created_at", "duration_s", "state", "data_set_id", "job_id"]),
    st.booleans(),
)
def test_rows_are_those_shown_in_order_with_what_has_no_value_last(rows, filters, sort, descending):
    tables = tables_from(rows)
    crossfilter = Crossfilter(tables)
    found = crossfilter.rows(crossfilter.view(filters), sort, descending=descending).tolist()
    facts = facts_of(tables)
    assert sorted(found) == [number for number, fact in enumerate(facts) if passes(fact, filters)]
    values = (
        tables.jobs[sort].astype("str" if sort == "state" else tables.jobs[sort].dtype).iloc[found]
    )
    known = values[values.notna()]
    assert values.isna().tolist() == sorted(values.isna())
    assert known.is_monotonic_decreasing if descending else known.is_monotonic_increasing


def test_a_text_that_no_job_has_is_unknown():
    crossfilter = Crossfilter(tables_of(page_of(job(0))))
    view = crossfilter.view({"text": "nowhere", "not": {"text": "nothing", "state": ["PAUSED"]}})
    assert crossfilter.unknown(view) == [("state", "PAUSED"), ("text", "nowhere")]


def test_values_are_found_by_their_names():
    client = dx.demo.client(jobs=300)
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    crossfilter = Crossfilter(tables)
    found, more = crossfilter.counts(crossfilter.view({}), "data_set_id", 1, "pOwEr")
    named = tables.jobs[tables.jobs["data_set_name"].str.contains("Power", na=False)]
    expected = named["data_set_id"].value_counts()
    assert (found, more) == ([(expected.index[0], expected.iloc[0])], len(expected) - 1)


def test_an_unknown_column_to_sort_by_is_refused():
    crossfilter = Crossfilter(tables_from([]))
    with pytest.raises(DxError, match="Cannot sort by 'colour'"):
        crossfilter.rows(crossfilter.view({}), "colour", descending=False)


def test_jobs_without_a_time_come_last():
    jobs = [
        job(0, CreatedAt=None, UpdatedAt=None),
        job(1),
        job(2, CreatedAt="2026-08-01T00:00:00Z"),
    ]
    crossfilter = Crossfilter(tables_of(page_of(*jobs)))
    assert crossfilter.rows(crossfilter.view({}), "created_at", descending=True).tolist() == [
        1,
        2,
        0,
    ]


def test_only_the_commonest_values_are_counted_and_always_the_chosen_ones():
    tables = tables_of(
        page_of(
            *(
                job(n, Details={"ImportAssetsFromS3": {"DataSetId": f"set {n % 40}"}})
                for n in range(100)
            )
        )
    )
    crossfilter = Crossfilter(tables)
    counted, more = crossfilter.counts(
        crossfilter.view({"data_set_id": ["set 39", "gone"]}), "data_set_id", 10
    )
    assert (len(counted), more) == (12, 30)
    assert counted[-2:] == [("set 39", 2), ("gone", 0)]


def test_names_codes_and_preparations():
    client = dx.demo.client(jobs=300)
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    crossfilter = Crossfilter(tables)
    assert crossfilter.of_first_errors("code", np.arange(3)).isna().all()
    for prepare in crossfilter.preparations():
        prepare()
    assert crossfilter.knows("cause")
    named = tables.jobs.dropna(subset="data_set_name").drop_duplicates("data_set_id")
    assert crossfilter.dimension("data_set_id").labels == dict(
        zip(named["data_set_id"], named["data_set_name"], strict=True)
    )
    first = tables.errors.drop_duplicates("job_id").set_index("job_id")
    for name in ("code", "message"):
        expected = tables.jobs["job_id"].map(first[name].astype("str")).fillna("none")
        found = crossfilter.of_first_errors(name, np.arange(len(tables))).fillna("none")
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("filters", [{}, {"type": ["IMPORT_ASSETS_FROM_S3"]}, {"state": ["ERROR"]}])
def test_the_interval_heeds_that_the_jobs_of_a_revision_share_their_fate(filters):
    tables = dx.load_jobs(dx.demo.client(2_000), progress=False)
    crossfilter = Crossfilter(tables)
    view = crossfilter.view(filters)
    summary = crossfilter.summary(view)
    jobs = tables.jobs if view.mask is None else tables.jobs[view.mask]
    [expected] = dx.failure_rate(jobs, cluster="revision_id").to_dict("records")
    assert [summary[name] for name in ("rate", "low", "high")] == pytest.approx(
        [expected[name] for name in ("rate", "low", "high")]
    )
    alone = dx.failure_rate(jobs).iloc[0]
    assert summary["low"] <= alone["low"]


def test_what_is_usual_and_the_incidents_are_those_of_the_trend():
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    crossfilter = Crossfilter(tables)
    found = crossfilter.trend(crossfilter.view({}))
    trend = dx.failure_trend(tables.jobs, "1d")
    starts = trend["period"].dt.as_unit("ms").astype("int64").tolist()
    assert found["starts"] == starts
    for name in ("lower", "upper"):
        shares = [-1 if share is None else share for share in found[name]]
        assert shares == pytest.approx(trend[name].fillna(-1).tolist())
    incidents = dx.incidents(tables)
    since = incidents["since"].dt.as_unit("ms").astype("int64").tolist()
    assert [each[0] for each in found["incidents"]] == since
    assert [each[2] for each in found["incidents"]] == incidents["failed"].tolist()
    assert [each[3] for each in found["incidents"]] == incidents["n"].tolist()


@pytest.mark.parametrize(
    "filters",
    [{"state": ["ERROR"]}, {"not": {"state": ["COMPLETED"]}}, {"outcome": ["undone"]}],
)
def test_jobs_that_are_chosen_by_their_fate_make_no_rate(filters):
    crossfilter = Crossfilter(dx.load_jobs(dx.demo.client(2_000), progress=False))
    found = crossfilter.trend(crossfilter.view(filters))
    assert {*found["lower"], *found["upper"]} == {None}
    assert found["incidents"] == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize(
    ("zoom", "minutes"),
    [
        (["2026-08-31", "2026-09-07"], 120),
        (["2026-09-03", "2026-09-04"], 15),
        (["2026-09-03T10:00", "2026-09-03T11:00"], 1),
        (["2026-09-30T11:30", None], 1),
    ],
)
def test_a_zoomed_chart_is_of_the_jobs_of_its_time_in_finer_periods(zone, zoom, minutes):
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    crossfilter = Crossfilter(tables)
    found = crossfilter.trend(crossfilter.view({}), zone, zoom)
    assert found["step"] == minutes * 60_000
    created = tables.jobs["created_at"].astype("datetime64[ms, UTC]").astype("int64")
    edges = [*found["starts"], found["end"]]
    states = tables.jobs["state"]
    expected = [
        int(((created >= a) & (created < b) & (states == "COMPLETED")).sum())
        for a, b in itertools.pairwise(edges)
    ]
    assert found["succeeded"] == expected
    limits = [time and pd.Timestamp(time, tz="UTC").timestamp() * 1000 for time in zoom]
    assert edges[0] <= limits[0] < edges[1]
    if limits[1]:
        assert edges[-2] < limits[1] <= edges[-1]
    local = pd.Timestamp(edges[0], unit="ms", tz="UTC").tz_convert(zone)
    assert (local.minute * 60 + local.second) % (min(minutes, 60) * 60) == 0


def test_days_are_the_zones_also_where_clocks_change():
    days = ["08-30", "10-30", "11-01", "11-02", "11-20"]
    jobs = [job(n, CreatedAt=f"2026-{day}T12:00:00Z", UpdatedAt=None) for n, day in enumerate(days)]
    crossfilter = Crossfilter(tables_of(page_of(*jobs)))
    found = crossfilter.trend(crossfilter.view({}), "America/New_York")
    hours = [(b - a) // 3_600_000 for a, b in itertools.pairwise(found["starts"])]
    assert (found["step"], sorted(set(hours)), hours.count(25)) == (86_400_000, [24, 25], 1)
    starts = pd.to_datetime(found["starts"], unit="ms", utc=True).tz_convert("America/New_York")
    assert set(starts.strftime("%H:%M")) == {"00:00"}


def test_runs_of_the_same_work_are_left_by_a_filter():
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    crossfilter, back = Crossfilter(tables), dx.recoveries(tables).iloc[0]
    left = crossfilter.view({"work": back["first_job_id"]}).mask
    assert {back["first_job_id"], back["recovered_job_id"]} <= set(tables.jobs["job_id"][left])
    gone = crossfilter.view({"work": "gone"})
    assert (gone.mask.any(), crossfilter.unknown(gone)) == (False, [("work", "gone")])


def test_open_jobs_are_sorted_by_what_they_have_taken_so_far():
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    crossfilter, stuck = Crossfilter(tables), dx.stuck_jobs(tables.jobs)
    rows = crossfilter.rows(crossfilter.view({}), "duration_s", descending=True)
    assert tables.jobs["job_id"][rows[: len(stuck)]].tolist() == stuck["job_id"].tolist()
