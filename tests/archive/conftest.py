"""What tests of the archive share: an archive, a world that changes, how tables are compared."""

from __future__ import annotations

import pandas as pd
import pytest
from deltalake import DeltaTable

import dxnotebook as dx
from dxnotebook import demo
from tests.scripted import Scripted

TABLES = ("jobs", "details", "errors", "rejects")


def ordered(tables):
    """Return tables as an archive loads them: newest first, ARNs decide between equals."""
    order = tables.jobs.sort_values(["created_at", "job_arn"], ascending=[False, True]).index
    ids = {job_id: place for place, job_id in enumerate(tables.jobs["job_id"].iloc[order])}
    frames = {"jobs": tables.jobs.iloc[order].reset_index(drop=True)}
    for name in ("details", "errors"):
        frame = getattr(tables, name)
        places = frame["job_id"].map(ids)
        frames[name] = frame.iloc[places.argsort(kind="stable")].reset_index(drop=True)
    rejects = tables.rejects.sort_values(["source", "page", "position"], ignore_index=True)
    return {**frames, "rejects": rejects}


def assert_same(archived, loaded):
    expected = ordered(loaded)
    # a load does not have the names of data sets, which a sync asks for
    jobs = archived.jobs.drop(columns="data_set_name", errors="ignore")
    for name, frame in {**dict.fromkeys(TABLES), "jobs": jobs}.items():
        found = getattr(archived, name) if frame is None else frame
        pd.testing.assert_frame_equal(found, expected[name], obj=name)
    assert archived.to_jobs() == dx.JobTables(**expected).to_jobs()


def sync(archive, client, **kwargs):
    return archive.sync(client, progress=False, **kwargs)


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def version(archive, table="jobs"):
    return DeltaTable(f"{archive.uri}/{table}").version()


@pytest.fixture
def archive(tmp_path):
    return dx.Archive(tmp_path / "jobs archive")


@pytest.fixture
def world():
    """An account that a test changes, its endpoint and a client."""
    account = Scripted()
    with demo.Endpoint(account) as endpoint:
        yield account, endpoint, endpoint.client()
