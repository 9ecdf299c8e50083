"""Jobs as hypothesis strategies, made of botocore's shape."""

from __future__ import annotations

from datetime import UTC

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
    """Return a strategy for the JSON of a shape: members absent, null or there; lists empty, short, sometimes long."""
    if isinstance(shape, StructureShape):
        members = {name: st.none() | values(member, longest=longest) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)
    if isinstance(shape, ListShape):
        element = values(shape.member, longest=2)
        return st.lists(element, max_size=longest) | st.builds(lambda item, n: [item] * n, element, st.integers(0, 200))
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum) | TEXTS
    return {"timestamp": TIMES, "double": NUMBERS}.get(shape.type_name, TEXTS)


def branches():
    """Return a strategy for Details: mostly one branch, of whichever type, sometimes none, several or empty ones."""
    options = {name: values(shape) for name, shape in JOB.members["Details"].members.items()}
    one = st.sampled_from(sorted(options)).flatmap(lambda name: st.fixed_dictionaries({name: options[name]}))
    return one | one | one | st.none() | st.fixed_dictionaries({}, optional=options)


def jobs(*, most=6):
    """Return a strategy for the jobs of a page, each with an ARN and id of its own."""
    rest = {name: shape for name, shape in JOB.members.items() if name not in ("Arn", "Id", "Details")}
    optional = {name: st.none() | values(shape) for name, shape in rest.items()} | {"Details": branches()}
    one = st.fixed_dictionaries({"Arn": TEXTS, "Id": TEXTS}, optional=optional)

    def numbered(found):
        return [{**job, "Arn": f"arn:{n}:{job['Arn']}", "Id": f"{n}{job['Id']}"} for n, job in enumerate(found)]

    return st.lists(one, max_size=most).map(numbered)
