"""What would do the undone work: the inputs of create-job, written out and never sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, TypeAlias

import pandas as pd
from botocore.model import ListShape, StructureShape

from dxnotebook.arrays import located
from dxnotebook.errors import texts
from dxnotebook.metrics.assets import assets_of, ended, naming_assets
from dxnotebook.model import FAILED_STATES, MODEL, States, branches, operation, usual_branch
from dxnotebook.records.redact import REDACTED, kind_of_name
from dxnotebook.tables.jobtables import JobTables, checked, created_within
from dxnotebook.tables.rebuild import rebuild
from dxnotebook.times import At

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, str]  # account and region

#: How many assets a job takes, at most.
MOST_ASSETS = 100
# the types that are known to take so many; of others, jobs stay as many as they were
_MAY_BE_JOINED = ("ImportAssetsFromS3", "ExportAssetsToS3")


class JobInput(dict[str, Any]):
    """The input of one create-job, and beside it what is no part of it.

    Attributes
    ----------
    account_id, region : str
        Where the job is to be created.
    to_fill : list of str
        What the tables do not tell: the members that say ``<FILL IN: …>``, and signed URLs, which
        have expired and which create-job answers with anew.
    """

    def __init__(self, members: Json, place: Place) -> None:
        super().__init__(members)
        self.account_id, self.region = place
        places = re.findall("<FILL IN: (.+?)>", json.dumps(members))
        details = MODEL.record.field("Details").type
        known = [
            member.name for branch in members["Details"] for member in details.field(branch).type
        ]
        urls = [f"{name}, in create-job's answer" for name in known if name.endswith("Url")]
        self.to_fill = [*dict.fromkeys(places), *urls]


def rerun(
    tables: JobTables, *, since: At = None, until: At = None, failed: States = FAILED_STATES
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
    shape, inputs = operation("CreateJob").input_shape, []
    known = branches(tables.model.record)
    for job in rebuild(jobs, details, tables.errors[:0], tables.model):
        usual = usual_branch(str(job.get("Type")))
        branch = usual if usual in known else ""
        job["Details"] = {branch: job.get("Details", {}).get(branch, {})}
        inputs.append(_as_shaped(job, shape))
    places = zip(jobs["account_id"], jobs["region"], strict=True)
    return [JobInput(*one) for one in _in_batches(zip(inputs, places, strict=True))]


def _undone(
    tables: JobTables, since: At, until: At, failed: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the last jobs that failed of what is undone, in order, and the details to do again."""
    jobs, details = tables.jobs, tables.details
    completed = (jobs["state"] == "COMPLETED").to_numpy()
    has_failed = jobs["state"].isin(failed).to_numpy() & ~completed
    assets = assets_of(tables, jobs, has_failed | completed)
    assets["created"] = jobs["created_at"].array.take(assets["row"])
    failures, done = assets[has_failed[assets["row"]]], assets[completed[assets["row"]]]
    done_at = done[done["asset"].isin(failures["asset"])].groupby("asset")["created"].max()
    is_done = done_at.reindex(failures["asset"]).array > failures["created"].array
    wanted = created_within(jobs, since, until)[failures["row"]]
    undone = failures[~is_done & wanted].join(
        jobs[["job_id", "state"]].assign(ended=ended(jobs)), on="row"
    )
    undone = undone.sort_values(["ended", "job_id"], na_position="first")
    undone = undone.drop_duplicates("asset", keep="last")
    again = jobs.iloc[undone["row"].unique()].reset_index(drop=True)
    kept = located(details["job_id"], again["job_id"]) >= 0
    names_asset, _ = naming_assets(tables, kept)
    # of a policy, all expressions
    kept &= ~names_asset | details["tag_key"].notna().to_numpy()
    kept[undone["detail"][undone["detail"] >= 0]] = True
    return again, details[kept].reset_index(drop=True)


def _as_shaped(value: Any, shape: Any, *path: str) -> Any:
    """Return a value as a shape has it, with a placeholder for what it needs and is not known.

    Nothing that is secret is taken from it.
    """
    if isinstance(shape, StructureShape):
        given = value if isinstance(value, dict) else {}
        wanted = [name for name in shape.members if name in {*given, *shape.required_members}]
        return {n: _as_shaped(given.get(n), shape.members[n], *path, n) for n in wanted}
    if isinstance(shape, ListShape):
        elements = value if isinstance(value, list) else [None]
        return [_as_shaped(element, shape.member, *path) for element in elements]
    is_known = isinstance(value, str) and len(value) >= shape.metadata.get("min", 0)
    if is_known and REDACTED not in value and not kind_of_name(path[-1]):
        return value
    return f"<FILL IN: {'.'.join(path)}>"


def _in_batches(inputs: Iterable[tuple[Json, Place]]) -> Iterator[tuple[Json, Place]]:
    """Yield inputs of at most as many assets as a job takes; those that may be one are joined."""
    pools: dict[str, tuple[Json, Place, list[Any]]] = {}
    for number, (one, place) in enumerate(inputs):
        branch = next(iter(one["Details"]), "")
        assets = [asset for listed in _lists(one) for asset in listed]
        for listed in _lists(one):
            listed.clear()
        key = json.dumps([place, one] if branch in _MAY_BE_JOINED else number)
        pools.setdefault(key, (one, place, []))[-1].extend(assets)
    for one, place, assets in pools.values():
        for start in range(0, max(len(assets), 1), MOST_ASSETS):
            part = deepcopy(one)
            for listed in _lists(part):
                listed.extend(assets[start : start + MOST_ASSETS])
            yield part, place


def _lists(one: Json) -> list[list[Any]]:
    """Return the list of the assets of an input, if its type has one."""
    members = [value for branch in one["Details"].values() for value in branch.values()]
    return [value for value in members if isinstance(value, list)]
