"""How commands speak: their options and what completes them, texts, warnings, errors, ends."""

from __future__ import annotations

import atexit
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import botocore.session
import click
from botocore.exceptions import BotoCoreError

from dxnotebook.aws.clients import SERVICE
from dxnotebook.errors import DxError, DxWarning
from dxnotebook.files.read import read_jobs
from dxnotebook.records.redact import redact_text
from dxnotebook.tables.jobtables import JobTables
from dxnotebook.text import visible

# what messages say to whoever writes Python: sentences about attributes, calls that are commands
_FOR_PYTHON = {
    r"(?:^| )[A-Z][^.]*`\.\w+`[^.]*\.": "",
    r"; a client with [^.;]*Config[^.;]*": "",
    r"dx\.\S+ or (`dxnotebook)": r"\1",
    r", (a date \([^)]*\)) or a Timestamp": r" or \1",
    r" with folder=True \((--\w+)\)": r" with \1",
}


def options(*rows: Any) -> list[click.Parameter]:
    """Return options, given their names, what is particular about them, and their help."""
    return [click.Option(names, help=text, **particular) for *names, particular, text in rows]


def say(text: object, *, err: bool = False) -> None:
    """Print lines in which nothing moves a terminal, whatever names and messages hold."""
    click.echo("\n".join(map(visible, str(text).split("\n"))), err=err)


def _completed(names: Callable[[], Iterable[str]]) -> dict[str, Any]:
    """Return what is particular about an option whose value is completed from names."""

    def matching(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
        with suppress(BotoCoreError):  # a configuration that is broken
            return [name for name in names() if name.startswith(begun)]
        return []

    return {"metavar": "NAME", "shell_complete": matching}


def _profile_names() -> Iterable[str]:
    return botocore.session.Session().available_profiles


def _region_names() -> Iterable[str]:
    return ["all", *botocore.session.Session().get_available_regions(SERVICE)]


def no_jobs() -> JobTables:
    """Return tables without jobs, with all columns."""
    empty = read_jobs([])
    return replace(empty, jobs=empty.jobs.assign(data_set_name=empty.jobs["data_set_id"]))


def _column_names() -> Iterable[str]:
    return no_jobs().jobs.columns


# options: their names, what is particular about them, their help
_IS_FLAG, _SEVERAL = {"is_flag": True}, {"multiple": True}
_IS_TIME = {"metavar": "TIME"}
_IS_PATH = {"type": click.Path(path_type=Path)}
_IS_FOLDER = {"type": click.Path(file_okay=False, path_type=Path), "show_default": True}
_IS_NOTEBOOK = {"type": click.Path(exists=True, dir_okay=False, path_type=Path)}
_IS_COUNT = {"type": click.IntRange(0), "metavar": "NUMBER"}
_IS_RATE = {"type": click.FloatRange(0, 1), "metavar": "RATE"}
IS_DEMO = ("--demo", "is_demo", _IS_FLAG, "The simulated account instead of AWS.")
AWS = (
    ("--profile", "profiles", {**_SEVERAL, **_completed(_profile_names)},
     "A profile of the AWS configuration; may be given more than once.  [default: AWS's]"),
    ("--region", "regions", {**_SEVERAL, **_completed(_region_names)},
     'A region, or "all"; may be given more than once.  [default: the profile\'s]'),
)  # fmt: skip
SOURCE = (
    *AWS,
    ("--archive", {"metavar": "URI", "type": click.Path()}, "An archive instead of AWS."),
    ("--file", "files", {**_SEVERAL, "type": click.Path()},
     "A saved listing, a pattern of several, or an export, instead of AWS."),
    IS_DEMO,
)  # fmt: skip
ONLY = (
    ("--since", _IS_TIME, "Only jobs created since: 30d, 12h, 2026-09-01.  [default: all]"),
    ("--until", _IS_TIME, "Only jobs created before.  [default: now]"),
)
WINDOW = (
    ("--since", _IS_TIME,
     "Only what happened since: 30d, 2026-09-01; it is judged by all jobs.  [default: all]"),
    ("--until", _IS_TIME, "Only what happened before.  [default: now]"),
)  # fmt: skip
DEMO = (
    ("--folder", {**_IS_FOLDER, "default": "dxnotebook-demo"}, "Where to write the tables."),
    ("--jobs", {**_IS_COUNT, "default": 6_000, "show_default": True}, "How many jobs to simulate."),
    ("--open", "open_lab", _IS_FLAG, "Open the notebook in JupyterLab afterwards."),
)
EXPORT = (
    ("--tables", "folder", _IS_FLAG,
     "A file for each table, in a folder of that name, also as CSV."),
    ("--no-bom", _IS_FLAG, "CSV without the mark by which Excel knows UTF-8."),
)  # fmt: skip
REPORT = (
    ("--notebook", _IS_NOTEBOOK, "A changed copy of the report's notebook to run instead."),
    ("--copy-notebook", _IS_PATH, "Write the report's notebook there, to be changed, and end."),
)
EXPLORE = (
    ("--no-browser", _IS_FLAG, "Print the address only."),
    ("--port", {"type": click.IntRange(0, 65_535), "metavar": "NUMBER", "default": 0},
     "The port to listen at.  [default: one that is free]"),
)  # fmt: skip
CHECK: Any = (
    ("--max-failure-rate", _IS_RATE,
     "The highest rate of failed jobs, 0 to 1.  [default: 0.1, if no limit is given]"),
    ("--by", _completed(_column_names),
     "A column, as type or data_set_id: the rate of each of its values is checked, too."),
    ("--max-undone-rate", _IS_RATE,
     "The highest rate of work that was not done in the end, re-runs included, 0 to 1."),
    ("--max-unresolved", _IS_COUNT, "How much failed work may be without a later success."),
    ("--max-stuck", _IS_COUNT, "How many jobs may be open for longer than usual."),
    ("--max-silence", {"metavar": "LENGTH"},
     "How long ago each data set's last success may be: 26h, 3d."),
    ("--max-overdue", _IS_COUNT, "How many feeds, run again and again, may be overdue."),
    ("--incomplete", _IS_FLAG,
     "Find revisions that miss assets, and, where AWS is asked, those finalized nevertheless."),
    ("--json", "as_json", _IS_FLAG, "Print the findings, and what was looked at, as JSON."),
    ("--quiet", _IS_FLAG, "Print findings only, not what was looked at."),
)  # fmt: skip
SYNC = (
    ("--full", _IS_FLAG, "Read the listings to their end, as is done once a week anyway."),
    ("--optimize", _IS_FLAG, "Afterwards make few files of many, and delete those not needed."),
)


class Command(click.Command):
    """A command that ends with a line where what is asked for cannot be done, or is interrupted.

    Each warning is a line, once.
    """

    failure: ClassVar[int] = 1  # the exit code

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102 (click's)
        shown: set[str] = set()

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            if (text := self._in_options(str(message))) not in shown:
                say(f"Warning: {text}", err=True)
            shown.add(text)

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", DxWarning)
                warnings.showwarning = show
                return super().invoke(ctx)
        except KeyboardInterrupt:
            # whoever presses the keys again wants it no less, and is not to see how Python ends
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
            click.echo("Interrupted.", err=True)
            sys.exit(128 + signal.SIGINT)  # as shells have it
        except (DxError, BotoCoreError) as error:
            raise self._ended(self._in_options(str(error))) from None
        except BrokenPipeError:
            raise  # click ends quietly
        except OSError as error:
            text = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
            raise self._ended(visible(text)) from None

    def _ended(self, text: str) -> click.ClickException:
        error = click.ClickException(text)
        setattr(error, "exit_code", self.failure)  # noqa: B010 (a class variable of click's)
        return error

    def _in_options(self, text: str) -> str:
        """Return a message in the words of the command line: options in place of parameters."""
        for pattern, words in _FOR_PYTHON.items():
            text = re.sub(pattern, words, text)
        given = {option.opts[0] for option in self.params if isinstance(option, click.Option)}
        for option in given:
            name = rf"{option[2:].replace('-', '_')}s?"
            text = re.sub(rf"\b{name}=\[?'?([^\s'\],]+)'?\]?", rf"{option} \1", text)
            text = re.sub(rf"`{name}`|(?<=Invalid ){name}(?=:)", option, text)
        return visible(redact_text(text.strip()))


class Group(click.Group):
    """Commands that end so."""

    command_class = Command
