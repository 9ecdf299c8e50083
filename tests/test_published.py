"""Revisions with a client: what the demo planted comes out, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import demo


@pytest.fixture(scope="module")
def found():
    client = demo.client()
    return dx.revisions(dx.load_jobs(client, progress=False), client)


def test_what_was_planted_is_found_and_nothing_else(found):
    story = demo.Account().story
    for finding, planted in (
        ("finalized though incomplete", story.finalized_early),
        ("whole but not finalized", story.never_finalized),
    ):
        assert len(planted) >= 3
        assert set(found.loc[found["finding"] == finding, "revision_id"]) == set(planted)
    early = found[found["revision_id"].isin(story.finalized_early)]
    assert set(early["status"]) == {"incomplete"}
    assert (early["assets_missing"] > 0).all()
    assert found["revoked"].sum() >= 2
    assert found["comment"].notna().all()


def test_without_a_client_the_jobs_alone_are_asked(found):
    alone = dx.revisions(dx.load_jobs(demo.client(), progress=False))
    known = ["finalized", "revoked", "comment", "finding"]
    pd.testing.assert_frame_equal(found.drop(columns=known), alone)


def test_clients_of_several_accounts_and_of_none():
    clients = [demo.client(400), demo.client(400, account_id="444455556666")]
    tables = dx.load_jobs([*clients, demo.client(400, region="eu-west-1")], progress=False)
    found = dx.revisions(tables, clients)
    assert found.groupby("region")["finalized"].count()["eu-west-1"] == 0
    assert found.loc[found["region"] == "us-east-1", "finalized"].notna().all()
    empty = dx.revisions(dx.read_jobs([]), clients)
    pd.testing.assert_series_equal(empty.dtypes, found.dtypes)


def test_something_else_than_a_client_is_named():
    with pytest.raises(dx.DxError, match="Invalid client"):
        dx.revisions(dx.read_jobs([]), "us-east-1")
