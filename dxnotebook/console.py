"""How commands speak: their options and what completes them, texts, warnings, errors, ends."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import click
from botocore.exceptions import BotoCoreError
from click.shell_completion import CompletionItem

from dxnotebook.errors import DxError, DxWarning
from dxnotebook.records.redact import redact_text
from dxnotebook.text import visible

_INTERRUPTED = 130  # as shells have it
# what messages say to whoever writes Python: sentences about attributes, calls that are commands
_FOR_PYTHON = {r"(?:^| )[A-Z][^.]*`\.\w+`[^.]*\.": "", r"dx\.\S+ or (`dxnotebook)": r"\1"}


def options(*rows: Any) -> list[click.Parameter]:
    """Return options, given their names, what is particular about them, and their help."""
    return [click.Option(names, help=text, **particular) for *names, particular, text in rows]


def say(text: object, *, err: bool = False) -> None:
    """Print lines in which nothing moves a terminal, whatever names and messages hold."""
    click.echo("\n".join(map(visible, str(text).split("\n"))), err=err)


class Completed(click.ParamType):  # type: ignore[type-arg]
    """A name that is completed from those that there are."""

    name = "name"

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def shell_complete(  # noqa: D102 (click's)
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del ctx, param
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


class Command(click.Command):
    """A command that ends with a line where what is asked for cannot be done, or is interrupted.

    Each warning is a line, once.
    """

    failure: ClassVar[type[click.ClickException]] = click.ClickException

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
            click.echo("Interrupted.", err=True)
            sys.exit(_INTERRUPTED)
        except (DxError, BotoCoreError) as error:
            raise self.failure(self._in_options(str(error))) from None
        except BrokenPipeError:
            raise  # click ends quietly
        except OSError as error:
            text = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
            raise self.failure(visible(text)) from None

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
