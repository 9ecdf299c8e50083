"""What spreadsheets make of the cells of a CSV file."""

from __future__ import annotations

import re

FORMULA = ("=", "+", "-", "@", "%", "＝", "＋", "－", "＠")
_STARTS = "=+\\-@%＝＋－＠"
# white space and what cannot be seen, but neither what separates cells nor letters
_UNSEEN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\ufeff"
_LEAD = rf"(?:[^\S\t\r\n]|[\"{_UNSEEN}])"


def original(cell):
    """Return the text that a cell was written for: a single quote less before each formula."""
    first = re.compile(rf"^'(?='*(?:(?:{_LEAD}|[\t\r\n])*[{_STARTS}|]|[\t\r\n\x00]))")
    return re.sub(rf"([;|\t\r\n])'(?='*{_LEAD}*[{_STARTS}])", r"\1", first.sub("", cell))
