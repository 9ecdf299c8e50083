"""Why jobs failed: messages that differ only in names and numbers are one cause."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow.compute as pc

from dxnotebook.arrays import located, mask_of, text_array
from dxnotebook.metrics.learned import generalized
from dxnotebook.metrics.masks import KEY, PLACES, VALUES, named, replaced
from dxnotebook.metrics.readable import readable
from dxnotebook.tables.jobtables import JobTables, checked, window_of
from dxnotebook.times import At


def error_causes(tables: JobTables, *, since: At = None, until: At = None) -> pd.DataFrame:
    """Return the causes of failure: the messages of errors, grouped by what they have in common.

    Parameters
    ----------
    tables : JobTables
        The jobs and their errors.
    since, until : time or str, optional
        The window, as for `load_jobs`: the errors of jobs created in it. What messages have in
        common is found in all of them.

    Returns
    -------
    pandas.DataFrame
        One row a cause, the one with most jobs first: ``fingerprint`` (str: see `fingerprints`),
        ``code``, ``resource_type`` (category: an error without a message is grouped by it and its
        code; null for others), ``count`` (int64: errors; one that names several assets counts
        once), ``jobs`` (int64: jobs with such an error), ``share`` (float64: of all jobs with
        errors, 0 to 1), ``first_seen``, ``last_seen`` (datetime64[us, UTC]: when the first and the
        last of these jobs were created), ``data_sets`` (int64: how many it touched),
        ``example_job_id`` (str: the last of the jobs).

    Raises
    ------
    DxError
        When given something else than tables.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> causes = dx.error_causes(dx.load_jobs(dx.demo.client()))
    >>> causes["fingerprint"][0][:78]
    'Access denied to <url>: the bucket policy of <bucket> does not allow s3:GetObj'
    """
    tables = checked(tables)
    errors = tables.errors[["job_id", "position", "code", "resource_type"]]
    errors = errors.assign(fingerprint=fingerprints(tables))
    errors["resource_type"] = errors["resource_type"].where(errors["fingerprint"].isna())
    errors = errors.drop_duplicates(["job_id", "position"])
    jobs = tables.jobs[["job_id", "created_at", "data_set_id"]]
    jobs = jobs[located(jobs["job_id"], errors["job_id"]) >= 0].drop_duplicates("job_id")
    errors = errors.merge(jobs, "left", on="job_id")
    errors = errors[window_of(tables.jobs, since, until).contains(errors["created_at"])]
    errors = errors.sort_values(["created_at", "job_id"], na_position="first")
    by = ["fingerprint", "code", "resource_type"]
    grouped = errors.groupby(by, sort=False, dropna=False, observed=True)
    causes = grouped.agg(
        count=("job_id", "size"),
        jobs=("job_id", "nunique"),
        first_seen=("created_at", "min"),
        last_seen=("created_at", "max"),
        data_sets=("data_set_id", "nunique"),
        example_job_id=("job_id", "last"),
    ).reset_index()
    causes.insert(5, "share", causes["jobs"] / max(errors["job_id"].nunique(), 1))
    ascending = {"jobs": False, "count": False} | dict.fromkeys(by, True)
    causes = causes.sort_values([*ascending], ascending=[*ascending.values()], ignore_index=True)
    return readable(causes)


def commonest_cause(tables: JobTables) -> dict[str, Any] | None:
    """Return the first of `error_causes` that is known, None where no error has a message.

    Its ``data_set_id`` is the data set that its jobs are of, null if they are of several.
    """
    causes = error_causes(tables).dropna(subset="fingerprint")
    if causes.empty:
        return None
    cause = causes.iloc[0].to_dict()
    data_set_ids = tables.jobs["data_set_id"][tables.jobs["job_id"] == cause["example_job_id"]]
    return cause | {"data_set_id": data_set_ids.iloc[0] if cause["data_sets"] == 1 else None}


def fingerprints(tables: JobTables) -> pd.Series[str]:
    """Return what the message of each error has in common with others of the same cause.

    What has a known form is masked: URLs, ARNs, UUIDs, dates, keys, regions, e-mail addresses,
    numbers and ids (hexadecimal, base64, and what is called one: ``Request ID: …``); so are the
    bucket, key and name of an asset, by what the tables say they are. Several of a kind in a row
    count as one. Numbers that tell what happened are kept: ``Status Code: 403``, ``HTTP 503``,
    ``(404)``, ``502 Bad Gateway``.

    Other names, as of roles, schemas and relations, are learned from the messages: what differs
    between messages that are equal otherwise is ``<name>``, if it looks like a name or there are
    many of them. So a message may have another fingerprint alone than among others, but never one
    that depends on their order. A few plain words in the same place stay apart if nothing tells
    that they are names, as they may be what differs between causes: *read* and *write*, *GET* and
    *PUT*, ``s3:GetObject`` and ``s3:PutObject``.

    Parameters
    ----------
    tables : JobTables
        The jobs and their errors.

    Returns
    -------
    pandas.Series of str
        One a row of `JobTables.errors`, with its index; null where there is no message.

    Raises
    ------
    DxError
        When given something else than tables.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> errors = tables.errors.assign(fingerprint=dx.fingerprints(tables))
    >>> errors.loc[errors["code"] == "MALWARE_DETECTED", "fingerprint"].iloc[0]
    'Malware was detected in <url>. Asset <id> was not imported.'
    """
    errors = checked(tables).errors
    # an error that names several assets has several rows, and one message
    error = errors.groupby(["job_id", "position"], sort=False, dropna=False).ngroup().to_numpy()
    messages = errors["message"][~pd.Series(error).duplicated()]
    texts = text_array(messages.fillna(""))
    for column in ("key", "asset_name"):
        names = text_array(errors[column])
        has_form = mask_of(pc.match_substring_regex(names, pattern=f"^{KEY}$"))
        texts = named(texts, error, errors[column].mask(has_form), "<key>")
    texts = replaced(texts, PLACES)
    buckets = errors["bucket"].fillna(_buckets(checked(tables)))
    texts = named(texts, error, buckets, "<bucket>")
    texts = replaced(texts, VALUES)
    texts = generalized(texts)
    masked = pd.Series(texts.to_pandas(), dtype="str").where(messages.notna().to_numpy())
    return masked.take(error).set_axis(tables.errors.index).rename("fingerprint")


def _buckets(tables: JobTables) -> pd.Series[str]:
    """Return, for each error that names no bucket, the first that its job names."""
    job_ids = tables.errors["job_id"][tables.errors["bucket"].isna()]
    sources = tables.jobs[["job_id", "asset_source_bucket"]].set_axis(["job_id", "bucket"], axis=1)
    named = pd.concat([tables.details[["job_id", "bucket"]], sources])
    first = named[located(named["job_id"], job_ids) >= 0].dropna().drop_duplicates("job_id")
    return job_ids.map(first.set_index("job_id")["bucket"]).astype("str")
