"""The report: one file that asks for nothing, tells the story, and is text throughout."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of
from tests.report.page import Page

HOSTILE = "<img src=x onerror=alert(1)> & `</script>` $title | *x*"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    client = dx.demo.client()
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    return dx.write_report(tables, tmp_path_factory.mktemp("report") / "report.html").read_text()


@pytest.mark.slow
def test_the_report_of_the_demo_tells_the_bad_week_its_cause_and_its_recovery(report):
    story = dx.demo.Account().story
    text = " ".join(Page(report).text.split())
    assert "31 Aug – 06 Sep : 41 % failed (181 of 440)" in text.replace("06 Sep:", "06 Sep :")
    assert f"{story.failed} of {story.data_set_name} for one cause: Access denied to <url>" in text
    assert "have been done since, the last at 07 Sep 12:37" in text
    assert "399 of 5,967 finished jobs" in text
    assert re.search(r"Open for longer than usual: 4\b", text)


@pytest.mark.slow
def test_the_report_is_one_small_file_without_code(report):
    page = Page(report)
    assert len(report) < 3_000_000
    assert [link for link in page.links if not link.startswith(("data:", "#"))] == []
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)http", report)
    assert "import dxnotebook" not in report
    assert "Traceback" not in report
    assert page.tags.count("table") >= 6
    assert page.tags.count("img") >= 4


@pytest.mark.slow
def test_hostile_values_are_texts_in_a_report(tmp_path):
    failed = {
        "State": "ERROR",
        "Errors": [{"Code": "VALIDATION_EXCEPTION", "Message": HOSTILE}],
        "Details": {"ImportAssetsFromS3": {"DataSetId": HOSTILE}},
    }
    jobs = [
        job(n, CreatedAt=f"2026-09-0{1 + n // 20}T00:00:00Z", UpdatedAt=None, **failed)
        for n in range(20)
    ]
    jobs += [
        job(100 + n, CreatedAt=f"2026-08-{1 + n % 28:02}T00:00:00Z", UpdatedAt=None)
        for n in range(600)
    ]
    page = Page(dx.write_report(tables_of(page_of(*jobs)), tmp_path / "r.html").read_text())
    assert page.text.count("onerror=alert") >= 2
    assert page.tags.count("script") == 1
    assert [link for link in page.links if not link.startswith(("data:image/png", "#"))] == []


@pytest.mark.slow
def test_a_report_of_nothing_says_so(tmp_path):
    text = Page(dx.write_report(tables_of(page_of()), tmp_path / "r.html").read_text()).text
    assert "No job has finished." in text
    assert "No day was out of the ordinary." in text


@pytest.mark.slow
def test_a_report_says_what_is_not_in_it(tmp_path):
    failures = {"prod": dx.LoadError("It is late.")}
    tables = replace(tables_of(page_of(job(), {"<b>": "x"})), failures=failures)
    text = Page(dx.write_report(tables, tmp_path / "r.html").read_text()).text
    assert "Not in this report: prod could not be asked: It is late." in text
    assert "Not in this report: 1 job could not be read" in text


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
