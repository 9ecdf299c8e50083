"""A secret that is planted anywhere, in any writing, is in nothing that anybody gets to see."""

from __future__ import annotations

import gzip
import io
import json
import traceback
import zipfile
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather

import dxnotebook as dx
from dxnotebook import cli
from dxnotebook.records.redact import redact_text
from tests.conftest import job, page_of
from tests.hostile.common import S3, read_quietly
from tests.hostile.test_secrets import planted, shown

CANARY = "c4naRy0fEveRy7hing5ecre7"
URL = f"https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={CANARY}"
JWT = f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{CANARY}"
EQUALS = [
    "=",
    " = ",
    "%3D",
    "%253d",
    "&#61;",
    "&#x3D;",
    "&equals;",
    "&amp;#61;",
    "\\u003d",
    "\\\\u003d",
    "\\x3d",
    "\\075",
]
PARAMETERS = [
    "X-Amz-Signature",
    "x-amz-security-token",
    "X-Goog-Signature",
    "Signature",
    "temp_url_sig",
    "X%2DAmz%2DSignature",
]
OTHERS = [
    JWT,
    f"Authorization: Bearer {CANARY}",
    f"bearer {CANARY}",
    f"Authorization: Basic {CANARY}==",
    f"aws_secret_access_key = {CANARY}",
    f'{{"SecretAccessKey": "{CANARY}"}}',
    f"<SecretAccessKey>{CANARY}</SecretAccessKey>",
    f'{{\\"SessionToken\\":\\"{CANARY}\\"}}',
    f"aws_access_key_id={CANARY}",
    f"x-api-key: {CANARY}",
    f"password={CANARY};Server=s",
    f"https://user:{CANARY}@host/k",
    f"https%3A%2F%2Fuser%3A{CANARY}%40host",
    f"postgres://user:p@{CANARY}@host:5432/db",
    f"https://b/k?X-Amz-Date=1&X-Amz-Signa\nture={CANARY}",
    f"https://b/k?X-Amz-Signature=0123456789abcdef<br>{CANARY}",
    f"https://b/k?X-Amz-Signature=0123456789abcdef\n> {CANARY}",
    f'Signature="{CANARY}"',
    f"X-Amz-Signature: {CANARY}",
]
FORMS = st.sampled_from(OTHERS) | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "https://b/k?a=1&", "https://b/k&#63;a=1&amp;", "https://b/k\\x3f"]),
    st.sampled_from(PARAMETERS),
    st.sampled_from(EQUALS),
    st.just(CANARY),
)
MEMBERS = [
    "SignedUrls",
    "SignedURL",
    "signed_url",
    "signed-url",
    "apiKey",
    "ApiKeys",
    "api_key",
    "API-KEYS",
    "SecretAccessKey",
    "session_token",
    "Password",
]


def everywhere(text):
    """Return jobs with a text in each place, also in names, and under secret names."""
    jobs = list(planted(text).values())
    details = {S3: {"DataSetId": text, "AssetSources": [{"Bucket": "b", "Key": text}]}}
    jobs += [
        job(51, Details=details, State="ERROR", Errors=[{"Code": "c", "Message": text}]),
        job(52, **{text: 1}),
        job(53, New={text: [{"a": 1}]}),
        job(54, Details={text: {"a": [1]}}),
        job(55, Details={text: {"a": 1}, S3: {"DataSetId": "d"}}),
        job(56, **{text: ["a", "b"]}),
    ]
    secret = dict.fromkeys(MEMBERS[:4], f"https://b/k&opaque={CANARY}")
    secret |= dict.fromkeys(MEMBERS[4:], CANARY)
    jobs += [job(60, **secret), job(61, New=[secret]), job(62, Details={"New": {"In": secret}})]
    return [*jobs, job(63, Details="none", **secret)]


def unpacked(name, content):
    """Return what is in a file, also what is compressed or encoded in it."""
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    if name.endswith((".xlsx", ".zip")):
        parts = zipfile.ZipFile(io.BytesIO(content))
        return "".join(unpacked(part, parts.read(part)) for part in parts.namelist())
    more = ""
    if name.endswith(".parquet"):
        file = pq.ParquetFile(io.BytesIO(content))
        more = f"{file.schema_arrow}{file.metadata}{file.read().to_pylist()}"
    if name.endswith(".feather"):
        more = str(feather.read_table(io.BytesIO(content)).to_pylist())
    return more + content.decode("utf-8", "replace")


def in_folder(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(f"{path}{unpacked(path.name, path.read_bytes())}" for path in files)


def messages(tables):
    """Return what an explorer sends to its page."""
    sent = []
    explorer = dx.explore(tables)
    with patch.object(explorer, "send", lambda *given: sent.append(given)):
        view = {"columns": [name for name, *_ in explorer._about["columns"]]}
        asked = {"id": "1", "kind": "view", "first": 0, "count": 200, "view": view}
        explorer._receive(None, asked, [])
        for job in tables.jobs["job_id"]:
            explorer._receive(None, {"id": "1", "kind": "detail", "job": job}, [])
        explorer._receive(None, {"id": "1", "kind": "nothing"}, [])
    return f"{sent}{explorer._about}{explorer!r}{explorer._preview()}"


def said_by_cli(path, folder):
    run = CliRunner().invoke
    options = ["--max-failure-rate", "0", "--by", "data_set_id", "--max-unresolved", "0"]
    options += ["--max-silence", "1h", "--max-stuck", "0"]
    results = [
        run(cli.main, ["check", "--file", path, *options, *more]) for more in ([], ["--json"])
    ]
    results.append(run(cli.main, ["export", "--file", path, str(folder / "x.csv")]))
    assert [result.exit_code for result in results] == [1, 1, 0]
    return "".join(result.output for result in results)


@pytest.mark.slow
@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@settings(max_examples=4)
@given(FORMS)
def test_100_a_secret_in_any_writing_is_in_no_product(tmp_path_factory, form):
    folder = tmp_path_factory.mktemp("canaries")
    (folder / f"k.json?X-Amz-Signature={CANARY}").write_bytes(page_of(*everywhere(form)))
    [saved] = folder.iterdir()
    tables, caught = read_quietly(saved)
    (products := folder / "products").mkdir()
    for suffix in (".parquet", ".feather", ".csv", ".csv.gz", ".xlsx", ".jsonl", ".jsonl.gz"):
        dx.export(tables, products / f"all{suffix}")
    dx.export(tables, f"{products}/each/")
    dx.write_report(tables, products / "report.html")
    page = products / "page.json"
    page.write_bytes(page_of(*everywhere(form)))
    seen = [shown(tables, caught), messages(tables), said_by_cli(str(page), products)]
    page.unlink()
    assert CANARY not in "".join([*seen, in_folder(products)])


@pytest.mark.slow
@pytest.mark.property
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@settings(max_examples=3)
@given(FORMS)
def test_100_an_archive_of_what_was_not_redacted_has_no_secret(tmp_path_factory, form):
    folder = tmp_path_factory.mktemp("archive")
    tables, _ = read_quietly(page_of(*everywhere(form)), redact=False)
    assert CANARY in str(tables.to_jobs())
    archive = dx.Archive(str(folder))
    archive.add(tables)
    assert CANARY not in in_folder(folder)
    assert len(archive.load().jobs) + len(archive.load().rejects) == len(tables.to_jobs())


@pytest.mark.property
@given(
    FORMS, st.sampled_from(["", "x ", "a=b ", "(", "\x1b]8;;", "é "]), st.sampled_from(["", " y"])
)
def test_100_each_form_goes_and_its_sentence_stays(form, before, after):
    scrubbed = redact_text(before + form + after)
    assert CANARY not in scrubbed
    assert scrubbed.startswith(before.rstrip("("))
    assert redact_text(scrubbed) == scrubbed


def chain(error):
    """Return all that an error says, and those that it hangs on."""
    said = "".join(traceback.format_exception(error))
    while error is not None:
        said += f"{error!s}{error!r}{vars(error)}"
        error = error.__context__ or error.__cause__
    return said


@pytest.mark.parametrize(
    "content",
    [
        f'{{"Jobs": [{{"Id": "{URL}"',
        f'{{"Jobs": "{URL}"}}',
        f'{{"Jobs": [{{"Arn": "a", "Id": "b", "CreatedAt": "{URL}"}}], }}',
        f"{URL}",
        f'{{"Id": "{URL}", "Id": \udcff',
    ],
)
def test_101_what_an_error_comes_of_is_not_to_be_had_from_it(content, tmp_path):
    path = tmp_path / f"k.json?X-Amz-Signature={CANARY}"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    for source in (path, path.read_bytes(), path.open("rb")):
        with pytest.raises(dx.LoadError) as caught:
            read_quietly(source)
        said = chain(caught.value).replace(str(path), "")
        assert CANARY not in said
        assert "line 1" in str(caught.value)
    path.unlink()
    with pytest.raises(dx.DxError, match="No file matches") as caught:
        dx.read_jobs(path)
    assert CANARY not in str(caught.value)


def test_102_names_are_matched_by_their_words_and_neighbours_stay():
    secret = {name: {"a": [CANARY, 7]} for name in MEMBERS[4:]}
    kept = {
        "Keys": ["k"],
        "KeyPrefix": "p",
        "AssetName": "R&D;#1?",
        "Hourly": "a?b",
        "Url2Go": "a?b",
    }
    branch = {"ImportAssetFromSignedUrl": kept}
    tables, _ = read_quietly(page_of(job(1, New={**secret, **kept}, Details=branch)))
    [found] = tables.to_jobs()
    assert CANARY not in str(found)
    assert "7" not in json.dumps({name: found["New"][name] for name in secret})
    assert {name: found["New"][name] for name in kept} == kept
    assert found["Details"] == branch


ORDINARY = [
    "Signature mismatch",
    "what is the signature?",
    "Unexpected token = in JSON",
    "Bearer token is missing",
    "Bearer authentication is required",
    "password is wrong",
    "You are not authorized to perform: s3:GetObject",
    "Access Key ID is missing",
    "AKIAIOSFODNN7EXAMPLE/2026.csv",
    "ASIAPACIFICMARKETS01.csv",
    "http://host:80/a@b",
    "s3://b/a:b@c",
    "git@host:a/b.git",
    "https://host/k?page=2#top",
    "header x-amz-acl=private",
    "design=x",
    "dt=2026-09-30/part-0.csv.gz",
    "arn:aws:dataexchange:us-east-1:111122223333:jobs/3ff9",
    "eyJ",
    "GET https://b/k?X-Amz-Signature=0123456789abcdef\nAccessDenied: no",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_103_what_only_looks_like_a_secret_stays(text):
    expected = text.replace("X-Amz-Signature=0123456789abcdef", "REDACTED")
    assert redact_text(text) == expected
    assert (
        read_quietly(page_of(job(1, Errors=[{"Message": text}])))[0].errors["message"][0]
        == expected
    )
