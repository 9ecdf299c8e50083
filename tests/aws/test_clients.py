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
    with pytest.raises(dx.DxError, match="Invalid profiles: 5"):
        dx.clients(profiles=5)
    with pytest.raises(dx.DxError, match=r"Invalid regions: \[b'eu'\]"):
        dx.clients(regions=[b"eu"])
    assert len(dx.clients(regions="all")) > 5


@pytest.mark.parametrize(
    "login",
    [
        (
            "sso_account_id=111122223333\nsso_role_name=Read\nsso_session=my\n"
            "[sso-session my]\nsso_region=us-east-1\nsso_start_url=https://x.invalid"
        ),
        "credential_process=false",
    ],
)
def test_an_expired_login_of_a_profile_is_renewed_by_its_name(login, monkeypatch, tmp_path):
    (tmp_path / "config").write_text(f"[profile prod]\nregion=us-east-1\n{login}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))  # where tokens of logins are kept
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(dx.DxError, match="'aws sso login --profile prod'"):
        load(dx.clients("prod"))


@pytest.mark.parametrize(
    ("config", "environment", "said"),
    [
        ("[profile", {}, r"Unable to parse config file.*\. Check ~/\.aws/config"),
        ("", {"AWS_PROFILE": "nix"}, r"profile \(nix\) could not be found\. Check .*AWS_PROFILE"),
        ("[default]\nsource_profile=nix\nrole_arn=x", {}, r'"nix".* does not exist\. Check'),
        ("", {"AWS_DEFAULT_REGION": "us east"}, r"'us east'.*\. Check the name of the region\."),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told(
    config, environment, said, monkeypatch, tmp_path
):
    (tmp_path / "config").write_text(config)
    own = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_DEFAULT_REGION": "us-east-1"}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (own | environment).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(dx.DxError, match=said):
        dx.clients()
    assert len(dx.load_jobs(demo.client(jobs=5), progress=False)) == 5  # which does without


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
