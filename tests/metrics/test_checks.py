"""What a cron job is told, on the demo account's good and bad weeks and on jobs by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of

HOUR = pd.Timedelta("1h")
NOW = pd.Timestamp("2026-09-30T12:00:00Z")


@pytest.fixture(scope="module")
def demo_tables():
    client = dx.demo.client()
    return dx.with_names(dx.load_jobs(client, progress=False), client)


@pytest.fixture(scope="module")
def week(demo_tables):
    tables = demo_tables
    created = tables.jobs["created_at"]
    return lambda first: tables.filter(
        created.between(first, pd.Timestamp(first, tz="UTC") + pd.Timedelta("7D"), "left")
    )


def test_the_bad_week_is_found_with_its_cause(week):
    story = dx.demo.Account().story
    tables = week("2026-08-31")
    (found,) = dx.check(tables, max_failure_rate=0.1)["message"]
    assert found.startswith(
        "All jobs: 181 of 440 finished jobs failed (41 %, limit 10 %). "
        "Mostly: Access denied to <url>"
    )
    assert found.endswith(f"({story.failed} jobs of {story.data_set_name})")
    by = dx.check(tables, max_failure_rate=0.1, by="data_set_id")
    assert by["of"].isna().tolist() == [True, False]
    assert by["of"][1] == story.data_set_id
    assert by["message"][1].startswith(story.data_set_name)


@pytest.mark.parametrize("first", ["2026-07-06", "2026-07-27", "2026-09-14", "2026-09-21"])
def test_a_healthy_week_is_not(week, first):
    found = dx.check(week(first), max_failure_rate=0.05)
    assert found.empty
    assert list(found) == ["check", "of", "value", "limit", "message"]


@pytest.mark.parametrize(
    ("failed", "of", "limit", "is_found"),
    [  # the docs and the command's help say so
        (1, 3, 0.1, False),
        (2, 3, 0.1, True),
        (2, 20, 0.05, False),
        (3, 20, 0.05, True),
        (2, 3, 0.25, False),
        (200, 300, 0.25, True),
    ],
)
def test_few_jobs_are_found_only_where_it_is_sure(failed, of, limit, is_found):
    jobs = [job(n, State="ERROR" if n < failed else "COMPLETED") for n in range(of)]
    assert dx.check(tables_of(page_of(*jobs)), max_failure_rate=limit).empty != is_found


def test_what_is_left_undone_stuck_and_silent_is_counted():
    jobs = [
        job(
            1,
            State="ERROR",
            Details={"ImportAssetsFromS3": {"DataSetId": "one"}},
            Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": "two\nlines"}],
        ),
        *(
            job(
                n,
                UpdatedAt="2026-09-01T01:00:00Z",
                Details={"ExportAssetsToS3": {"DataSetId": "two"}},
                Type="EXPORT_ASSETS_TO_S3",
            )
            for n in range(2, 5)
        ),
        job(
            5,
            State="WAITING",
            CreatedAt="2026-09-29T12:00:00Z",
            UpdatedAt=None,
            Type="EXPORT_ASSETS_TO_S3",
            Details={"ExportAssetsToS3": {"DataSetId": "two"}},
        ),
    ]
    tables = tables_of(page_of(*jobs))
    found = dx.check(tables, max_unresolved=0, max_stuck=0, max_silence="707h", now=NOW).set_index(
        "check"
    )
    assert found["value"].to_dict() | {"silence": None} == {
        "unresolved": 1,
        "stuck": 1,
        "silence": None,
    }
    assert found["message"]["unresolved"].endswith(
        "The last, of one, failed at 2026-09-01 00:01 UTC: two lines"
    )
    assert "for 1 d 0 h" in found["message"]["stuck"]
    assert found.loc["silence", "of"] == "one"
    assert (
        found["message"]["silence"]
        == "one: no success since the first job, 29 d 12 h ago (limit 29 d 11 h)."
    )
    silent = dx.check(tables, max_silence="1h", now=NOW)
    assert silent["of"].tolist() == ["one", "two"]
    assert silent["value"].tolist() == [29.5 * 86_400, 29.5 * 86_400 - 3600]
    assert dx.check(tables, max_unresolved=1, max_stuck=1, max_silence="720h", now=NOW).empty


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "nothing to check: give a limit"),
        ({"max_failure_rate": "high"}, "Invalid max_failure_rate: 'high'"),
        ({"max_stuck": -1}, "Invalid max_stuck: -1"),
        ({"max_silence": "long"}, "Invalid max_silence: 'long'"),
        ({"max_failure_rate": 0.1, "by": "colour"}, "Invalid by: 'colour'"),
        ({"max_failure_rate": 10}, "Valid is a share between 0 and 1"),
        ({"max_stuck": 0, "by": ["type"]}, r"Invalid by: \['type'\]"),
        ({"max_stuck": 0, "now": "noon"}, "Invalid now: 'noon'"),
        ({"incomplete": None}, "Invalid incomplete: None. Valid are True, False"),
        ({"incomplete": pd.DataFrame({"a": [1]})}, "Invalid incomplete: a DataFrame"),
    ],
)
def test_limits_that_cannot_be_are_refused(limits, message):
    with pytest.raises(DxError, match=message):
        dx.check(tables_of(page_of()), **limits)


def test_jobs_without_a_group_or_a_time_are_told_as_such():
    lost = [job(n, State="ERROR", CreatedAt=None, UpdatedAt=None) for n in range(20)]
    fine = [job(100 + n, Details={"ImportAssetsFromS3": {"DataSetId": "d"}}) for n in range(400)]
    tables = tables_of(page_of(*lost, *fine))
    (message,) = dx.check(tables, max_failure_rate=0.3, by="data_set_id")["message"]
    assert message.startswith("Jobs without data_set_id: 20 of 20")
    (message,) = dx.check(tables, max_unresolved=0)["message"]
    assert "failed at an unknown time" in message


def test_a_total_hang_is_seen():
    waiting = [
        job(n, State="WAITING", CreatedAt="2026-01-01T00:00:00Z", UpdatedAt=None) for n in range(20)
    ]
    assert dx.check(tables_of(page_of(*waiting)), max_stuck=0, now=NOW)["value"].tolist() == [20]


def test_no_jobs_are_a_finding():
    limits = {"max_failure_rate": 0, "max_unresolved": 0, "max_stuck": 0, "max_silence": "1h"}
    found = dx.check(tables_of(page_of()), **limits)
    assert found["check"].tolist() == ["no jobs"]
    assert found["message"].tolist() == ["No jobs: they could not be checked."]


def test_rejects_are_a_finding_whatever_the_limits_are():
    found = dx.check(tables_of(page_of(job(1), "x", "y", {"Id": "1"})), max_stuck=100, now=NOW)
    assert found["check"].tolist() == ["rejects"]
    assert found["value"].tolist() == [3]
    assert found["message"][0] == (
        "3 jobs could not be read and are among the rejects only. "
        "Mostly: found a string where a job should be (2)"
    )
    nothing_else = dx.check(tables_of(page_of("x")), max_stuck=100)
    assert nothing_else["check"].tolist() == ["rejects", "no jobs"]


def test_a_client_that_did_not_answer_is_a_finding():
    tables = replace(tables_of(page_of(job(1))), failures={"prod": dx.LoadError("It is late.")})
    [found] = dx.check(tables, max_stuck=0, now=NOW).to_dict("records")
    assert (found["check"], found["of"]) == ("no answer", "prod")
    assert found["message"] == "prod could not be asked: It is late."


def test_one_of_a_kind_is_said_in_the_singular():
    failed = job(1, State="ERROR", Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": "no"}])
    waiting = job(2, State="WAITING", UpdatedAt=None)
    found = dx.check(
        tables_of(page_of(failed, waiting)),
        max_failure_rate=0.1,
        max_unresolved=0,
        max_stuck=0,
        now=NOW,
    )
    rate, unresolved, stuck = found["message"]
    assert rate == (
        "All jobs: 1 of 1 finished job failed (100 %, limit 10 %). "
        "Mostly: no (1 job of 0 data sets)"
    )
    assert unresolved.startswith("1 piece of failed work has not succeeded since (limit 0).")
    assert stuck.startswith("1 job is open for longer than usual (limit 0).")


@pytest.mark.slow
def test_many_healthy_groups_are_not_found_by_chance():
    """Of 200 data sets that all fail as often as may be, few checks in a hundred find any."""
    chance = np.random.default_rng(7)
    listed = [job(number, Details=details(number % 200)) for number in range(6_000)]
    tables = dx.read_jobs(listed)
    found = 0
    for _ in range(60):
        failed = chance.random(len(tables)) < 0.05
        jobs = tables.jobs.assign(state=np.where(failed, "ERROR", "COMPLETED"))
        answer = dx.check(replace(tables, jobs=jobs), max_failure_rate=0.05, by="data_set_id")
        found += not answer.empty
    assert found <= 6


def details(number):
    return {"ImportAssetsFromS3": {"DataSetId": f"{number:032x}"}}


def test_a_bad_group_among_many_is_found(demo_tables):
    answer = dx.check(
        demo_tables, max_failure_rate=0.2, by="data_set_id", since="2026-08-31", until="2026-09-07"
    )
    groups = answer.attrs["looked_at"]["groups"]
    assert len(groups) == 25
    named = answer[answer["of"].notna()]
    assert named["of"].tolist() == [dx.demo.Account().story.data_set_id]
    assert "one of 25 groups looked at" in named["message"].iloc[0]
    assert {"n", "n_effective", "rate", "low", "high", "p_adjusted"} <= set(groups[0])


def test_undone_work_has_a_limit_of_its_own(demo_tables):
    tables = demo_tables
    [found] = dx.check(tables, max_undone_rate=0.001)["message"]
    undone = dx.undone_rate(tables).iloc[0]
    assert found.startswith(
        f"{undone['undone']:.0f} of {undone['work']:,.0f} pieces of work were not done"
    )
    assert dx.check(tables, max_undone_rate=0.5).empty
    with pytest.raises(dx.DxError, match="Invalid max_undone_rate: 5"):
        dx.check(tables, max_undone_rate=5)


def test_overdue_feeds_and_incomplete_revisions_are_found(demo_tables):
    late = dx.feeds(demo_tables, now="2026-10-04")["status"].eq("overdue").sum()
    assert late > 1
    [found] = dx.check(demo_tables, max_overdue=late - 1, now="2026-10-04").to_dict("records")
    assert (found["check"], found["value"], found["limit"]) == ("overdue", late, late - 1)
    assert found["message"].startswith(f"{late} feeds are overdue (limit {late - 1}). The longest")
    assert dx.check(demo_tables, max_overdue=late, now="2026-10-04").empty
    client = dx.demo.client()
    counts = dx.revisions(demo_tables)["status"].value_counts()
    [found] = dx.check(demo_tables, incomplete=True).to_dict("records")
    assert (found["check"], found["value"]) == ("incomplete", counts["incomplete"])
    asked = dx.revisions(demo_tables, client)
    both = dx.check(demo_tables, incomplete=asked)
    early = asked["finding"].eq("finalized though incomplete").sum()
    assert both["value"].tolist() == [early, counts["incomplete"]]
    assert both["message"][0].startswith(f"{early} revisions are finalized though incomplete.")
    assert dx.check(demo_tables, incomplete=asked[asked["status"] == "whole"]).empty
