"""The modules of the explorer's page are joined to one text, or it is said why they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

import dxnotebook.explorer
from dxnotebook.errors import DxError
from dxnotebook.explorer.page import joined
from dxnotebook.explorer.widget import JobExplorer

STATIC = Path(dxnotebook.explorer.__path__[0], "static")
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


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (
            "function a() {}\n",
            "export const a = 1;\n",
            "Cannot join one.js and two.js: both declare 'a'",
        ),
        ("const a = 1, b = 2;\n", "class b {}\n", "both declare 'b'"),
        ("let a = 1;\n", "const b = 1, a = 2;\n", "both declare 'a'"),
        ('import { entry } from "./entry.js";\n', "", "imports itself, by one.js"),
        ('import { b } from "./two.js";\n', "const b = 1;\n", "two.js does not export 'b'"),
        ('import { b as c } from "./two.js";\n', "export const b = 1;\n", "not export 'b as c'"),
        ('import * as two from "./two.js";\n', "", "it says 'import \\* as two"),
        ('import two from "./two.js";\n', "", "it says 'import two"),
        ('import "https://cdn.example/d3.js";\n', "", "it says 'import \"https"),
        ("const a = 1;\nexport { a };\n", "", "it says 'export { a };'"),
        ("export default {};\n", "", "Cannot join one.js: it says 'export default {};'"),
    ],
)
def test_what_cannot_be_joined_is_refused(module, one, two, reason):
    entry = 'import {} from "./one.js";\nimport {} from "./two.js";\n' + ENTRY
    with pytest.raises(DxError, match=reason):
        module(entry=entry, one=one, two=two)


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
