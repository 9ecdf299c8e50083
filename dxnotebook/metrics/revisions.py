"""What people publish: which revisions are whole, and what of the others is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, Mask, hashed, located, mixed
from dxnotebook.metrics.assets import assets_of, described
from dxnotebook.model import FAILED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables, checked, created_within
from dxnotebook.times import Moment

#: What tells revisions apart, and what their data sets are called.
REVISION = ("account_id", "region", "data_set_id", "data_set_name", "revision_id")
_STATES = {
    "completed": ("COMPLETED",), "failed": FAILED_STATES, "cancelled": ("CANCELLED",),
    "open": OPEN_STATES,
}  # fmt: skip


def filled(
    tables: JobTables, *, since: Moment | None = None, until: Moment | None = None
) -> pd.DataFrame:
    """Return the revisions that import jobs filled: what `revisions` says without a client."""
    revisions, *_ = _imports(checked(tables), since, until)
    return revisions.rename(columns={"took_s": "publish_s"}).reset_index(drop=True)


def deliveries(
    tables: JobTables, *, since: Moment | None = None, until: Moment | None = None
) -> pd.DataFrame:
    """Return how whole the revisions are that jobs exported, for each place they went to.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details.
    since, until : str, date, datetime, timedelta or Timestamp, optional
        As for `revisions`.

    Returns
    -------
    pandas.DataFrame
        One row a revision and place, the last first: ``account_id``, ``region``, ``data_set_id``,
        ``data_set_name`` (if `jobs` has it), ``revision_id``, ``bucket``, ``key_prefix`` (str: of
        assets that were exported one by one, their keys up to the last slash), ``key_pattern``
        (str: of revisions that were exported whole), ``automatic`` (bool: whether a job of it was
        of an event action), and, as `revisions` has them, ``jobs``, ``completed``, ``failed``,
        ``cancelled``, ``open``, ``assets_asked``, ``assets_in`` (here: that went out),
        ``assets_missing``, ``attempts``, ``first_created_at``, ``whole_at``, ``delivery_s``
        (float64, seconds between these) and ``status``.

    Raises
    ------
    DxError
        When given something else than tables, or a limit is not a time.

    Notes
    -----
    A revision that is exported whole is one asset, as jobs do not say how many it has. What goes to
    a signed URL has no bucket. Exports that name no revision are left out.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> sent = dx.deliveries(dx.load_jobs(dx.demo.client()), since="7d")
    >>> sent.groupby("automatic")["status"].value_counts().to_dict()
    """
    tables = checked(tables)
    jobs = tables.jobs
    assets = assets_of(tables, jobs, _exports(jobs))
    job = jobs.filter(items=REVISION).iloc[assets["row"]].reset_index(drop=True)
    named = tables.details[["bucket", "key", "key_pattern", "revision_id"]]
    place = named.reindex(assets["detail"]).reset_index(drop=True)
    revision = place["revision_id"].fillna(job["revision_id"])
    where = job.assign(
        revision_id=revision,
        bucket=place["bucket"],
        key_prefix=place["key"].str.replace(r"[^/]*$", "", regex=True),
        key_pattern=place["key_pattern"],
    )
    known = revision.notna().to_numpy()
    assets, where = (frame[known].reset_index(drop=True) for frame in (assets, where))
    assets["group"], first = _numbered(hashed(where))
    places = where[first].reset_index(drop=True)
    is_automatic = jobs["event_action_arn"].notna().to_numpy()[assets["row"]]
    places["automatic"] = np.bincount(assets["group"][is_automatic], minlength=len(places)) > 0
    result, _ = _judged(jobs, assets, places, since, until)
    return result.rename(columns={"took_s": "delivery_s"}).reset_index(drop=True)


def missing_assets(
    tables: JobTables, *, since: Moment | None = None, until: Moment | None = None
) -> pd.DataFrame:
    """Return the assets that jobs were to import, and that their revisions miss.

    Parameters
    ----------
    tables : JobTables
        The jobs with their details and errors.
    since, until : str, date, datetime, timedelta or Timestamp, optional
        As for `revisions`.

    Returns
    -------
    pandas.DataFrame
        One row an asset that a revision misses, those of the last revision first: ``account_id``,
        ``region``, ``data_set_id``, ``data_set_name`` (if `jobs` has it), ``revision_id``,
        ``status`` (of the revision), ``type`` (of the jobs), ``asset`` (str: what it is: a key, a
        prefix, a name, an ARN, an API and its stage, tags), ``bucket``, ``key``, ``asset_name``
        (str, where it has one), ``attempts`` (int64: jobs that asked for it), ``state``, ``job_id``
        (of the last of these), ``code``, ``message``, ``failed_at`` (datetime64[us, UTC]): the
        error of the last of these that failed, and when that was.

    Raises
    ------
    DxError
        When given something else than tables, or a limit is not a time.

    Notes
    -----
    What is an asset, and what is missing, is said at `revisions`, whose ``assets_missing`` are as
    many as there are rows here. The error is the one that names the asset, else the job's first.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> missing = dx.missing_assets(dx.load_jobs(dx.demo.client()), since="2026-09-29")
    >>> missing[["status", "asset", "code"]].head(2)
    """
    tables = checked(tables)
    revisions, assets, pieces = _imports(tables, since, until)
    jobs = tables.jobs
    rank = pd.Series(np.arange(len(revisions)), revisions.index)
    lacks = pieces[~pieces["is_in"]].join(rank.rename("rank"), on="group", how="inner")
    lacks = lacks.sort_values("rank", kind="stable")
    asked = assets[["piece", "row"]][assets["piece"].isin(lacks.index)]
    runs = jobs[["job_id", "state", "type"]].assign(ended=_ended(jobs))
    asked = asked.join(runs, on="row").sort_values(["ended", "job_id"], na_position="first")
    last = asked.drop_duplicates("piece", keep="last").set_index("piece").loc[lacks.index]
    has_failed = asked["state"].isin(FAILED_STATES)
    failed = asked[has_failed].drop_duplicates("piece", keep="last").set_index("piece")
    failed = failed[["job_id", "ended"]].reindex(lacks.index).reset_index(drop=True)
    what = described(tables, jobs, lacks)
    shown = revisions.filter(items=(*REVISION, "status")).loc[lacks["group"]]
    return shown.reset_index(drop=True).assign(
        type=last["type"].array,
        **what,
        attempts=lacks["attempts"].array,
        state=last["state"].array,
        job_id=last["job_id"].array,
        **_errors_of(tables, failed["job_id"], what),
        failed_at=failed["ended"],
    )


def _errors_of(tables: JobTables, job_ids: pd.Series[str], what: pd.DataFrame) -> pd.DataFrame:
    """Return the error of a job that names an asset, or else its first, for each of many."""
    errors = tables.errors[located(tables.errors["job_id"], job_ids) >= 0]
    errors = errors.sort_values("position", kind="stable").reset_index(drop=True)
    names = ["bucket", "key", "asset_name"]
    number = errors[["job_id", *names]].assign(number=errors.index.astype("float64"))
    by_name = number.drop_duplicates(["job_id", *names])
    wanted = what[names].assign(job_id=job_ids)
    naming = wanted.merge(by_name, how="left", on=["job_id", *names])["number"]
    first = number.drop_duplicates("job_id").set_index("job_id")["number"]
    found = naming.fillna(job_ids.map(first))
    return errors[["code", "message"]].reindex(found).reset_index(drop=True)


def _exports(jobs: pd.DataFrame) -> Mask:
    kinds = [kind for kind in jobs["type"].unique() if str(kind).startswith("EXPORT")]
    return jobs["type"].isin(kinds).to_numpy()


def _ended(jobs: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    return jobs["updated_at"].fillna(jobs["created_at"])


def _imports(
    tables: JobTables, since: Moment | None, until: Moment | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the revisions that were filled in a window; the assets and pieces of all."""
    jobs = tables.jobs
    assets = assets_of(tables, jobs, ~_exports(jobs) & jobs["revision_id"].notna().to_numpy())
    hashes = hashed(jobs.filter(items=REVISION))[assets["row"]]
    assets["group"], first = _numbered(hashes)
    revisions = jobs.filter(items=REVISION).iloc[assets["row"][first]].reset_index(drop=True)
    result, pieces = _judged(jobs, assets, revisions, since, until)
    return result, assets, pieces


def _numbered(hashes: Array) -> tuple[Integers, Mask]:
    """Return the number of each hash among those that differ, and where each is first."""
    number, _ = pd.factorize(hashes)
    first = np.ones(len(number), bool)
    first[1:] = number[1:] > np.maximum.accumulate(number)[:-1]
    return number, first


def _judged(
    jobs: pd.DataFrame,
    assets: pd.DataFrame,
    groups: pd.DataFrame,
    since: Moment | None,
    until: Moment | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what became of groups of assets, the last first, and of each asset of each group.

    Of the groups, those that have a job in the window; the index is the number of the group.
    """
    pieces, many = _pieces(jobs, assets), len(groups)
    runs = assets[_numbered(assets["row"].to_numpy() * many + assets["group"].to_numpy())[1]]
    row, group = runs["row"].to_numpy(), runs["group"].to_numpy()
    created = jobs["created_at"].take(row).groupby(group).min()
    counts = {"jobs": np.bincount(group, minlength=many)} | {
        name: np.bincount(group[jobs["state"].isin(states).to_numpy()[row]], minlength=many)
        for name, states in _STATES.items()
    }
    of_group = pieces.groupby("group")
    asked, came = of_group.size(), of_group["is_in"].sum()
    result = groups.assign(
        **counts,
        assets_asked=asked,
        assets_in=came,
        assets_missing=asked - came,
        attempts=of_group["attempts"].max(),
        first_created_at=created,
        whole_at=of_group["in_at"].max().where(asked == came),
    )
    took = result["whole_at"] - created
    superseded = groups.index.isin(_superseded(pieces, created))
    ways = [asked == came, superseded, result["open"] > 0]
    status = np.select(ways, ["whole", "superseded", "open"], "incomplete")
    result = result.assign(took_s=took.dt.total_seconds().clip(lower=0), status=status)
    wanted = np.zeros(many, bool)
    wanted[group[created_within(jobs, since, until)[row]]] = True
    order = created[wanted].sort_values(ascending=False, kind="stable").index
    return result.loc[order].astype({"status": "str"}), pieces


def _pieces(jobs: pd.DataFrame, assets: pd.DataFrame) -> pd.DataFrame:
    """Return each asset of each group, and note in assets the number it has here.

    ``attempts`` says how many jobs asked for it, ``is_in`` whether one of them completed, ``in_at``
    when the first of those ended.
    """
    both = mixed(assets["asset"].to_numpy(np.uint64), assets["group"].to_numpy(np.uint64))
    assets["piece"], first = _numbered(both)
    completed = (jobs["state"] == "COMPLETED").to_numpy()
    in_at = _ended(jobs).where(completed).take(assets["row"]).groupby(assets["piece"].to_numpy())
    pieces = assets[first].drop(columns="piece").reset_index(drop=True)
    done = assets["piece"][completed[assets["row"]]]
    return pieces.assign(
        attempts=np.bincount(assets["piece"], minlength=len(pieces)),
        is_in=np.bincount(done, minlength=len(pieces)) > 0,
        in_at=in_at.min(),
    )


def _superseded(pieces: pd.DataFrame, created: pd.Series[pd.Timestamp]) -> pd.Index[int]:
    """Return the groups that miss what one later group has, which misses nothing itself."""
    pieces = pieces[["group", "asset", "is_in"]].join(created.rename("at"), on="group")
    lacks = pieces[~pieces["is_in"]]
    whole = pieces[~pieces["group"].isin(lacks["group"])]
    # few are left when each missing asset has to be in any later one
    latest = whole.groupby("asset")["at"].max()
    is_later = latest.reindex(lacks["asset"]).array > lacks["at"].array
    lacks = lacks[~lacks["group"].isin(lacks["group"][~is_later])]
    whole = whole[whole["asset"].isin(lacks["asset"])]
    # of those that have the same, the last is as good as all
    wanted, sets = (
        part.groupby("group").agg(all=("asset", "sum"), n=("asset", "size"), at=("at", "first"))
        for part in (lacks, whole)
    )
    distinct = wanted.drop_duplicates("all").index
    last = sets.sort_values("at").drop_duplicates("all", keep="last").index
    pairs = lacks[lacks["group"].isin(distinct)].merge(
        whole[whole["group"].isin(last)], on="asset", suffixes=("", "_whole")
    )
    held = pairs.groupby(["group", "group_whole"])["at_whole"].agg(["size", "first"]).reset_index()
    held = held[held["size"].to_numpy() == wanted["n"].reindex(held["group"]).to_numpy()]
    best = held.groupby(wanted["all"].reindex(held["group"]).to_numpy())["first"].max()
    return wanted.index[best.reindex(wanted["all"]).array > wanted["at"].array]
