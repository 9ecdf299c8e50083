"""Values that are learned from how texts differ."""

from __future__ import annotations

from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dxnotebook.metrics.learned import generalized
from dxnotebook.model import TEXT
from tests.metrics import wordings

PLAIN = ["orders", "sales", "claims", "prices", "events"]


def learned(*texts):
    return generalized(pa.array(texts, TEXT)).to_pylist()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # marked as names are
        (["table raw_a is gone", "table b.c is gone"], "table <name> is gone"),
        (['relation "sales" is gone', 'relation "orders" is gone'], 'relation "<name>" is gone'),
        (["API 'a1' is gone", "API 'b c' is gone"], "API '<name>' is gone"),
        # masks count, and the commonest is shown
        (["file <key> is bad", "file a.csv is bad", "file <key> is bad"], "file <key> is bad"),
        (["took <n> s of it", "took <n>ms of it", "took <n> minutes of it"], "took <n> of it"),
        (["no /v<n>/a in it", "no /b/{id} in it"], "no <name> in it"),
        # a plain word where another is marked
        (["role admin of it is gone", "role dx_reader of it is gone"], "role <name> of it is gone"),
        # many plain words, at several places, too
        ([f"role {word} is gone" for word in PLAIN], "role <name> is gone"),
        (
            [f"table {PLAIN[n]} in the base {PLAIN[-n]} is gone" for n in range(5)],
            "table <name> in the base <name> is gone",
        ),
        (
            [f"no role {w.title()}{v.title()} here" for w in PLAIN for v in PLAIN],
            "no role <name> here",
        ),
        # a file's name with spaces
        (["cannot read a.csv or so", "cannot read my own b.csv or so"], "cannot read <name> or so"),
    ],
)
def test_what_differs_between_texts_that_are_equal_otherwise_is_masked(texts, expected):
    assert set(learned(*texts)) == {expected}


@pytest.mark.parametrize(
    "texts",
    [
        ["access to it is allowed", "access to it is denied"],
        [f"{word} <id> is gone" for word in (*PLAIN, "database", "table")],
        [f"{word} 'a_b' is gone" for word in (*PLAIN, "database", "table")],
        [f"s3:{word.title()}Object is not allowed" for word in PLAIN * 3],
        [
            f"{word} is not allowed on it"
            for word in ("Select", "Insert", "Alter", "Drop", "Describe")
        ],
        ["it was 403 or so", "it was 404 or so"],
        [f"parameter '{word}' is missing" for word in ("Bucket", "Key")],
        ["a name alone: raw_a"],
    ],
)
def test_words_that_may_tell_causes_apart_are_kept(texts):
    assert learned(*texts) == texts


def test_words_that_are_names_elsewhere_are_names():
    texts = ["schema sales is gone", "schema public is gone"]
    assert learned(*texts) == texts
    known = ["in 'sales' it is", "in 'public' it is"]
    assert learned(*texts, *known)[:2] == ["schema <name> is gone"] * 2


def test_long_odd_and_missing_texts_are_survived():
    texts = [
        "",
        " ",
        "'",
        '"""',
        "''' a_b '",
        "/",
        "<",
        "<id",
        "{}[]()",
        "a_b " * 10_000,
        "." * 10**6,
        '"a' * 10**5,
    ]
    assert learned(*texts, *texts) == learned(*texts) * 2
    assert learned() == []


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 300))
def test_the_order_and_the_number_of_equal_texts_do_not_matter(random: Random, size):
    _, texts = wordings.messages("fresh", seed=7)
    texts = random.sample(texts, size)
    expected = dict(zip(texts, learned(*texts), strict=True))
    random.shuffle(texts)
    again = texts * 2
    assert dict(zip(again, learned(*again), strict=True)) == expected


@pytest.mark.property
@given(st.lists(st.text(alphabet="ab_.1'\"/ <>(id),", max_size=30), max_size=12))
def test_any_text_is_survived(texts):
    assert len(learned(*texts)) == len(texts)
