"""What would do the undone work: the inputs of create-job, written out and never sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, TypeAlias

import pandas as pd
from botocore.model import ListShape, StructureShape

from dxnotebook.arrays import located
from dxnotebook.metrics.assets import assets_of, naming_assets
from dxnotebook.model import FAILED_STATES, MODEL, branch_key, branches, operation
from dxnotebook.records.redact import REDACTED, SECRET_NAMES
from dxnotebook.tables.jobtables import JobTables, checked, created_within
from dxnotebook.tables.rebuild import rebuild
from dxnotebook.text import texts
from dxnotebook.times import Moment

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, str]  # account and region

#: How many assets a job takes, at most.
MOST_ASSETS = 100
# the types that are known to take so many; of others, jobs stay as many as they were
_MAY_BE_JOINED = ("ImportAssetsFromS3", "ExportAssetsToS3")
_FILL_IN = "<FILL IN: "


class JobInput(dict[str, Any]):
    """The input of one create-job, and beside it what is no part of it.

    Attributes
    ----------
    account_id, region : str
        Where the job is to be created.
    to_fill : list of str
        What the tables do not tell: the members that say ``<FILL IN: …>``, and what to do with the
        signed URL that create-job answers with, as the old one has expired.
    """

    def __init__(self, members: Json, account_id: str, region: str, to_fill: list[str]) -> None:
        super().__init__(members)
        self.account_id, self.region, self.to_fill = account_id, region, to_fill


def rerun(
    tables: JobTables,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    failed: Iterable[str] = FAILED_STATES,
) -> list[JobInput]:
    """Return the inputs of the jobs that would do what failed and was not done since.

    Nothing is sent. Each input is what ``aws dataexchange create-job --cli-input-json`` and boto3's
    ``create_job`` take.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    since, until : str, date, datetime, timedelta or Timestamp, optional
        Only what failed in jobs created at or after ``since`` and before ``until``: a time (UTC
        unless it names a zone) or how long ago, as ``"30d"``, when the tables were loaded.
    failed : iterable of str
        The states that count as failed; a success is COMPLETED.

    Returns
    -------
    list of JobInput
        Dicts, one a job, in the order in which jobs failed. Each also has ``account_id`` and
        ``region``, where the job belongs, and ``to_fill``, what you have to see to: members that
        say ``<FILL IN: …>``, as secrets are not kept, and signed URLs, as the old ones have
        expired: create-job answers with new ones.

    Raises
    ------
    DxError
        When given something else than tables, or a limit is not a time.

    Notes
    -----
    What is undone is said at `unresolved_failures`, here for each asset: it failed, and no job that
    was created later and completed asked for it. An asset is asked for once, as the last job that
    failed did, in the revision that this one was to fill; where that is finalized by now, put in
    another. Jobs that import from S3 or export to it, and differ in nothing but their assets, are
    joined to jobs of up to 100; the expressions of a job of Lake Formation stay together. What an
    open job is at is undone, too.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> jobs = dx.rerun(dx.load_jobs(dx.demo.client()))
    >>> sorted(jobs[0]), jobs[0].region
    (['Details', 'Type'], 'us-east-1')

    A file for each, for ``aws dataexchange create-job --cli-input-json file://rerun-0.json``:

    >>> import json
    >>> files = {f"rerun-{number}.json": json.dumps(job) for number, job in enumerate(jobs)}
    """
    tables = checked(tables)
    jobs, details = _undone(tables, since, until, texts("failed", failed))
    shape = operation("CreateJob").input_shape
    rebuilt = rebuild(jobs, details, tables.errors[:0], tables.model)
    by_key = {branch_key(branch): branch for branch in branches(tables.model.record)}
    for job in rebuilt:
        branch = by_key.get(branch_key(str(job.get("Type"))), "")
        job["Details"] = {branch: {}} | job.get("Details", {})
    inputs = [_fitted(job, shape, ()) for job in rebuilt]
    places = zip(jobs["account_id"], jobs["region"], strict=True)
    return [
        JobInput(one, *place, [*_placeholders(one), *_signed_urls(one)])
        for one, place in _in_batches(zip(inputs, places, strict=True))
    ]


def _undone(
    tables: JobTables, since: Moment | None, until: Moment | None, failed: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the jobs that failed last of what is undone, in this order, and what is so of each."""
    jobs, details = tables.jobs, tables.details
    completed = (jobs["state"] == "COMPLETED").to_numpy()
    has_failed = jobs["state"].isin(failed).to_numpy() & ~completed
    assets = assets_of(tables, jobs, has_failed | completed)
    assets = assets.assign(created=jobs["created_at"].take(assets["row"]).array)
    failures = assets[has_failed[assets["row"]]]
    done = assets[completed[assets["row"]] & assets["asset"].isin(failures["asset"])]
    done_at = done.groupby("asset")["created"].max().reindex(failures["asset"])
    wanted = created_within(jobs, since, until)[failures["row"]]
    undone = failures[~(done_at.array > failures["created"].array) & wanted]
    ended = jobs["updated_at"].fillna(jobs["created_at"])
    undone = undone.join(jobs[["job_id"]].assign(ended=ended), on="row")
    undone = undone.sort_values(["ended", "job_id"], na_position="first")
    undone = undone.drop_duplicates("asset", keep="last")
    again = jobs.iloc[undone["row"].unique()].reset_index(drop=True)
    kept = located(details["job_id"], again["job_id"]) >= 0
    names_asset, _ = naming_assets(tables, kept)
    kept &= ~names_asset | details["tag_key"].notna().to_numpy()
    kept[undone["detail"][undone["detail"] >= 0]] = True
    return again, details[kept].reset_index(drop=True)


def _fitted(value: Any, shape: Any, path: tuple[str, ...]) -> Any:
    """Return a value as a shape has it, with a placeholder for what is needed and not known.

    Nothing that is secret is taken from it.
    """
    if isinstance(shape, StructureShape):
        given = value if isinstance(value, dict) else {}
        return {
            name: _fitted(given.get(name), member, (*path, name))
            for name, member in shape.members.items()
            if name in given or name in shape.required_members
        }
    if isinstance(shape, ListShape):
        elements = value if isinstance(value, list) else [None]
        return [_fitted(element, shape.member, path) for element in elements]
    is_known = isinstance(value, str) and len(value) >= shape.metadata.get("min", 0)
    if is_known and REDACTED not in value and not path[-1].endswith(SECRET_NAMES):
        return value
    return f"{_FILL_IN}{'.'.join(path)}>"


def _in_batches(inputs: Iterable[tuple[Json, Place]]) -> Iterator[tuple[Json, Place]]:
    """Yield inputs that have as many assets as a job takes; what may be one job is joined."""
    pools: dict[str, tuple[Json, Place, list[Any]]] = {}
    for number, (one, place) in enumerate(inputs):
        branch, members = next(iter(one["Details"].items()), ("", {}))
        assets = next((one for one in members.values() if isinstance(one, list)), [])
        taken, assets[:] = assets[:], []
        key = json.dumps([place, one] if branch in _MAY_BE_JOINED else number)
        pools.setdefault(key, (one, place, []))[-1].extend(taken)
    for one, place, assets in pools.values():
        for start in range(0, max(len(assets), 1), MOST_ASSETS):
            part = deepcopy(one)
            for members in part["Details"].values():
                for listed in members.values():
                    if isinstance(listed, list):
                        listed += assets[start : start + MOST_ASSETS]
            yield part, place


def _placeholders(value: Any) -> list[str]:
    """Return the names of the members below a value that are to be filled in."""
    if isinstance(value, dict | list):
        below = value.values() if isinstance(value, dict) else value
        return list(dict.fromkeys(name for one in below for name in _placeholders(one)))
    return [value[len(_FILL_IN) : -1]] if value.startswith(_FILL_IN) else []


def _signed_urls(one: Json) -> list[str]:
    """Return what is to be done with the signed URLs that create-job will answer with."""
    details = MODEL.record.field("Details").type
    return [
        f"{'download from' if branch.startswith('Export') else 'upload to'} the {member.name} that "
        "create-job answers with"
        for branch in one["Details"]
        for member in details.field(branch).type
        if member.name.endswith("Url")
    ]
