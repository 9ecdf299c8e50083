"""What people give that is no listing of jobs: each is named, with what to do."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import pickle
import tarfile
import warnings
import zipfile

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import dxnotebook as dx
from dxnotebook.files.foreign import form
from tests.conftest import job, page_of

FRAME = pd.DataFrame({"job_id": ["a"], "state": ["ERROR"]})
LISTED = pd.DataFrame([job()])  # pandas escapes slashes
ARN = job()["Arn"]
DATA_SET = {
    "Arn": "arn:aws:dataexchange:us-east-1:111122223333:data-sets/d1",
    "Id": "d1",
    "Name": "Prices",
    "CreatedAt": "2026-09-01T00:00:00Z",
}
MEDIA = {"Arn": "arn:aws:mediaconvert:us-east-1:111122223333:jobs/1-a", "Id": "1-a"}
GLUE_RUN = {"Id": "jr_1", "JobName": "load", "JobRunState": "FAILED", "Attempt": 0}
BATCH = {"jobArn": "arn:aws:batch:us-east-1:111122223333:job/a-1", "jobId": "a-1"}
EVENT = {
    "version": "0",
    "id": "1",
    "detail-type": "Job State Change",
    "source": "aws.dataexchange",
    "resources": [ARN],
    "detail": {"State": "ERROR"},
}
TRAIL = {"Records": [{"eventVersion": "1.08", "eventSource": "dataexchange.amazonaws.com"}]}


def written(write):
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def zipped(sink):
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("jobs.json", page_of(job()))


def tarred(sink):
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("jobs.json"))


FORMS = {
    "Parquet": (written(FRAME.to_parquet), "a Parquet file.*folder of an export"),
    "Feather": (written(FRAME.to_feather), "a Feather or Arrow file.*folder of an export"),
    "Excel": (written(FRAME.to_excel), "an Excel workbook.*folder of an export"),
    "zip": (written(zipped), "a zip archive.*Unpack it"),
    "tar": (written(tarred), "packed data.*Unpack it"),
    "bzip2": (bz2.compress(page_of(job())), "packed data.*Unpack it"),
    "xz": (lzma.compress(page_of(job())), "packed data.*Unpack it"),
    "pickle": (pickle.dumps([job()]), "a pickle.*if you trust it"),
    "old pickle": (pickle.dumps(FRAME, protocol=2), "a pickle"),
    "HTML": (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "HTML or XML"),
    "repr": (str({"Jobs": [job()]}).encode(), "what Python prints.*json.dumps"),
    "repr of jobs": (str([job()]).encode(), "what Python prints"),
    "PowerShell": (
        f"\r\nArn       : {ARN}\r\nCreatedAt : 9/1/2026 12:00:00 AM\r\n".encode(),
        "what PowerShell shows.*ConvertTo-Json",
    ),
    "PowerShell table": (
        b"\nArn            State     Type\n---            -----     ----\narn:aws.. COMPLETED X\n",
        "what PowerShell shows",
    ),
    "YAML": (f"Jobs:\n- Arn: {ARN}\n  State: ERROR\n".encode(), "YAML.*--output json"),
    "YAML stream": (f"- Jobs:\n  - Arn: {ARN}\n".encode(), "YAML.*--output json"),
    "YAML document": (f"---\nArn: {ARN}\n".encode(), "YAML.*--output json"),
    "text": (f"JOBS\t{ARN}\t2026-09-01T00:00:00+00:00\ta1\tERROR\n".encode(), "text with tabs"),
    "table": (
        b"-----------------\n|   ListJobs    |\n+---------------+\n",
        "a table, as --output table writes it.*--output json",
    ),
    "CSV": (FRAME.to_csv(index=False).encode(), "CSV.*pandas"),
    "CSV with semicolons": (b'"job_id";"state"\n"a";"ERROR"\n', "CSV"),
    "CloudTrail": (json.dumps(TRAIL).encode(), "records of CloudTrail"),
    "CloudTrail events": (
        json.dumps({"Events": [{"EventId": "1", "CloudTrailEvent": "{}"}]}).encode(),
        "records of CloudTrail",
    ),
    "EventBridge": (json.dumps(EVENT).encode(), "events of EventBridge"),
    "Steampipe": (json.dumps({"rows": [{"arn": ARN}], "columns": []}).encode(), "rows of a table"),
    "a frame's lines": (FRAME.to_json(orient="records", lines=True).encode(), "rows of a table"),
    "a frame": (FRAME.to_json(orient="split").encode(), "rows of a table"),
    "a frame and its schema": (LISTED.to_json(orient="table").encode(), "rows of a table"),
    "a frame by its index": (LISTED.to_json(orient="index").encode(), "rows of a table"),
    "an error": (b'{"message": "The security token is expired"}', "an answer that says an error"),
    "data sets": (json.dumps({"DataSets": [DATA_SET]}).encode(), "data-sets of the service datae"),
    "no data sets": (b'{"DataSets": []}', "a list of DataSets"),
    "data sets of boto3": (
        json.dumps({"ResponseMetadata": {"HTTPHeaders": {}}, "Revisions": []}).encode(),
        "a list of Revisions",
    ),
    "queried data sets": (json.dumps([DATA_SET]).encode(), "data-sets of the service datae"),
    "a data set": (json.dumps(DATA_SET, indent=4).encode(), "data-sets of the service datae"),
    "MediaConvert": (json.dumps({"Jobs": [MEDIA]}).encode(), "jobs of the service mediaconvert"),
    "Glue job runs": (json.dumps({"JobRuns": [GLUE_RUN]}).encode(), "jobs or job runs of AWS Glue"),
    "Glue jobs": (
        json.dumps({"Jobs": [{"Name": "load", "GlueVersion": "4.0"}]}).encode(),
        "jobs or job runs of AWS Glue",
    ),
    "Batch": (json.dumps({"jobSummaryList": [BATCH]}).encode(), "job of the service batch"),
    "Batch jobs": (json.dumps({"jobs": [BATCH]}).encode(), "job of the service batch"),
    "names of jobs": (json.dumps({"JobNames": ["load"]}).encode(), "a list of JobNames"),
}


@pytest.mark.parametrize(("content", "said"), FORMS.values(), ids=FORMS)
def test_what_it_is_and_what_to_do_is_said(content, said, tmp_path):
    (tmp_path / "given").write_bytes(content)
    for source in (content, tmp_path / "given", io.BytesIO(content)):
        with pytest.raises(dx.FormatError, match=f"(?s)found {said}") as caught:
            dx.read_jobs(source)
    assert isinstance(caught.value, dx.LoadError)


@pytest.mark.parametrize("piece", [b" ", b"a,", b"a b ", b'{"a":"b",', b'"arn":"arn:', b"---\n"])
def test_telling_what_it_is_takes_no_time(piece):
    form(piece * 2**15)


def test_what_was_read_before_is_kept(tmp_path):
    (tmp_path / "a.json").write_bytes(page_of(job(1)))
    (tmp_path / "b.json").write_bytes(FORMS["YAML"][0])
    with pytest.raises(dx.FormatError, match=r"b\.json: found YAML.*\(1 job\)") as caught:
        dx.read_jobs(str(tmp_path / "*.json"))
    assert len(caught.value.partial) == 1


@pytest.mark.parametrize(
    "content",
    [
        page_of(job())[:100],
        json.dumps(job()).encode()[1:],
        json.dumps(job(1, Errors=[{"Code": "X"}])).encode() + b"\n{",
        page_of(job(1, Details={"X": {"RoleArn": "arn:aws:iam::111122223333:role/r"}})) + b"]",
        b"null",
        b"{}",
        b"x",
        b"",
    ],
)
def test_a_damaged_listing_is_named_as_nothing_else(content):
    assert form(content) is None
    with pytest.raises(dx.LoadError, match="Expected ListJobs pages or jobs"):
        dx.read_jobs(content)


def test_some_that_are_no_jobs_are_kept_with_a_warning():
    with pytest.warns(dx.DataWarning, match="^1 job has an ARN that is of no job of AWS Data Exch"):
        assert len(dx.read_jobs(page_of(job(1), MEDIA))) == 2


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_jobs_of_every_partition_are_jobs(partition):
    arn = ARN.replace("arn:aws:", f"arn:{partition}:")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(dx.read_jobs(page_of(job(Arn=arn)))) == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (FRAME, r"a DataFrame, which is a frame.*to_dict\('records'\)"),
        (pl.from_pandas(FRAME), r"a DataFrame, which is a frame"),
        (duckdb.sql("SELECT 1 AS job_id"), "which is a frame"),
        (pa.Table.from_pandas(FRAME), "a Table, which is a frame"),
        (dx.read_jobs([]), "a JobTables, which is tables already; use them as they are"),
        (dx.demo.client(1), r"which is a client; load its jobs with dx\.load_jobs\(client\)"),
        (dx.demo.client(1).get_paginator("list_jobs"), "a ListJobs?Paginator|which is a paginator"),
        (dx.Archive("/nowhere"), r"an Archive|which is an archive; .* archive\.load\(\)"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_an_object_that_has_no_jobs_to_read_is_named(source, said):
    with pytest.raises(dx.FormatError, match=said):
        dx.read_jobs(source)
    with pytest.raises(dx.FormatError, match=said):
        dx.read_jobs([page_of(job(1)), source])
