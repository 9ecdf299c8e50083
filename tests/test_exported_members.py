"""The names that users import: these and no others, wherever a user looks for them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dxnotebook as dx

PUBLIC = [
    "Archive",
    "ArchiveError",
    "DataWarning",
    "DxError",
    "DxWarning",
    "FormatError",
    "GapWarning",
    "JobExplorer",
    "JobTables",
    "LoadError",
    "LoadInterrupted",
    "MissingDependencyError",
    "PartialLoadWarning",
    "SyncResult",
    "UnknownFieldWarning",
    "check",
    "clients",
    "compare",
    "concat",
    "concurrency",
    "deliveries",
    "demo",
    "durations",
    "error_causes",
    "explore",
    "export",
    "failure_rate",
    "failure_trend",
    "feeds",
    "fingerprints",
    "incidents",
    "load_jobs",
    "missing_assets",
    "plot_calendar",
    "plot_concurrency",
    "plot_durations",
    "plot_error_causes",
    "plot_failure_trend",
    "plot_feeds",
    "plot_funnel",
    "plot_timeline",
    "read_jobs",
    "read_tables",
    "recoveries",
    "recovery_times",
    "refresh",
    "rerun",
    "revisions",
    "risk_factors",
    "stuck_jobs",
    "undone_rate",
    "unresolved_failures",
    "with_names",
    "write_report",
]

# each of these takes long to import, or is not installed everywhere
HEAVY = ["IPython", "anywidget", "boto3", "botocore", "deltalake", "ipywidgets", "matplotlib"]
HEAVY += ["narwhals", "numpy", "pandas", "pyarrow", "scipy"]


def in_a_fresh_interpreter(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_the_public_names_are_these():
    assert sorted(PUBLIC) == PUBLIC
    assert sorted(dx.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(dx, name) is not None
    with pytest.raises(AttributeError, match="'nope'"):
        _ = dx.nope


def test_dir_offers_the_public_names_and_nothing_else_before_and_after_they_are_used():
    code = """
import dxnotebook as dx
print(*dir(dx))
dx.read_jobs([]), dx.load_jobs, dx.demo, dx.explore
print(*dir(dx))
"""
    assert in_a_fresh_interpreter(code) == [*PUBLIC, *PUBLIC]


def test_a_star_import_brings_the_public_names():
    namespace = {}
    exec("from dxnotebook import *", namespace)
    assert sorted(namespace.keys() - {"__builtins__"}) == PUBLIC


def test_tab_completion_offers_the_public_names_and_nothing_else():
    code = """
from IPython.core.completer import IPCompleter, provisionalcompleter
import dxnotebook as dx

for _ in range(2):  # the second time with what the first uses have loaded
    for use_jedi in (True, False):
        completer = IPCompleter(namespace={"dx": dx}, use_jedi=use_jedi)
        with provisionalcompleter():
            print(*sorted({each.text.lstrip(".") for each in completer.completions("dx.", 3)}))
    dx.read_jobs([]), dx.load_jobs, dx.demo
"""
    offered = [name for name in in_a_fresh_interpreter(code) if not name.startswith("_")]
    assert offered == 4 * PUBLIC


def test_importing_loads_nothing_that_takes_long():
    code = "import sys, dxnotebook; print(*{name.partition('.')[0] for name in sys.modules})"
    assert not {*HEAVY} & {*in_a_fresh_interpreter(code)}


def test_the_stub_tells_type_checkers_the_same_names():
    stub = ast.parse(Path(dx.__file__).with_suffix(".pyi").read_text())
    imported = [
        name for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names
    ]
    assert sorted(name.asname for name in imported) == PUBLIC
    assert all(name.name == name.asname for name in imported)  # the form that re-exports
