"""Groups of jobs, against pandas and the answers that are public."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook.explorer.crossfilter import Crossfilter
from tests.explorer.conftest import (
    A_JOB,
    FILTERS,
    HOSTILE,
    answer_to,
    compared,
    tables_from,
    view_of,
)

BY = ["type", "data_set_id", "feed", "revision_id", "account_id", "cause", "code", "day"]
FAILED = ["ERROR", "TIMED_OUT"]


def groups_of(tables, by, filters=None, sort=("failed", True), zone="UTC"):
    crossfilter = Crossfilter(tables)
    return crossfilter.groups(crossfilter.view(filters or {}), by, sort, zone, None)


def naive(tables, names, keys):
    """Return how each group fares, by loops over the jobs and their keys."""
    jobs, undone = tables.jobs, dx.unresolved_failures(tables)
    left = set(undone["job_id"])
    facts = {}
    for row, of_row in enumerate(keys):
        for key in of_row:
            facts.setdefault(key, []).append(row)
    found = {}
    for key, rows in facts.items():
        mine = jobs.iloc[rows]
        took = mine["duration_s"].dropna().to_numpy()
        done = mine.loc[mine["state"] == "COMPLETED", "updated_at"].max()
        found[key] = {
            "n": int(mine["state"].isin([*FAILED, "COMPLETED"]).sum()),
            "failed": int(mine["state"].isin(FAILED).sum()),
            "undone_at_least": int(mine["job_id"].isin(left).sum()),
            "median": np.median(took) if len(took) else None,
            "p95": np.quantile(took, 0.95) if len(took) else None,
            "last": None if pd.isna(done) else done.timestamp() * 1000,
        }
    return found


def keys_of(tables, by):
    jobs = tables.jobs.astype(object).where(tables.jobs.notna(), None)
    if by == "day":
        days = tables.jobs["created_at"].dt.floor("D")
        return [[None if pd.isna(day) else f"{day:%F}"] for day in days]
    if by in ("code", "cause"):
        values = tables.errors["code"] if by == "code" else dx.fingerprints(tables)
        values = values.astype(object).where(values.notna(), None)
        rows = [set() for _ in range(len(jobs))]
        places = {identity: row for row, identity in enumerate(jobs["job_id"])}
        for identity, value in zip(tables.errors["job_id"], values, strict=True):
            rows[places[identity]].add(value)
        return rows
    names = {"feed": ["account_id", "region", "type", "data_set_id"],
             "revision_id": ["data_set_id", "revision_id"]}.get(by, [by])  # fmt: skip
    return [[tuple(row[name] for name in names)] for row in jobs.to_dict("records")]


@pytest.mark.property
@settings(max_examples=30)
@given(st.lists(A_JOB, min_size=1, max_size=14), st.sampled_from(BY))
def test_each_group_fares_as_its_jobs_do(rows, by):
    tables = tables_from(rows)
    answer = groups_of(tables, by)
    expected = naive(tables, answer["names"], keys_of(tables, by))
    assert len(answer["rows"]) == len(expected)
    for row in answer["rows"]:
        values = row["values"]
        if by in ("code", "cause"):
            (key,) = values
        elif by == "day":
            key = values[0] and values[0][:10]
        else:
            full = {"feed": ("account_id", "region", "type", "data_set_id"),
                    "revision_id": ("data_set_id", "revision_id")}.get(by, (by,))  # fmt: skip
            known = dict(zip(answer["names"], values, strict=True))
            (key,) = [
                key for key in expected
                if all(part == known[name] for name, part in zip(full, key, strict=True)
                       if name in known)
            ]  # fmt: skip
        facts = expected[key]
        assert (row["n"], row["failed"]) == (facts["n"], facts["failed"])
        assert facts["undone_at_least"] <= row["undone"] <= facts["failed"]
        for name in ("median", "p95", "last"):
            assert row[name] == (facts[name] and pytest.approx(facts[name])), name
        assert row["rate"] == (facts["failed"] / facts["n"] if facts["n"] else None)


@pytest.mark.parametrize("by", ["type", "data_set_id"])
def test_rates_have_the_intervals_of_clustered_jobs(tables, by):
    found = pd.DataFrame(groups_of(tables, by)["rows"])
    found[by] = found["values"].str[0]
    expected = dx.failure_rate(tables.jobs, by, cluster="revision_id").astype({by: "str"})
    both = expected.merge(found, on=by, suffixes=("", "_found"))
    assert len(both) == len(expected)
    for name in ("n", "failed", "rate", "low", "high"):
        np.testing.assert_allclose(both[f"{name}_found"].astype(float), both[name], err_msg=name)


@pytest.mark.property
@settings(max_examples=30)
@given(st.lists(A_JOB, max_size=12), FILTERS, st.sampled_from(BY),
       st.sampled_from(["label", "n", "failed", "rate", "undone", "median", "p95", "last"]),
       st.booleans())  # fmt: skip
def test_groups_are_of_what_the_other_filters_leave_and_sorted(rows, filters, by, sort, descending):
    tables = tables_from(rows)
    crossfilter = Crossfilter(tables)
    view = crossfilter.view(filters)
    answer = crossfilter.groups(view, by, [sort, descending], "Europe/Berlin", None)
    own = {"day": ["since"]}.get(by, answer["names"])
    mask = view.others(*own).mask
    shown = tables.jobs if mask is None else tables.jobs[mask]
    finished = shown["state"].isin([*FAILED, "COMPLETED"]).sum()
    if by not in ("code", "cause"):
        assert sum(row["n"] for row in answer["rows"]) == finished
    known = [row[sort] for row in answer["rows"] if row[sort] is not None]
    assert known == sorted(known, reverse=descending)
    assert all(row[sort] is None for row in answer["rows"][len(known) :])
    for row in answer["rows"]:
        bins = crossfilter.bins("Europe/Berlin", None)
        assert len(row["strip"]) == bins.size
        dated = sum(map(sum, row["strip"]))
        assert dated <= row["n"]


def test_days_are_those_of_the_zone(tables):
    found = groups_of(tables, "day", zone="America/New_York", sort=("label", False))["rows"]
    days = tables.jobs["created_at"].dt.tz_convert("America/New_York").dt.strftime("%F")
    finished = tables.jobs["state"].isin([*FAILED, "COMPLETED"])
    expected = finished.groupby(days).sum()
    assert {row["values"][0][:10]: row["n"] for row in found} == expected.to_dict()
    since, until = found[0]["values"][0].split("/")
    assert (pd.Timestamp(until) - pd.Timestamp(since)).total_seconds() == 86400


def test_the_hundred_first_groups_are_shown_and_the_others_counted(tables):
    explorer = dx.explore(tables, view={"group": "revision_id", "group_sort": ["n", True]})
    groups = view_of(explorer)["groups"]
    sizes = tables.jobs.groupby(["data_set_id", "revision_id"], dropna=False).size()
    assert len(groups["rows"]) == 100
    assert groups["more"] == len(sizes) - 100
    first = groups["rows"][0]["values"]
    assert groups["names"] == ["data_set_id", "revision_id"]
    assert view_of(explorer, filters={name: [value] for name, value in
                                      zip(groups["names"], first, strict=True)})["total"] \
        == sizes.max()  # fmt: skip


def test_hostile_names_arrive_as_texts_and_filter():
    rows = [{"State": "ERROR", "Type": "NEW", "set": text, "account": "111122223333",
             "region": "us-east-1", "hour": 1, "took": 3, "keys": [],
             "errors": [("VALIDATION_EXCEPTION", text)]} for text in HOSTILE]  # fmt: skip
    explorer = dx.explore(tables_from(rows), view={"group": "data_set_id"})
    found = view_of(explorer)["groups"]["rows"]
    assert {row["label"] for row in found} == {
        *HOSTILE[:2], "\\u202egnp.exe", "nul␀ bell␇", "x" * 300 + "… (10,000 characters)"
    }  # fmt: skip
    for row in found:
        assert view_of(explorer, filters={"data_set_id": row["values"]})["total"] == 1


def test_nothing_waits_for_a_comparison(tables):
    explorer = dx.explore(tables)
    answer, _ = answer_to(explorer, "compare", sides=[{}, {"state": ["ERROR"]}])
    assert answer["rows"] is None
    assert view_of(explorer)["total"] == len(tables)
    assert len(compared(explorer, [{}, {"state": ["ERROR"]}])["rows"]) > 5


def test_no_cause_is_new_in_groups_of_the_same_time(tables):
    explorer = dx.explore(tables)
    of_sets, of_times = (
        {row[-1] for row in compared(explorer, sides)["rows"]}
        for sides in (
            [
                {"data_set_id": [name]}
                for name in tables.jobs["data_set_id"].value_counts().index[:2]
            ],
            [{"until": "2026-08-31"}, {"since": "2026-08-31", "until": "2026-09-07"}],
        )
    )
    assert not of_sets & {"new", "gone"}
    assert "new" in of_times


def test_two_groups_are_compared(tables):
    explorer = dx.explore(tables)
    sides = [{"type": ["EXPORT_ASSETS_TO_S3"]}, {"type": ["IMPORT_ASSETS_FROM_S3"]}]
    answer = compared(explorer, sides)
    rows = {row[0]: row for row in answer["rows"] if row[0] != "cause"}
    rates = dx.failure_rate(tables.jobs, "type").set_index("type")["rate"]
    assert rows["failure_rate"][2:4] == pytest.approx([
        rates["EXPORT_ASSETS_TO_S3"], rates["IMPORT_ASSETS_FROM_S3"]])  # fmt: skip
    assert rows["jobs"][2:4] == [(tables.jobs["type"] == s["type"][0]).sum() for s in sides]
    json.dumps(answer, allow_nan=False)
    assert compared(explorer, [{}, {}])["kind"] == "compare"
