"""The explorer's part in the page: the modules of `static/`, joined to the text a widget takes."""

from __future__ import annotations

import re
from pathlib import Path

# what tsc holds and tests/explorer/test_page.py: modules import names from files beside them and
# from nowhere else, export declarations, and declare no name that another one declares
_IMPORT = re.compile(r'^import \{[^{}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


def joined(entry: Path) -> str:
    """Return a JavaScript module with all that it imports as one module that imports nothing.

    Examples
    --------
    >>> from pathlib import Path
    >>> import dxnotebook.explorer
    >>> from dxnotebook.explorer.page import joined
    >>> text = joined(Path(dxnotebook.explorer.__path__[0], "static", "explorer.js"))
    >>> text.count("export default"), text.count('from "./dom.js"')
    (1, 0)
    """
    texts: dict[Path, str] = {}

    def add(module: Path) -> None:
        text = module.read_text(encoding="utf-8")
        for name in _IMPORT.findall(text):
            if module.with_name(name) not in texts:
                add(module.with_name(name))
        texts[module] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(entry)
    return "\n".join(texts.values())
