"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import inspect

import click

from dxnotebook.cli import main

INTRODUCTION = """\
# The command line

`dxnotebook --help` and `dxnotebook COMMAND --help` say the same. Data goes to the standard output,
progress and warnings to the standard error. Completion in bash: `eval
"$(_DXNOTEBOOK_COMPLETE=bash_source dxnotebook)"`; `zsh_source` and `fish_source` are for others.
"""


def text() -> str:
    """Return the page: a part for each command."""
    return "\n".join(
        [INTRODUCTION, *(_part(main.commands[name]) for name in sorted(main.commands))]
    )


def _part(command: click.Command) -> str:
    context = click.Context(command, info_name=f"dxnotebook {command.name}")
    usage = " ".join(["dxnotebook", str(command.name), *command.collect_usage_pieces(context)])
    rows = [
        f"| {_cell(names)} | {help_text.replace('|', chr(92) + '|')} |"
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context))
        for names, help_text in [record]
    ]
    table = ["| option | what it does |", "|---|---|", *rows, ""]
    return "\n".join([f"## {command.name}\n", f"```text\n{usage}\n```\n", _prose(command), *table])


def _cell(names: str) -> str:
    return f"`{names}`".replace("|", "\\|")


def _prose(command: click.Command) -> str:
    r"""Return a command's help as Markdown; what is not to be wrapped (``\b``) is shown as code."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    parts = []
    for paragraph in paragraphs:
        lines = paragraph.replace("\b\n", "").splitlines()
        if "\b" in paragraph and lines[0].startswith("Example"):
            code = "\n".join(line.strip() for line in lines[1:])
            parts.append(f"{lines[0]}\n\n```text\n{code}\n```")
        else:
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
