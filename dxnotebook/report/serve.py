"""The dashboard as a page in the browser, served on this machine only."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat

from dxnotebook.errors import DxError
from dxnotebook.files.export import export
from dxnotebook.report.run import load_from, opened_notebook
from dxnotebook.report.shipped import shipped
from dxnotebook.tables.jobtables import JobTables

_HOST = "127.0.0.1"
_LONGEST_START_S = 60  # that a server may take to answer


def serve(
    tables: JobTables, port: int, *, open_browser: bool, say: Callable[[str], object]
) -> None:
    """Serve the dashboard of tables until it is interrupted, and say where; port 0 is a free one.

    Raises
    ------
    DxError
        When no server can be started.
    """
    with tempfile.TemporaryDirectory(prefix="dxnotebook-") as folder:
        notebook = opened_notebook(shipped("dashboard.ipynb"))
        load_from(notebook, export(tables, Path(folder, "tables.feather"), progress=False))
        nbformat.write(notebook, Path(folder, "dashboard.ipynb"))
        # in a file of the user's own: a command's arguments are seen by all who use the machine
        port, token = port or _free_port(), secrets.token_hex(16)
        how = {"ip": _HOST, "port": port, "port_retries": 0, "open_browser": False}
        settings = {"Voila": {**how, "token": token, "log_level": "ERROR"}}
        Path(folder, "voila.json").write_text(json.dumps(settings), encoding="utf-8")
        command = [sys.executable, "-m", "voila", "dashboard.ipynb"]
        # what it leaves where temporary files are is then gone, too
        own: Any = {"cwd": folder, "env": {**os.environ, "TMPDIR": folder}}
        own |= {"start_new_session": True}  # the keys' interrupt is ours to handle
        log = Path(folder, "log")
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with log.open("wb") as sink:
            own |= {"stdout": sink, "stderr": sink}
            process = subprocess.Popen(command, **own)  # noqa: S603 (our own)
        with process:
            try:
                _wait_for(port, process, log)
                address = f"http://{_HOST}:{port}/?token={token}"
                say(f"The dashboard is at {address}\nCtrl-C ends it.")
                if open_browser:
                    webbrowser.open(address)
                process.wait()
            finally:
                process.kill()  # its kernels look after it, and end in a second


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when a server answers, or raise DxError where it does not."""
    end = time.monotonic() + _LONGEST_START_S
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection((_HOST, port), 1):
            return
        time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
    raise DxError(f"The dashboard could not be served at port {port}: {said}")
