"""What names and messages hold moves no terminal and opens no cell or link."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

import dxnotebook as dx
from dxnotebook import cli, demo
from dxnotebook.report.table import Table, plain
from tests.conftest import job, page_of
from tests.files.cells import original
from tests.hostile.common import broken, read_quietly, reply
from tests.hostile.test_secrets import SECRET, SIGNED

HOSTILE = "\x1b]8;;https://evil.example\x1b\\\\x\a\x9b2J\u202egnp.exe\u2066\r\x7f"
MOVING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def hostile_jobs():
    failed = {"State": "ERROR", "Errors": [{"Code": HOSTILE, "Message": f"no {HOSTILE}"}]}
    details = {"ImportAssetsFromS3": {"DataSetId": HOSTILE}}
    jobs = [job(n, **failed, Type=HOSTILE, Details=details) for n in range(1, 20)]
    waiting = job(30, State="WAITING", Details=details, CreatedAt="2026-01-01T00:00:00Z")
    return page_of(*jobs, waiting, job(31, Details="none", **{HOSTILE: 1}))


@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_104_no_line_for_people_moves_a_terminal(tmp_path):
    path = tmp_path / f"{HOSTILE.replace('/', '')}.json"
    path.write_bytes(hostile_jobs())
    limits = ["--max-failure-rate", "0.1", "--by", "type", "--max-unresolved", "0"]
    limits += ["--max-silence", "1h", "--max-stuck", "0"]
    for more in ([], ["--json"]):
        result = CliRunner().invoke(cli.main, ["check", "--file", str(path), *limits, *more])
        assert result.exit_code == 1
        assert "evil.example" in result.output
        assert not MOVING.search(result.output)
    result = CliRunner().invoke(cli.main, ["check", "--file", str(tmp_path / f"{HOSTILE}.no")])
    assert result.exit_code == 2
    assert not MOVING.search(result.output)
    tables, caught = read_quietly(path)
    assert len(tables.rejects) == 1
    path.write_bytes(b"{")
    with pytest.raises(dx.LoadError) as error:
        dx.read_jobs(path)
    found = dx.check(tables, max_failure_rate=0.1, max_unresolved=0)["message"]
    said = [repr(tables), str(error.value), repr(error.value), *found]
    said += [str(warning.message) for warning in caught]
    assert not MOVING.search("\n".join(said))
    assert tables.jobs["type"][0] == HOSTILE  # the data is what came


def test_104_nor_does_what_the_service_says():
    headers = (("x-amzn-ErrorType", "ValidationException"),)
    body = b'{"Message": "no \\u001b[2J \\u202e"}'
    error = broken(reply(body, status=400, headers=headers), r"no ␛\[2J \\u202e", advice="")
    assert not MOVING.search(str(error))


def test_105_formulas_behind_any_separator_are_texts_and_come_back(tmp_path):
    texts = [f"x{sign}=1+1" for sign in ";|\t\n\r"]
    tables, _ = read_quietly(
        page_of(*(job(n, Errors=[{"Message": t}]) for n, t in enumerate(texts)))
    )
    dx.export(tables, tmp_path / "all.csv", folder=True)
    content = (tmp_path / "all.csv" / "errors.csv").read_bytes().decode()
    assert [text for text in texts if text in content] == []
    assert [text for text in texts if text not in original(content)] == []
    dx.export(tables, tmp_path / "all.parquet")
    back = dx.read_tables(tmp_path / "all.parquet")
    assert back.errors["message"].tolist() == texts


def test_106_the_name_of_a_data_set_is_no_secret_and_no_link():
    account = demo.Account(50)
    for data_set in account.data_sets:
        data_set["Name"] = f"{SIGNED} https://a.example www.b.example"
    with demo.Endpoint(account) as endpoint:
        tables = dx.load_jobs(endpoint.client(), progress=False)
        named = dx.with_names(tables, endpoint.client()).jobs
    [name] = named["data_set_name"].dropna().unique()
    assert name == "https://b.s3.amazonaws.com/k?REDACTED https://a.example www.b.example"
    assert SECRET not in name
    assert not re.search(r"https?://|www\.|@", plain(f"{name} a@b.example"))
    assert "href" not in Table(named[["data_set_name"]])._repr_html_()
