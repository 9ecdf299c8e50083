"""The dashboard in a browser, for who has its address."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from tests.conftest import job, page_of


@pytest.mark.slow
def test_explore_serves_the_dashboard_to_who_has_the_token(tmp_path):
    (tmp_path / "jobs.json").write_bytes(page_of(job()))
    program = [sys.executable, "-m", "dxnotebook", "explore", "--no-browser"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*program, "--file", str(tmp_path / "jobs.json")], stdout=pipe, stderr=pipe, text=True
    ) as process:
        address = re.search(r"http://127.0.0.1:\d+/\?token=\w+", process.stdout.readline())[0]
        fetched = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert "login" in fetched.open(address.partition("?")[0]).url
        page = fetched.open(address).read().decode()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)[1]
    assert "Jobs of AWS Data Exchange" in page
    assert (process.returncode, said) == (130, "Interrupted.\n")
