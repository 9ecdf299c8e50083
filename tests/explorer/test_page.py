"""The modules of the explorer's page can be joined to one text, and are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dxnotebook.explorer
from dxnotebook.explorer.page import joined
from dxnotebook.explorer.widget import JobExplorer

STATIC = Path(dxnotebook.explorer.__path__[0], "static")
MODULES = sorted(STATIC.glob("*.js"))
ENTRY = "export default {\n  render() {},\n};\n"


@pytest.fixture
def module(tmp_path):
    """Write modules, which are given by name, and return `entry` joined with what it imports."""

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.js").write_text(text)
        return joined(tmp_path / "entry.js")

    return write


def test_each_module_is_there_once_and_after_what_it_imports(module):
    text = module(
        entry='import { a } from "./one.js";\nimport { b } from "./two.js";\n' + ENTRY,
        one='import {\n  b,\n  C,\n} from "./two.js";\nexport const a = [b, C];\n',
        two="const own = 1, more = 2;\nexport async function b() {}\nexport class C {}\n",
    )
    assert text.split("\n") == [
        "const own = 1, more = 2;", "async function b() {}", "class C {}", "",
        "const a = [b, C];", "",
        "export default {", "  render() {},", "};", "",
    ]  # fmt: skip


def declared(text):
    """Return the names that a module declares at its top level."""
    names = re.findall(r"^(?:export )?(?:async function|function|class) (\w+)", text, re.MULTILINE)
    for line in re.findall(r"^(?:export )?(?:const|let|var) .*", text, re.MULTILINE):
        names += re.findall(r"[ ,](\w+) = ", line)
    return names


def test_no_two_modules_declare_the_same_name():
    owners = {}
    for path in MODULES:
        for name in declared(path.read_text()):
            assert owners.setdefault(name, path.name) == path.name, name
    assert len(owners) > len(MODULES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_import_and_export_in_the_form_that_is_joined(path):
    text = path.read_text()
    exports = r"^export (?:(?:async )?(?:function|class|const) \w+|default \{)"
    imports = r'^import \{[^{}]*\} from "\./\w+\.js";'
    known = re.findall(rf"{imports}|{exports}", text, re.MULTILINE)
    assert len(known) == len(re.findall(r"^(?:import|export)\b", text, re.MULTILINE))
    assert ("export default {" in known) == (path.name == "explorer.js")
    for names, source in re.findall(
        r'^import \{([^{}]*)\} from "\./(\w+\.js)";', text, re.MULTILINE
    ):
        exported = (STATIC / source).read_text()
        for name in filter(None, (name.strip() for name in names.split(","))):
            assert re.search(rf"^export .*\b{name}\b", exported, re.MULTILINE), name


def test_a_module_that_is_not_there_is_missed(module):
    with pytest.raises(FileNotFoundError):
        module(entry='import { a } from "./none.js";\n' + ENTRY)


def test_the_widget_has_all_of_its_modules_and_needs_no_other():
    text = JobExplorer._esm
    for path in STATIC.glob("*.js"):
        assert path.read_text().splitlines()[0] == "// @ts-check"
        assert path.read_text().splitlines()[1] in text
    assert text.count("// @ts-check") == len(list(STATIC.glob("*.js")))
    assert text.count("export default {") == 1
    assert '.js"' not in text
