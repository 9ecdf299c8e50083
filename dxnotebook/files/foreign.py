"""What is no listing of jobs, and what to do with it: looked up when reading has failed.

What is known is in foreign.toml: bytes by how they begin, objects by what their type has.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_LOOKED_AT = 2**16


@cache
def _known() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def form(content: bytes) -> str | None:
    r"""Return what content is that is no listing of jobs, and what to do with it, if known.

    Examples
    --------
    >>> from dxnotebook.files.foreign import form
    >>> form(b"Jobs:\n- Arn: arn:aws:dataexchange:us-east-1:111122223333:jobs/a1")
    'found YAML, not a listing of jobs in JSON. Save it with --output json.'
    """
    head = content[:_LOOKED_AT].lstrip()
    for pattern, what, advice in _known()["contents"]["forms"]:
        if match := re.match(pattern.encode(), head, re.DOTALL):
            named = what.format(*(group.decode() for group in match.groups()))
            return f"found {named}, not a listing of jobs in JSON. {_known()['advice'][advice]}"
    return None


def kind(source: object) -> str | None:
    """Return what an object is that no jobs can be read from, and what to do, if that is known."""
    known = _known()["objects"].items()
    return next((words for name, words in known if hasattr(type(source), name)), None)
