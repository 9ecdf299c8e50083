"""The notebooks that come with dxnotebook."""

from __future__ import annotations

import nbformat

from dxnotebook.report.shipped import shipped


def test_the_notebook_says_where_the_tables_go():
    assert [
        cell.metadata.tags for cell in nbformat.read(shipped(), 4).cells if "tags" in cell.metadata
    ] == [["tables"]]
