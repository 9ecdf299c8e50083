"""Texts that break what they are put into: terminals, sheets, pages, names of files."""

from __future__ import annotations

import csv
import json

import openpyxl
import pytest
from matplotlib.text import Text

import dxnotebook as dx
from tests.conftest import job, pruned
from tests.files.cells import original
from tests.hostile.common import assert_kept, between, read, timed

NO_HTML = "<script>alert(1)</script>"


def failed(text, number=2):
    """Return a job with this text wherever the service or a user writes one."""
    return job(
        number,
        State="ERROR",
        Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": text, "ResourceId": text}],
        Details={"ImportAssetFromSignedUrl": {"AssetName": text}},
        AssetConfiguration={"Tags": [{"Key": text, "Value": text}]},
    )


def kept(text):
    """Check that a text is kept wherever it stands; return the tables."""
    odd = failed(text)
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, odd)
    assert tables.jobs["asset_name"][1] == tables.errors["message"][0] == text
    return tables


def cells(tables, path, sheet="errors"):
    rows = openpyxl.load_workbook(dx.export(tables, path))[sheet].iter_rows()
    return [cell for row in rows for cell in row if cell.value is not None]


def test_59_nul(tmp_path):
    tables = kept("a\0b")
    values = [cell.value for cell in cells(tables, tmp_path / "jobs.xlsx")]
    assert not [value for value in values if "\0" in str(value)]
    assert [value for value in values if str(value).startswith("a") and str(value).endswith("b")]


@pytest.mark.parametrize("text", ["\u202egnp.exe", "\u2067abc", "שלום abc"])
def test_60_text_that_turns_the_direction_of_writing(text):
    kept(text)


@pytest.mark.parametrize("text", ["💥", "👩‍👩‍👧", "𝔸 𐍈", "é", "\ufeff\uffff"])
def test_61_emoji_and_what_else_lies_beyond_the_basic_plane(text, tmp_path):
    tables = kept(text)
    again = dx.read_tables(dx.export(tables, tmp_path / "jobs.parquet"))
    assert again.to_jobs() == tables.to_jobs()


def test_62_lone_surrogate(tmp_path):
    tables = dx.read_jobs(between(failed("a\ud800b")))
    assert tables.rejects.empty
    assert tables.jobs["asset_name"][1] == tables.errors["message"][0] == "a\\ud800b"
    for name in ("jobs.parquet", "jobs.xlsx"):
        dx.export(tables, tmp_path / name)
    assert pruned(tables.to_jobs()[1]) == pruned(timed(failed("a\\ud800b")))
    json.dumps(tables.to_jobs(), default=str, ensure_ascii=False).encode()


@pytest.mark.slow
def test_63_message_of_ten_megabytes(tmp_path):
    text = "quota of x exceeded " * 500_000
    tables = read(job(1), job(2, State="ERROR", Errors=[{"Code": "c", "Message": text}]))
    assert tables.to_jobs()[1]["Errors"][0]["Message"] == text
    drawn = [text.get_text() for text in dx.plot_error_causes(tables).findobj(Text)]
    assert any("quota of x" in text for text in drawn)
    assert max(map(len, [repr(tables), tables._repr_html_(), *drawn])) < 10_000
    assert max(len(str(cell.value)) for cell in cells(tables, tmp_path / "jobs.xlsx")) <= 32_767


def test_64_html_in_a_name_or_a_caption():
    tables = kept(NO_HTML)
    named = read(job(1, State=NO_HTML, Type=NO_HTML))
    for shown in (tables._repr_html_(), named._repr_html_()):
        assert "<script" not in shown
    assert "&lt;script&gt;" in named._repr_html_()


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("https://evil.example")', "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "@SUM(A1)"],
)
def test_65_what_a_spreadsheet_would_calculate(text, tmp_path):
    tables = kept(text)
    written = cells(tables, tmp_path / "jobs.xlsx")
    assert {cell.data_type for cell in written} <= {"s", "inlineStr", "n"}
    assert not [cell for cell in written if cell.hyperlink and cell.hyperlink.target]
    with dx.export(tables.jobs, tmp_path / "jobs.csv").open(
        newline="", encoding="utf-8-sig"
    ) as file:
        found = [cell for row in csv.reader(file) for cell in row if "1+1" in cell or "(" in cell]
    [cell] = set(found)
    assert cell.startswith("'" + text[0])
    assert original(cell) == text


@pytest.mark.parametrize("text", ["../../evil", "/tmp/evil", "C:\\evil", "a/evil.json"])
def test_67_name_that_looks_like_a_path(text, tmp_path):
    target = tmp_path / "deep" / "exports"
    target.mkdir(parents=True)
    tables = kept(text)
    for name in ("jobs.parquet", "jobs.csv", "jobs.xlsx", "jobs.jsonl"):
        dx.export(tables, target / name)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert path.is_relative_to(target)
        assert "evil" not in str(path.relative_to(tmp_path))
