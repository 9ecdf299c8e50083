"""The bar knows how far a load is, and is silent elsewhere than in a terminal."""

from __future__ import annotations

import pytest

import dxnotebook as dx
from dxnotebook import demo
from dxnotebook.aws import progress


def test_progress_is_silent_elsewhere_than_in_a_terminal_and_knows_how_far_it_is(
    monkeypatch, capsys
):
    client = demo.client(jobs=1_000)
    dx.load_jobs(client)
    dx.load_jobs(client, progress=False)
    assert capsys.readouterr() == ("", "")
    shown, texts = [], []

    class Recorded(progress.Bar):
        def update(self, n=1):
            super().update(n)
            shown.append(self.n)
            texts.append(self.postfix)

    monkeypatch.setattr(progress, "Bar", Recorded)
    dx.load_jobs(client, progress=True)
    assert shown == sorted(shown)
    assert any(10 < fraction < 90 for fraction in shown)
    assert shown[-1] == pytest.approx(100)
    assert texts[-1] == "1,000 jobs"
    assert capsys.readouterr().err
