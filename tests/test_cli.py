"""The command line as a user runs it."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from click.testing import CliRunner

import dxnotebook as dx
from dxnotebook import cli


def run(*arguments):
    return CliRunner().invoke(cli.main, arguments)


def test_demo_loads_summarises_and_writes(tmp_path):
    folder = tmp_path / "out"
    result = run("demo", "--folder", str(folder))
    assert result.exit_code == 0, result.output
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    failed = tables.jobs["state"].isin(["ERROR", "TIMED_OUT"])
    worst = tables.jobs.loc[failed, "type"].value_counts()
    assert f"{worst.index[0]} " in result.output
    assert f" {worst.iloc[0]} " in result.output
    assert "ACCESS_DENIED_EXCEPTION" in result.output
    assert "Power Grid Load by Region, Hourly" in result.output
    back = pd.read_parquet(folder / "jobs.parquet")
    pd.testing.assert_frame_equal(back.drop(columns="data_set_name"), tables.jobs)
    assert len(pd.read_csv(folder / "errors.csv")) == len(tables.errors)
    assert {path.name for path in folder.iterdir()} == {
        *(f"{name}.{suffix}" for name in ("jobs", "details", "errors") for suffix in ("parquet", "csv")),
        "explore.ipynb",
    }
    assert max(map(len, result.output.partition("Written to")[0].splitlines())) < 120


@pytest.mark.parametrize("jobs", ["0", "1", "40"])
def test_demo_of_few_jobs(tmp_path, jobs):
    result = run("demo", "--jobs", jobs, "--folder", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "nan" not in result.output.lower()


def test_demo_leaves_a_notebook_that_is_there(tmp_path):
    (tmp_path / "explore.ipynb").write_text("mine")
    assert run("demo", "--jobs", "1", "--folder", str(tmp_path)).exit_code == 0
    assert (tmp_path / "explore.ipynb").read_text() == "mine"


def test_demo_opens_jupyterlab_only_when_asked_and_there(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(cli.subprocess, "run", lambda command, **_: started.append(command))
    assert run("demo", "--jobs", "1", "--folder", str(tmp_path)).exit_code == 0
    assert not started
    assert run("demo", "--jobs", "1", "--folder", str(tmp_path), "--open").exit_code == 0
    assert started == [[sys.executable, "-m", "jupyterlab", str(tmp_path / "explore.ipynb")]]
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    result = run("demo", "--jobs", "1", "--folder", str(tmp_path), "--open")
    assert result.exit_code == 1
    assert "pip install 'dxnotebook[notebook]'" in result.output
    assert len(started) == 1


def test_demo_says_where_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("demo", "--jobs", "1", "--folder", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert "Cannot write to" in result.output


@pytest.mark.parametrize("arguments", [(), ("demo",), ("sync",)])
def test_help_shows_an_example_or_the_commands(arguments):
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output or "Commands" in result.output


def test_version():
    assert run("--version").output == f"dxnotebook, version {dx.__version__}\n"


@pytest.fixture
def account(monkeypatch, tmp_path):
    """An endpoint that the default credentials and the profiles one and two lead to."""
    config = tmp_path / "config"
    keys = "aws_access_key_id=demo\naws_secret_access_key=demo\n"
    config.write_text(f"[profile one]\nregion=us-east-1\n{keys}[profile two]\nregion=eu-west-1\n{keys}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "demo")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with dx.demo.Endpoint(dx.demo.Account(300)) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DATAEXCHANGE", endpoint.url)
        yield endpoint


def test_sync_says_in_one_line_what_it_did(account, tmp_path):
    folder = str(tmp_path / "archive")
    result = run("sync", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "300 new, 0 changed, 0 unchanged, 0 rejects, no gap\n"
    account.requests.clear()
    result = run("sync", folder, "--profile", "one", "--region", "us-east-1", "--optimize", "--full")
    assert (result.exit_code, result.stdout) == (0, "0 new, 0 changed, 300 unchanged, 0 rejects, no gap\n")
    assert len(account.requests) == 2
    assert len(dx.Archive(folder).load()) == 300


def test_sync_says_what_failed_by_its_exit_status(account, tmp_path):
    folder = str(tmp_path / "archive")
    result = run("sync", folder, "--profile", "nope")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Invalid profile: 'nope'" in result.stderr
    account.faults = [dx.demo.Fault("denied", 1, times=1)]
    result = run("sync", folder, "--profile", "one", "--profile", "two")
    assert result.exit_code == 3
    assert result.stdout.count("\n") == 1
    assert "Warning: 1 of 2 clients failed" in result.stderr
    account.faults = [dx.demo.Fault("denied", 0, times=None)]
    result = run("sync", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "AccessDenied" in result.stderr
    (tmp_path / "file").write_text("")
    assert run("sync", str(tmp_path / "file")).exit_code == 1
