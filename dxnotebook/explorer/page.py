"""The explorer's part in the page: the modules of `static/`, joined to the text a widget takes."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

from dxnotebook.errors import DxError

_IMPORT = re.compile(r'^import \{([^{}]*)\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_NAMED = re.compile(r"^(?:async function|function|class) (\w+)", re.MULTILINE)
_ASSIGNED = re.compile(r"^(?:const|let|var) .*", re.MULTILINE)  # may declare several names


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
    >>> from pathlib import Path
    >>> import dxnotebook.explorer
    >>> from dxnotebook.explorer.page import joined
    >>> text = joined(Path(dxnotebook.explorer.__path__[0], "static", "explorer.js"))
    >>> text.count("export default"), text.count('from "./dom.js"')
    (1, 0)
    """
    texts: dict[str, str] = {}
    _add(entry, texts, {}, ())
    owners: dict[str, str] = {}
    for module, text in texts.items():
        allowed = "export default {" if module == entry.name else None
        if other := [line for line in _OTHER.findall(text) if line != allowed]:
            raise DxError(f"Cannot join {module}: it says {other[0]!r}.")
        assigned = [re.findall(r"[ ,](\w+) = ", line) for line in _ASSIGNED.findall(text)]
        for name in [*_NAMED.findall(text), *chain.from_iterable(assigned)]:
            if owners.setdefault(name, module) != module:
                raise DxError(f"Cannot join {owners[name]} and {module}: both declare {name!r}.")
    return "\n".join(texts.values())


def _add(
    path: Path, texts: dict[str, str], exports: dict[str, set[str]], importers: tuple[str, ...]
) -> None:
    """Add the text of a module after those of the modules that it imports."""
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
    exports[path.name] = set(_EXPORT.findall(text))
    texts[path.name] = _EXPORT.sub("", _IMPORT.sub("", text))
