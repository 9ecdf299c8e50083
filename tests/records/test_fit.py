"""A fitter makes jobs fit a type that grows, refuses what would be lost, and undoes nothing."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dxnotebook.model import MODEL, TEXT
from dxnotebook.records.fit import JSON_MARK, TEXT_MARK, Fitter, Misfit, Node, dotted
from dxnotebook.records.scan import Digits
from tests.conftest import job


def fitted(*values):
    """Return a fitter, and what it makes of a member New with these values."""
    fitter = Fitter(MODEL.record)
    return fitter, [fitter.fit(job(1, New=value)) for value in values]


def learnt(fitter):
    return {dotted(path): str(kind) for path, kind in fitter.learnt.items()}


def test_a_node_has_the_type_that_it_was_made_of():
    assert Node.of(MODEL.record).type == MODEL.record
    assert Node().type == pa.null()


def test_a_member_that_is_not_a_number_is_none_and_other_numbers_stay():
    result = Fitter(MODEL.record).fit(job(1, Details=Digits("NaN"), New=Digits("1e999")))
    assert "Details" not in result
    assert result["New" + JSON_MARK] == '"1e999"'


def test_a_job_that_the_model_knows_stays_what_it_is():
    fitter = Fitter(MODEL.record)
    one = job(1, Errors=[{"Code": "c", "LimitValue": 5}], Details={"ImportAssetsFromS3": None})
    result = fitter.fit(one)
    assert result | {"CreatedAt": None, "UpdatedAt": None} == one | {
        "CreatedAt": None,
        "UpdatedAt": None,
    }
    assert result["CreatedAt"] == "2026-09-01T00:00:00.000000+00:00"
    assert fitter.record == MODEL.record
    assert fitter.learnt == {}


@pytest.mark.parametrize(
    ("value", "types"),
    [
        ("x", {"New": "large_string"}),
        (5, {"New": "int64"}),
        (1.5, {"New": "double"}),
        (True, {"New": "bool"}),
        (None, {}),
        ({"A": {"B": 1}}, {"New.A.B": "int64"}),
        (["x", None], {"New[]": "large_string"}),
        ([{"A": 1}, {"B": ["x"]}], {"New[].A": "int64", "New[].B[]": "large_string"}),
    ],
)
def test_a_member_is_learnt_with_its_type(value, types):
    fitter, [result] = fitted(value)
    assert learnt(fitter) == types
    assert result["New"] == value
    assert len(pa.array([value], fitter.record.field("New").type)) == 1


@pytest.mark.parametrize("value", [2**63, [1, "x"], [[1]], [{"A": 1}, 5], [1, 1.5]])
def test_what_has_no_one_type_is_kept_as_json(value):
    fitter, [result] = fitted(value)
    assert json.loads(result["New" + JSON_MARK]) == value
    assert fitter.learnt == {("New" + JSON_MARK,): TEXT}


def test_what_no_longer_fits_is_kept_as_json_beside_and_teaches_nothing():
    fitter, results = fitted([{"A": 1}], [{"B": 1}, 5], "x", [{"A": 2, "B": "y"}])
    assert [json.loads(one["New" + JSON_MARK]) for one in results[1:3]] == [[{"B": 1}, 5], "x"]
    assert results[3]["New"] == [{"A": 2, "B": "y"}]
    assert learnt(fitter) == {
        "New[].A": "int64",
        "New" + JSON_MARK: "large_string",
        "New[].B": "large_string",
    }


def test_names_that_paths_could_not_tell_apart_stand_under_the_bare_mark():
    fitter = Fitter(MODEL.record)
    odd = {"a.b": 1, "[]": 2, "x\0": 3, "\ud800": 4}
    assert json.loads(fitter.fit(job(1, **odd))[JSON_MARK])["a.b"] == 1
    assert set(fitter.learnt) == {(JSON_MARK,)}


def test_names_past_the_limit_stand_there_too():
    fitter = Fitter(MODEL.record)
    result = fitter.fit(job(1, **{f"New{n}": n for n in range(300)}))
    assert len(json.loads(result[JSON_MARK])) == 100
    assert len(fitter.learnt) == 201


def test_a_time_finer_than_a_microsecond_keeps_its_text_beside():
    fitter = Fitter(MODEL.record)
    text = "2026-09-01T00:00:00.1234567"
    result = fitter.fit(job(1, CreatedAt=text))
    assert result["CreatedAt"] == "2026-09-01T00:00:00.123456+00:00"
    assert result["CreatedAt" + TEXT_MARK] == text
    assert fitter.unzoned == 1


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (None, "found null where a job should be"),
        ({}, "no Arn"),
        ({"Arn": 5}, "Arn is a number"),
        ({"Arn": "a"}, "no Id"),
        (job(1, CreatedAt="x"), "CreatedAt is not a time"),
        (job(1, Details=[]), "Details is a list, not an object"),
        (job(1, Details={"A": {"x": 1}, "B": {"x": 1}}), "Details has 2 branches: A, B"),
        (job(1, Errors=["x"]), "Errors[] is a string, not an object"),
        (job(1, Errors={"a": 1}), "Errors is an object, not a list"),
        (job(1, State=["x"]), "State is a list, not a value"),
        (job(1, Errors=[{"LimitValue": True}]), "Errors[].LimitValue is a boolean"),
        (job(1, Errors=[{"LimitValue": 2**53 + 1}]), "is a number that its type cannot hold"),
    ],
)
def test_what_would_be_lost_is_refused_with_a_reason(one, reason):
    with pytest.raises(Misfit) as caught:
        Fitter(MODEL.record).fit(one)
    assert reason in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["A", "B", "C", "a.b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5))
@pytest.mark.property
def test_every_member_fits_and_every_learnt_scalar_is_in_the_record(values):
    fitter, results = fitted(*values)
    learnt_members = [member for member in fitter.record if member.name.startswith(("New", "\0"))]
    assert len(pa.array(results, pa.struct(learnt_members))) == len(values)
    for path, kind in fitter.learnt.items():
        place = fitter.record
        for name in path:
            place = place.value_type if name == "[]" else place.field(name).type
        assert place == kind
    for value, result in zip(values, results, strict=True):
        as_json = result.get("New" + JSON_MARK)
        assert value is None or "New" in result or json.loads(as_json) == value
