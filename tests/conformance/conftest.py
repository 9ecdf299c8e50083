"""Suites of other origin, which are no part of the project: where they are, or why they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def suite(name: str) -> Path:
    """Return a suite's file or folder; skip the module where there is none.

    The variable DXNOTEBOOK_SUITES names the folder of the suites: JSONTestSuite's test_parsing as
    ``json``, the Big List of Naughty Strings as ``blns.json``, and of botocore's
    tests/unit/protocols/output ``botocore/rest-json.json``.
    """
    folder = os.environ.get("DXNOTEBOOK_SUITES")
    if not folder:
        pytest.skip("DXNOTEBOOK_SUITES names no folder with the suites", allow_module_level=True)
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"{folder} has no {name}", allow_module_level=True)
    return path
