"""What `benchmarks.explorer` runs in the kernel.

That is its reference, a page of jobs of plain ipywidgets, and a look at memory.
"""

from __future__ import annotations

import ctypes
import gc
import html
import re
from io import BytesIO
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure

from dxnotebook import JobTables

ROWS = 25
SHOWN = ["state", "type", "data_set_id", "created_at", "duration_s", "job_id"]
FAILED, OPEN = ["ERROR", "TIMED_OUT"], ["WAITING", "IN_PROGRESS"]


def _counted(file: str, pattern: str) -> float:
    return (
        sum(map(int, re.findall(rf"{pattern}:\s+(\d+)", Path("/proc/self", file).read_text())))
        / 1024
    )


def memory() -> float:
    """Return the megabytes that are this process's alone, with what was freed given back.

    The peak starts anew.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _counted("smaps_rollup", r"Private_\w+")


def peak() -> float:
    """Return the most megabytes since the last call of `memory`."""
    return (
        _counted("smaps_rollup", r"Private_\w+")
        + _counted("status", "VmHWM")
        - _counted("status", "VmRSS")
    )


class Paging(widgets.VBox):
    """Jobs under filters, a page at a time: what one writes for oneself in an afternoon."""

    def __init__(self, tables: JobTables) -> None:
        jobs = tables.jobs[SHOWN].sort_values("created_at", ascending=False)
        self.jobs = jobs.assign(
            day=jobs["created_at"].dt.floor("D"), failed=jobs["state"].isin(FAILED)
        )
        self.messages = tables.errors[["job_id", "message"]]
        days = pd.date_range(self.jobs["day"].min(), self.jobs["day"].max())
        self.state = widgets.SelectMultiple(
            options=list(jobs["state"].cat.categories), description="State"
        )
        self.type = widgets.SelectMultiple(
            options=list(jobs["type"].cat.categories), description="Type"
        )
        self.days = widgets.SelectionRangeSlider(
            options=[(f"{day:%d %b}", day) for day in days],
            index=(0, len(days) - 1),
            description="Days",
            continuous_update=False,
            layout={"width": "600px"},
        )
        self.text = widgets.Text(description="Search", continuous_update=False)
        self.clear, self.back, self.on = (
            widgets.Button(description=name) for name in ("Clear", "Prev", "Next")
        )
        self.count, self.rows, self.trend = (
            widgets.HTML(),
            widgets.HTML(),
            widgets.Image(format="png"),
        )
        self.filters = (self.state, self.type, self.days, self.text)
        self.all = [widget.value for widget in self.filters]
        for widget in self.filters:
            widget.observe(self.refresh, "value")
        self.clear.on_click(self.clear_all)
        self.back.on_click(lambda _: self.turn(-1))
        self.on.on_click(lambda _: self.turn(1))
        for name in ("state", "type", "days", "text", "clear", "count", "rows", "trend"):
            getattr(self, name).add_class(f"paging-{name}")
        bars = [self.state, self.type], [self.days, self.text], [self.clear, self.back, self.on]
        super().__init__([self.count, *map(widgets.HBox, bars), self.rows, self.trend])
        self.add_class("paging")
        self.refresh()

    def clear_all(self, _: object) -> None:
        for widget, value in zip(self.filters, self.all, strict=True):
            widget.unobserve(self.refresh, "value")
            widget.value = value
            widget.observe(self.refresh, "value")
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Show the jobs that the filters leave: what is quick comes first."""
        shown = self.jobs
        if self.state.value:
            shown = shown[shown["state"].isin(self.state.value)]
        if self.type.value:
            shown = shown[shown["type"].isin(self.type.value)]
        if self.days.value != self.all[2]:
            shown = shown[shown["day"].between(*self.days.value)]
        if text := self.text.value:
            found = self.messages["message"].str.contains(text, case=False, regex=False)
            named = shown["job_id"].str.contains(text, case=False, regex=False)
            named |= shown["data_set_id"].str.contains(text, case=False, regex=False)
            shown = shown[named | shown["job_id"].isin(self.messages["job_id"][found])]
        self.shown, self.page = shown, 0
        self.tell()
        self.turn(0)
        self.draw()

    def tell(self) -> None:
        failed, still_open = (
            int(self.shown["failed"].sum()),
            int(self.shown["state"].isin(OPEN).sum()),
        )
        ended = self.shown["state"].isin([*FAILED, "COMPLETED"]).sum()
        rate = f"{failed / ended:.1%}" if ended else "–"
        median = self.shown["duration_s"].median()
        self.count.value = (
            f"<b>{len(self.shown):,}</b> of {len(self.jobs):,} jobs, {failed:,} failed ({rate}), "
            f"{still_open:,} open, median {median:.1f} s"
        )

    def turn(self, pages: int) -> None:
        self.page = max(0, min(self.page + pages, (len(self.shown) - 1) // ROWS))
        first = self.page * ROWS
        rows = self.shown[SHOWN].iloc[first : first + ROWS]
        told = f"Rows {first + 1:,} to {first + len(rows):,} of {len(self.shown):,}"
        self.rows.value = f"<p>{html.escape(told)}</p>{rows.to_html(index=False, border=0)}"

    def draw(self) -> None:
        """Draw the finished jobs of each day, and the share that failed."""
        days = self.shown.groupby("day")["failed"].agg(["size", "sum"])
        figure = Figure(figsize=(7, 1.8))
        axes = figure.subplots()
        axes.bar(days.index, days["size"], color="tab:green")
        axes.bar(days.index, days["sum"], color="tab:red")
        axes.twinx().plot(days.index, days["sum"] / days["size"], color="black", linewidth=1)
        image = BytesIO()
        figure.savefig(image, format="png")
        self.trend.value = image.getvalue()
