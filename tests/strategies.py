"""Jobs as hypothesis strategies, made of botocore's shape."""

from __future__ import annotations

from datetime import UTC

import pandas as pd
from botocore.model import ListShape, StructureShape
from hypothesis import strategies as st

from tests.conftest import output_shape

JOB = output_shape().members["Jobs"].member

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
TIMES = st.datetimes(timezones=st.just(UTC)).flatmap(
    lambda time: st.sampled_from(
        [
            time.isoformat(timespec="microseconds"),
            time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            time.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        ]
    )
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(2**50), 2**50)


def values(shape, *, longest=4):
    """Return a strategy for the JSON of a shape: members there or not, lists of any size."""
    if isinstance(shape, StructureShape):
        members = {
            name: st.none() | values(member, longest=longest)
            for name, member in shape.members.items()
        }
        return st.fixed_dictionaries({}, optional=members)
    if isinstance(shape, ListShape):
        element = values(shape.member, longest=2)
        return st.lists(element, max_size=longest) | st.builds(
            lambda item, n: [item] * n, element, st.integers(0, 200)
        )
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum) | TEXTS
    return {"timestamp": TIMES, "double": NUMBERS}.get(shape.type_name, TEXTS)


def branches():
    """Return a strategy for Details: mostly one branch, sometimes none, several or empty ones."""
    options = {name: values(shape) for name, shape in JOB.members["Details"].members.items()}
    one = st.sampled_from(sorted(options)).flatmap(
        lambda name: st.fixed_dictionaries({name: options[name]})
    )
    return one | one | one | st.none() | st.fixed_dictionaries({}, optional=options)


def jobs(*, most=6):
    """Return a strategy for the jobs of a page, each with an ARN and id of its own."""
    rest = {
        name: shape for name, shape in JOB.members.items() if name not in ("Arn", "Id", "Details")
    }
    optional = {name: st.none() | values(shape) for name, shape in rest.items()} | {
        "Details": branches()
    }
    one = st.fixed_dictionaries({"Arn": TEXTS, "Id": TEXTS}, optional=optional)

    def numbered(found):
        return [
            {**job, "Arn": f"arn:{n}:{job['Arn']}", "Id": f"{n}{job['Id']}"}
            for n, job in enumerate(found)
        ]

    return st.lists(one, max_size=most).map(numbered)


STATES = ["WAITING", "IN_PROGRESS", "ERROR", "COMPLETED", "CANCELLED", "TIMED_OUT", "PAUSED"]
_START = pd.Timestamp("2026-03-27", tz="UTC")  # two days before clocks change in Europe


def job_frames(*, most=40, days=5, null_times=False):
    """Return a strategy for frames of jobs: few types, all states, times that coincide."""
    minutes = st.integers(0, days * 24 * 12).map(lambda number: 5 * number)
    row = st.tuples(
        st.sampled_from(["A", "B", "C", None]),
        st.sampled_from(STATES),
        minutes | st.none() if null_times else minutes,
        st.sampled_from([0, 0, 5, 7, 60, 600]) | st.floats(0, 3000, width=32),
        st.sampled_from(["eu", "us"]),
    )
    return st.lists(row, max_size=most).map(frame_of_jobs)


def frame_of_jobs(rows):
    """Return a frame of jobs: type, state, minutes after the start, minutes taken, region."""
    frame = pd.DataFrame(rows, columns=["type", "state", "created", "took", "region"])
    created = _START + pd.to_timedelta(frame["created"].astype("float64"), unit="min")
    updated = created + pd.to_timedelta(
        frame["took"].astype("float64").round(3), unit="min"
    ).dt.round("us")
    frame["created_at"] = pd.to_datetime(created, utc=True).dt.as_unit("us")
    frame["updated_at"] = pd.to_datetime(updated, utc=True).dt.as_unit("us")
    took = (frame["updated_at"] - frame["created_at"]).dt.total_seconds()
    frame["duration_s"] = took.where(~frame["state"].isin(["WAITING", "IN_PROGRESS", "PAUSED"]))
    frame["type"] = frame["type"].astype("str").astype("category")
    frame["state"] = pd.Categorical(frame["state"].astype("str"), STATES)
    frame["region"] = frame["region"].astype("str")
    frame.insert(0, "job_id", [f"{number:032x}" for number in range(len(frame))])
    return frame.drop(columns=["created", "took"])
