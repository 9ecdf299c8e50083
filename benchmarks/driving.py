"""What a user does with the explorer, and with the page that it is beside in `benchmarks.explorer`.

Each action gives the milliseconds from the page's event until each part of the page has changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import permutations

from playwright.sync_api import Page

Took = defaultdict[str, list[float]]
Found = Iterator[tuple[str, list[float]]]

TYPES = (
    "IMPORT_ASSETS_FROM_S3",
    "EXPORT_ASSET_TO_SIGNED_URL",
    "EXPORT_ASSETS_TO_S3",
    "EXPORT_REVISIONS_TO_S3",
)
WORDS = (
    "access denied",
    "grid-load",
    "internal",
    "59ebca",
    "2026-09-2",
    "sensor",
    "policy",
    "revision 22",
)
# Sees, from the last of some events on, when each of some parts has changed, and waits until no
# answer is to come.
WATCH = """([event, root, parts]) => { window.took = new Promise((resolve, reject) => {
    let start = null, found = [];
    const begin = () => { start = performance.now(); found = parts.map(() => null); };
    const end = () => {
        seen.disconnect();
        removeEventListener(event, begin, true);
        clearTimeout(late);
    };
    const within = (node, part) => (node.closest ? node : node.parentElement)?.closest(part);
    const seen = new MutationObserver((changes) => {
        if (start == null) return;
        const now = performance.now() - start;
        parts.forEach((part, i) => {
            if (changes.some(({ target }) => within(target, part))) found[i] = now;
        });
        if (found.includes(null) || document.querySelector('.dxn-busy')) return;
        end();
        resolve(found);
    });
    const late = setTimeout(() => {
        end();
        reject(new Error(`${event}: ${parts} changed after ${found}`));
    }, 30_000);
    const all = { subtree: true, childList: true, characterData: true, attributes: true };
    seen.observe(document.querySelector(root), all);
    addEventListener(event, begin, true);
}); }"""
CHOOSE = """(select, value) => {
    const option = [...select.options].find((one) => one.text === value);
    option.selected = !option.selected;
    select.dispatchEvent(new Event('change', { bubbles: true }));
}"""


class Explorer:
    """What a user does with the explorer; gives the milliseconds until each part has changed."""

    root, parts, count = ".dxn", (".dxn-counts", ".dxn-view tbody"), ".dxn-counts strong"
    clear_all = ".dxn-chips > button:last-child"

    def __init__(self, page: Page) -> None:
        self.page = page

    def time(self, event: str, act: Callable[[], object]) -> list[float]:
        self.page.wait_for_timeout(60)
        self.page.evaluate(WATCH, [event, self.root, self.parts])
        act()
        took: list[float] = self.page.evaluate("window.took")
        return took

    def click(self, selector: str) -> list[float]:
        self.page.eval_on_selector(self.root, "root => root.scrollIntoView()")
        return self.time(
            "click", lambda: self.page.eval_on_selector(selector, "node => node.click()")
        )

    def clear(self) -> list[float]:
        return self.click(self.clear_all)

    def shown(self) -> str:
        return self.page.inner_text(self.count)

    def place(self, selector: str, share: float = 0.5) -> tuple[float, float]:
        """Return where in the page the pointer has to be, so far along something."""
        box = self.page.locator(selector).bounding_box()
        assert box
        return box["x"] + share * box["width"], box["y"] + box["height"] / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> list[float]:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=5)
        return self.time("pointerup", self.page.mouse.up)

    def choose(self, name: str, value: str) -> list[float]:
        box = f".dxn-list [aria-label='{name.capitalize()}'] input[data-value='\"{value}\"']"
        self.page.locator(box).wait_for(state="attached")
        self.page.eval_on_selector(box, "box => (box.closest('details').open = true)")
        took = self.click(box)
        self.page.eval_on_selector_all(
            ".dxn details", "menus => menus.forEach((menu) => (menu.open = false))"
        )
        return took

    def cut(self, start: float, end: float) -> list[float]:
        self.page.eval_on_selector(self.root, "root => root.scrollIntoView()")
        return self.drag(self.place(".dxn-chart", start), self.place(".dxn-chart", end))

    def find(self, word: str) -> list[float]:
        self.page.focus(".dxn input[type=search]")
        return self.time("input", lambda: self.page.keyboard.type(word, delay=30))


class Grouped(Explorer):
    parts = (".dxn-counts", ".dxn-view tbody", ".dxn-groups")

    def group(self, by: str) -> list[float]:
        select = ".dxn select[aria-label='Group by']"
        return self.time("change", lambda: self.page.select_option(select, by))


class Reference(Explorer):
    root, parts, count = (
        ".paging",
        (".paging-count", ".paging-rows", ".paging-trend"),
        ".paging-count b",
    )
    clear_all = ".paging-clear"

    def choose(self, name: str, value: str) -> list[float]:
        return self.time(
            "change", lambda: self.page.eval_on_selector(f".paging-{name} select", CHOOSE, value)
        )

    def cut(self, start: float, end: float) -> list[float]:
        """Drag one of the slider's handles, as there is no other way."""
        self.page.eval_on_selector(self.root, "root => root.scrollIntoView()")
        side, share = ("lower", start) if start > 1 - end else ("upper", end)
        return self.drag(
            self.place(f".paging-days .noUi-handle-{side}"),
            self.place(".paging-days .noUi-base", share),
        )

    def find(self, word: str) -> list[float]:
        self.page.focus(".paging-text input")
        self.page.keyboard.type(word)
        return self.time("keydown", lambda: self.page.keyboard.press("Enter"))


def play(who: Explorer, turn: int) -> Found:
    """Do what can be done with both, a little different each turn; return what took how long."""
    one, other = list(permutations(TYPES, 2))[turn % 12]
    for name, value in zip(
        ("state", "type") * 3, ("ERROR", one, "COMPLETED", other, "ERROR", one), strict=True
    ):
        yield name, who.choose(name, value)
    yield "clear", who.clear()
    yield "state", who.choose("state", "ERROR")
    for start, end in ((0.1, 0.95), (0.2, 0.7), (0.45, 0.68)):
        yield "time", who.cut(start + turn / 80, end - turn / 90)
    yield "clear", who.clear()
    yield "text", who.find(WORDS[turn % len(WORDS)])
    yield "clear", who.clear()


def causes(ours: Explorer, turn: int) -> Found:
    for place in (turn % 4, (turn + 1) % 4):
        yield "cause", ours.click(f".dxn-cause >> nth={place}")
    ours.clear()


def groups(page: Page, turn: int) -> Found:
    ours = Grouped(page)
    for by in ("data_set_id", "feed", "day", "cause", "revision_id")[turn % 3 : turn % 3 + 3]:
        yield "group", ours.group(by)
    ours.group("")


def rounds(page: Page, repeat: int) -> tuple[Took, Took, Took]:
    """Return what the explorer takes, and the reference without and with its chart.

    A first round is not counted.
    """
    mine, rows, whole = Took(list), Took(list), Took(list)
    ours, reference = Explorer(page), Reference(page)
    for turn in range(repeat + 1):
        shown: list[list[str]] = [[], []]
        for who, counts in zip((ours, reference), shown, strict=True):
            for kind, found in play(who, turn):
                counts.extend([who.shown()] if kind in ("state", "type") else [])
                for took, parts in (
                    ((mine, found),) if who is ours else ((rows, found[:2]), (whole, found))
                ):
                    took[kind] += [max(parts)] if turn else []
        if shown[0] != shown[1]:
            raise SystemExit(f"The two show different numbers of jobs: {shown}")
        for kind, found in (*causes(ours, turn), *groups(page, turn)):
            mine[kind] += [max(found)] if turn else []
    return mine, rows, whole
