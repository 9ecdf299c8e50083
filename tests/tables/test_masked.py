"""Tables to share: no original is in anything that is made of them, and they are tables still."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from botocore.model import ListShape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dxnotebook as dx
from tests.conftest import job, page_of, tables_of
from tests.hostile.test_canaries import in_folder, messages
from tests.hostile.test_secrets import shown
from tests.report.page import Page
from tests.strategies import JOB

FRAMES = ("jobs", "details", "errors", "rejects")
ACCOUNT, STEM = "480230960391", "kanari"
FORMS = [
    "{}",
    "{} of {}, the »{}«",
    "s3://{}/{}/{}.csv.gz",
    "https://{}.s3.amazonaws.com/{}?{}",
    "{}@{}.example.com",
    f"arn:aws:iam::{ACCOUNT}:role/{{}}/{{}}",
    "arn:aws:s3:::{}/{}/{}.parquet",
    f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/{{}}",
    "arn:aws:redshift:us-east-1:480230960391:datashare:5c0f2a51-9d2f-4d6f-8f0a-3f9a1c2b4d5e/{}",
    "arn:{}:{}:{}:{}:{}",
    "${{Revision.Id}}/{}/{}",
    'a "{}" \\{} \n{}\t€{}',
]
CASES = [str.lower, str.upper, str.title]


class Texts:
    """Gives texts in turn, none of which is like another."""

    def __init__(self, form, case):
        self.number, self.form, self.case = 0, form, case

    def word(self):
        self.number += 1
        return self.case(f"{STEM}{self.number}")

    def __call__(self):
        return self.form.format(*(self.word() for _ in range(self.form.count("{}"))))


def planted(shape, text):
    """Return the JSON of a shape with a text of its own wherever one can be."""
    if isinstance(shape, StructureShape):
        return {name: planted(member, text) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [planted(shape.member, text) for _ in range(2)]
    if getattr(shape, "enum", None):
        return shape.enum[0]
    return {"timestamp": "2026-09-01T00:00:00.123Z", "double": 5}.get(shape.type_name) or text()


def planted_jobs(form=FORMS[0], case=str.lower):
    """Return jobs of every type, and rejects, with texts that are in nothing else."""
    text, jobs = Texts(form, case), []
    for number, (branch, shape) in enumerate(JOB.members["Details"].members.items()):
        members = {n: planted(m, text) for n, m in JOB.members.items() if n != "Details"}
        ids = job(number)
        arn = ids["Arn"].replace("111122223333", ACCOUNT)
        unknown = {"New": [text(), 5, {"In": text()}], "Newer": {"a": text()}, "Newest": [text()]}
        details = {branch: planted(shape, text)}
        jobs.append({**members, **ids, "Arn": arn, "Details": details, "State": "ERROR", **unknown})
    jobs[0] |= {"UpdatedAt": "2026-09-01T00:00:00.123456789Z", "Type": f"{STEM} odd"}
    rejected = {**jobs[0], "Arn": int(ACCOUNT)}
    return [*jobs, rejected, {**jobs[1], **job(50), "CreatedAt": text()}, text(), None]


def assert_nothing_in(seen):
    found = re.findall(rf"(?i).{{0,40}}(?:{STEM}|{ACCOUNT}).{{0,20}}", seen)
    assert not found, found[:3]


@pytest.mark.property
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@given(st.sampled_from(FORMS), st.sampled_from(CASES))
def test_no_original_is_in_masked_tables_wherever_it_was_planted(form, case):
    tables = tables_of(page_of(*planted_jobs(form, case)))
    tables.jobs["data_set_name"], tables.jobs["mine"] = case(STEM), [[case(STEM)]] * len(tables)
    failures = {f"{STEM}/us-east-1": dx.LoadError(f"{ACCOUNT}: {STEM} is not")}
    shared = dx.masked(replace(tables, failures=failures), "k")
    assert STEM in shown(tables).lower()
    assert_nothing_in(shown(shared))
    assert all(str(error).endswith(" is not") for error in shared.failures.values())
    assert len(shared.to_jobs()) == len(tables.to_jobs())
    for name in FRAMES:
        ours, theirs = getattr(shared, name), getattr(tables, name)
        assert list(ours) == list(theirs)
        assert ours.isna().equals(theirs.isna())
        kept = theirs.select_dtypes(["number", "boolean", "datetimetz"])
        pd.testing.assert_frame_equal(ours[list(kept)], kept, check_dtype=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
def test_no_original_is_in_what_is_made_of_masked_tables(tmp_path):
    shared = dx.masked(tables_of(page_of(*planted_jobs())))
    for suffix in (".parquet", ".feather", ".csv", ".xlsx", ".jsonl"):
        dx.export(shared, tmp_path / f"all{suffix}")
    archive = dx.Archive(str(tmp_path / "archive"))
    archive.add(shared)
    assert len(archive.load()) == len(shared)
    page = dx.write_report(shared, tmp_path / "report.html").read_text()
    assert "failed" in Page(page).text
    assert_nothing_in(in_folder(tmp_path) + messages(shared))
    answers = [dx.error_causes, dx.unresolved_failures, dx.missing_assets, dx.rerun, dx.revisions]
    said = [dx.check(shared, max_failure_rate=0, by="data_set_id"), *(f(shared) for f in answers)]
    assert_nothing_in("".join(map(str, said)))


def test_aliases_are_stable_join_and_keep_the_forms_of_things():
    client = dx.demo.client()
    tables = dx.with_names(dx.load_jobs(client, progress=False), client)
    shared = dx.masked(tables, "k")
    for name, column in [(n, c) for n in FRAMES for c in getattr(tables, n).select_dtypes("str")]:
        before, after = getattr(tables, name)[column], getattr(shared, name)[column]
        pairs = pd.DataFrame({"before": before, "after": after}).dropna().drop_duplicates()
        assert pairs["before"].is_unique, column
        if column != "message":  # of which what an id of a request was is told apart, too
            assert pairs["after"].is_unique, column
    part = dx.masked(tables.filter(tables.jobs["state"] == "ERROR"), b"k")
    for name in ("jobs", "details"):
        rows = getattr(shared, name)
        rows = rows[rows["job_id"].isin(part.jobs["job_id"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, getattr(part, name))
    other = dx.masked(tables)
    assert not {*other.jobs["job_id"]} & {*shared.jobs["job_id"]}
    jobs = shared.jobs
    arns = jobs["job_arn"].str.extract(
        r"^arn:aws:dataexchange:(?P<region>[^:]*):(?P<account_id>\d{12}):jobs/(?P<job_id>[0-9a-f]{32})$"
    )
    pd.testing.assert_frame_equal(arns, jobs[list(arns)])
    keys = shared.details["key"].dropna()
    theirs = tables.details["key"].dropna()
    assert keys.str.count("/").equals(theirs.str.count("/"))
    assert keys.str.endswith(".csv.gz").equals(theirs.str.endswith(".csv.gz"))
    assert keys.str.split("/").str[0].nunique() == theirs.str.split("/").str[0].nunique()
    assert len(dx.unresolved_failures(shared)) == len(dx.unresolved_failures(tables))
    counts = [dx.error_causes(each)["jobs"].head(3).tolist() for each in (tables, shared)]
    assert counts[0] == counts[1]


def test_an_original_is_the_same_alias_in_a_message_also_where_it_is_made_of_usual_words():
    source = {"Bucket": "policy", "Key": "access denied/the role.csv"}
    message = "Access denied/the role.csv: s3://policy/access denied/the role.csv (access denied)"
    details = {"ImportAssetsFromS3": {"AssetSources": [source], "DataSetId": "access denied"}}
    shared = dx.masked(
        tables_of(page_of(job(Details=details, Errors=[{"Message": message}]))), key="k"
    )
    [bucket], [key] = shared.details["bucket"], shared.details["key"]
    [data_set], [masked] = shared.jobs["data_set_id"], shared.errors["message"]
    assert masked.endswith(f": s3://{bucket}/{key} ({data_set})")
    assert re.fullmatch(r"key-[0-9a-f]{12}/key-[0-9a-f]{12}\.csv", key)
    assert bucket.startswith("bucket-")
    assert data_set.startswith("data-set-")


@pytest.mark.parametrize(
    "place", ["arn:aws:s3:::{}", "S3://{}", "s3://{}", "https://{}", "/{}", "arn:aws:s3:::{}*"]
)
@pytest.mark.parametrize("bucket", ["acme-lake", "policy"])
def test_places_that_only_a_message_names_are_masked_though_their_words_are_usual(place, bucket):
    said = "Access denied: s3:PutObject on " + place.format(f"{bucket}/resource/error/object.csv")
    details = {"ExportAssetsToS3": {"AssetDestinations": [{"Bucket": "acme-lake"}]}}
    jobs = page_of(job(Details=details, Errors=[{"Message": said}]))
    [masked] = dx.masked(tables_of(jobs), key="k").errors["message"]
    assert masked.startswith("Access denied: s3:PutObject on ")
    for word in ("acme", "resource/", "error", "object."):
        assert word not in masked
    assert re.search(r"/key-[0-9a-f]{12}/key-[0-9a-f]{12}/key-[0-9a-f]{12}\.csv\*?$", masked)


def test_a_message_says_what_went_wrong_still():
    role = f"arn:aws:iam::{ACCOUNT}:role/Admin"
    said = f"User {role} is not authorized to perform: s3:GetObject on 3 objects of acme-lake"
    shared = dx.masked(tables_of(page_of(job(Errors=[{"Message": said}]))), key="k")
    alias, account = r"[0-9a-f]{12}", r"\d{12}"
    pattern = (
        rf"User arn:aws:iam::{account}:role/role-{alias} is not authorized to perform: "
        rf"s3:GetObject on 3 objects of word-{alias}"
    )
    assert re.fullmatch(pattern, shared.errors["message"][0])


def test_rejects_are_json_still_and_say_what_they_are():
    broken = job(Arn=None, Details={"ImportAssetsFromS3": {"DataSetId": "acme"}})
    shared = dx.masked(tables_of(page_of(broken)), key="k")
    raw = json.loads(shared.rejects["raw"][0])
    assert raw["State"] == "COMPLETED"
    assert raw["CreatedAt"] == broken["CreatedAt"]
    assert raw["Details"]["ImportAssetsFromS3"]["DataSetId"].startswith("data-set-")
    assert raw["Id"] != broken["Id"]
    assert shared.rejects["reason"].tolist() == ["no Arn"]


PART = st.sampled_from(
    ["data", "part-7", "x", "", "a b", "7.csv.gz", ".csv", "*", "${Revision.Id}", "é", "roles",
     "s3", "a.b", "0123456789abcdef" * 2, "123456789012", "5c0f2a51-9d2f-4d6f-8f0a-3f9a1c2b4d5e"]
)  # fmt: skip
NAME = st.one_of(
    st.lists(PART, min_size=1, max_size=4).map("/".join),
    st.lists(PART, max_size=8).map(lambda parts: ":".join(["arn", *parts])),
    st.lists(PART, max_size=8).map("".join),
)


@pytest.mark.property
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")
@given(st.lists(st.tuples(NAME, NAME, NAME), min_size=1, max_size=5))
def test_what_stands_for_a_name_is_the_same_in_a_column_and_in_a_reject(names):
    details = [
        {"ImportAssetsFromS3": {"DataSetId": id_, "AssetSources": [{"Bucket": bucket, "Key": key}]}}
        for id_, bucket, key in names
    ]
    good = [job(number, Details=each) for number, each in enumerate(details)]
    bad = [job(number, Arn=None, Details=each) for number, each in enumerate(details)]
    shared = dx.masked(tables_of(page_of(*good, *bad)), "k")
    told = [json.loads(raw)["Details"]["ImportAssetsFromS3"] for raw in shared.rejects["raw"]]
    sources = pd.DataFrame([each["AssetSources"][0] for each in told])
    assert sources["Key"].tolist() == shared.details["key"].tolist()
    assert sources["Bucket"].tolist() == shared.details["bucket"].tolist()
    assert [each["DataSetId"] for each in told] == shared.jobs["data_set_id"].tolist()


@pytest.mark.parametrize("key", ["", b"", 7])
def test_a_key_is_a_text_or_bytes(key):
    with pytest.raises(dx.DxError, match="Invalid key"):
        dx.masked(tables_of(page_of(job())), key)
    with pytest.raises(dx.DxError, match="Invalid tables: a DataFrame"):
        dx.masked(pd.DataFrame(), "k")
