"""Texts of which each byte would cost much: what is read of them fits the memory."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest

import dxnotebook as dx
from tests.conftest import job, page_of

pytestmark = pytest.mark.filterwarnings("ignore:.*among the rejects:dxnotebook.DataWarning")

PIECES = {
    "null": b"null",
    "nothing": b"{}",
    "zero": b"0",
    "one": b"1",
    "numbers": b"#",
    "jobs": b'{"Arn":"a","Id":"b"}',
}
_MEASURED = """
import resource, sys
import dxnotebook as dx
unit = 1 if sys.platform == "darwin" else 1024
def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
dx.read_jobs(b'{"Jobs":[{"Arn":"a","Id":"b","X":1}, null]}')
size, piece = 2**21, sys.argv[1].encode()
count = size // (len(piece) + 1)
pieces = [piece.replace(b"#", b"%d" % number) for number in range(count)]
page = b'{"Jobs":[' + b",".join(pieces) + b"]}"
del pieces
before = most()
dx.read_jobs(page)
assert most() - before < 20 * len(page), f"{(most() - before) / len(page):.0f} times its size"
"""


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_91_memory(piece):
    pytest.importorskip("resource", reason="Windows does not tell how much memory was used")
    command = [sys.executable, "-W", "ignore", "-c", _MEASURED, piece]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("piece", [b"null", b"{}", b"[]", b'""', b"0", b"1", b"1.5", b'"a"'])
def test_91_the_same_nothing_in_a_row_is_counted(piece):
    page = b'{"Jobs":[' + (piece + b",") * 1_999 + piece + b"]}"
    tables = dx.read_jobs(page)
    assert len(tables.rejects) == 1_000
    assert tables.rejects["reason"].iloc[-1].endswith(" (1,001 times)")
    assert not tables.rejects["reason"].iloc[-2].endswith("times)")
    assert len(tables.to_jobs()) == 1_000


def test_91_one_is_not_true_and_another_page_another_row():
    both = b'{"Jobs":[' + b"0,false," * 1_000 + b"null]}"
    tables = dx.read_jobs([both, b'{"Jobs":[null]}'])
    assert len(tables.rejects) == 1_003
    assert tables.rejects["raw"].tolist()[-4:] == ["false", "0", "null", "null"]


def test_91_a_list_of_empty_elements_is_a_reject():
    tables = dx.read_jobs(page_of(job(1), job(2, Errors=[{}] * 2_000), job(3, Errors=[{}] * 9)))
    [reject] = tables.rejects.itertuples()
    assert len(tables.errors) == 9
    assert reject.reason == "Errors holds 2,000 empty elements"


def test_91_gzip_swells_no_more_than_listings_do():
    assert len(dx.read_jobs(gzip.compress(page_of(*map(job, range(2_000)))))) == 2_000
    with pytest.raises(dx.LoadError, match="swells to more than 67,108,864 bytes"):
        dx.read_jobs(gzip.compress(b"[" + b"null," * 2**24 + b"null]", 1))


def test_91_thousands_of_states():
    tables = dx.read_jobs(page_of(*(job(n, State=f"S{n}") for n in range(3_000))))
    assert tables.jobs["state"].tolist() == [f"S{n}" for n in range(3_000)]
