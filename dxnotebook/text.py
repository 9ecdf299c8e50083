"""Texts for people: durations, shares, counts, titles, what is too long, what cannot be shown."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
# what moves a terminal's cursor or turns the direction of writing: control characters as the signs
# that Unicode has for them, or else as escapes, which JSON reads as what they were
_SIGNS = {code: chr(0x2400 + code) for code in range(32)} | {127: "\u2421"}
_DIRECTIONS = (*range(0x2028, 0x202F), *range(0x2066, 0x206A))  # and line separators
_SIGNS |= {code: f"\\u{code:04x}" for code in (*range(0x80, 0xA0), *_DIRECTIONS)}


def duration(seconds: float) -> str:
    """Return a duration in the largest unit that it has one of, as axes and tables show it.

    Examples
    --------
    >>> from dxnotebook.text import duration
    >>> duration(162), duration(90_000)
    ('2.7 min', '1.04 d')
    """
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def elapsed(seconds: float) -> str:
    """Return a duration in whole units, as a sentence says it.

    Examples
    --------
    >>> from dxnotebook.text import elapsed
    >>> elapsed(93_600), elapsed(162)
    ('1 d 2 h', '2 min')
    """
    days, rest = divmod(int(seconds), 86_400)
    hours, minutes = rest // 3_600, rest % 3_600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def percent(share: float) -> str:
    """Return a share, 0 to 1, in per cent: below ten with a decimal."""
    return f"{100 * share:.{1 if share < 0.1 else 0}f} %"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number of things.

    Examples
    --------
    >>> from dxnotebook.text import counted
    >>> counted(1, "job"), counted(1_200, "job"), counted(2, "piece of work", "pieces of work")
    ('1 job', '1,200 jobs', '2 pieces of work')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def enumerated(names: Sequence[str], most: int) -> str:
    """Return names in a row, those beyond `most` as a number.

    Examples
    --------
    >>> from dxnotebook.text import enumerated
    >>> enumerated(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text, with a mark where that is not all."""
    return text if len(text) <= most else f"{text[:most]}…"


def shortened_inside(text: str, most: int) -> str:
    """Return the beginning and the end of a text, with a mark between where that is not all."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half + 1 :]}"


def title(name: str) -> str:
    """Return the name of a column in words.

    Examples
    --------
    >>> from dxnotebook.text import title
    >>> title("first_failed_at"), title("duration_s")
    ('first failed', 'duration')
    """
    return name.removesuffix("_s").removesuffix("_at").replace("_", " ")


def valid_utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: a lone surrogate becomes its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def visible(text: str) -> str:
    r"""Return a text in which what moves a terminal, or turns its letters round, is to be seen.

    Examples
    --------
    >>> from dxnotebook.text import visible
    >>> visible("red\x1b[31m, \u202eback"), visible("plain")
    ('red␛[31m, \\u202eback', 'plain')
    """
    return text if text.isascii() and text.isprintable() else valid_utf8(text.translate(_SIGNS))
