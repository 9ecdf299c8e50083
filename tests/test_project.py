"""What holds of the project as a whole: imports, names, notebooks, README, secrets of the trade."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dxnotebook as dx

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEAVY = ["matplotlib", "ipywidgets", "anywidget", "deltalake", "IPython"]


def in_a_fresh_interpreter(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_importing_loads_next_to_nothing_and_using_loads_nothing_heavy():
    seen = "import sys; print(sorted({name.split('.')[0] for name in sys.modules}))"
    light = in_a_fresh_interpreter(f"import dxnotebook; {seen}")
    assert not {"boto3", "pandas", "pyarrow", *HEAVY} & set(json.loads(light.replace("'", '"')))
    used = in_a_fresh_interpreter(
        f"import dxnotebook as dx; dx.read_jobs([]); dx.load_jobs; dx.demo; {seen}"
    )
    assert not set(HEAVY) & set(json.loads(used.replace("'", '"')))


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
    told = in_a_fresh_interpreter(code)
    assert (
        told == f"True {name} needs {library}. Install it with: pip install 'dxnotebook[{extra}]'\n"
    )


def test_public_names_are_there_and_nothing_else():
    for name in dx.__all__:
        assert getattr(dx, name) is not None
    assert set(dx.__all__) <= set(dir(dx))
    with pytest.raises(AttributeError, match="'nope'"):
        _ = dx.nope


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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_committed_as_they_ran(path):
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [
        output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"
    ]
    assert "X-Amz-Signature" not in path.read_text()


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
