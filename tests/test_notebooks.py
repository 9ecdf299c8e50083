"""The notebooks run on any account, say nothing in pink, and tell the simulated one's story."""

import json
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import dxnotebook as dx

pytestmark = pytest.mark.slow
NO_HISTORY = Config(HistoryManager={"enabled": False})  # its database would be left open
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
NAMES = ("explore", "failure_trends", "publishing", "export_and_archive", "dashboard", "scale")


def accounts(kind):
    """Return a client and the tables of some account."""
    client = dx.demo.client(1_500, account_id="222233334444", region="eu-central-1", seed=7)
    if kind == "five jobs":
        client = dx.demo.client(5)
    elif kind == "no jobs":
        client = dx.demo.client(0)
    elif kind == "several accounts":
        client = [client, dx.demo.client(300, account_id="555566667777", seed=8)]
    tables = dx.load_jobs(client, progress=False)
    if kind != "without names":
        tables = dx.with_names(tables, client)
    failed = tables.jobs["state"].isin(["ERROR", "TIMED_OUT"])
    if kind in {"none failed", "all failed"}:
        tables = tables.filter(failed if kind == "all failed" else ~failed)
    return client, tables


def run(name, folder, monkeypatch, **given):
    """Run a notebook's cells, what is given instead of the first, and return what they named."""
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    cells = [cell for cell in cells if cell["cell_type"] == "code"]
    tagged = [cell for cell in cells if "tables" in cell["metadata"].get("tags", ())]
    assert tagged == cells[:1]
    monkeypatch.chdir(folder)
    shell = InteractiveShell(user_ns={"dx": dx} | given, config=NO_HISTORY)
    with mpl.rc_context({"backend": "agg"}), capture_output() as shown:
        for cell in cells[bool(given) :]:
            if given and "simulated" in cell["metadata"].get("tags", ()):
                continue  # which is the same for all accounts
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                shell.run_cell("".join(cell["source"]), store_history=False).raise_error()
    plt.close("all")
    assert not shown.stderr
    return shell.user_ns


@pytest.mark.parametrize(
    "kind",
    ["another account", "five jobs", "no jobs", "none failed", "all failed", "without names",
     "several accounts"],
)  # fmt: skip
@pytest.mark.parametrize(
    "name", ["explore", "failure_trends", "publishing", "export_and_archive", "dashboard"]
)
def test_notebooks_run_on_any_account(name, kind, tmp_path, monkeypatch):
    client, tables = accounts(kind)
    run(name, tmp_path, monkeypatch, client=client, tables=tables)


def test_the_simulated_account_s_trends(tmp_path, monkeypatch):
    told = run("failure_trends", tmp_path, monkeypatch)
    found, failed = told["found"], told["jobs"]["state"].isin(["ERROR", "TIMED_OUT"])
    assert told["overall"]["failed"].item() == told["by_type"]["failed"].sum() == failed.sum()
    assert found["failed"].max() == 181
    assert [f"{time:%m-%d}" for time in told["window"].values()] == ["08-31", "09-07"]
    assert told["by_data_set"]["failed"][0] == told["causes"]["jobs"][0] == 167
    others = told["by_data_set"][1:]
    assert others["failed"].sum() / others["n"].sum() < 2 * found["baseline"][0]
    assert "bucket policy" in told["example"].errors["message"].iloc[0]
    assert (len(told["back"]), len(told["left"])) == (177, 4)
    single = found[found["until"] - found["since"] == told["day"]]["since"]
    reached = told["full"].groupby("type", observed=True)["at"].min()
    assert sorted(single) == sorted(reached.dt.floor("1D"))
    assert len(told["stuck"]) == 4


def test_the_simulated_account_s_revisions(tmp_path, monkeypatch):
    told = run("publishing", tmp_path, monkeypatch)
    asked = told["asked"]
    findings = {"finalized though incomplete": 4, "whole but not finalized": 4}
    assert asked["finding"].value_counts().to_dict() == findings
    superseded = told["missing"]["status"] == "superseded"
    assert (~superseded).sum() == told["week"]["assets_missing"].sum()
    assert set(told["late"]["status"]) <= {"failing", "overdue"}
    files = sorted(tmp_path.glob("dxnotebook-demo/rerun-*.json"))
    assert len(files) == len(told["inputs"]) > 0


def test_the_simulated_account_s_archive(tmp_path, monkeypatch):
    told = run("export_and_archive", tmp_path, monkeypatch)
    assert (len(told["left"]), len(told["kept"])) == (0, 6_000)
    assert told["changes"]["to_state"].eq("COMPLETED").any()
    assert told["then"].jobs["created_at"].max() < pd.Timestamp("2026-09-05", tz="UTC")
    assert len(told["failed"]) == 399
