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


@pytest.mark.parametrize("arguments", [(), ("demo",)])
def test_help_shows_an_example_or_the_commands(arguments):
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output or "Commands" in result.output


def test_version():
    assert run("--version").output == f"dxnotebook, version {dx.__version__}\n"
