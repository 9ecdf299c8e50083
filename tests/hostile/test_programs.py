"""Jobs as programs other than boto3 and the CLI write them; what is clear is read."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import dxnotebook as dx
from dxnotebook.errors import FormatError
from dxnotebook.model import Model
from dxnotebook.records.decode import Decoder, glance
from tests.conftest import doctored, job, page_of, pruned, tables_of
from tests.hostile.common import S3, assert_kept, assert_rejected, between, numbers, timed
from tests.hostile.test_times import assert_time, at, read_time

pytestmark = pytest.mark.filterwarnings("ignore:.*among the rejects:dxnotebook.DataWarning")

ONE, OTHER = b'{"Arn":"a","Id":"i"}', b'{"Arn":"b","Id":"j"}'


@pytest.mark.parametrize(
    "contents",
    [
        [b"[" + ONE + b'],"NextToken":"x"'],
        [b"[" + ONE + b']}{"Jobs":[' + OTHER + b"]"],
        [b"[" + ONE + b'],"Jobs":[' + OTHER + b"]"],
        [b'{"Jobs":[' + ONE + b"]", b"}"],
        [b'{"Arn":"a","Id":"i","Details":', b'{"Arn":"b"}}'],
        [b'{"Arn":"a","Id":"i","Details":', b'{"Arn":"b","Id":"j","Type":"t"}}'],
        [b'{"Jobs":[' + ONE + b"],", b'{"Jobs":[]}'],
    ],
    ids=str,
)
def test_85_whole_only_with_what_is_around_it(contents, tmp_path):
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.json").write_bytes(content)
    with pytest.raises(dx.LoadError, match=r"0\.json: line 1"):
        dx.read_jobs(tmp_path / "*.json")


def test_85_many_small_files_of_each_form_are_read(tmp_path):
    for number in range(6):
        one = json.dumps(job(number))
        content = [one, f"[{one}]", f'{{"Jobs": [{one}]}}', f"{one}\n"][number % 4]
        (tmp_path / f"{number}.json").write_text(content)
    assert numbers(dx.read_jobs(tmp_path / "*.json")) == list(range(6))
    for form in (0, 1, 2):
        files = sorted(tmp_path.glob("*.json"))[form::4]
        assert len(dx.read_jobs(files)) == len(files)


DOTNET = "/Date(1726000000123)/"


@pytest.mark.parametrize(
    "value",
    [
        f'"{DOTNET}"',
        r'"\/Date(1726000000123)\/"',
        '"/Date(1726000000123+0100)/"',
        json.dumps({"value": DOTNET, "DisplayHint": 2, "DateTime": "Tuesday, 10 September"}),
        json.dumps({"value": "2024-09-10T20:26:40.1230000Z", "DisplayHint": 2}),
        '"2024-09-10 20:26:40.123 UTC"',
        '"2024-09-10T20:26:40.123GMT"',
        '"2024-09-10 20:26:40,123 utc"',
    ],
)
def test_87_times(value):
    assert_time(read_time(value), at(2024, 9, 10, 20, 26, 40, 123_000))


def test_87_the_date_of_http():
    assert_time(read_time('"Tue, 10 Sep 2024 20:26:40 GMT"'), at(2024, 9, 10, 20, 26, 40))


@pytest.mark.parametrize("key", ["Value", "value"])
def test_87_powershells_objects(key):
    def wrapped(value):
        return {key: value}

    policy = {"Database": {"Permissions": ["DESCRIBE"]}}
    branch = "ImportAssetsFromLakeFormationTagPolicy"
    kind = "IMPORT_ASSETS_FROM_LAKE_FORMATION_TAG_POLICY"
    plain = job(2, Type=kind, State="ERROR", Errors=[{"Code": "c"}], Details={branch: policy})
    odd = plain | {"Type": wrapped(kind), "State": wrapped("ERROR")}
    odd["Errors"] = [{"Code": wrapped("c"), "LimitValue": 0}]
    permissions = {"value": [wrapped("DESCRIBE")], "Count": 1}
    odd["Details"] = {branch: {"Database": {"Permissions": permissions}}}
    tables = dx.read_jobs(between(odd))
    assert_kept(tables, plain)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("1726000000123456", "epoch microseconds"),
        ('"1726000000123456"', "epoch microseconds"),
        ("1.726000000123456e15", "epoch microseconds"),
        ("1726000000123456789", "epoch nanoseconds"),
        ("1.726e18", "epoch nanoseconds"),
        ('"9/10/2024 8:26:40 PM"', "a US date, which is ambiguous"),
        ('"09/10/2024"', "a US date, which is ambiguous"),
        ('{"$date": "2024-09-10T20:26:40Z"}', "MongoDB's extended JSON"),
        ('{"S": "2024-09-10T20:26:40Z"}', 'DynamoDB JSON: {"S": …}, unmarshall it first'),
    ],
)
def test_88_times(value, form):
    tables = read_time(value)
    assert tables.rejects["position"].tolist() == [1, 3]
    assert tables.rejects["reason"].str.contains(form, regex=False).all()


@pytest.mark.parametrize(
    ("members", "form"),
    [
        ({"Arn": {"S": "a"}, "Id": {"S": "b"}}, "DynamoDB JSON"),
        ({"State": {"S": "ERROR"}}, "DynamoDB JSON"),
        ({"Errors": {"L": []}}, "DynamoDB JSON"),
        ({"Errors": [{"LimitValue": {"$numberInt": "5"}}]}, "MongoDB's extended JSON"),
        ({"Details": "Amazon.DataExchange.Model.ResponseDetails"}, "ConvertTo-Json -Depth"),
        ({"Details": {S3: "@{AssetSources=System.Object[]}"}}, "ConvertTo-Json -Depth"),
    ],
)
def test_88_other_forms(members, form):
    [reason] = dx.read_jobs(page_of(job(1), job(2, **members), job(3))).rejects["reason"]
    assert "looks like" in reason
    assert form in reason


def test_89_records_of_a_frame():
    jobs = [job(1), job(2, Errors=[{"Code": "c"}], Details={S3: {"DataSetId": "d"}}), job(3)]
    del jobs[0]["UpdatedAt"], jobs[2]["State"]
    frame = pd.DataFrame(jobs)
    for times in (False, True):
        if times:
            frame["UpdatedAt"] = pd.to_datetime(frame["UpdatedAt"])
        for records in (frame.to_dict("records"), frame.convert_dtypes().to_dict("records")):
            tables = dx.read_jobs(records)
            assert tables.rejects.empty
            assert [pruned(one) for one in tables.to_jobs()] == [pruned(timed(one)) for one in jobs]


def test_89_a_file_of_such_records():
    page = json.dumps([job(1) | {"Details": np.nan, "Errors": np.nan}]).encode()
    assert dx.read_jobs(page).to_jobs() == [timed(job(1))]
    assert_rejected(dx.read_jobs(between(job(2, Errors="@"), '"NaN"')), "Errors is a string", "NaN")


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
def test_89_numbers_and_lists_of_numpy():
    errors = np.array([{"Code": "c", "LimitName": "l", "LimitValue": np.float32(5)}])
    [one] = dx.read_jobs([job(1, Errors=errors, Retries=np.int64(3))]).to_jobs()
    assert one["Errors"] == [{"Code": "c", "LimitName": "l", "LimitValue": 5.0}]
    assert one["Retries"] == 3


NO_TIMES = ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "/Date(-62135596800000)/"]


@pytest.mark.filterwarnings("ignore:.*no time zone:dxnotebook.DataWarning")
@pytest.mark.parametrize("time", NO_TIMES)
def test_90_no_time(time):
    url = {"ExportAssetToSignedUrl": {"AssetId": "a", "SignedUrlExpiresAt": time}}
    odd = job(2, UpdatedAt=time, Details=url)
    tables = dx.read_jobs(page_of(job(1), odd, job(3)))
    [_, one, _] = tables.to_jobs()
    assert "UpdatedAt" not in one
    assert one["Details"] == {"ExportAssetToSignedUrl": {"AssetId": "a"}}
    page = page_of(job(1), job(2, CreatedAt=time))
    assert np.isnat(glance(page).created).tolist() == [False, True]


@pytest.mark.parametrize("name", [{}, {"LimitName": None}, {"LimitName": ""}])
def test_90_no_limit(name):
    errors = [{"Code": "c", "LimitValue": 0, **name}, {"LimitName": "l", "LimitValue": 0}]
    tables = dx.read_jobs(page_of(job(1, Errors=errors)))
    assert tables.errors["limit_value"].isna().tolist() == [True, False]
    first, second = tables.to_jobs()[0]["Errors"]
    assert "LimitValue" not in first
    assert second == {"LimitName": "l", "LimitValue": 0}


class _Endless:
    """A body that the memory does not hold."""

    source = "jobs.json"

    @property
    def content(self):
        raise MemoryError


def test_92_more_than_the_memory_holds():
    with pytest.raises(FormatError, match=r"jobs\.json: .* more memory than there is; split it"):
        list(Decoder().decode([_Endless()]))


def grow(shapes):
    """Give a job members as AWS could add them: maps, a document, a structure in itself, lists."""
    shapes["AnyMap"] = {"type": "map", "key": {"shape": "Id"}, "value": {"shape": "Id"}}
    shapes["AnyList"] = {"type": "list", "member": {"shape": "AnyMap"}}
    shapes["AnyDocument"] = {"type": "structure", "members": {}, "document": True}
    deeper = {"Name": {"shape": "Id"}, "Inner": {"shape": "Nest"}}
    shapes["Nest"] = {"type": "structure", "members": deeper}
    shapes["Lists"] = {"type": "list", "member": {"shape": "Texts"}}
    shapes["Texts"] = {"type": "list", "member": {"shape": "Id"}}
    for name in ("AnyMap", "AnyList", "AnyDocument", "Nest", "Lists"):
        shapes["JobEntry"]["members"][name] = {"shape": name}


@pytest.mark.filterwarnings("ignore::dxnotebook.UnknownFieldWarning")
def test_93_members_that_have_no_type():
    model = Model.of(doctored(grow))
    nest = {"Name": "a", "Inner": {"Name": "b", "Inner": {"Name": "c"}}}
    odd = job(1, AnyMap={"a": "b"}, AnyList=[{"a": "b"}], AnyDocument=[1, "x"], Nest=nest)
    odd["Lists"] = [["a", "b"], ["c"]]
    tables = tables_of(page_of(odd), model=model)
    assert tables.rejects.empty
    assert tables.to_jobs() == [timed(odd)]
