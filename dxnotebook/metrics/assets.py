"""What jobs are to do: the assets that each asks for, and which of them are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Mask, coded, hashed, located, mixed, text_array
from dxnotebook.model import branches, usual_branch
from dxnotebook.tables.jobtables import JobTables

#: What the jobs of one feed have in common.
FEED = ("account_id", "region", "type", "data_set_id")
#: What tells work of a feed apart, beside the assets that a job lists. The revision that it fills
#: does not, as a re-run may fill another; nor do its role, keys of encryption and tags, which are
#: what one mends before a re-run.
WORK = (*FEED, "asset_id", "asset_name", "asset_source_bucket", "api_id", "stage", "catalog_id")
# in an element of a list, what does not say which asset it is
_NOT_OF_ASSETS = ("job_id", "field", "position", "kms_key_arn", "permission")
# what an asset is called, the first that it has
_CALLED = ("key", "key_prefix", "data_share_arn", "asset_id", "revision_id")


def assets_of(tables: JobTables, jobs: pd.DataFrame, wanted: Mask | None = None) -> pd.DataFrame:
    """Return the assets that jobs ask for, each once a job.

    An asset is an element of a list that the job's type has: an object or a prefix in S3, a data
    share, an asset or a revision to export and where to. The tags of an expression of Lake
    Formation are one asset, as they hold together. A job that lists none asks for one: what it
    names, such as the asset of a signed URL, or an API and its stage.

    Parameters
    ----------
    tables : JobTables
        The tables that the jobs are of.
    jobs : pandas.DataFrame
        The jobs, or some of them, numbered from 0.
    wanted : mask over jobs, optional
        Which of them; leaving out a part of the rows takes longer than leaving them in.

    Returns
    -------
    pandas.DataFrame
        ``row`` (int64: the job's), ``asset`` (int64: the same where account, region, type, data set
        and asset are), ``detail`` (int64: the first row of `JobTables.details` that names it, -1
        where none does).

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.metrics.assets import assets_of
    >>> tables = dx.load_jobs(dx.demo.client(jobs=500))
    >>> assets = assets_of(tables, tables.jobs)
    >>> assets["row"].nunique(), assets["row"].value_counts().max()
    (500, np.int64(6))
    """
    row = located(tables.details["job_id"], jobs["job_id"])
    wanted = np.ones(len(jobs), bool) if wanted is None else wanted
    names_asset, names = naming_assets(tables, np.append(wanted, False)[row])
    detail = np.flatnonzero(names_asset)
    part = hashed(tables.details[["field", *names]])[detail]
    row = row[detail]
    part = _joined(tables.details, detail, row, part)
    lists_none = wanted.copy()
    lists_none[row] = False
    without = np.flatnonzero(lists_none)
    row = np.append(row, without)
    part = np.append(part, np.zeros(len(without), np.uint64))
    detail = np.append(detail, np.full(len(without), -1))
    asset = mixed(hashed(jobs.filter(items=WORK))[row], part)
    assets = pd.DataFrame({"row": row, "asset": asset.view(np.int64), "detail": detail})
    pairs = mixed(asset, row.astype(np.uint64))
    ordered = np.sort(pairs)
    if (ordered[1:] == ordered[:-1]).any():  # rare, and found in a part of the time
        assets = assets[~pd.Series(pairs).duplicated()].reset_index(drop=True)
    return assets


def naming_assets(tables: JobTables, of_interest: Mask) -> tuple[Mask, list[str]]:
    """Return which of the details of interest name an asset, and the columns in which they do."""
    details = tables.details
    codes, fields = coded(text_array(details["field"]))
    usual = map(usual_branch, tables.jobs["type"].dropna().unique())
    known = {*branches(tables.model.record), *usual}
    are_own = [name.partition(".")[0] in known for name in fields.to_pylist()]
    of_interest = of_interest & np.array([*are_own, False], bool)[codes]
    names = details.columns.difference([*_NOT_OF_ASSETS])
    valid = {name: details[name].notna().to_numpy() & of_interest for name in names}
    valid = {name: mask for name, mask in valid.items() if mask.any()}
    return np.logical_or.reduce([np.zeros(len(details), bool), *valid.values()]), [*valid]


def _joined(details: pd.DataFrame, detail: Array, row: Array, part: Array) -> Array:
    """Return what identifies parts, the same for all tags of an expression, in whatever order."""
    is_tag = details["tag_key"].notna().to_numpy()[detail]
    if is_tag.any():
        tags = pd.DataFrame({"row": row, "part": part})[is_tag]
        tags["field"] = details["field"].iloc[detail[is_tag]].array
        expression = tags.drop_duplicates().groupby(["row", "field"])["part"].sum().rename("sum")
        part[is_tag] = tags.join(expression, on=["row", "field"])["sum"]
    return part


def ended(jobs: pd.DataFrame) -> pd.Series[Any]:
    """Return when jobs ended, as far as that is known."""
    return jobs["updated_at"].fillna(jobs["created_at"])


def described(tables: JobTables, assets: pd.DataFrame) -> pd.DataFrame:
    """Return what assets are, in their order: ``asset`` (one text), bucket, key, asset_name."""
    job = tables.jobs.iloc[assets["row"]].reset_index(drop=True)
    named = tables.details.reindex(assets["detail"]).reset_index(drop=True)
    tags = tables.details.dropna(subset="tag_key")
    tags = tags[located(tags["job_id"], job["job_id"][named["tag_key"].notna()]) >= 0]
    text = (tags["tag_key"] + "=" + tags["tag_value"].fillna("")).astype(object)
    text = text.groupby([tags["job_id"], tags["field"]]).agg(" ".join).rename("tags")
    called = named[["job_id", "field"]].join(text, on=["job_id", "field"])["tags"].astype("str")
    for name in _CALLED:
        called = called.fillna(named[name])
    called = called.fillna(job["asset_name"]).fillna(job["api_id"] + "/" + job["stage"])
    bucket = named["bucket"].fillna(job["asset_source_bucket"])
    columns = {"asset": called, "bucket": bucket, "key": named["key"]}
    return pd.DataFrame(columns | {"asset_name": job["asset_name"]})
