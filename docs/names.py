"""The reference of the public names, from the stub that lists them and their docstrings."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import dxnotebook as dx

#: The pages: their titles, and the rooms whose names they have. A room that is in none is an error.
PAGES = {
    "load": ("Load, read, write", ("aws", "files", "tables")),
    "answers": ("Answers", ("metrics", "published")),
    "plots": ("Plots", ("plots",)),
    "archive": ("Archive", ("archive",)),
    "explorer": ("Explorer and report", ("explorer", "report")),
    "demo": ("The simulated account", ("demo",)),
    "errors": ("Errors and warnings", ("errors",)),
}

INTRODUCTION = """\
# Reference

Every public name is one of `import dxnotebook as dx`, has a docstring with an example that runs,
and is on one of these pages. Data goes one way: [clients and files](load.md) give
[tables](tables.md), tables give [answers](answers.md), whose [columns](columns.md) are plain
frames; answers are [drawn](plots.md), [shown and reported](explorer.md), and kept in an
[archive](archive.md). What goes wrong is one of a few [errors and warnings](errors.md). There is a
[command line](command-line.md) for what people do without Python.
"""


def public() -> dict[str, str]:
    """Return the room of each public name, in the stub's order."""
    stub = ast.parse(Path(dx.__file__).with_suffix(".pyi").read_text())
    return {
        name.asname or name.name: (node.module or name.name).split(".")[0]
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def write(folder: Path) -> list[dict[str, str]]:
    """Write a page for each group of names; return their place in the contents."""
    rooms = public()
    left = set(rooms.values()) - {room for _, group in PAGES.values() for room in group}
    if left:
        raise LookupError(f"No page of the reference has the names of {left}.")
    for page, (title, group) in PAGES.items():
        names = [name for name, room in rooms.items() if room in group]
        (folder / f"{page}.md").write_text(_page(title, names))
    (folder / "index.md").write_text(INTRODUCTION)
    return [{title: f"reference/{page}.md"} for page, (title, _) in PAGES.items()]


def _page(title: str, names: list[str]) -> str:
    if names == ["demo"]:
        names = [f"demo.{name}" for name in dx.demo.__all__]
    rows = [f"| [`{name}`](#dxnotebook.{name}) | {_summary(name)} |" for name in names]
    entries = [f"::: dxnotebook.{name}" for name in names]
    return "\n".join(
        [f"# {title}\n", "| name | what it is |", "|---|---|", *rows, "", "\n\n".join(entries), ""]
    )


def _summary(name: str) -> str:
    found: Any = dx
    for part in name.split("."):
        found = getattr(found, part)
    is_code = inspect.isclass(found) or callable(found)
    text = (inspect.getdoc(found) if is_code else None) or f"`{found!r}`"
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")
