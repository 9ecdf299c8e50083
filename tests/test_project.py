"""What holds of the project as a whole: imports, docstrings, the house, notebooks, README."""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import json
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

import dxnotebook as dx

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dxnotebook"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
# private names that several modules may define, as they mean the same in each
SHARED_PRIVATE_NAMES: set[str] = set()
HEAVY = ["matplotlib", "ipywidgets", "anywidget", "deltalake", "IPython"]


def in_a_fresh_interpreter(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.slow
def test_using_loads_nothing_heavy():
    code = """
import sys
import dxnotebook as dx
dx.read_jobs([]), dx.load_jobs, dx.demo
print(*{name.partition(".")[0] for name in sys.modules})
"""
    assert not {*HEAVY} & {*in_a_fresh_interpreter(code).split()}


@pytest.mark.slow
def test_importing_has_no_side_effects():
    code = """
import logging, warnings, threading
before = (len(logging.root.handlers), list(warnings.filters), threading.active_count())
import dxnotebook, dxnotebook.aws.load, dxnotebook.files.read, dxnotebook.demo, dxnotebook.cli
import pandas
pandas.options.display
assert (len(logging.root.handlers), threading.active_count()) == (before[0], before[2])
"""
    assert in_a_fresh_interpreter(code) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "name", "extra"),
    [("matplotlib", "plot_durations", "plots"), ("deltalake", "Archive", "archive")],
)
def test_a_missing_library_is_named_with_what_installs_it(library, name, extra):
    code = f"""
import sys
sys.modules["{library}"] = None
import dxnotebook as dx
try:
    dx.{name}
except ImportError as error:
    print(isinstance(error, dx.DxError), error)
"""
    remedy = f"Install it with: python -m pip install 'dxnotebook[{extra}]'"
    assert in_a_fresh_interpreter(code) == f"True {name} needs {library}. {remedy}\n"


@pytest.mark.parametrize(
    "name", [name for name in dx.__all__ if inspect.isfunction(getattr(dx, name))]
)
def test_public_functions_say_what_they_take_and_give_with_an_example(name):
    text = inspect.getdoc(getattr(dx, name))
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n---" in text, section
    for parameter in inspect.signature(getattr(dx, name)).parameters:
        assert re.search(rf"^.*\b{parameter}\b.* : ", text, re.MULTILINE), parameter
    assert doctest.DocTestParser().get_examples(text)


def lines_of_code(path):
    """Return the numbers of a module's lines that hold more than a docstring or a comment."""
    text = path.read_text()
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = [
        range(token.start[0], token.end[0] + 1) for token in tokens if token.type not in silent
    ]
    strings = [
        range(node.lineno, node.end_lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
    ]
    return set().union(*spans) - set().union(*strings)


def private_names(path):
    """Return the private functions, classes and constants that a module defines at its top."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, FUNCTION | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= {
                name.id
                for name in ast.walk(node)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
    return {name for name in names if re.match(r"_[^_]", name)}


def test_the_tests_mirror_the_package():
    modules = [path.relative_to(PACKAGE) for path in MODULES if path.name != "__init__.py"]
    mirrors = [ROOT / "tests" / path.with_name(f"test_{path.name}") for path in modules]
    missing = [str(path.relative_to(ROOT)) for path in mirrors if not path.exists()]
    assert missing == []


def test_files_and_functions_are_short():
    long_files = {
        str(path.relative_to(ROOT)): lines
        for path in MODULES
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long_files == {}
    long_functions = {}
    for path in MODULES:
        code = lines_of_code(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, FUNCTION):
                lines = len(code & {*range(node.lineno, node.end_lineno + 1)})
                if lines > 50:
                    long_functions[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long_functions == {}


def test_a_private_name_has_one_meaning():
    homes = defaultdict(list)
    for path in MODULES:
        for name in private_names(path):
            homes[name].append(str(path.relative_to(PACKAGE)))
    several = {name: places for name, places in homes.items() if len(places) > 1}
    assert {
        name: places for name, places in several.items() if name not in SHARED_PRIVATE_NAMES
    } == {}
    assert several.keys() >= SHARED_PRIVATE_NAMES  # what is no longer shared leaves the list


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_committed_as_they_ran(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [
        output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"
    ]
    assert "X-Amz-Signature" not in path.read_text()


@pytest.mark.slow
def test_readme_examples_run():
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```pycon\n(.*?)```", text, re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        test = doctest.DocTestParser().get_doctest(block, names, "README", "README.md", 0)
        test.globs = names  # a block goes on where the one before ended
        assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0


def test_readme_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


def test_the_types_are_shipped():
    assert (ROOT / "dxnotebook" / "py.typed").exists()
