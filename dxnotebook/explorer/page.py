"""The explorer's part in the page: the modules of `static/`, joined to one text, as widgets take it."""

from __future__ import annotations

import re
from pathlib import Path

from dxnotebook.errors import DxError

_IMPORT = re.compile(r'^import \{([^{}]*)\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async function|function|class|const) (\w+))", re.MULTILINE)
_DECLARATION = re.compile(r"^(?:async function|function|class|const|let|var) .*", re.MULTILINE)
_NAME = re.compile(r"(?:(?:function|class) |(?:const|let|var|,) (?=\w+ = ))(\w+)")
_UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def joined(entry: Path) -> str:
    """Return a JavaScript module with all that it imports as one module that imports nothing.

    Modules import names from files beside them, ``import { a, b } from "./c.js";``, and export
    declarations; the entry has the default export. Joined, they share one scope.

    Parameters
    ----------
    entry : Path
        The file of the module.

    Returns
    -------
    str
        The text of one module: each file after those that it imports.

    Raises
    ------
    DxError
        When files import each other or what is not exported, declare the same name, or import
        and export in another form.

    Examples
    --------
    >>> from dxnotebook.explorer.page import joined
    >>> from dxnotebook.explorer.widget import JobExplorer
    >>> JobExplorer._esm.count("export default"), "import {" in JobExplorer._esm
    (1, False)
    """
    texts: dict[str, str] = {}
    _add(entry, texts, {}, ())
    owners: dict[str, str] = {}
    for name, text in texts.items():
        allowed = "export default {" if name == entry.name else None
        if unknown := [line for line in _UNKNOWN.findall(text) if line != allowed]:
            raise DxError(f"Cannot join {name}: it says {unknown[0]!r}.")
        for line in _DECLARATION.findall(text):
            for declared in _NAME.findall(line):
                if owners.setdefault(declared, name) != name:
                    both = f"{owners[declared]} and {name}"
                    raise DxError(f"Cannot join {both}: both declare {declared!r}.")
    return "\n".join(texts.values())


def _add(
    path: Path, texts: dict[str, str], exports: dict[str, set[str]], importers: tuple[str, ...]
) -> None:
    """Add the text of a module, after those of the modules that it imports."""
    if path.name in importers:
        raise DxError(f"Cannot join {path.name}: it imports itself, by {importers[-1]}.")
    if path.name in texts:
        return
    text = path.read_text(encoding="utf-8")
    for names, source in _IMPORT.findall(text):
        _add(path.with_name(source), texts, exports, (*importers, path.name))
        imported = {name.strip() for name in names.split(",")} - {""}
        if missing := sorted(imported - exports[source]):
            raise DxError(f"Cannot join {path.name}: {source} does not export {missing[0]!r}.")
    exports[path.name] = {name for _, name in _EXPORT.findall(text)}
    texts[path.name] = _EXPORT.sub(r"\1", _IMPORT.sub("", text))
