"""Groups of an explorer's jobs: how each fares, by counting codes, however many jobs there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dxnotebook.arrays import Array, Integers, Mask, by_group
from dxnotebook.explorer.cells import LONGEST_CELL, as_text
from dxnotebook.explorer.dimensions import NO_TIME, Bins, Dimension
from dxnotebook.explorer.facts import Facts, by_result, clustered, rates_of_clusters
from dxnotebook.metrics.quantiles import Ordered

#: What is said of groups, and they are sorted by.
COLUMNS_OF_GROUPS = ("label", "n", "failed", "rate", "undone", "median", "p95", "last")
_MOST_SHOWN = 100


class Groups:
    """The jobs that have something in common, for each thing that they can have.

    Parameters
    ----------
    facts : Facts
        The jobs.
    parts : mapping of str to Dimension
        What those of a group have in common, by name: several columns, or one that divides errors.

    Examples
    --------
    >>> import dxnotebook as dx
    >>> from dxnotebook.explorer.dimensions import from_jobs
    >>> from dxnotebook.explorer.facts import Facts
    >>> from dxnotebook.explorer.groups import Groups
    >>> tables = dx.load_jobs(dx.demo.client())
    >>> groups = Groups(Facts(tables), {"type": from_jobs(tables.jobs["type"])})
    >>> groups.table(None)["failed"].sum()
    np.float64(399.0)
    """

    def __init__(self, facts: Facts, parts: Mapping[str, Dimension]) -> None:
        self._facts, self._parts, self.names = facts, parts, list(parts)
        self._sizes = [max(len(part.names), 1) for part in parts.values()]
        (self._rows, *_) = [part.rows for part in parts.values()]
        codes = np.ravel_multi_index([part.codes for part in parts.values()], self._sizes)
        self._codes, self._kinds = pd.factorize(codes)
        revision, many = self._of_jobs(facts.clusters), int(facts.clusters.max(initial=0)) + 1
        self._clusters, pairs = pd.factorize(self._codes * many + revision)
        self._group_of_cluster = pairs // many

    def _of_jobs(self, values: Array) -> Array:
        """Return what the job of each code has."""
        return values if self._rows is None else values[self._rows]

    @cached_property
    def _by_duration(self) -> Array:
        """The places of the codes whose jobs have a duration: by group, the shortest first."""
        order = self._facts.by_duration
        if self._rows is not None:
            took = self._of_jobs(self._facts.durations)
            order = np.argsort(took)[: np.count_nonzero(np.isfinite(took))]
        return by_group(self._codes, order)

    def _places(self, mask: Mask | None) -> Any:
        return slice(None) if mask is None else np.flatnonzero(self._of_jobs(mask))

    def table(self, mask: Mask | None) -> pd.DataFrame:
        """Return of each group that has jobs in a mask, or of all, the rate and durations."""
        places, size, order = self._places(mask), len(self._kinds), self._by_duration
        results = self._of_jobs(self._facts.results)[places]
        counts = by_result(self._clusters[places], results, len(self._group_of_cluster))
        table = clustered(counts, self._group_of_cluster, size)
        low, rate, high = rates_of_clusters(table)
        if mask is not None:
            order = order[self._of_jobs(mask)[order]]
        durations = self._of_jobs(self._facts.durations)[order]
        took = Ordered(durations, self._codes[order], size, in_order=True)
        table = table[["n", "failed"]].assign(rate=rate, low=low, high=high)
        table = table.assign(median=took.quantile(0.5), p95=took.quantile(0.95))
        return table.loc[np.bincount(self._codes[places], minlength=size) > 0]

    def rows(self, mask: Mask | None, bins: Bins, sort: str, *, descending: bool) -> dict[str, Any]:
        """Return the first groups in the order of a column, or of their labels, for the page."""
        table, places, facts = self.table(mask), self._places(mask), self._facts
        codes, results = self._codes[places], self._of_jobs(facts.results)[places]
        undone = self._of_jobs(facts.outcome.codes)[places] == 0
        table["undone"] = np.bincount(codes[undone], minlength=len(self._kinds))[table.index]
        last, done = np.full(len(self._kinds), NO_TIME), results == 0
        ended = self._of_jobs(facts.ended)[places]
        np.maximum.at(last, codes[done], ended[done])
        # arrays, as a series would add rows to a table without any
        table["last"] = np.where(last == NO_TIME, np.nan, last // 1000)[table.index]
        # there may be as many revisions as jobs: to name those that are not shown takes long
        order = (self.named(table) if sort == "label" else table)[sort]
        order = order.sort_values(ascending=not descending, kind="stable")
        shown = self.named(table.loc[order.index[:_MOST_SHOWN]]).astype(object)
        strips: Any = self._strips(places, shown.index.to_numpy(), bins)
        rows = shown.where(shown.notna(), None).assign(strip=strips).to_dict("records")
        return {"names": self.names, "rows": rows, "more": len(table) - len(rows)}

    def _strips(self, places: Any, groups: Integers, bins: Bins) -> list[list[Any]]:
        """Return how many jobs succeeded and failed of some groups in each period of a chart."""
        line, size = np.full(len(self._kinds), len(groups)), bins.size + 1
        line[groups] = np.arange(len(groups))
        cells = line[self._codes[places]] * size + self._of_jobs(bins.codes)[places]
        results = self._of_jobs(self._facts.results)[places]
        counts = by_result(cells, results, (len(groups) + 1) * size)
        return [strip.tolist() for strip in counts.reshape(-1, size, 3)[:-1, :-1, :2]]

    def named(self, groups: pd.DataFrame) -> pd.DataFrame:
        """Add what the jobs of each group have in common, and what the group is called."""
        codes = np.unravel_index(self._kinds[groups.index], self._sizes)
        pairs = zip(self._parts.values(), codes, strict=True)
        values = list(zip(*([part.names[i] for i in at] for part, at in pairs), strict=True))
        # a series of no values would have no dtype of texts
        labels = pd.Series(map(self._label, values), groups.index, "str")
        return groups.assign(values=pd.Series(values, groups.index, object), label=labels)

    def _label(self, values: tuple[str | None, ...]) -> str:
        pairs = zip(self._parts.values(), values, strict=True)
        return as_text(" · ".join(part.label(value) for part, value in pairs), LONGEST_CELL)
