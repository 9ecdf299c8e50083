"""Groups × periods: what a frame of any engine is grouped by, and the grid its answer fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd

from dxnotebook.arrays import Array
from dxnotebook.errors import DxError
from dxnotebook.metrics.engines import FrameT, Source, columns_of, groupable, numbered
from dxnotebook.metrics.periods import Step
from dxnotebook.tables.jobtables import warn_undated

_MOST_ROWS = 20_000_000
PERIOD = "period"
SIZE = "number of jobs"


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
    """

    def __init__(
        self,
        jobs: FrameT,
        by: str | Sequence[str] | None,
        every: str | None,
        tz: str,
        *,
        needed: Sequence[str],
        results: Sequence[str],
    ) -> None:
        self.by = columns_of(by, (PERIOD, *results))
        self.step = None if every is None else Step.of(every, tz)
        self.source = Source(jobs, [*needed, *self.by, *([] if every is None else ["created_at"])])
        if self.step and tz != "UTC":
            self.step = self._with_clocks(self.step)

    def _with_clocks(self, step: Step) -> Step:
        """Return the step with the changes of the clocks while there were jobs."""
        created = nw.col("created_at")
        span = self.source.frame.select(created.min().alias("first"), created.max().alias("last"))
        span = self.source.collected(span)
        if span["first"].isna().all():
            return step
        first, last = (pd.Timestamp(span[name].iloc[0]) for name in ("first", "last"))
        return step.between(
            *(
                time.tz_convert("UTC") if time.tzinfo else time.tz_localize("UTC")
                for time in (first, last)
            )
        )

    def check_quantiles(self) -> None:
        """Raise DxError if the engine has no quantiles of these groups."""
        engine = self.source.engine
        if engine.is_dask() or (engine.is_pyarrow() and (self.by or self.step)):
            name, other = ("Dask", "compute") if engine.is_dask() else ("PyArrow", "to_pandas")
            raise DxError(
                f"{name} has no quantiles of groups. Give durations() `jobs.{other}()`, or a frame of another engine."
            )

    def selected(self, *others: str) -> Any:
        """Return the columns to group by, the number of the period, and some others."""
        columns = [
            self.source.column(name).alias(name) for name in dict.fromkeys((*self.by, *others))
        ]
        if self.step is None:
            return self.source.frame.select(*columns)
        return self.step.numbered(
            self.source.frame.select(*columns, self.source.seconds("created_at").alias(PERIOD)),
            PERIOD,
        )

    def grouped(
        self, aggregations: Sequence[Any], *, also: str | None = None, of: str | None = None
    ) -> pd.DataFrame:
        """Return aggregations of a column by group and period, and by one more column; null is a key, too."""
        frame = self.selected(*filter(None, (also, of)))
        keys = list(
            dict.fromkeys([*self.by, *([also] if also else []), *([PERIOD] if self.step else [])])
        )
        if not keys:
            return self.source.collected(frame.select(*aggregations))
        with groupable(self.by):
            return self.source.collected(
                frame.group_by(*keys, drop_null_keys=False).agg(*aggregations)
            )


class Grid:
    """All groups and periods, in order and without a gap, and the place of each row among them.

    Parameters
    ----------
    wanted : Grouping
        What makes a group and a period.
    rows : pandas.DataFrame
        What there is to place: the columns to group by, the number of the ``period``, how many
        jobs.
    """

    def __init__(self, wanted: Grouping[Any], rows: pd.DataFrame) -> None:
        self.rows = _dated(rows) if wanted.step else rows
        self._groups, group = numbered(self.rows, wanted.by)
        self._periods: pd.DatetimeIndex | None = None
        self._each, number = 1, np.zeros(len(self.rows), np.int64)
        if wanted.step:
            number = self.rows[PERIOD].to_numpy(np.int64)
            first, last = (int(number.min()), int(number.max())) if len(number) else (0, -1)
            self._each, number = last - first + 1, number - first
            self._check_size()
            self._periods = wanted.step.starts(np.arange(first, last + 1))
        self.place = group * self._each + number
        self.size = len(self._groups) * self._each

    def _check_size(self) -> None:
        if len(self._groups) * self._each > _MOST_ROWS:
            raise DxError(
                f"{len(self._groups):,} groups of {self._each:,} periods are more than {_MOST_ROWS:,} rows. Choose a "
                "longer `every`, fewer groups, or the jobs of a shorter time."
            )

    def labels(self) -> pd.DataFrame:
        """Return the groups and periods."""
        labels = self._groups.loc[self._groups.index.repeat(self._each)].reset_index(drop=True)
        if self._periods is not None:
            labels[PERIOD] = self._periods.take(np.tile(np.arange(self._each), len(self._groups)))
        return labels

    def spread(self, values: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        """Return the groups and periods with durations by place; where there are none, ``n`` is 0 and the rest null."""
        values = values.reindex(index=range(self.size), columns=list(columns)).astype("float64")
        return pd.concat(
            [self.labels(), values.assign(n=values["n"].fillna(0).astype("int64"))], axis=1
        )

    def total(self, rows: npt.NDArray[np.bool_]) -> Array:
        """Return how many jobs some of the rows hold of each group and period."""
        return np.bincount(
            self.place[rows], self.rows[SIZE].to_numpy(float)[rows], self.size
        ).astype(np.int64)


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that belong to a period, and warn of the others."""
    dated = rows[PERIOD].notna()
    if not dated.all():
        warn_undated(int(rows[SIZE][~dated].sum()))
    return rows[dated]
