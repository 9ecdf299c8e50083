"""What came of failures and open jobs, against the answers that are public."""

from __future__ import annotations

import numpy as np
import pandas as pd

import dxnotebook as dx
from dxnotebook.explorer.facts import Facts
from tests.conftest import job, page_of, tables_of


def outcomes_of(tables):
    outcome = Facts(tables).outcome
    names = [outcome.names[code] for code in outcome.codes]
    return pd.Series(names, tables.jobs["job_id"], dtype=object)


def test_what_came_of_each_failure_and_open_job_is_as_the_answers_say(tables):
    outcomes = outcomes_of(tables)
    left, back = dx.unresolved_failures(tables), dx.recoveries(tables)
    stuck, jobs = dx.stuck_jobs(tables.jobs), tables.jobs.set_index("job_id")
    assert set(outcomes[left["job_id"]]) == {"undone"}
    assert set(outcomes[back["first_job_id"]]) == {"recovered"}
    assert set(outcomes.index[outcomes == "stuck"]) == set(stuck["job_id"])
    is_open = jobs["state"].isin(["WAITING", "IN_PROGRESS"])
    assert (outcomes.isin(["stuck", "running"]) == is_open).all()
    assert (outcomes == "undone").sum() == left["attempts"].sum()
    failed = jobs["state"].isin(["ERROR", "TIMED_OUT"])
    assert (outcomes.isin(["undone", "recovered"]) == failed).all()


def test_a_failure_knows_the_job_that_did_its_work(tables):
    back, done_with = dx.recoveries(tables), Facts(tables).done_with
    rows = pd.Series(tables.jobs.index, tables.jobs["job_id"])
    found = done_with[rows[back["first_job_id"]]].to_numpy()
    assert found.tolist() == rows[back["recovered_job_id"]].tolist()


def test_open_jobs_have_taken_what_they_have_until_now():
    jobs = [
        job(0, State="WAITING", CreatedAt="2026-09-01T00:00:00Z"),
        job(1, State="WAITING", CreatedAt=None, UpdatedAt=None),
        job(2, State="COMPLETED", CreatedAt="2026-09-03T00:00:00Z",
            UpdatedAt="2026-09-03T00:01:00Z"),
    ]  # fmt: skip
    facts = Facts(tables_of(page_of(*jobs)))
    assert facts.so_far[0] == 2 * 86400 + 60
    assert np.isnan(facts.so_far[1])
    assert (facts.so_far[2], np.isnan(facts.durations[0])) == (60, True)
