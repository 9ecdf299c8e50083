"""Each job by botocore's own shape."""

import json
from collections import Counter
from datetime import datetime

import botocore.session

from tests.demo.conftest import details

MODEL = botocore.session.Session().get_service_model("dataexchange")


SHAPE = MODEL.operation_model("ListJobs").output_shape.members["Jobs"].member


def leaves(value, shape, path=""):
    """Every scalar of a value with its path; fails at what the shape does not know, or lacks."""
    if shape.type_name == "structure":
        assert not set(value) - set(shape.members), path
        assert not set(shape.metadata.get("required", ())) - set(value), path
        for name, member in value.items():
            yield from leaves(member, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        assert value, path
        for member in value:
            yield from leaves(member, shape.member, path)
    else:
        yield path, value, shape


def leaf_paths(shape, path=""):
    if shape.type_name == "structure":
        return {
            p
            for name, member in shape.members.items()
            for p in leaf_paths(member, f"{path}.{name}")
        }
    return leaf_paths(shape.member, path) if shape.type_name == "list" else {path}


def test_jobs_match_the_shape_and_show_all_of_it(jobs):
    seen, enums = set(), {}
    for job in jobs:
        for path, value, shape in leaves(job, SHAPE):
            seen.add(path)
            assert isinstance(value, float if shape.type_name == "double" else str)
            if "enum" in shape.metadata:
                enums.setdefault(shape.name, set()).add(value)
                assert value in shape.enum
            if shape.type_name == "timestamp":
                assert datetime.fromisoformat(value).tzinfo
            assert len(value) >= shape.metadata.get("min", 0) if isinstance(value, str) else True
    assert seen == leaf_paths(SHAPE)
    for name in (
        "Type",
        "State",
        "Code",
        "JobErrorLimitName",
        "JobErrorResourceTypes",
        "ServerSideEncryptionTypes",
    ):
        assert enums[name] == set(MODEL.shape_for(name).enum)


def test_jobs_look_like_the_service_s(jobs):
    forms = Counter(job["CreatedAt"][23:] for job in jobs)
    assert forms["Z"] > 10 * forms["000+00:00"] > 0
    assert 700 <= len(json.dumps(jobs, separators=(",", ":"))) / len(jobs) <= 1_000
    assert all((job["State"] == "ERROR") == ("Errors" in job) for job in jobs)
    assert {len(job["Errors"]) for job in jobs if "Errors" in job} == {1, 2, 3}
    assert all(
        len({error["Message"] for error in job["Errors"]}) == len(job["Errors"])
        for job in jobs
        if "Errors" in job
    )
    assert all(
        "X-Amz-Signature=" in details(job).get("SignedUrl", "X-Amz-Signature=") for job in jobs
    )
    assert any(
        "X-Amz-Security-Token=" in error["Message"]
        for job in jobs
        for error in job.get("Errors", ())
    )
    assert all(len(job["Details"]) == 1 for job in jobs)
