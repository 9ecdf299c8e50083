"""A notebook is run on tables, and what is wrong with it is said."""

from __future__ import annotations

import nbformat
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of


@pytest.mark.slow
def test_a_changed_notebook_is_run_on_the_tables(tmp_path):
    mine = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("print(f'mine: {len(tables)} jobs')")]
    )
    mine.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(mine, tmp_path / "mine.ipynb")
    tables = tables_of(page_of(job(1), job(2)))
    written = dx.write_report(
        tables, tmp_path / "r.html", notebook=tmp_path / "mine.ipynb"
    ).read_text()
    assert "mine: 2 jobs" in written
    mine.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(mine, tmp_path / "mine.ipynb")
    with pytest.raises(DxError, match="The notebook failed: ZeroDivisionError: division by zero"):
        dx.write_report(tables, tmp_path / "r.html", notebook=tmp_path / "mine.ipynb")
    assert (tmp_path / "r.html").read_text() == written


@pytest.mark.parametrize(
    ("content", "told"), [(None, "Cannot read the notebook"), ("{", "is not a notebook")]
)
def test_what_is_no_notebook_is_said(tmp_path, content, told):
    path = tmp_path / "mine.ipynb"
    if content:
        path.write_text(content)
    with pytest.raises(DxError, match=told):
        dx.write_report(tables_of(page_of()), tmp_path / "r.html", notebook=path)
