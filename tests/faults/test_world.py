"""In short what `python -m tests.faults.world` tries for long."""

from __future__ import annotations

import pytest

from tests.faults import world


@pytest.mark.slow
def test_nothing_is_lost_in_silence():
    tried = world.run(scenarios=12)
    assert tried["scenarios"] >= 12
    assert min(tried[name] for name in ("loads", "syncs", "kills", "faults")) > 3
