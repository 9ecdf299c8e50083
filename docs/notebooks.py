"""The notebooks as pages, as they were committed, with their outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert import MarkdownExporter

WIDGET = "application/vnd.jupyter.widget-view+json"


def write(folder: Path, target: Path) -> list[dict[str, str]]:
    """Write a page for each notebook of a folder, and one that lists them; return their places."""
    target.mkdir(exist_ok=True)
    contents, lines = [], []
    for path in sorted(folder.glob("*.ipynb")):
        title, first = _write_page(path, target)
        contents.append({title: f"{target.name}/{path.stem}.md"})
        lines.append(f"- [{title}]({path.stem}.md) (`{path.name}`): {first}")
    introduction = "They run on any account: put your clients in place of the simulated one.\n"
    (target / "index.md").write_text("\n".join(["# Notebooks\n", introduction, *lines, ""]))
    return contents


def _write_page(path: Path, target: Path) -> tuple[str, str]:
    """Write a notebook as Markdown, its pictures beside it; return its title and first words."""
    notebook: Any = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if WIDGET in output.get("data", {}):
                output.data.pop(WIDGET)
    # `output_files_dir` is relative to the page
    body, resources = MarkdownExporter().from_notebook_node(
        notebook, resources={"unique_key": path.stem, "output_files_dir": path.stem}
    )
    for name, content in resources["outputs"].items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_bytes(content)
    body = body.replace("<th></th>", "<td></td>")  # the corner above an index is no heading
    body = body.replace("![png]", "![What the cell above draws]")
    if not body.lstrip().startswith("# "):
        body = f"# {path.stem.capitalize()}\n\n{body}"
    (target / f"{path.stem}.md").write_text(body)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    title, _, rest = "\n\n".join(texts).removeprefix("# ").partition("\n\n")
    if not title:  # the report's, whose cells write all that is read
        return path.stem.capitalize(), "It has no texts of its own: what it prints is the page."
    if sum(title == _title(other) for other in path.parent.glob("*.ipynb")) > 1:
        title = f"{title} ({path.stem})"
    return title, " ".join(rest.split("\n\n")[0].split())


def _title(path: Path) -> str:
    """Return the heading that a notebook begins with."""
    return nbformat.read(path, as_version=4).cells[0].source.removeprefix("# ").partition("\n")[0]
