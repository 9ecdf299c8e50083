"""The report: one file that asks for nothing, tells the story, and is text throughout."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace

import nbformat
import pytest

import dxnotebook as dx
from dxnotebook.report.shipped import shipped
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
def test_the_report_begins_with_a_verdict(report):
    text = " ".join(Page(report).text.split()).partition("What went wrong")[0]
    assert "Worse than before, in the last 30 days: failures 11 %" in text
    for words in ("80 that failed are still undone", "4 jobs are stuck", "No feed is overdue",
                  "60 revisions are incomplete", "The worst feed is IMPORT"):  # fmt: skip
        assert words in text


@pytest.mark.slow
def test_a_window_is_the_period_of_its_report_and_one_of_a_thing_is_one(tmp_path):
    failed = {"State": "ERROR", "Type": "IMPORT_ASSETS_FROM_S3"}
    jobs = [
        job(1, CreatedAt="2026-08-03T00:00:00Z", **failed),
        job(2, CreatedAt="2026-07-03T00:00:00Z"),
    ]
    tables = tables_of(page_of(*jobs))
    path = dx.write_report(tables, tmp_path / "r.html", since="2026-08-01", until="2026-09-01")
    text = " ".join(Page(path.read_text()).text.split())
    assert "01 Aug 2026 – 01 Sep 2026 (UTC)" in text
    assert "1 of 1 finished job (" in text
    assert "1 piece of work has failed" in text
    assert not re.search(r"\b1 (?!of)\w+s\b", text.partition("Made by")[0])


@pytest.mark.slow
def test_every_table_has_a_title_and_every_chart_says_what_it_shows(report):
    assert report.count("<table") == report.count("<caption>") >= 6
    alts = re.findall(r"<img alt=\"([^\"]{30,})\" src=\"data:image/", report)
    assert len(alts) == report.count("<img") >= 4
    assert "the first 10 of 80" in report
    assert "data:image/svg+xml" in report


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
    assert [link for link in page.links if not link.startswith(("data:image/", "#"))] == []


def test_a_path_that_is_none_is_refused(tmp_path):
    for wrong in ({"path": None}, {"path": 5}, {"path": tmp_path / "r.html", "notebook": 5}):
        with pytest.raises(dx.DxError, match="Invalid path"):
            dx.write_report(tables_of(page_of()), **wrong)


@pytest.mark.slow
def test_a_report_of_nothing_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = dx.write_report(tables_of(page_of()), "~/r.html")
    assert path == tmp_path / "r.html"
    text = Page(path.read_text()).text
    for words in ("there are no jobs", "No job has finished.", "No jobs.", "Nothing has failed."):
        assert words in text
    assert not re.search(r"Nothing: all failed|0 (causes|pieces|feeds)|no jobs ·", text)
    assert "<img" not in (tmp_path / "r.html").read_text()


@pytest.mark.slow
def test_the_verdict_of_a_time_without_jobs_or_without_one_before_is_honest(tmp_path):
    tables = dx.load_jobs(dx.demo.client(), progress=False)
    quiet = dx.write_report(tables, tmp_path / "r.html", since="2026-09-30 11:59:58").read_text()
    assert "no job was created in this time" in quiet
    assert "4 jobs are stuck" in quiet
    failed = tables.filter(tables.jobs["state"] == "ERROR")
    failed = failed.filter(failed.jobs["created_at"] > "2026-09-01")
    text = " ".join(Page(dx.write_report(failed, tmp_path / "r.html").read_text()).text.split())
    assert "Nothing to compare : no job finished in the time before." in text.replace("e:", "e :")
    assert re.search(r"No feed is overdue , \d+ are failing", text.replace("e,", "e ,"))


@pytest.mark.slow
def test_a_report_says_what_is_not_in_it(tmp_path):
    failures = {"prod": dx.LoadError("It is late.")}
    tables = replace(tables_of(page_of(job(), {"<b>": "x"})), failures=failures)
    text = Page(dx.write_report(tables, tmp_path / "r.html").read_text()).text
    assert "Not in this report: prod could not be asked: It is late." in text
    assert "Not in this report: 1 job could not be read" in text


@pytest.mark.slow
def test_a_report_has_no_links_of_names_and_no_paths_of_this_machine(tmp_path):
    name = "https://evil.example www.evil.example"
    failed = {
        "State": "ERROR",
        "Errors": [{"Code": "VALIDATION_EXCEPTION", "Message": name}],
        "Details": {"ImportAssetsFromS3": {"DataSetId": name}},
    }
    jobs = [job(n, CreatedAt=f"2026-08-{1 + n % 28:02}T00:00:00Z") for n in range(600)]
    jobs += [job(1000 + n, CreatedAt="2026-09-01T00:00:00Z", **failed) for n in range(40)]
    mine = nbformat.read(shipped(), as_version=4)
    loud = "import sys, warnings; warnings.warn('x'); print(sys.prefix, file=sys.stderr)"
    mine.cells.insert(1, nbformat.v4.new_code_cell(loud))
    mine.cells.insert(2, nbformat.v4.new_code_cell("1 / 0"))
    mine.cells[2].metadata["tags"] = ["raises-exception"]
    nbformat.write(mine, tmp_path / "mine.ipynb")
    path = tmp_path / "r.html"
    text = dx.write_report(
        tables_of(page_of(*jobs)), path, notebook=tmp_path / "mine.ipynb"
    ).read_text()
    page = Page(text)
    assert page.text.count("https://evil.example") >= 2
    assert [link for link in page.links if not link.startswith(("data:image/", "#"))] == []
    for place in (str(tmp_path), tempfile.gettempdir() + "/", sys.prefix, "site-packages"):
        assert place not in text


INTERRUPTED = """
import sys, time
import dxnotebook as dx
tables = dx.read_jobs(dx.demo.Account(300).pages())
write_report = dx.write_report
print("ready", flush=True)
write_report(tables, sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 0.2, 0.5, 1, 1.5, 2, 2.5, 3.5])
def test_an_interrupted_report_leaves_nothing_and_tells_one_thing(seconds, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(runtime)}
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "r.html")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    if process.returncode == 0:  # on a quick machine it was done before
        assert (tmp_path / "r.html").exists()
        return
    assert process.returncode == -signal.SIGINT
    assert said.splitlines()[-1].startswith("KeyboardInterrupt")
    assert not re.search("zmq|nbclient|nbconvert|jupyter_|tornado|AssertionError|Task", said)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(tmp_path) not in running.stdout


@pytest.mark.slow
def test_an_interrupted_report_is_one_line_on_the_command_line(tmp_path):
    command = [sys.executable, "-c", "from dxnotebook.cli import main; main()", "report", "--demo"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, str(tmp_path / "r.html")], stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stderr.readline().startswith("Running the notebook")
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)
    assert (process.returncode, said[0], said[1].split()) == (130, "", ["Interrupted."])
    assert list(tmp_path.iterdir()) == []
