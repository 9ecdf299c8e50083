"""Both paths give the same records; a glance tells what a page says of the next."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

import dxnotebook as dx
from dxnotebook.records.body import Body
from dxnotebook.records.decode import Decoder, glance
from tests.conftest import job, page_of, pruned
from tests.strategies import jobs


def decoded(*contents, decoder=None):
    """Return a decoder, and the records of bodies decoded together."""
    decoder = decoder or Decoder()
    bodies = [Body(content, f"source {n}") for n, content in enumerate(contents)]
    return decoder, [record for batch in decoder.decode(bodies) for record in batch.to_pylist()]


def lines(*found):
    return b"\n".join(json.dumps(one).encode() for one in found)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(jobs().filter(bool))
@pytest.mark.property
def test_both_paths_and_all_forms_give_the_same_records(found):
    strict, expected = decoded(page_of(*found))
    # a document that is no page sends the body down the tolerant path
    for content in (b"[%b, null]" % page_of(*found), json.dumps(found).encode()):
        decoder, records = decoded(content)
        assert [pruned(one) for one in records] == [pruned(one) for one in expected]
        raws = [raw for raw in decoder.rejects.table()["raw"].to_pylist() if raw != "null"]
        assert raws == strict.rejects.table()["raw"].to_pylist()


def test_bodies_of_one_form_are_read_together_and_of_several_apart():
    for contents in (
        [page_of(job(1)), page_of(job(2), NextToken="t")],
        [lines(job(1)), lines(job(2))],
        [page_of(job(1)), lines(job(2))],
        [b"[%b]" % lines(job(1)), page_of(job(2))],
    ):
        assert [record["Id"] for record in decoded(*contents)[1]] == [job(1)["Id"], job(2)["Id"]]
    assert len(list(Decoder().decode([Body(page_of(job(n)), "x") for n in (1, 2)]))) == 1


def test_what_a_body_teaches_is_read_fast_from_the_next():
    decoder, _ = decoded(page_of(job(1, New=5)))
    assert decoder.record.field("New").type == "int64"
    assert decoder.layout.jobs[-1].name == "new"
    _, [record] = decoded(page_of(job(2, New=6)), decoder=decoder)
    assert record["New"] == 6
    _, [record] = decoded(page_of(job(3, New="x")), decoder=decoder)
    assert record["New"] is None
    assert record["New\0json"] == '"x"'


def test_records_before_an_error_come_first():
    batches = Decoder().decode([Body(lines(job(1)) + b"\nx", "s")])
    assert [record["Id"] for record in next(batches).to_pylist()] == [job(1)["Id"]]
    with pytest.raises(dx.DxError, match="s: line 2, column 1: expecting value"):
        next(batches)


def test_a_reject_says_where_it_stood_and_keeps_all_but_secrets():
    bad = job(2, Details=5, New="https://b/k?X-Amz-Signature=1")
    decoder = Decoder()
    list(decoder.decode([Body(page_of(job(1), bad), "s", page=7)]))
    [reject] = decoder.rejects.table().to_pylist()
    assert (reject["source"], reject["page"], reject["position"]) == ("s", 7, 1)
    assert reject["reason"] == "Details is a number, not an object"
    assert json.loads(reject["raw"]) == bad | {"New": "https://b/k?REDACTED"}
    decoder = Decoder(redact=False)
    list(decoder.decode([Body(page_of(bad), "s")]))
    assert json.loads(decoder.rejects.table()["raw"][0].as_py()) == bad


def test_one_warning_names_what_was_odd():
    decoder, _ = decoded(page_of(job(1, New=[{"A": 1}], CreatedAt="2026-09-01"), Other=1))
    with pytest.warns(dx.DxWarning) as caught:
        decoder.warn()
    unknown, unzoned = (str(warning.message) for warning in caught)
    assert ": New[].A, Other (of a page, not kept). They were kept" in unknown
    assert unzoned == "1 time named no time zone and was taken as UTC."


@pytest.mark.parametrize("odd", [{}, {"State": 5}])
@pytest.mark.parametrize(("token", "expected"), [("t", "t"), ("", None), (None, None)])
def test_a_glance_tells_token_and_times(token, expected, odd):
    content = page_of(job(1), job(2, CreatedAt=None, **odd), NextToken=token)
    seen = glance(b"\xef\xbb\xbf" + content)
    assert seen.body == content
    assert seen.token == expected
    assert seen.created.tolist() == [datetime(2026, 9, 1), None]  # noqa: DTZ001 (as numpy has it)


def test_a_glance_reads_odd_times_and_sees_where_there_is_none():
    seconds = datetime(2026, 9, 1, tzinfo=UTC).timestamp()
    times = [seconds, "0001-01-01T00:00:00Z", "soon", [], "2026-09-02T00:00:00Z"]
    seen = glance(page_of(*(job(n, CreatedAt=time) for n, time in enumerate(times))))
    first, second = (datetime(2026, 9, day) for day in (1, 2))  # noqa: DTZ001 (as numpy has it)
    assert seen.created.tolist() == [first, None, None, None, second]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "0 documents, not one page"),
        (page_of() * 2, "2 documents, not one page"),
        (page_of(NextToken=5), "NextToken is not a text"),
        (b'{"Jobs": 5}', "'Jobs' is a number"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_what_is_no_page_says_so(content, what):
    with pytest.raises(dx.DxError, match=what):
        glance(content)
