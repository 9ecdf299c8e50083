"""Each page of the docs runs from top to bottom, as a reader would who copies block by block.

``python`` and ``pycon`` blocks of a page share one session, ``sh`` blocks and the commands of
``crontab`` blocks run in the same folder. What is written there for a real account meets the
simulated one: as boto3 and the AWS CLI read the environment, its endpoints are named there, and so
are a mail server's and a webhook's.
A comment before a block tells what it does besides: ``<!-- exits: 1 -->`` its exit status,
``<!-- serves: URL -->`` that it serves until it is stopped.
"""

from __future__ import annotations

import doctest
import http.server
import json
import os
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

import dxnotebook as dx
from tests.browser.jupyter import free_port

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "pages"
MADE = ("reference", "notebooks", "changes.md", "survived.md")  # from what is tested elsewhere
WRITTEN = [
    path for path in sorted(PAGES.rglob("*.md")) if path.relative_to(PAGES).parts[0] not in MADE
]
BLOCK = re.compile(
    r"(?:<!-- (exits|serves): (\S+) -->\n+)?^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
RUN, SHOWN = {"python", "pycon", "sh", "crontab"}, {"text", "json", "nginx", "ini", "toml"}
INSTALL = re.compile(r"^python -m pip install .*\n?", re.MULTILINE)
CRON = re.compile(r"^(?:\S+ +){5}", re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CONFIG = """\
[profile prod]
region = us-east-1
[profile dev]
region = us-east-1
"""


def blocks(path):
    return BLOCK.findall(path.read_text())


class Webhook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.posted.append(json.loads(self.rfile.read(length)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs that sends one message after the other."""

    def handle(self):
        self.say("220 test")
        while command := self.rfile.readline().strip().upper():
            if command == b"DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.posted.append(b"".join(lines).decode())
            if command == b"QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving(kind, handler):
    with kind(("127.0.0.1", 0), handler) as server:
        server.posted = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def until_it_answers(url, process):
    for _ in range(600):
        assert process.poll() is None, f"It ended: {process.returncode}"
        try:
            return urllib.request.urlopen(url, timeout=60).read()
        except urllib.error.HTTPError as refusal:  # it serves, if not to all
            return refusal.read()
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


@contextmanager
def running(command, url, **options):
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield until_it_answers(url, process)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture(scope="module")
def aws():
    """moto's S3 and SNS, in a process of its own."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, url, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        request = urllib.request.Request(f"{url}/my-bucket", method="PUT")
        urllib.request.urlopen(request).close()
        yield url


@pytest.fixture
def account(tmp_path, monkeypatch, aws):
    """A folder to work in, an environment in which the account of the docs is the simulated one."""
    client = dx.demo.client()
    (tmp_path / "aws.ini").write_text(CONFIG)
    (tmp_path / "keys.ini").write_text(
        "".join(
            f"[{name}]\naws_access_key_id=AKIA\naws_secret_access_key=x\n"
            for name in ("default", "prod", "dev")
        )
    )
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    with (
        serving(http.server.ThreadingHTTPServer, Webhook) as webhook,
        serving(socketserver.ThreadingTCPServer, Mail) as mail,
    ):
        environment = {
            "AWS_CONFIG_FILE": str(tmp_path / "aws.ini"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "keys.ini"),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_DATAEXCHANGE": client.meta.endpoint_url,
            "AWS_ENDPOINT_URL_SNS": aws,
            "AWS_ENDPOINT_URL_S3": aws,
            "AWS_ENDPOINT_URL": aws,
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_ALLOW_HTTP": "true",
            "WEBHOOK_URL": f"http://127.0.0.1:{webhook.server_port}/",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail.server_address[1]),
            "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # halves Spark's time
            "MPLBACKEND": "Agg",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield SimpleNamespace(client=client, webhook=webhook.posted, mail=mail.posted)


def shell(code, status="0"):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == int(status or 0), (
        f"{code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )


def extras_of(install):
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for line in install:
        for extras in re.findall(r"\[(.*?)\]", line):
            assert {*extras.split(",")} <= {*known}, line


def run(path):
    """Run the blocks of a page one after the other."""
    names = {"__name__": "__main__"}
    for note, value, language, code in blocks(path):
        if language == "python":
            exec(compile(code, path.name, "exec"), names)
        elif language == "pycon":
            test = doctest.DocTestParser().get_doctest(code, names, path.name, str(path), 0)
            test.globs = names  # a block goes on where the one before ended
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            told = []
            assert runner.run(test, out=told.append, clear_globs=False).failed == 0, "".join(told)
        elif note == "serves":
            # at a port that is free here, whatever is said there
            known, port = str(urlsplit(value).port), str(free_port())
            command = ["bash", "-c", code.replace(known, port)]
            with running(command, value.replace(known, port), stderr=subprocess.DEVNULL) as page:
                assert b"Traceback" not in page
        elif language == "crontab":
            shell(CRON.sub("", code))
        elif language == "sh":
            extras_of(INSTALL.findall(code))
            shell(INSTALL.sub("", code), value)


@pytest.mark.docs
@pytest.mark.filterwarnings("ignore:Dask support is moving out:FutureWarning")  # narwhals' business
@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(PAGES)))
def test_a_page_runs_from_top_to_bottom(path, account):
    if "pyspark" in path.read_text() and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        assert "CI" not in os.environ, "CI has to have Java, or this page goes untested."
        pytest.skip("Spark needs Java.")
    run(path)
    if path.name == "alerts.md":  # each of its ways has brought the findings
        assert "open for longer than usual" in account.mail[0]
        assert "open for longer than usual" in account.webhook[0]["text"]


def broken(kind):
    """Return a client of an account of which this goes wrong."""
    return dx.demo.client(faults=[dx.demo.Fault(kind, page=0, times=None)])


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("Renew the credentials", lambda: dx.load_jobs(broken("expired"))),
        (
            "is not authorized to perform: dataexchange:ListJobs",
            lambda: dx.load_jobs(broken("denied")),
        ),
        ("Configured profiles are", lambda: dx.clients("nope", "us-east-1")),
        ("No region is configured", dx.clients),
        (
            "Wait a minute and load again, fewer clients at once",
            lambda: dx.load_jobs(broken("throttle")),
        ),
        (
            "something between here and AWS answers in its place",
            lambda: dx.load_jobs(broken("html")),
        ),
        ("Valid are how long ago", lambda: dx.load_jobs(dx.demo.client(jobs=5), since="soon")),
        ("Give JobTables", lambda: dx.error_causes(dx.read_jobs([]).jobs)),
        (
            "The frame has no column 'data_set_name'",
            lambda: dx.failure_rate(dx.read_jobs([]).jobs, "data_set_name"),
        ),
        ("There is nothing to check", lambda: dx.check(dx.read_jobs([]))),
        ("No file matches", lambda: dx.read_jobs("no/*.json")),
        ("found CSV, not a listing of jobs", lambda: dx.read_jobs(b"job_id,state\n1,ERROR\n")),
        ("Valid suffixes are", lambda: dx.export(dx.read_jobs([]), "jobs.txt")),
        ("There is no archive at", lambda: dx.Archive("nowhere").load()),
    ],
)
def test_troubleshooting_has_the_words_of_messages(words, call, monkeypatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert words in (PAGES / "troubleshooting.md").read_text()
    with pytest.raises(dx.DxError, match=re.escape(words)):
        call()


def test_each_block_says_what_it_is_in():
    languages = {language for path in WRITTEN for _, _, language, _ in blocks(path)}
    assert languages <= RUN | SHOWN


def test_each_page_is_in_the_contents_and_each_picture_in_a_page():
    contents = (ROOT / "mkdocs.yml").read_text()
    pages = {str(path.relative_to(PAGES)) for path in WRITTEN}
    assert {page for page in pages if page not in contents} == set()
    texts = "".join(path.read_text() for path in [*WRITTEN, ROOT / "README.md"])
    pictures = [path for path in (PAGES / "img").iterdir() if path.suffix == ".png"]
    assert {path.name for path in pictures if path.name not in texts} == set()
    sizes = [path.stat().st_size for path in pictures]
    assert max(sizes) < 150_000
    assert sum(sizes) < 1_500_000
