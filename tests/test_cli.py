"""The command line as a user runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

import dxnotebook as dx
from dxnotebook import cli
from tests.conftest import job, page_of
from tests.files.conftest import equal


def run(*arguments):
    return CliRunner().invoke(cli.main, arguments)


@pytest.mark.slow
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
        *(
            f"{name}.{suffix}"
            for name in ("jobs", "details", "errors")
            for suffix in ("parquet", "csv")
        ),
        "explore.ipynb",
    }
    assert max(map(len, result.output.partition("Written to")[0].splitlines())) < 120


def test_what_demo_writes_read_tables_reads(tmp_path):
    run("demo", "--folder", str(tmp_path / "demo"), "--jobs", "60")
    client = dx.demo.client(60)
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    equal(dx.read_tables(tmp_path / "demo"), tables)
    done = run("check", "--quiet", "--file", str(tmp_path / "demo"), "--max-stuck", "60")
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize("jobs", ["0", "1", "40"])
def test_demo_of_few_jobs(tmp_path, jobs):
    result = run("demo", "--jobs", jobs, "--folder", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "nan" not in result.output.lower()


def test_demo_leaves_a_notebook_that_is_there(tmp_path):
    (tmp_path / "explore.ipynb").write_text("mine")
    assert run("demo", "--jobs", "1", "--folder", str(tmp_path)).exit_code == 0
    assert (tmp_path / "explore.ipynb").read_text() == "mine"


@pytest.mark.slow
def test_demo_opens_jupyterlab_only_when_asked_and_there(tmp_path, monkeypatch):
    started = []

    def start(command, **_):
        started.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(cli.subprocess, "run", start)
    assert run("demo", "--jobs", "1", "--folder", str(tmp_path)).exit_code == 0
    assert not started
    assert run("demo", "--jobs", "1", "--folder", str(tmp_path), "--open").exit_code == 3
    assert started == [[sys.executable, "-m", "jupyterlab", str(tmp_path / "explore.ipynb")]]
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    result = run("demo", "--jobs", "1", "--folder", str(tmp_path), "--open")
    assert result.exit_code == 1
    assert "pip install 'dxnotebook[notebook]'" in result.output
    assert len(started) == 1


def test_demo_says_where_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("demo", "--jobs", "1", "--folder", str(tmp_path / "file" / "below"))
    assert result.exit_code == 1
    assert "Cannot write to" in result.output


@pytest.mark.parametrize(
    "arguments", [(), ("demo",), ("check",), ("export",), ("report",), ("sync",), ("explore",)]
)
def test_help_shows_an_example_or_the_commands(arguments):
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output or "Commands" in result.output


def test_version():
    assert run("--version").output == f"dxnotebook, version {dx.__version__}\n"


@pytest.mark.slow
def test_check_exits_with_what_it_found():
    bad = run("check", "--demo", "--since", "2026-08-31", "--until", "2026-09-07")
    assert bad.exit_code == 1
    line, looked_at = bad.output.splitlines()
    assert looked_at.startswith("Looked at 442 jobs, created since 2026-08-31 00:00 before")
    assert "181 of 440 finished jobs failed" in line
    assert "Access denied" in line
    assert "Power Grid Load by Region, Hourly" in line
    good = run("check", "--demo", "--quiet", "--since", "2026-09-14", "--until", "2026-09-21")
    assert (good.exit_code, good.output) == (0, "")
    as_json = run("check", "--demo", "--max-stuck", "0", "--json")
    assert as_json.exit_code == 1
    answer = json.loads(as_json.output)
    assert answer["looked_at"]["accounts"] == ["111122223333"]
    (finding,) = answer["findings"]
    assert (finding["check"], finding["value"], finding["of"]) == ("stuck", 4, None)


def test_a_window_is_checked_in_the_context_of_all_jobs():
    """Of the last 24 hours, silences and stuck jobs are found, however long ago they began."""
    limits = ["--max-stuck", "0", "--max-silence", "3d", "--max-undone-rate", "0.5"]
    done = run("check", "--demo", "--since", "24h", *limits)
    assert done.exit_code == 1
    assert "4 jobs are open for longer than usual" in done.output
    assert "the last success was" in done.output
    assert "Looked at 60 jobs, created since 2026-09-29 12:00" in done.output
    assert run("check", "--demo", "--since", "2026-09-02", "--until", "2026-09-01").exit_code == 2


def test_check_says_when_it_cannot(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    failed = run("check")
    assert failed.exit_code == 2
    assert "No region is configured" in failed.output
    assert run("check", "--demo", "--by", "colour").exit_code == 2
    assert run("check", "--demo", "--max-silence", "long").exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jobs.parquet", "jobs.jsonl"])
def test_export_writes_what_check_and_export_read(tmp_path, name):
    path = tmp_path / name
    written = run("export", str(path), "--demo", "--since", "30d")
    assert (written.exit_code, written.output) == (
        0,
        f"{path}: {len(dx.read_tables(path)):,} jobs\n",
    )
    again = run(
        "export",
        str(tmp_path / "jobs.csv"),
        "--file",
        str(path),
        "--since",
        "2026-09-14",
        "--until",
        "2026-09-21",
    )
    assert again.exit_code == 0
    created = pd.read_csv(tmp_path / "jobs.csv", parse_dates=["created_at"])["created_at"]
    assert created.min() >= pd.Timestamp("2026-09-14", tz="UTC")
    assert created.max() < pd.Timestamp("2026-09-21", tz="UTC")
    assert run("check", "--file", str(path), "--since", "7d").exit_code == 0


def test_one_job_is_one_job(tmp_path):
    (tmp_path / "jobs.json").write_bytes(page_of(job()))
    path = tmp_path / "out.jsonl"
    assert run("export", str(path), "--file", str(tmp_path / "jobs.json")).output == (
        f"{path}: 1 job\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "arguments", "told"),
    [
        ("deltalake", ["sync", "archive"], "An archive needs deltalake.*dxnotebook\\[archive\\]"),
        ("deltalake", ["check", "--archive", "a"], "An archive needs deltalake"),
        ("nbclient", ["report", "--demo"], "A report needs nbclient.*dxnotebook\\[notebook\\]"),
    ],
)
def test_a_missing_library_is_named_with_what_installs_it(tmp_path, library, arguments, told):
    code = f"import sys; sys.modules[{library!r}] = None; import dxnotebook.cli as c; c.main()"
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == (2 if "check" in arguments else 1)
    assert re.match(f"Error: {told}", result.stderr)


@pytest.mark.slow
def test_check_is_not_fooled(tmp_path, monkeypatch):
    path = tmp_path / "jobs.jsonl"
    run("export", str(path), "--demo")
    for source in (("--demo",), ("--file", str(path))):
        assert run("check", *source, "--until", "10d", "--max-stuck", "0").exit_code == 1
    monkeypatch.setenv("AWS_PROFILE", "typo")
    assert run("check").exit_code == 2
    monkeypatch.delenv("AWS_PROFILE")
    assert run("check", "--region", "us east 1").exit_code == 2
    assert run("check", "--archive", "").exit_code == 2
    assert run("check", "--archive", str(tmp_path / "none")).exit_code == 2
    assert run("check", "--demo", "--file", str(path)).exit_code == 2
    assert "Give one of --file and --demo" in run("check", "--demo", "--file", str(path)).output


def test_check_says_when_an_account_could_not_be_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(
        cli,
        "clients",
        lambda *_: [
            dx.demo.client(50),
            dx.demo.client(50, faults=[dx.demo.Fault("denied", 0, times=None)]),
        ],
    )
    result = run("check", "--max-stuck", "100")
    assert result.exit_code == 2
    assert "us-east-1 (2) could not be asked: Listing the jobs of" in result.stdout
    path = tmp_path / "jobs.feather"
    written = run("export", str(path))
    assert "50 jobs · us-east-1 (2) could not be asked" in written.stdout
    assert run("check", "--file", str(path), "--max-stuck", "100").exit_code == 2


@pytest.mark.parametrize(
    ("content", "window", "status", "said"),
    [
        (page_of("x"), (), 2, "No jobs: they could not be checked."),
        (page_of(), (), 2, "No jobs: they could not be checked."),
        (page_of(job()), ("--until", "2020-01-01"), 2, "No jobs until 2020-01-01 00:00 UTC; 1"),
        (page_of(job(), "x"), (), 1, "1 job could not be read"),
        (page_of(job()), (), 0, ""),
    ],
)
def test_check_never_takes_nothing_for_health(tmp_path, content, window, status, said):
    (tmp_path / "jobs.json").write_bytes(content)
    result = run("check", "--file", str(tmp_path / "jobs.json"), *window)
    assert result.exit_code == status
    assert said in result.stdout


def test_export_says_once_what_was_rejected(tmp_path):
    (tmp_path / "jobs.json").write_bytes(page_of(job(), "x"))
    done = run("export", str(tmp_path / "jobs.csv"), "--file", str(tmp_path / "jobs.json"))
    assert "jobs.csv: 1 job · 1 job could not be read" in done.stdout
    assert done.stderr.count("Warning: 1 job could not be read") == 1
    assert done.stderr.count("\n") == 1


def test_export_says_what_is_wrong(tmp_path):
    assert "Valid suffixes are" in run("export", str(tmp_path / "jobs.doc"), "--demo").output
    assert (
        "No file matches"
        in run("export", str(tmp_path / "jobs.csv"), "--file", str(tmp_path / "no.json")).output
    )
    assert (
        "Invalid --profile: 'nobody'"
        in run("export", str(tmp_path / "jobs.csv"), "--profile", "nobody").output
    )


@pytest.mark.slow
def test_report_writes_a_page_and_gives_its_notebook(tmp_path):
    assert run("report", "--copy-notebook", str(tmp_path / "mine.ipynb")).output.strip() == str(
        tmp_path / "mine.ipynb"
    )
    assert (
        "is there already" in run("report", "--copy-notebook", str(tmp_path / "mine.ipynb")).output
    )
    path = tmp_path / "week.html"
    done = run(
        "report",
        str(path),
        "--demo",
        "--since",
        "2026-09-14",
        "--until",
        "2026-09-16",
        "--notebook",
        str(tmp_path / "mine.ipynb"),
    )
    assert done.exit_code == 0, done.output
    assert f"{path}: " in done.output
    assert "14 Sep 2026" in path.read_text()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("expired", "Renew the credentials (for example with 'aws sso login')"),
        ("denied", "Allow the action dataexchange:ListJobs"),
        (None, None),
    ],
)
def test_aws_is_asked_as_configured_and_its_refusals_are_told(fault, told, monkeypatch, tmp_path):
    faults = [dx.demo.Fault(fault, page=0, times=None)] if fault else []
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name, value in (
        ("ACCESS_KEY_ID", "x"),
        ("SECRET_ACCESS_KEY", "x"),
        ("DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    with dx.demo.Endpoint(dx.demo.Account(jobs=300), faults=faults) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DATAEXCHANGE", endpoint.url)
        result = run("check", "--since", "30d", "--max-stuck", "100")
    assert result.exit_code == (2 if fault else 0), result.output
    assert (told or "") in result.output


@pytest.mark.slow
def test_an_aws_configuration_that_is_broken_stops_only_what_needs_it(tmp_path):
    (tmp_path / "config").write_text("[profile")
    environment = {**os.environ, "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "nix"}
    for arguments, status, said in (
        (["check", "--demo"], 0, "Looked at 6,000 jobs"),
        (["check"], 2, "Unable to parse config file"),
    ):
        command = [sys.executable, "-m", "dxnotebook", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    asked = {"_DXNOTEBOOK_COMPLETE": "bash_complete", "COMP_WORDS": "dxnotebook check --profile "}
    asked |= environment | {"COMP_CWORD": "3"}
    command = "import sys; sys.argv = ['dxnotebook']; from dxnotebook.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command], env=asked, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_no_credentials_are_told(monkeypatch, tmp_path):
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    result = run("check", "--region", "us-east-1")
    assert result.exit_code == 2
    assert "Configure credentials (for example with 'aws configure')" in result.output


def test_sync_says_in_one_line_what_it_did(account, tmp_path):
    folder = str(tmp_path / "archive")
    result = run("sync", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "300 new, 0 changed, 0 unchanged, 0 rejects, no gap\n"
    account.requests.clear()
    result = run(
        "sync", folder, "--profile", "one", "--region", "us-east-1", "--optimize", "--full"
    )
    assert (result.exit_code, result.stdout) == (
        0,
        "0 new, 0 changed, 300 unchanged, 0 rejects, no gap\n",
    )
    assert len(account.requests) == 2
    assert len(dx.Archive(folder).load()) == 300


@pytest.mark.slow
def test_sync_says_what_failed_by_its_exit_status(account, tmp_path):
    folder = str(tmp_path / "archive")
    result = run("sync", folder, "--profile", "nope")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Invalid --profile: 'nope'" in result.stderr
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


def test_what_was_read_before_a_load_broke_off_is_written_beside(account, tmp_path):
    account.faults = [dx.demo.Fault("denied", 1, times=None)]
    path = tmp_path / "jobs.jsonl"
    path.write_text("whole, of yesterday")
    done = run("export", str(path), "--region", "us-east-1")
    assert done.exit_code == 1
    part = tmp_path / "partial-jobs.jsonl"
    assert f"What was read until then is written: {part}" in done.stderr
    assert len(dx.read_jobs(part)) == 200
    assert path.read_text() == "whole, of yesterday"


def test_values_are_checked_before_anything_is_asked(account, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "voila", None)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    (tmp_path / "mine.ipynb").write_text("{")
    for arguments in (
        ("check", "--by", "colour"),
        ("check", "--max-silence", "long"),
        ("check", "--since", "long"),
        ("export", "jobs.xlsx"),
        ("export", "jobs.doc"),
        ("report", "--notebook", str(tmp_path / "none.ipynb")),
        ("report", "--notebook", str(tmp_path / "mine.ipynb")),
        ("explore",),
    ):
        assert run(*arguments).exit_code in (1, 2), arguments
    assert account.requests == []


def test_the_demo_is_synced(tmp_path):
    assert run("sync", "--demo", str(tmp_path / "a")).output.startswith("6,000 new")
