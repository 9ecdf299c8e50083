"""What commands ask and say."""

from __future__ import annotations

import re

import click.shell_completion
from click.testing import CliRunner

from dxnotebook import cli
from dxnotebook.console import Command
from dxnotebook.errors import LoadError
from tests.conftest import job, page_of
from tests.test_cli import run


def test_names_are_completed(account):
    def completed(*words):
        commands = click.shell_completion.BashComplete(cli.main, {}, "dxnotebook", "X")
        return [item.value for item in commands.get_completions(list(words[:-1]), words[-1])]

    assert completed("sync", "archive", "--profile", "") == ["one", "two"]
    assert "us-east-1" in completed("check", "--region", "us-")
    assert completed("check", "--by", "data_set") == ["data_set_id", "data_set_name"]
    [item] = click.shell_completion.BashComplete(cli.main, {}, "d", "X").get_completions(
        ["check", "--file"], "x"
    )
    assert item.type == "file"


def test_messages_are_in_options(account, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert run("check").output.endswith("Give --region us-east-1, or set AWS_DEFAULT_REGION.\n")
    (tmp_path / "bad.json").write_bytes(page_of(job()) + b"{")
    for arguments in (
        ("check", "--file", str(tmp_path / "bad.json")),
        ("check", "--demo", "--since", "2026-09-02", "--until", "2026-09-01"),
        ("check", "--demo", "--since", "soon"),
        ("check", "--demo", "--max-silence", "long"),
        ("check", "--archive", str(tmp_path / "none")),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert not re.search(r"`\.\w|`since|dx\.|Timestamp|partial|max_silence|=\[", done.output), (
            done.output
        )


def test_what_only_python_users_can_do_is_left_out():
    reason = "the answer was not whole after 300 s"
    config = "a client with a longer read_timeout in its Config waits longer"

    def broken():
        raise LoadError(f"Listing the jobs broke off: {reason}; {config}. Load again.")

    command = Command("late", callback=broken)
    assert CliRunner().invoke(command).output == (
        f"Error: Listing the jobs broke off: {reason}. Load again.\n"
    )
