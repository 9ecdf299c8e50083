"""A search, against a loop over all texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dxnotebook as dx
from dxnotebook.explorer.search import Search
from tests.conftest import job, page_of, tables_of

NAMES = st.sampled_from(["Left.csv", "LEFT/ß.csv", "right", "\u212a.csv", "x" * 40, "", None])
WORDS = st.sampled_from(["left", "ß", "RIGHT", "k", "S", "xx", "\u212a", "00001", "q"])


@pytest.mark.property
@given(st.lists(st.lists(NAMES, max_size=2), max_size=8), WORDS)
def test_jobs_are_found_by_any_of_their_texts_in_whatever_case(keys, word):
    jobs = [
        job(number, State="ERROR", Errors=[{"Code": "NEW", "Message": key} for key in of_one])
        for number, of_one in enumerate(keys)
    ]
    rows = [
        any(word.lower() in text.lower() for text in (one["Id"], *filter(None, messages)))
        for one, messages in zip(jobs, keys, strict=True)
    ]
    assert Search(tables_of(page_of(*jobs))).mask(word).tolist() == rows


def test_what_is_found_in_errors_of_other_jobs_is_nobodys():
    tables = dx.load_jobs(dx.demo.client(jobs=300), progress=False)
    search = Search(tables)
    for prepare in search.preparations():
        prepare()
    is_denied = tables.errors["message"].str.contains("access denied", case=False)
    failed = tables.errors["job_id"][is_denied]
    assert search.mask("ACCESS denied").tolist() == tables.jobs["job_id"].isin(failed).tolist()
    few = tables.jobs[~tables.jobs["job_id"].isin(failed)].reset_index(drop=True)
    others = Search(dx.JobTables(few, tables.details, tables.errors, tables.rejects))
    assert not others.mask("access denied").any()
    assert others.owners("errors").min() == -1


def test_columns_of_any_type_are_searched():
    tables = dx.load_jobs(dx.demo.client(jobs=20), progress=False)
    jobs = tables.jobs.assign(asset_name=pd.Series(range(100, 120), dtype=object))
    search = Search(dx.JobTables(jobs, tables.details[:0], tables.errors[:0], tables.rejects))
    assert 7 in np.flatnonzero(search.mask("107"))
