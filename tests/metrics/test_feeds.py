"""Feeds against loops by hand, and against what accounts made up for the purpose planted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job

START = datetime(2026, 7, 1, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0
NOW = 90 * DAY


def tables_of_runs(runs):
    """Return tables of jobs: data set, revision or none, key, state, second of creation, taken."""
    jobs = []
    for number, (data_set, revision, key, state, created, took) in enumerate(runs):
        details = {
            "DataSetId": data_set,
            "RevisionId": revision,
            "AssetSources": [{"Bucket": "bucket", "Key": key}],
        }
        begun, ended = (
            f"{(START + timedelta(seconds=float(at))).isoformat().replace('+00:00', 'Z')}"
            for at in (created, created + took)
        )
        jobs.append(
            job(
                number,
                Type="IMPORT_ASSETS_FROM_S3",
                Details={"ImportAssetsFromS3": details},
                State=state,
                CreatedAt=begun,
                UpdatedAt=ended,
            )
        )
    return dx.read_jobs(json.dumps({"Jobs": jobs}).encode())


def account(feeds):
    """Return tables of feeds, given as the states and seconds of their runs, each of new work."""
    return tables_of_runs(
        [
            (name, f"{name}{n}", f"{name}/{n}", state, at, 60)
            for name, runs in feeds.items()
            for n, (at, state) in enumerate(runs)
        ]
    )


def of(feeds, *, now=NOW, **options):
    found = dx.feeds(account(feeds), now=START + timedelta(seconds=now), **options)
    return found.set_index("data_set_id")


def every(step, *, until=NOW, first=0.0, states="COMPLETED", off=()):
    """Return runs at even steps, but not on days of the week (0: Monday) that are off."""
    times = [at for at in np.arange(first, until, step) if (2 + at // DAY) % 7 not in off]
    return [(at, states) for at in times]


STORIES = {
    "daily": (every(DAY), "fine", DAY),
    "hourly": (every(HOUR), "fine", HOUR),
    "weekly": (every(7 * DAY, first=4 * DAY), "fine", 7 * DAY),
    "monthly": ([(m * 30.4 * DAY, "COMPLETED") for m in range(-9, 3)], "fine", 30.4 * DAY),
    "stopped": (every(DAY, until=85 * DAY), "overdue", DAY),
    "hourly stopped": (every(HOUR, until=NOW - 5 * HOUR), "overdue", HOUR),
    "gave up": (every(DAY, until=50 * DAY), "ended", DAY),
    "bad week": (
        every(DAY, until=83 * DAY) + every(DAY, first=83 * DAY, states="ERROR"),
        "failing",
        DAY,
    ),
    "failed once": (every(DAY)[:-1] + every(DAY, states="ERROR")[-1:], "fine", DAY),
    "failed on Monday": (
        every(7 * DAY)[:-1] + every(7 * DAY, states="ERROR")[-1:],
        "failing",
        7 * DAY,
    ),
    "failed and left": ([*every(DAY, until=50 * DAY), (50 * DAY, "ERROR")], "failing", DAY),
    "open": (every(DAY)[:-1] + every(DAY, states="IN_PROGRESS")[-1:], "fine", DAY),
    "new": (every(DAY, first=87 * DAY), "irregular", None),
    "morning and evening": (
        [(day * DAY + hour * HOUR, "COMPLETED") for day in range(90) for hour in (9, 17)],
        "fine",
        8 * HOUR,
    ),
    "now and then": (
        [(at, "COMPLETED") for at in np.cumsum(np.random.default_rng(1).exponential(DAY, 80))],
        "irregular",
        None,
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_stories_come_out(name):
    runs, status, usual = STORIES[name]
    row = of({name: runs}).loc[name]
    assert row["status"] == status
    assert (row["overdue_s"] > 0) == (status in ("overdue", "ended") or name == "failed and left")
    if usual is None:
        assert row[["usual_every_s", "every_spread_s", "expected_by", "overdue_s"]].isna().all()
    else:
        assert row["usual_every_s"] == pytest.approx(usual)


def test_a_feed_with_free_weekends_is_overdue_on_the_first_day_that_it_misses():
    runs = every(DAY, until=84 * DAY, off=(5, 6))
    last = START + timedelta(seconds=runs[-1][0])
    assert last.strftime("%a") == "Tue"
    assert of({"feed": runs}, now=runs[-1][0] + 1.05 * DAY)["status"].item() == "fine"
    assert of({"feed": runs}, now=runs[-1][0] + 1.2 * DAY)["status"].item() == "overdue"
    friday = every(DAY, until=80 * DAY, off=(5, 6))
    assert (START + timedelta(seconds=friday[-1][0])).strftime("%a") == "Fri"
    assert of({"feed": friday}, now=friday[-1][0] + 3.05 * DAY)["status"].item() == "fine"
    assert of({"feed": friday}, now=friday[-1][0] + 3.2 * DAY)["status"].item() == "overdue"


def test_holidays_make_nothing_overdue_that_has_had_as_long_ones():
    runs = [run for run in every(DAY, until=84 * DAY) if run[0] // DAY not in (20, 48)]
    assert of({"feed": runs}, now=runs[-1][0] + 2.05 * DAY)["status"].item() == "fine"
    assert of({"feed": runs}, now=runs[-1][0] + 2.2 * DAY)["status"].item() == "overdue"


def test_office_hours_are_expected():
    runs = [run for run in every(HOUR, off=(5, 6)) if 8 <= run[0] // HOUR % 24 < 18]
    found = {hours: of({"feed": runs}, now=runs[-1][0] + hours * HOUR) for hours in (14, 16)}
    assert [frame["status"].item() for frame in found.values()] == ["fine", "overdue"]


def test_reruns_belong_to_the_run_that_they_mend():
    days = [("a", f"r{n}", f"{n}", "COMPLETED", n * DAY, 60) for n in range(10)]
    failed = [
        ("a", "r10", "10", "ERROR", 10 * DAY, 60),
        ("a", "r11", "10", "ERROR", 10.1 * DAY, 60),
    ]
    done = ("a", "r12", "10", "COMPLETED", 10.2 * DAY, 600)
    (row,) = dx.feeds(tables_of_runs([*days, *failed])).to_dict("records")
    assert (row["runs"], row["success_rate"]) == (11, 10 / 11)
    (row,) = dx.feeds(tables_of_runs([*days, *failed, done])).to_dict("records")
    assert (row["runs"], row["success_rate"], row["usual_every_s"]) == (11, 1, DAY)
    assert row["last_success_at"] == START + timedelta(days=10.2, seconds=600)
    assert row["last_run_at"] == START + timedelta(days=10)


def test_the_next_run_of_work_that_is_done_every_day_is_no_rerun():
    states = ["COMPLETED"] * 10 + ["ERROR", "COMPLETED", "ERROR", "ERROR"]
    days = [("a", f"r{n}", "latest.csv", state, n * DAY, 60) for n, state in enumerate(states)]
    (row,) = dx.feeds(tables_of_runs(days)).to_dict("records")
    assert (row["runs"], row["success_rate"], row["status"]) == (14, 11 / 14, "failing")
    again = ("a", "r14", "latest.csv", "COMPLETED", 13.1 * DAY, 60)
    (row,) = dx.feeds(tables_of_runs([*days, again])).to_dict("records")
    assert (row["runs"], row["success_rate"], row["status"]) == (14, 12 / 14, "fine")


def test_what_may_be_a_rerun_or_the_next_run_puts_off_when_another_is_expected():
    days = [("a", f"r{n}", f"{n}", "COMPLETED", n * DAY, 60) for n in range(10)]
    days += [("a", "r10", "x", "ERROR", 10 * DAY, 60), ("a", "r11", "x", "COMPLETED", 11 * DAY, 60)]
    (row,) = dx.feeds(tables_of_runs(days), now=START + timedelta(days=11.5)).to_dict("records")
    assert (row["runs"], row["status"]) == (11, "fine")
    assert row["expected_by"] == START + timedelta(days=12)


def test_jobs_of_a_revision_are_a_run_and_jobs_without_one_each():
    together = [("a", f"r{n // 3}", f"{n}", "COMPLETED", n * 30, 60) for n in range(9)]
    alone = [("b", None, f"{n}", "COMPLETED", n * 30, 60) for n in range(9)]
    assert dx.feeds(tables_of_runs([*together, *alone]))["runs"].tolist() == [3, 9]


def test_runs_that_begin_together_are_one_beat():
    batches = [(day * DAY + 10 * n, "COMPLETED") for day in range(20) for n in range(6)]
    row = of({"feed": batches}, now=19.5 * DAY).iloc[0]
    assert (row["runs"], row["usual_every_s"], row["status"]) == (120, DAY, "fine")


def test_a_window_chooses_feeds_and_all_jobs_judge_them():
    feeds = {"old": every(DAY, until=50 * DAY), "new": every(DAY, first=40 * DAY)}
    whole = of(feeds)
    pd.testing.assert_frame_equal(of(feeds, since="7d"), whole.loc[["new"]])
    pd.testing.assert_frame_equal(of(feeds, until=START + timedelta(days=40)), whole.loc[["old"]])
    assert of(feeds, since="2030-01-01").empty


def test_empty_tables_and_other_things():
    empty, one = (
        dx.feeds(account({"a": every(DAY)}).filter(mask)) for mask in ([], np.arange(90) < 1)
    )
    assert empty.dtypes.to_dict() == one.dtypes.to_dict()
    assert (len(empty), len(one)) == (0, 1)
    with pytest.raises(DxError, match="Give JobTables"):
        dx.feeds(pd.DataFrame())
    with pytest.raises(DxError, match="Invalid now: 'soon'"):
        dx.feeds(account({"a": every(DAY)}), now="soon")
    with pytest.raises(DxError, match="Invalid since: 'soon'"):
        dx.feeds(account({"a": every(DAY)}), since="soon")


def healthy(seed):
    """Return tables of 12 feeds of 90 days that are well, with failures that are run again."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(12):
        step, off = [(DAY, ()), (DAY, (5, 6)), (HOUR, ()), (7 * DAY, ())][number % 4]
        for n, (at, _) in enumerate(every(step, first=rng.uniform(0, step), off=off)):
            begun = at + rng.exponential(step / 50)
            row = (f"feed {number}", f"{number}-{n}", f"{number}/{n}")
            if rng.random() < 0.04:
                rows.append((*row, "ERROR", begun, 60))
                again = begun + 600 + rng.exponential(HOUR)
                rows.append((row[0], f"{row[1]} again", row[2], "COMPLETED", again, 60))
            else:
                rows.append((*row, "COMPLETED", begun, 60))
    return tables_of_runs([row for row in rows if row[4] <= NOW])


@pytest.mark.slow
def test_of_healthy_accounts_hardly_any_has_a_finding():
    now = START + timedelta(seconds=NOW)
    found = [set(dx.feeds(healthy(seed), now=now)["status"]) - {"fine"} for seed in range(40)]
    assert sum(map(bool, found)) <= 2


def by_hand(runs, now):
    """Return of a feed what its docstring says, from the times at which distinct runs began."""
    beats = sorted(at for n, at in enumerate(runs) if all(not 0 < at - b < 60 for b in runs))
    gaps = [b - a for a, b in pairwise(beats)]
    usual = median(gaps)
    spread = 1.4826 * median(abs(gap - usual) for gap in gaps)
    weekly = []
    for at in beats:
        then = at - 7 * DAY
        known = usual <= 3.5 * DAY and then + usual / 2 >= beats[0]
        following = [b for b in beats if b >= then + usual / 2]
        weekly.append(min(following) - then if known else None)
    both = [(gap, week) for gap, week in zip(gaps, weekly, strict=False) if week is not None]
    is_weekly = len(both) >= 5 and (
        sum(abs(g - w) for g, w in both) < sum(abs(g - usual) for g, _ in both)
    )
    errors = [g - w for g, w in both] if is_weekly else [g - usual for g in gaps]
    if len(beats) < 5 or median(map(abs, errors)) > usual / 4:
        return None
    upper = max(0.0, float(np.quantile(errors, 0.98, method="higher")))
    expected = weekly[-1] if is_weekly else usual
    by = beats[-1] + expected + upper + spread + usual / 10
    return usual, spread, by, max(0.0, now - by)


@pytest.mark.property
@given(
    st.sampled_from([2 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY]),
    st.lists(st.integers(-8, 8), min_size=2, max_size=60),
    st.sets(st.integers(0, 59), max_size=12),
    st.sets(st.integers(0, 6), max_size=2),
)
def test_the_rhythm_is_what_a_loop_finds(step, jitter, left_out, off):
    times = [
        n * step + HOUR * 12 + j * step / 40 for n, j in enumerate(jitter) if n not in left_out
    ]
    times = [at for at in times if (2 + at // DAY) % 7 not in off]
    if len(times) < 2:
        return
    now = times[-1] + 2.5 * step
    row = of({"feed": [(at, "COMPLETED") for at in times]}, now=now).iloc[0]
    expected = by_hand(times, now)
    if expected is None:
        assert row["status"] == "irregular"
        assert row[["usual_every_s", "every_spread_s", "expected_by", "overdue_s"]].isna().all()
        return
    usual, spread, by, overdue = expected
    assert row["usual_every_s"] == pytest.approx(usual)
    assert row["every_spread_s"] == pytest.approx(spread)
    assert (row["expected_by"] - START).total_seconds() == pytest.approx(by)
    assert row["overdue_s"] == pytest.approx(overdue, abs=1e-3)
    silent = now - times[-1]
    is_ended = overdue > 0 and silent > 14 * max(usual, DAY)
    assert row["status"] == ("ended" if is_ended else "overdue" if overdue > 0 else "fine")


def done_by(jobs, n, done):
    """Return the first to end of the successes that were created after a job."""
    later = [m for m in done if jobs[m][4] > jobs[n][4]]
    return min(later, key=lambda m: (jobs[m][4] + jobs[m][5], m), default=None)


def first_of_runs(jobs):
    """Return of each job the one with whose run it goes on, and the failures that were mended."""
    of_job, mended = {n: n for n in range(len(jobs))}, set()
    for work in {(data_set, key) for data_set, _, key, *_ in jobs}:
        mine = [n for n, job in enumerate(jobs) if (job[0], job[2]) == work]
        mine.sort(key=lambda n: jobs[n][4])
        done = [n for n in mine if jobs[n][3] == "COMPLETED"]
        failed = [n for n in mine if jobs[n][3] in ("ERROR", "TIMED_OUT")]
        between = [jobs[b][4] - jobs[a][4] for a, b in pairwise(done)]
        limit = median(between) / 2 if between else float("inf")
        chain = []
        for n in failed:
            by = done_by(jobs, n, done)
            near = chain and jobs[n][4] - jobs[chain[-1]][4] < limit
            near = near and done_by(jobs, chain[-1], done) == by
            chain = [*chain, n] if near else [n]
            of_job[n] = chain[0]
            last = max(m for m in map(failed.index, failed) if done_by(jobs, failed[m], done) == by)
            if by is not None and failed[last] == n and jobs[by][4] - jobs[n][4] < limit:
                mended |= set(chain)
                of_job[by] = chain[0]
    return of_job, mended


@pytest.mark.property
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from(["r1", "r2", "r3", None]),
            st.sampled_from("xyz"),
            st.sampled_from(
                ["COMPLETED", "COMPLETED", "ERROR", "TIMED_OUT", "CANCELLED", "WAITING"]
            ),
            st.integers(0, 500),
            st.integers(0, 60),
        ),
        min_size=1,
        max_size=25,
        unique_by=lambda run: run[4],
    )
)
def test_runs_are_what_a_loop_finds(jobs):
    of_job, mended = first_of_runs(jobs)
    runs = {}
    for n, first in of_job.items():
        data_set, revision = jobs[first][:2]
        runs.setdefault((data_set, revision or first), []).append(n)
    found = dx.feeds(tables_of_runs(jobs)).set_index("data_set_id")
    for data_set, row in found.iterrows():
        states = [
            [(n, jobs[n][3]) for n in run] for (name, _), run in runs.items() if name == data_set
        ]
        failed = [
            any(s in ("ERROR", "TIMED_OUT") and n not in mended for n, s in run) for run in states
        ]
        is_open = [any(s == "WAITING" for _, s in run) for run in states]
        good = [any(s == "COMPLETED" or n in mended for n, s in run) for run in states]
        won = sum(g and not f and not o for g, f, o in zip(good, failed, is_open, strict=True))
        assert row["runs"] == len(states)
        finished = won + sum(failed)
        assert row["success_rate"] == won / finished if finished else np.isnan(row["success_rate"])
        took = [j[5] for j in jobs if j[0] == data_set and j[3] == "COMPLETED"]
        assert row["duration_s"] == median(took) if took else np.isnan(row["duration_s"])
