"""What is said in SQL: which jobs are selected, and that texts and names are only such."""

from __future__ import annotations

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from dxnotebook.archive.sql import IS_NEWER, column_names, quoted, selection
from dxnotebook.times import Window

TIMES = [None, "2026-08-31T23:59:59.999999", "2026-09-01", "2026-09-30T12:00:00.000001"]
NOW = pd.Timestamp("2026-10-01", tz="UTC")


@pytest.mark.parametrize("since", [None, "2026-09-01", "2026-09-30T12:00:00.0000005", "99999999d"])
@pytest.mark.parametrize("until", [None, "2026-09-30T12:00:00.000001", "9999-01-01"])
@pytest.mark.parametrize("states", [None, [], ["ERROR", "O'K"]])
def test_a_selection_is_that_of_a_naive_loop(since, until, states):
    window = Window.of(since, until, NOW)
    rows = [
        {"created_at": time and pd.Timestamp(time, tz="UTC"), "state": state, "reject_reason": why}
        for time in TIMES
        for state in ("ERROR", "O'K", None)
        for why in ("", "odd")
    ]
    for row in rows:
        row["created_month"] = f"{row['created_at']:%Y-%m}" if row["created_at"] else "undated"

    def is_selected(row):
        time = row["created_at"]
        in_time = time is None or (
            (window.start is None or time >= window.start)
            and (window.end is None or time < window.end)
        )
        return bool(row["reject_reason"]) or (
            in_time and (states is None or row["state"] in states)
        )

    kinds = pa.schema({"created_at": pa.timestamp("us", "UTC"), "state": pa.string(),
                       "reject_reason": pa.string(), "created_month": pa.string()})  # fmt: skip
    jobs = pa.Table.from_pylist(rows, kinds)
    condition = selection(window, {} if states is None else {"state": states})
    with duckdb.connect() as engine:
        engine.register("jobs", jobs)
        [[count]] = engine.execute(f"SELECT count(*) FROM jobs WHERE {condition}").fetchall()
    assert count == sum(map(is_selected, rows))


def test_texts_and_names_are_quoted():
    assert quoted("O'Hara; --") == "'O''Hara; --'"
    assert column_names(["a", 'b"c']) == '"a", "b""c"'


@pytest.mark.parametrize(
    ("given", "stored", "expected"),
    [
        ((2, "ERROR"), (1, "ERROR"), True),
        ((1, "ERROR"), (2, "WAITING"), False),
        ((1, "IN_PROGRESS"), (1, "WAITING"), True),
        ((1, "WAITING"), (1, "COMPLETED"), False),
        ((None, "ERROR"), (1, "WAITING"), False),
        ((1, "WAITING"), (None, "ERROR"), True),
        ((None, "ERROR"), (None, "WAITING"), True),
        ((None, "ERROR"), (None, "ERROR"), False),
        ((1, "ERROR"), (1, "ERROR", "Details has 2 branches"), True),
        ((1, "ERROR", "Details has 2 branches"), (1, "ERROR"), False),
        ((1, "ERROR", "Details has 2 branches"), (1, "WAITING"), True),
    ],
)
def test_the_newer_version_is_the_later_or_further_on_or_one_that_could_be_read(
    given, stored, expected
):
    sides = []
    for name, (day, state, *reason) in (("s", given), ("t", stored)):
        time = "NULL" if day is None else f"{day * 86_400_000_000}"
        columns = f"{time} AS updated_at, '{state}' AS state, '{''.join(reason)}' AS reject_reason"
        sides.append(f"(SELECT {columns}) AS {name}")
    with duckdb.connect() as engine:
        query = f"SELECT {IS_NEWER} FROM {', '.join(sides)}"
        assert engine.execute(query).fetchall() == [(expected,)]
