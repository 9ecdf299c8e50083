"""Clients: made for profiles and regions, named, and told from what is none."""

from __future__ import annotations

import boto3
import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws.clients import client_names, label


def load(client, **kwargs):
    return dx.load_jobs(client, progress=False, **kwargs)


def test_no_credentials_says_what_to_do(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(dx.LoadError, match="aws configure"):
        dx.load_jobs(dx.clients(regions="us-east-1"), progress=False)
    with pytest.raises(dx.DxError, match="AWS_DEFAULT_REGION"):
        dx.clients()
    with pytest.raises(dx.DxError, match="Invalid profile: 'nope'"):
        dx.clients(profiles="nope")
    assert len(dx.clients(regions="all")) > 5


def test_clients_are_named_after_their_profiles(monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text("[profile prod]\nregion=eu-west-1\n[profile dev]\nregion=us-west-2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = dx.clients(["prod", "dev"])
    assert [label(client) for client in made] == ["prod eu-west-1", "dev us-west-2"]
    assert len(dx.clients(["prod", "dev"], ["us-east-1", "eu-west-1"])) == 4


@pytest.mark.slow
def test_clients_of_one_region_are_told_apart():
    clients = [demo.client(jobs=1), demo.client(jobs=1, region="eu-west-1"), demo.client(jobs=1)]
    assert client_names(clients) == ["us-east-1 (1)", "eu-west-1", "us-east-1 (3)"]


@pytest.mark.parametrize("wrong", [[], [1], 5, boto3.client("s3", region_name="us-east-1")])
def test_what_is_no_client_says_so(wrong):
    with pytest.raises(dx.DxError, match=r"dx\.clients"):
        load(wrong)
