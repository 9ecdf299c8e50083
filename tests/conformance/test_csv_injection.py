"""Formulas that others collected are texts in CSV and Excel, whatever is taken to separate."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of
from tests.files.cells import FORMULA, original

SEPARATORS = {",": 44, ";": 59, "\t": 9, "|": 124}


def suite(name):
    """Return the lines of a file of the suites of other origin."""
    folder = os.environ.get("DXNOTEBOOK_SUITES")
    if not folder:
        pytest.skip("DXNOTEBOOK_SUITES names no folder of suites of other origin.")
    return [line for line in Path(folder, name).read_text("utf-8").splitlines() if line]


def payloads():
    """Return formulas alone, and behind and before what may separate cells."""
    lines = suite("csv-injection.txt")
    within = [f"x{sign}{line}{sign}" for line in lines for sign in (*SEPARATORS, "\n", ';"', "; ")]
    return lines + within


def tables():
    """Return tables that have each payload in each column of texts that a job can fill."""
    jobs = []
    for number, text in enumerate(payloads()):
        source = {"Bucket": text, "Key": text}
        details = {"DataSetId": text, "RevisionId": text, "AssetSources": [source]}
        error = {"Code": text, "Message": text, "ResourceId": text}
        members = {"Details": {"ImportAssetsFromS3": details}, "Errors": [error], "Type": text}
        jobs.append(job(number, State=text, New=text, **members))
    return tables_of(page_of(*jobs))


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_no_cell_of_a_csv_file_is_a_formula(tmp_path):
    found = tables()
    folder = dx.export(found, tmp_path / "all.csv", folder=True)
    for path in [dx.export(found, tmp_path / "one.csv"), *folder.iterdir()]:
        for separator in SEPARATORS:
            with path.open(newline="", encoding="utf-8") as file:
                cells = [cell for row in csv.reader(file, delimiter=separator) for cell in row]
            assert [cell for cell in cells if cell.strip(' "').startswith(FORMULA)] == []
        if path.parent != folder:
            continue
        read = pd.read_csv(path, dtype="str", keep_default_na=False)
        frame = getattr(found, path.stem)
        for name in frame.select_dtypes(["str", "category"]):
            texts = frame[name].astype("str").fillna("")
            assert [original(cell) for cell in read[name]] == texts.tolist()


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_tables_come_back_as_they_were_and_a_workbook_has_texts(tmp_path):
    found = tables()
    for suffix in (".parquet", ".feather", ".jsonl"):
        back = dx.read_tables(dx.export(found, tmp_path / f"all{suffix}"))
        assert back.to_jobs() == found.to_jobs()
    book = openpyxl.load_workbook(dx.export(found, tmp_path / "all.xlsx"))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds


@pytest.mark.slow
def test_libreoffice_finds_no_formula(tmp_path):
    frame = pd.DataFrame({"text": payloads()})
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice is not there: apt install libreoffice-calc.")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    for sign, code in SEPARATORS.items():
        path = dx.export(frame, tmp_path / f"{code}.csv")
        guess = f"--infilter=CSV:{code},34,76,1,,0,false,true,false,false,false,-1"
        command = [office, profile, "--headless", "--convert-to", "fods", guess]
        subprocess.run(
            [*command, "--outdir", tmp_path, path], check=True, capture_output=True, timeout=300
        )
        assert "table:formula" not in (tmp_path / f"{code}.fods").read_text(), sign
    path = dx.export(frame, tmp_path / "x.xlsx")
    command = [office, profile, "--headless", "--convert-to", "fods", "--outdir", tmp_path, path]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert "table:formula" not in (tmp_path / "x.fods").read_text()
