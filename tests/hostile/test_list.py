"""The list in README.md and the tests name the same things."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent


def rows():
    return re.findall(r"^\| (\d+) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)


def numbers_of_tests():
    sources = "\n".join(path.read_text() for path in FOLDER.glob("test_*.py"))
    return {int(number) for number in re.findall(r"^def test_(\d+)_", sources, re.MULTILINE)}


def test_every_row_has_a_number_of_its_own_in_turn():
    numbers = list(map(int, rows()))
    assert numbers == sorted(set(numbers))
    assert len(rows()) > 60


def test_every_row_has_a_test_and_every_test_a_row():
    assert numbers_of_tests() == set(map(int, rows()))
