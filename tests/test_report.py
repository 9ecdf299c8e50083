"""The report: one file that asks for nothing, tells the story, and is text throughout."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from dxnotebook.report.table import Table
from dxnotebook.report.write import shipped
from dxnotebook.text import duration
from tests.conftest import job, page_of, tables_of

HOSTILE = "<img src=x onerror=alert(1)> & `</script>` $title | *x*"


class Page(HTMLParser):
    """What a page has: its tags, what they refer to, its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href") and value]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    client = dx.demo.client()
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    return dx.write_report(tables, tmp_path_factory.mktemp("report") / "report.html").read_text()


def test_the_report_of_the_demo_tells_the_bad_week_its_cause_and_its_recovery(report):
    story = dx.demo.Account().story
    text = " ".join(Page(report).text.split())
    assert "31 Aug – 06 Sep : 41 % failed (181 of 440)" in text.replace("06 Sep:", "06 Sep :")
    assert f"{story.failed} of {story.data_set_name} for one cause: Access denied to <url>" in text
    assert "have been done since, the last at 07 Sep 12:37" in text
    assert "399 of 5,967 finished jobs" in text
    assert re.search(r"Open for longer than usual: 4\b", text)


def test_the_report_is_one_small_file_without_code(report):
    page = Page(report)
    assert len(report) < 3_000_000
    assert [link for link in page.links if not link.startswith(("data:", "#"))] == []
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)http", report)
    assert "import dxnotebook" not in report
    assert "Traceback" not in report
    assert page.tags.count("table") >= 6
    assert page.tags.count("img") >= 4


def test_hostile_values_are_texts_in_a_report(tmp_path):
    jobs = [
        job(n, State="ERROR", Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": HOSTILE}], Details={"ImportAssetsFromS3": {"DataSetId": HOSTILE}},
            CreatedAt=f"2026-09-0{1 + n // 20}T00:00:00Z", UpdatedAt=None)
        for n in range(20)
    ]  # fmt: skip
    jobs += [
        job(100 + n, CreatedAt=f"2026-08-{1 + n % 28:02}T00:00:00Z", UpdatedAt=None)
        for n in range(600)
    ]
    page = Page(dx.write_report(tables_of(page_of(*jobs)), tmp_path / "r.html").read_text())
    assert page.text.count("onerror=alert") >= 2
    assert page.tags.count("script") == 1
    assert [link for link in page.links if not link.startswith(("data:image/png", "#"))] == []


def test_a_report_of_nothing_says_so(tmp_path):
    text = Page(dx.write_report(tables_of(page_of()), tmp_path / "r.html").read_text()).text
    assert "No job has finished." in text
    assert "No day was out of the ordinary." in text


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


def test_the_notebook_says_where_the_tables_go():
    assert [
        cell.metadata.tags for cell in nbformat.read(shipped(), 4).cells if "tags" in cell.metadata
    ] == [["tables"]]


def test_tables_are_for_people():
    frame = pd.DataFrame({
        "data_set_name": ["a_b<c>", None], "rate": [0.123, None], "n": [1234, 5], "open_s": [90_000.0, 3.0],
        "created_at": pd.to_datetime(["2026-09-01T10:00Z", None], utc=True),
    })  # fmt: skip
    shown = Table(frame)._repr_html_()
    assert Page(shown).text.split() == [
        *("data", "set", "name", "rate", "n", "open", "created"),
        *("a_b<c>", "12.3", "%", "1,234", "1.04", "d", "2026-09-01", "10:00"),
        *("–", "–", "5", "3", "s", "–"),
    ]
    assert Table(frame[:0], "Nothing.")._repr_html_() == "<p>Nothing.</p>"
    assert [duration(seconds) for seconds in (0.5, 59, 61, 7200)] == [
        "0.5 s",
        "59 s",
        "1.02 min",
        "2 h",
    ]
