"""``python -m docs`` builds the site strictly into ``site/``, ``python -m docs serve`` shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from docs import answers, command_line, names, notebooks, tables

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "pages"
CONFIG, BUILT = ROOT / "mkdocs.yml", ROOT / ".site.yml"


def generate() -> None:
    """Write the pages that come of the code, and the configuration with them in its contents."""
    reference = PAGES / "reference"
    reference.mkdir(exist_ok=True)
    nav = names.write(reference)
    for name, page in {"tables": tables, "columns": answers, "command-line": command_line}.items():
        (reference / f"{name}.md").write_text(page.text())
    changes = (ROOT / "CHANGELOG.md").read_text().replace("# Changelog", "# Changes", 1)
    (PAGES / "changes.md").write_text(re.sub(r"\[(SECURITY\.md)\]\(.*?\)", r"`\1`", changes))
    survived = (ROOT / "tests" / "hostile" / "README.md").read_text().replace("| | ", "| row | ")
    (PAGES / "survived.md").write_text(survived)
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    contents = {title: part for entry in config["nav"] for title, part in entry.items()}
    contents["Reference"] += nav
    contents["Notebooks"] += notebooks.write(ROOT / "notebooks", PAGES / "notebooks")
    BUILT.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def main(action: str = "build") -> int:
    """Build the site, or serve it and build it anew at each change; return the exit status."""
    generate()
    options = {"build": ["--clean", "--strict"], "serve": []}[action]
    command = [sys.executable, "-m", "zensical", action, "--config-file", str(BUILT), *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
