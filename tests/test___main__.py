"""The command as a process: how it is interrupted, and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

import dxnotebook as dx


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.4, 1.2, 3])
@pytest.mark.parametrize("command", [("check",), ("sync", "archive")])
def test_an_interrupt_ends_a_command_in_a_line_while_it_imports_or_waits(
    command, after_s, account, tmp_path
):
    account.faults = [dx.demo.Fault("throttle", 0, times=None)]
    program = [sys.executable, "-m", "dxnotebook", *command]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path) as process:
        time.sleep(after_s)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=20)
    assert (process.returncode, *said) == (130, "", "Interrupted.\n")


@pytest.mark.slow
@pytest.mark.parametrize(("raised", "status"), [("KeyboardInterrupt", 130), ("ValueError", 0)])
def test_an_interrupt_that_python_drops_ends_a_command_too(raised, status):
    program = f"""
import weakref
from dxnotebook import __main__, cli
def drop(_):
    raise {raised}
def command():
    one = {{1}}
    met = weakref.ref(one, drop)
    del one
cli.main = command
__main__.main()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == status
    is_told = raised.encode() in ended.stderr
    assert is_told if status == 0 else ended.stderr == b"Interrupted.\n"


@pytest.mark.slow
def test_a_broken_pipe_ends_a_command_quietly(tmp_path):
    command = ["demo", "--jobs", "50", "--folder", str(tmp_path)]
    program = [sys.executable, "-m", "dxnotebook", *command]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdout=pipe, stderr=pipe, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
