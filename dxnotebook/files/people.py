"""Tables for people who open a spreadsheet: jobs with their errors, and an overview."""

from __future__ import annotations

import pandas as pd

from dxnotebook.model import FAILED_STATES, FINISHED_STATES
from dxnotebook.tables.jobtables import AS_OF, JobTables, missing

#: Under this name the frames' ``attrs`` may say in words which jobs were asked for.
FILTERS = "filters"
_FIRST = ["created_at", "state", "type", "data_set_name"]
_LATER = ["updated_at", "duration_s"]
#: What one file has of a job's first error, as columns that begin with "error_".
OF_AN_ERROR = ["code", "message", "bucket", "key"]
_MOST_GROUPS = 30


def jobs_with_errors(tables: JobTables) -> pd.DataFrame:
    """Return the jobs, each with its first error beside it; ids come last."""
    first = tables.errors.drop_duplicates("job_id").set_index("job_id")[OF_AN_ERROR]
    first = first.add_prefix("error_")
    jobs = tables.jobs.join(first, on="job_id")
    return _ids_last(jobs, [*_FIRST, *first, *_LATER])


def sheets(tables: JobTables) -> dict[str, pd.DataFrame]:
    """Return an overview, and the failures with what they are of and all of their errors."""
    jobs = tables.jobs
    failed = jobs[jobs["state"].isin(FAILED_STATES)]
    mine = [*_FIRST, *_LATER, "data_set_id", "revision_id", "job_id"]
    failures = failed[failed.columns.intersection(mine)].merge(
        tables.errors.drop(columns="position"), on="job_id", how="left", sort=False
    )
    failures = _ids_last(failures, [*_FIRST, *OF_AN_ERROR])
    return {"overview": _overview(tables), "failures": failures}


def _ids_last(frame: pd.DataFrame, first: list[str]) -> pd.DataFrame:
    """Return a frame with these columns first, and ids last."""
    is_id = frame.columns.str.fullmatch(r".*_(?:id|arn)")
    names = dict.fromkeys([*first, *frame.columns[~is_id], *frame.columns[is_id]])
    return frame[[name for name in names if name in frame]]


def _overview(tables: JobTables) -> pd.DataFrame:
    """Return what was exported, and how many jobs failed: of all, each type, each data set."""
    jobs = tables.jobs
    created, as_of = jobs["created_at"].dropna(), jobs.attrs.get(AS_OF)
    places = [*jobs["account_id"].dropna().unique(), *jobs["region"].dropna().unique()]
    facts = ["Jobs of AWS Data Exchange", ", ".join(places)]
    if len(created):
        facts.append(f"created {created.min():%Y-%m-%d %H:%M} – {created.max():%Y-%m-%d %H:%M} UTC")
    if as_of:
        facts.append(f"as of {pd.Timestamp(as_of):%Y-%m-%d %H:%M} UTC")
    if FILTERS in jobs.attrs:
        facts.append(f"only {jobs.attrs[FILTERS]}")
    facts += [f"missing: {words}" for words in missing(tables)]
    state = jobs["state"]
    counts = pd.DataFrame(
        {"finished": state.isin(FINISHED_STATES), "failed": state.isin(FAILED_STATES)}
    )
    parts = [counts.assign(jobs=1).groupby(["all jobs"] * len(jobs)).sum()]
    for by in ("type", "data_set_name" if "data_set_name" in jobs else "data_set_id"):
        what = by.removesuffix("_name").removesuffix("_id").replace("_", " ")
        groups = counts.assign(jobs=1).groupby(f"{what}: " + jobs[by].astype("str")).sum()
        parts.append(
            groups.sort_values("failed", ascending=False, kind="stable").head(_MOST_GROUPS)
        )
    rates = pd.concat(parts).rename_axis("overview").reset_index()
    rates["failure rate"] = rates["failed"] / rates["finished"]
    rows: pd.DataFrame = pd.concat([pd.DataFrame({"overview": facts}), rates], ignore_index=True)
    numbers = ["jobs", "finished", "failed"]
    return rows.astype(dict.fromkeys(numbers, "Int64"))[["overview", *numbers, "failure rate"]]
