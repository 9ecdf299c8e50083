"""AWS's protocol tests of restJson1: what a client must make of an output, our decoder does, too.

Each output becomes a member of a job, with its shape in the API's model. Not applicable are, and so
not among the cases: what is said by headers or the status alone, bodies that are no JSON object (a
payload that is a text or a blob, or none at all), and errors, which botocore handles before us.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime

import pytest

from dxnotebook.model import Model
from tests.conformance.conftest import suite
from tests.conftest import doctored, job, page_of, pruned, tables_of

pytestmark = pytest.mark.filterwarnings("ignore::dxnotebook.DxWarning")

# a double of AWS that is no number; such jobs are rejects, which keep their JSON
NO_NUMBER = {"NaN", "Infinity", "-Infinity"}


def cases():
    for group in json.loads(suite("botocore/rest-json.json").read_bytes()):
        for case in group["cases"]:
            output = case["given"].get("output")
            is_object = case["response"].get("body", "").strip().startswith("{")
            if output and is_object and "error" not in case:
                yield case["id"], (group["shapes"], output["shape"], case)


CASES = dict(cases())


def named(value):
    """Return shapes with names that none of the API's own has."""
    if isinstance(value, dict):
        return {
            key: f"Case{one}" if key == "shape" and isinstance(one, str) else named(one)
            for key, one in value.items()
        }
    return [named(one) for one in value] if isinstance(value, list) else value


def decoded(shapes, output, body):
    """Return the tables of a job with an output as a member, by a model that knows its shape."""

    def grow(known):
        known |= {f"Case{name}": named(shape) for name, shape in shapes.items()}
        known["JobEntry"]["members"]["Output"] = {"shape": f"Case{output}"}

    return tables_of(page_of(job(1, Output=body)), model=Model.of(doctored(grow)))


def as_botocore(value, shapes, shape):
    """Return what we give as the suite has it: by members' names, times in seconds, no base64."""
    kind = shapes[shape]["type"]
    if value is None or shapes[shape].get("document"):
        return value
    if kind == "structure":
        members = shapes[shape]["members"]
        by_name = {m.get("locationName", name): (name, m["shape"]) for name, m in members.items()}
        known = {by_name[name]: one for name, one in value.items() if name in by_name}
        return {name: as_botocore(one, shapes, inner) for (name, inner), one in known.items()}
    if kind == "list":
        return [as_botocore(one, shapes, shapes[shape]["member"]["shape"]) for one in value]
    if kind == "map":
        inner = shapes[shape]["value"]["shape"]
        return {name: as_botocore(one, shapes, inner) for name, one in value.items()}
    if kind == "timestamp":
        return value.timestamp() if isinstance(value, datetime) else value
    return base64.b64decode(value).decode() if kind == "blob" else value


def in_body(value, shapes, shape):
    """Return what the suite expects without what came by headers or the status."""
    members = shapes[shape].get("members", {})
    elsewhere = {name for name, member in members.items() if "location" in member}
    return {name: one for name, one in value.items() if name not in elsewhere}


def test_most_cases_with_a_body_are_tried():
    assert len(CASES) == 52


@pytest.mark.parametrize("name", CASES)
def test_an_output_is_what_the_protocol_says(name):
    shapes, output, case = CASES[name]
    body = json.loads(case["response"]["body"])
    tables = decoded(shapes, output, body)
    if NO_NUMBER & {str(one) for one in body.values()}:
        assert tables.rejects["reason"].str.contains("is not a number").all()
        assert tables.to_jobs()[0]["Output"] == body
        return
    assert tables.rejects.empty, tables.rejects["reason"].tolist()
    found = tables.to_jobs()[0].get("Output", {})
    payload = shapes[output].get("payload")
    if payload:
        found = {payload: body}
    expected = in_body(case["result"], shapes, output)
    assert pruned(as_botocore(found, shapes, output)) == pruned(expected)
