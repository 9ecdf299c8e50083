"""Causes of failure by how many jobs they hit."""

from __future__ import annotations

import numpy as np
import pytest

import dxnotebook as dx
from dxnotebook import DxError
from tests.conftest import job, page_of, tables_of
from tests.plots.conftest import drawn, texts_of


def test_causes_are_bars_with_what_messages_share(tables):
    ax = dx.plot_error_causes(tables, top=4)
    causes = dx.error_causes(tables)
    assert [bar.get_width() for bar in ax.patches] == causes["jobs"].head(4).tolist()
    assert any(
        text.startswith("ACCESS_DENIED_EXCEPTION: Access denied to <url>") for text in texts_of(ax)
    )
    assert "167 jobs · 43 % · last 2026-09-06" in texts_of(ax)
    assert (
        ax.get_xlabel()
        == f"jobs ({len(causes) - 4} more causes hit {causes['jobs'][4:].sum()} jobs)"
    )
    with pytest.raises(DxError, match="Invalid top: 0"):
        dx.plot_error_causes(tables, top=0)


def test_causes_of_jobs_without_a_time_are_drawn(tables):
    undated = dx.JobTables(
        tables.jobs.assign(created_at=np.nan).astype({"created_at": "datetime64[us, UTC]"}),
        tables.details,
        tables.errors,
        tables.rejects,
    )
    assert not any(
        "last" in text
        for text in texts_of(drawn(dx.plot_error_causes(undated)))
        if "jobs ·" in text
    )
    with pytest.raises(DxError, match="Invalid top: 'all'"):
        dx.plot_error_causes(tables, top="all")


def test_one_job_is_one_job():
    jobs = [
        job(n, State="ERROR", Errors=[{"Code": "VALIDATION_EXCEPTION", "Message": text}])
        for n, text in enumerate(
            ["The file is empty.", "The key is too long, see $HOME and $PATH."]
        )
    ]
    ax = drawn(dx.plot_error_causes(tables_of(page_of(*jobs)), top=1))
    assert "1 job · 50 % · last 2026-09-01" in texts_of(ax)
    assert ax.get_xlabel() == "jobs (1 more cause hit 1 job)"
