"""What people publish: which revisions are whole, and what of the others is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Mask, hashed, located, mixed
from dxnotebook.metrics.assets import assets_of, described, ended
from dxnotebook.metrics.engines import numbers_of
from dxnotebook.metrics.readable import readable
from dxnotebook.model import FAILED_STATES, OPEN_STATES
from dxnotebook.tables.jobtables import JobTables, checked, created_within
from dxnotebook.times import At

#: What tells revisions apart, and what their data sets are called.
REVISION = ("account_id", "region", "data_set_id", "data_set_name", "revision_id")
_STATES = {"completed": ["COMPLETED"], "failed": FAILED_STATES, "cancelled": ["CANCELLED"]}
_STATES |= {"open": OPEN_STATES}


def filled(tables: JobTables, since: At, until: At) -> pd.DataFrame:
    """Return the revisions that import jobs filled: what `revisions` says without a client."""
    return _imports(checked(tables), since, until)[0].reset_index(drop=True)


def deliveries(tables: JobTables, *, since: At = None, until: At = None) -> pd.DataFrame:
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
    >>> sent.groupby("automatic")["assets_missing"].sum().to_dict()
    {False: 7, True: 0}
    """
    tables = checked(tables)
    jobs = tables.jobs
    assets = assets_of(tables, jobs, _exports(jobs))
    job = jobs.filter(items=REVISION).iloc[assets["row"]].reset_index(drop=True)
    named = tables.details[["bucket", "key", "key_pattern", "revision_id"]]
    place = named.reindex(assets["detail"]).reset_index(drop=True)
    revision = place["revision_id"].fillna(job["revision_id"])
    place["key_prefix"] = place["key"].str.replace(r"[^/]*$", "", regex=True)
    where = job.assign(revision_id=revision, **place[["bucket", "key_prefix", "key_pattern"]])
    known = revision.notna().to_numpy()
    assets, where = (frame[known].reset_index(drop=True) for frame in (assets, where))
    assets["group"], first = numbers_of(hashed(where))
    places = where.iloc[first].reset_index(drop=True)
    is_automatic = jobs["event_action_arn"].notna().to_numpy()[assets["row"]]
    places["automatic"] = np.bincount(assets["group"][is_automatic], minlength=len(places)) > 0
    result, _ = _judged(jobs, assets, places, created_within(jobs, since, until))
    return readable(result.rename(columns={"publish_s": "delivery_s"}).reset_index(drop=True))


def missing_assets(tables: JobTables, *, since: At = None, until: At = None) -> pd.DataFrame:
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
    >>> missing = dx.missing_assets(dx.load_jobs(dx.demo.client()), since="7d")
    >>> missing["code"].value_counts().head(1).to_dict(), missing["asset"].iloc[0]
    ({'INTERNAL_SERVER_EXCEPTION': 6}, 'fundamentals/dt=2026-09-30/114200-part-0.csv.gz')
    """
    tables = checked(tables)
    revisions, assets, pieces = _imports(tables, since, until)
    revisions["rank"] = np.arange(len(revisions))
    shown = revisions.filter(items=(*REVISION, "status", "rank"))
    lacks = pieces[~pieces["is_in"]].join(shown, on="group", how="inner")
    lacks = lacks.sort_values("rank", kind="stable")
    runs = assets[["piece", "row"]][assets["piece"].isin(lacks.index)]
    jobs = tables.jobs
    runs = runs.join(jobs[["job_id", "state", "type"]].assign(ended=ended(jobs)), on="row")
    runs = runs.sort_values(["ended", "job_id"], na_position="first")
    last, failed = (
        some.drop_duplicates("piece", keep="last").set_index("piece").reindex(lacks.index)
        for some in (runs, runs[runs["state"].isin(FAILED_STATES)])
    )
    what = described(tables, lacks).set_axis(lacks.index)
    result = lacks.filter(items=(*REVISION, "status")).assign(
        type=last["type"],
        **what,
        attempts=lacks["attempts"],
        **last[["state", "job_id"]],
        **_errors_of(tables, what.assign(job_id=failed["job_id"])),
        failed_at=failed["ended"],
    )
    return readable(result.reset_index(drop=True))


def _errors_of(tables: JobTables, assets: pd.DataFrame) -> pd.DataFrame:
    """Return of the job beside each asset the error that names it, or else the first."""
    names = ["job_id", "bucket", "key", "asset_name"]
    errors = tables.errors[located(tables.errors["job_id"], assets["job_id"]) >= 0]
    errors = errors.sort_values("position", kind="stable").reset_index(drop=True)
    numbered = errors[names].assign(number=errors.index.astype("float64"))
    naming = assets[names].merge(numbered.drop_duplicates(names), how="left", on=names)["number"]
    first = numbered.drop_duplicates("job_id").set_index("job_id")["number"]
    number = naming.fillna(assets["job_id"].map(first).reset_index(drop=True))
    return errors[["code", "message"]].reindex(number).set_axis(assets.index)


def _exports(jobs: pd.DataFrame) -> Mask:
    kinds = [kind for kind in jobs["type"].unique() if str(kind).startswith("EXPORT")]
    return jobs["type"].isin(kinds).to_numpy()


def _imports(
    tables: JobTables, since: At, until: At
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the revisions that were filled in a window; the assets and pieces of all."""
    jobs = tables.jobs
    assets = assets_of(tables, jobs, ~_exports(jobs) & jobs["revision_id"].notna().to_numpy())
    names = jobs.filter(items=REVISION)
    assets["group"], first = numbers_of(hashed(names)[assets["row"]])
    revisions = names.iloc[assets["row"].iloc[first]].reset_index(drop=True)
    result, pieces = _judged(jobs, assets, revisions, created_within(jobs, since, until))
    return result, assets, pieces


def _judged(
    jobs: pd.DataFrame, assets: pd.DataFrame, groups: pd.DataFrame, wanted: Mask
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what became of groups of assets, the last first, and of each asset of each group.

    Of the groups, those that have a job that is wanted; the index is the number of the group.
    """
    pieces, many = _pieces(jobs, assets), len(groups)
    of_group = pieces.groupby("group", sort=False)
    asked, came = of_group.size(), of_group["is_in"].sum().astype(np.int64)
    _, once = numbers_of((assets["row"] * many + assets["group"]).to_numpy())
    row, group = assets[["row", "group"]].iloc[once].to_numpy().T
    created, states = (jobs[name].iloc[row] for name in ("created_at", "state"))
    created = created.groupby(group).min()
    masks = {name: states.isin(chosen).to_numpy() for name, chosen in _STATES.items()}
    counts = {name: np.bincount(group[mask], minlength=many) for name, mask in masks.items()}
    status = pd.Series("incomplete", groups.index, "str").mask(counts["open"] > 0, "open")
    status = status.mask(groups.index.isin(_superseded(pieces, created)), "superseded")
    whole_at = of_group["in_at"].max().where(asked == came)
    result = groups.assign(
        jobs=np.bincount(group, minlength=many),
        **counts,
        assets_asked=asked,
        assets_in=came,
        assets_missing=asked - came,
        attempts=of_group["attempts"].max(),
        first_created_at=created,
        whole_at=whole_at,
        publish_s=(whole_at - created).dt.total_seconds().clip(lower=0),
        status=status.mask(asked == came, "whole"),
    )
    last_first = created.sort_values(ascending=False, kind="stable").index
    return result.loc[last_first[last_first.isin(group[wanted[row]])]], pieces


def _pieces(jobs: pd.DataFrame, assets: pd.DataFrame) -> pd.DataFrame:
    """Return each asset of each group, and note in assets the number that it has here.

    ``attempts`` says how many jobs asked for it, ``is_in`` whether one of them completed, ``in_at``
    when the first of those ended.
    """
    both = mixed(assets["asset"].to_numpy(np.uint64), assets["group"].to_numpy(np.uint64))
    number, first = numbers_of(both)
    assets["piece"], pieces = number, assets.iloc[first].reset_index(drop=True)
    is_done = (jobs["state"] == "COMPLETED").to_numpy()[assets["row"]]
    ends = ended(jobs).iloc[assets["row"][is_done]]
    return pieces.assign(
        attempts=np.bincount(number, minlength=len(pieces)),
        is_in=np.bincount(number[is_done], minlength=len(pieces)) > 0,
        in_at=ends.groupby(number[is_done], sort=False).min(),
    )


def _superseded(pieces: pd.DataFrame, created: pd.Series[pd.Timestamp]) -> Array:
    """Return the groups that miss what one later group has, which misses nothing itself."""
    pieces = pieces[["group", "asset", "is_in"]]
    lacks = pieces[~pieces["is_in"]]
    others = pieces[pieces["asset"].isin(lacks["asset"])]
    lacks = lacks.join(created.rename("at"), on="group")
    whole = others[~others["group"].isin(lacks["group"])].join(created.rename("at"), on="group")
    # few are left when each missing asset has to be in any later one
    latest = whole.groupby("asset")["at"].max().reindex(lacks["asset"])
    lacks = lacks[~lacks["group"].isin(lacks["group"][~(latest.array > lacks["at"].array)])]
    whole = whole[whole["asset"].isin(lacks["asset"])].dropna().sort_values("at", kind="stable")
    # of those that have the same of these, the last is as good as all
    same = whole.groupby("group", sort=False)["asset"].sum().drop_duplicates(keep="last")
    pairs = lacks.merge(whole[whole["group"].isin(same.index)], on="asset", suffixes=("", "_whole"))
    pairs = pairs[pairs["at_whole"] > pairs["at"]]
    held = pairs.groupby(["group", "group_whole"])["at"].count().reset_index("group")
    all_of_them = lacks.groupby("group")["at"].count().reindex(held["group"]).array
    superseded: Array = held["group"].to_numpy()[held["at"].array == all_of_them]
    return superseded
