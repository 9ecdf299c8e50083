"""Jupyter servers and notebooks for a browser; cells are run by the page, and awaited."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat

_SLOW = 90  # seconds

RUN = """async i => {
    const { content } = jupyterapp.shell.currentWidget;
    content.activeCellIndex = i;
    await jupyterapp.commands.execute('notebook:run-cell');
    return content.widgets[i].outputArea.model.toJSON();
}"""
READY = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget, session = panel?.sessionContext;
    const isIdle = session?.isReady && session.session?.kernel?.status === 'idle';
    return panel?.content?.model && isIdle;
}"""
SET = """([i, text]) => {
    jupyterapp.shell.currentWidget.content.widgets[i].model.sharedModel.setSource(text);
}"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def serving(folder, command, probe):
    """Run a server with Jupyter folders of its own, from when it answers to the block's end."""
    home = folder / f"home-{secrets.token_hex(3)}"
    home.mkdir()
    variables = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    environment = os.environ | {name: str(home / part) for name, part in variables.items()}
    environment |= {
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")])
        ),
    }
    with (home / "log").open("w+") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await(process, probe, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(process, probe, log):
    end = time.monotonic() + _SLOW
    while True:
        try:
            urllib.request.urlopen(probe, timeout=3).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                log.seek(0)
                raise RuntimeError(log.read()[-3000:]) from None
            time.sleep(0.1)
            continue
        return


@contextlib.contextmanager
def lab(folder, app="jupyterlab"):
    """Serve JupyterLab or Notebook 7; gives the address of a notebook by its name."""
    port, token = free_port(), secrets.token_hex(8)
    command = [
        sys.executable, "-m", app, "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}", "--expose-app-in-browser", "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    page, query = ("lab/tree", "reset&") if app == "jupyterlab" else ("notebooks", "")
    with serving(folder, command, f"http://127.0.0.1:{port}/api"):
        yield lambda name: f"http://127.0.0.1:{port}/{page}/{name}?{query}token={token}"


@contextlib.contextmanager
def voila(folder, name):
    """Serve a notebook as a page; gives its address."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "voila",
        "--no-browser",
        "--Voila.ip=127.0.0.1",
        f"--port={port}",
        name,
    ]
    with serving(folder, command, f"http://127.0.0.1:{port}/voila/static/none"):
        yield f"http://127.0.0.1:{port}/"


def write(folder, cells, name=None):
    """Write a notebook of code cells, and return its name."""
    name = name or f"{secrets.token_hex(4)}.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / name)
    return name


class Notebook:
    """A notebook that is open in a page."""

    def __init__(self, page, address, folder, cells):
        self.page, self.scratch = page, len(cells)
        self.name = write(folder, [*cells, ""])
        page.goto(address(self.name))
        page.wait_for_function(READY, timeout=_SLOW * 1000)

    def run(self, number):
        outputs = self.page.evaluate(RUN, number)
        assert not [output for output in outputs if output["output_type"] == "error"], outputs
        return outputs

    def value(self, expression):
        """Return what an expression is in the kernel."""
        self.page.evaluate(
            SET, [self.scratch, f"import json as _json; print(_json.dumps({expression}))"]
        )
        (output,) = self.run(self.scratch)
        return json.loads("".join(output["text"]))

    def close(self):
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
