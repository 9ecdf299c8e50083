"""What people come to the explorer for, by mouse and by keyboard alone, in few actions.

An action is to use a control: to click it, or to come to it by Tab and press a key or type.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

import dxnotebook as dx
from tests.browser.conftest import Shown, counts, rows

pytestmark = pytest.mark.browser
FARTHEST = 400  # presses of Tab


class ByMouse:
    """Uses controls, and counts how often."""

    def __init__(self, page):
        self.page, self.actions = page, 0

    def press(self, control):
        self.actions += 1
        control.click()

    def choose(self, label, title):
        self.actions += 1
        self.page.get_by_label(label, exact=True).select_option(label=title)

    def search(self, text):
        self.actions += 1
        self.page.get_by_label("Search", exact=True).click()
        self.page.keyboard.type(text)

    def open_first(self):
        self.press(rows(self.page).first)

    def zoom_to_day(self, number, of=91):
        self.actions += 1
        box = self.page.locator(".dxn-chart").bounding_box()
        x = box["x"] + (number + 0.5) * box["width"] / of
        self.page.mouse.dblclick(x, box["y"] + 60)


class ByKeyboard(ByMouse):
    def reach(self, control):
        """Come to a control by Tab."""
        expect(control).to_be_visible()
        self.page.evaluate("document.activeElement?.blur()")
        for _ in range(FARTHEST):
            self.page.keyboard.press("Tab")
            if control.evaluate("node => node === document.activeElement"):
                return
        raise AssertionError(f"Tab does not lead to {control}")

    def press(self, control):
        self.actions += 1
        self.reach(control)
        is_box = control.evaluate("node => node.type === 'checkbox'")
        self.page.keyboard.press("Space" if is_box else "Enter")

    def choose(self, label, title):
        self.actions += 1
        self.reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(title)

    def search(self, text):
        self.actions += 1
        self.reach(self.page.get_by_label("Search", exact=True))
        self.page.keyboard.type(text)

    def open_first(self):
        self.press(self.page.get_by_role("grid"))

    def zoom_to_day(self, number, of=91):
        self.choose("Group by", "Day")
        day = self.page.locator(".dxn-groups .dxn-link").first
        self.press(day)
        expect(counts(self.page)).to_contain_text("of 6,000 jobs")
        self.press(self.page.get_by_role("button", name="Zoom", exact=True))


@pytest.fixture(params=[ByMouse, ByKeyboard])
def before(request, page, shown):
    """Somebody before an explorer of some jobs, of which all is known."""

    def before(some=None, **options):
        user = request.param(page)
        user.explorer = shown(some, **options).explorer
        expect(counts(page)).to_contain_text("undone", timeout=30_000)
        return user

    return before


@pytest.fixture
def user(before):
    return before()


@pytest.fixture
def detail(page):
    return page.get_by_role("region", name="Job", exact=True)


def groups(page):
    return page.locator(".dxn-groups tbody tr")


def test_which_data_set_failed_most_last_week_and_why(user, page, tables):
    user.press(page.get_by_role("button", name="7 d", exact=True))
    user.choose("Group by", "Data set")
    jobs = tables.jobs[tables.jobs["created_at"] >= "2026-09-23T12:00"]
    failed = jobs[jobs["state"].isin(["ERROR", "TIMED_OUT"])]
    worst = failed["data_set_name"].value_counts()
    expect(groups(page).first.locator(".dxn-of-label")).to_have_text(worst.index[0])
    expect(groups(page).first.locator(".dxn-of-failed")).to_have_text(str(worst.iloc[0]))
    user.press(groups(page).first.get_by_role("button"))
    chosen = jobs["data_set_name"] == worst.index[0]
    expect(counts(page)).to_contain_text(f"{chosen.sum()} of 6,000 jobs")
    causes = dx.error_causes(tables.filter(jobs["job_id"][chosen]))
    expect(page.locator(".dxn-cause").first).to_contain_text(str(causes["jobs"].iloc[0]))
    assert len(user.explorer.filters["data_set_id"]) == 1
    assert user.actions <= 3


def test_bucket_and_key_of_an_error(user, page, detail):
    user.press(page.locator(".dxn-cause").first)
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    user.open_first()
    story = dx.demo.Account().story
    cells = detail.get_by_role("group", name="Errors").get_by_role("cell")
    expect(cells.filter(has_text=story.bucket).first).to_be_visible()
    expect(detail.get_by_role("group", name="Errors")).to_contain_text("Key")
    assert user.actions <= 2


def test_imports_beside_exports(user, page, tables):
    user.choose("Group by", "Type")
    for name in ("IMPORT_ASSETS_FROM_S3", "EXPORT_ASSETS_TO_S3"):
        user.press(page.get_by_label(f"Compare {name}", exact=True))
    sides = page.locator(".dxn-sides")
    rate = sides.get_by_role("row").filter(has_text="Failure rate")
    found = dx.failure_rate(tables.jobs, "type").set_index("type")["rate"]
    for name in ("IMPORT_ASSETS_FROM_S3", "EXPORT_ASSETS_TO_S3"):
        share = 100 * found[name]
        expect(rate).to_contain_text(f"{share:.1f} %" if share < 10 else f"{share:.0f} %")
    assert user.actions <= 3


def test_the_failing_jobs_are_exported(user, page, tables):
    user.press(counts(page).get_by_role("button", name="failed"))
    expect(counts(page)).to_contain_text("of 6,000 jobs")
    user.press(page.locator("summary", has_text="Export"))
    with page.expect_download() as download:
        user.press(page.get_by_role("button", name="Download", exact=True))
    assert download.value.suggested_filename
    failed = tables.jobs["state"].isin(["ERROR", "TIMED_OUT"]).sum()
    expect(page.locator(".dxn-message")).to_contain_text(f"Downloaded {failed} jobs")
    assert user.actions <= 3


def test_the_view_is_shared(user, page, tables):
    user.press(counts(page).get_by_role("button", name="failed"))
    user.choose("Group by", "Cause")
    expect(groups(page).first).to_be_visible()
    user.press(page.locator("summary", has_text="Share"))
    link = page.get_by_role("textbox", name="link", exact=True).input_value()
    user.press(page.get_by_role("button", name="Copy link", exact=True))
    page.evaluate("sessionStorage.clear()")  # as that of whoever gets the link
    page.goto("about:blank")
    other = Shown.restored(page, user.explorer, link)
    failed = tables.jobs["state"].isin(["ERROR", "TIMED_OUT"]).sum()
    expect(counts(page)).to_contain_text(f"{failed} of 6,000 jobs")
    expect(groups(page).first).to_be_visible(timeout=30_000)
    assert (other.view, other.view["group"]) == (user.explorer.view, "cause")
    assert user.actions <= 4


def test_whether_a_failure_is_fixed(user, page, tables, detail):
    back = dx.recoveries(tables).iloc[0]
    user.search(back["first_job_id"])
    expect(counts(page)).to_contain_text("1 of 6,000 jobs")
    user.open_first()
    expect(detail).to_contain_text("Fixed after")
    user.press(detail.locator(".dxn-outcome").get_by_role("button"))
    expect(detail.get_by_role("heading").first).to_contain_text("COMPLETED")
    user.press(detail.get_by_role("button", name="show these only"))
    expect(page.locator(".dxn-chip")).to_contain_text("same work as")
    assert back["first_job_id"] in set(user.explorer.selection.jobs["job_id"])
    assert user.actions <= 4


def test_what_is_undone(user, page, tables):
    undone = dx.unresolved_failures(tables)
    expect(counts(page)).to_contain_text(f"{undone['attempts'].sum()} undone")
    user.press(counts(page).get_by_role("button", name="undone"))
    expect(counts(page)).to_contain_text(f"{undone['attempts'].sum()} of 6,000 jobs")
    assert set(undone["job_id"]) <= set(user.explorer.selection.jobs["job_id"])
    user.press(page.locator(".dxn-chip").first)
    user.press(counts(page).get_by_role("button", name="stuck"))
    stuck = dx.stuck_jobs(tables.jobs)
    expect(counts(page)).to_contain_text(f"{len(stuck)} of 6,000 jobs")
    assert set(user.explorer.selection.jobs["job_id"]) == set(stuck["job_id"])
    assert user.actions <= 3


def test_what_happened_since(before, page, tables):
    jobs = tables.jobs
    older = tables.filter(jobs["created_at"] < "2026-09-30T08:00")
    is_open = older.jobs["job_id"] == older.jobs["job_id"].iloc[2]
    states = older.jobs["state"].mask(is_open, "IN_PROGRESS")
    then = replace(older, jobs=older.jobs.assign(state=states))
    user = before(then, refresh=lambda: tables)
    user.press(page.get_by_role("button", name="Refresh", exact=True))
    expect(page.get_by_text(f"{len(jobs) - len(older)} new, 1 changed")).to_be_visible()
    expect(rows(page).first.locator(".dxn-new")).to_be_visible()
    expect(counts(page)).to_contain_text("6,000 jobs")
    assert user.actions == 1


def test_one_day_by_the_hour(user, page):
    user.zoom_to_day(62)
    # a label that has a time of day
    expect(page.locator(".dxn-chart text").last).to_contain_text(":")
    since, until = user.explorer.view["zoom"]
    assert (since[11:19], until[11:19]) == ("00:00:00", "00:00:00")
    assert user.actions <= 3


def test_the_longest_jobs(user, page, tables):
    user.press(page.get_by_role("columnheader").get_by_role("button", name="Duration"))
    longest = dx.stuck_jobs(tables.jobs).iloc[0]
    expect(rows(page).first).to_contain_text(longest["state"])
    expect(rows(page).first).to_contain_text("17 d")
    assert user.actions == 1


def test_an_arn(user, page, tables, detail):
    job = tables.jobs.iloc[100]
    user.search(job["job_id"])
    expect(counts(page)).to_contain_text("1 of 6,000 jobs")
    user.open_first()
    expect(detail.get_by_label("ARN", exact=True)).to_have_value(job["job_arn"])
    user.press(detail.get_by_role("button", name="Copy ARN"))
    assert user.actions <= 3


def test_after_a_restart(user, page, detail):
    user.press(counts(page).get_by_role("button", name="stuck"))
    user.press(page.get_by_role("columnheader").get_by_role("button", name="Duration"))
    user.open_first()
    expect(detail.locator(".dxn-copy").first).to_be_visible()
    heading, view = detail.get_by_role("heading").first.inner_text(), user.explorer.view
    user.actions = 1  # to run the cell again
    again = Shown.restored(page, user.explorer, "http://explorer.test/")
    expect(counts(page)).to_contain_text("4 of 6,000 jobs")
    expect(rows(page).first).to_contain_text("17 d")
    expect(detail.get_by_role("heading").first).to_have_text(heading)
    assert again.view == view
    assert user.actions == 1


def test_causes_that_are_not_shown_are_groups(user, page, tables):
    user.press(page.get_by_role("button", name="more causes"))
    found = dx.error_causes(tables)
    expect(groups(page)).to_have_count(min(found["fingerprint"].nunique(), 100))
    assert user.explorer.view["group"] == "cause"
    assert user.actions == 1
