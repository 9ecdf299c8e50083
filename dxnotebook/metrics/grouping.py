"""Groups × periods: what a frame of any engine is grouped by, and the grid its answer fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from dxnotebook.errors import DxError
from dxnotebook.metrics.engines import FrameT, Source, columns_of, counts_by, groupable, numbered
from dxnotebook.metrics.periods import Step
from dxnotebook.tables.jobtables import warn_undated
from dxnotebook.times import At

_MOST_ROWS = 20_000_000
PERIOD = "period"
SIZE = "number of jobs"

Names = Sequence[str]
By = str | Names | None


class Grouping(Generic[FrameT]):
    """A frame of any engine, and what to group it by.

    Parameters
    ----------
    jobs : frame
        The jobs.
    by : str or sequence of str, optional
        The columns that make a group; none make one of all.
    every, tz : str
        The step of the periods, and whose calendar it follows; none makes one of all time.
    needed : sequence of str
        The columns that the frame has to have beside those to group by.
    results : sequence of str
        The columns of the result, beside those to group by and the period.
    window : tuple
        From when, and until before when, jobs are created that count.
    """

    def __init__(
        self,
        jobs: FrameT,
        by: By,
        every: str | None,
        tz: str,
        *,
        needed: Names,
        results: Names,
        window: tuple[At, At] = (None, None),
    ) -> None:
        self.by = columns_of(by, (PERIOD, *results))
        self.step = None if every is None else Step.of(every, tz)
        dated = ["created_at"] if self.step or window != (None, None) else []
        self.source = Source(jobs, [*needed, *self.by, *dated])
        self.source.restrict(self.source.window(*window))
        if self.step and tz != "UTC":
            self.step = self._with_clocks(self.step)

    def _with_clocks(self, step: Step) -> Step:
        """Return the step with the changes of the clocks while there were jobs."""
        created = nw.col("created_at")
        span = self.source.frame.select(created.min().alias("first"), created.max().alias("last"))
        times = pd.to_datetime(self.source.collected(span).iloc[0], utc=True)
        return step if times.isna().any() else step.between(*times)

    def selected(self, *others: str) -> Any:
        """Return the columns to group by, the number of the period, and other columns."""
        names = dict.fromkeys((*self.by, *others))
        columns = [self.source.column(name).alias(name) for name in names]
        if self.step is None:
            return self.source.frame.select(*columns)
        columns.append(self.source.seconds("created_at").alias(PERIOD))
        return self.step.numbered(self.source.frame.select(*columns), PERIOD)

    def keys(self, *also: str) -> list[str]:
        """Return the columns that tell the rows of a result apart."""
        return list(dict.fromkeys([*self.by, *also, *([PERIOD] if self.step else [])]))

    def grouped(self, frame: Any, aggregations: Sequence[Any], *also: str) -> pd.DataFrame:
        """Return aggregations of the engine's frame by group, period and further columns.

        Null is a key, too.
        """
        keys = self.keys(*also)
        if not keys:
            return self.source.collected(frame.select(*aggregations))
        with groupable(keys):
            groups = frame.group_by(*keys, drop_null_keys=False)
            return self.source.collected(groups.agg(*aggregations))

    def counted(self, frame: Any, flags: Names, *also: str) -> pd.DataFrame:
        """Return how many rows have each flag, of all, by group, period and further columns."""
        if self.source.is_pandas:
            return counts_by(frame.to_native(), self.keys(*also), flags, SIZE)
        frame = frame.with_columns(nw.col(*flags).cast(nw.Int64))
        return self.grouped(frame, [nw.len().alias(SIZE), nw.col(*flags).sum()], *also)


class Grid:
    """All groups and periods, in order and without a gap, and the place of each row among them.

    Parameters
    ----------
    grouping : Grouping
        What makes a group and a period.
    rows : pandas.DataFrame
        What there is to place: the columns to group by, the number of the ``period``, how many
        jobs.
    """

    def __init__(self, grouping: Grouping[Any], rows: pd.DataFrame) -> None:
        self.rows = _dated(rows) if grouping.step else rows
        self._groups, group = numbered(self.rows, grouping.by)
        self._periods: pd.DatetimeIndex | None = None
        periods, number = 1, np.zeros(len(self.rows), np.int64)
        if grouping.step:
            number = self.rows[PERIOD].to_numpy(np.int64)
            first, last = (int(number.min()), int(number.max())) if len(number) else (0, -1)
            periods, number = last - first + 1, number - first
            if len(self._groups) * periods > _MOST_ROWS:
                size = f"{len(self._groups):,} groups of {periods:,} periods"
                longer = "Choose a longer `every`, fewer groups, or the jobs of a shorter time."
                raise DxError(f"{size} are more than {_MOST_ROWS:,} rows. {longer}")
            self._periods = grouping.step.starts(np.arange(first, last + 1))
        self.place = group * periods + number
        self.size = len(self._groups) * periods

    def labels(self) -> pd.DataFrame:
        """Return the groups and periods."""
        if self._periods is None:
            return self._groups
        return self._groups.merge(self._periods.to_frame(name=PERIOD), how="cross")

    def spread(self, values: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        """Return the groups and periods with values by place; where there are none, ``n`` is 0."""
        values = values.reindex(index=range(self.size), columns=list(columns)).astype("float64")
        values = values.assign(n=values["n"].fillna(0).astype("int64"))
        return pd.concat([self.labels(), values], axis=1)

    def totals(self, columns: Names) -> pd.DataFrame:
        """Return the sums of columns of the rows, of each group and period."""
        values = {name: self.rows[name].fillna(0).to_numpy(float) for name in columns}
        sums = {name: np.bincount(self.place, each, self.size) for name, each in values.items()}
        return pd.DataFrame(sums)


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that belong to a period, and warn of the others."""
    dated = rows[PERIOD].notna()
    if not dated.all():
        warn_undated(int(rows[SIZE][~dated].sum()))
    return rows[dated]
