"""Frames of any engine in, the same kind out: what the metrics need of narwhals.

An engine does the heavy part, a grouping; its small result is finished in pandas, in one way for
all, and handed back as a frame of that engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from dxnotebook.arrays import Array, Integers
from dxnotebook.errors import DxError, texts
from dxnotebook.tables.jobtables import JobTables, window_of
from dxnotebook.times import At, Window

FrameT = TypeVar("FrameT")

_MOST_CODES = 2**62
_TAKEN = ("pandas", "Polars", "PyArrow", "DuckDB", "Dask", "PySpark")
_EXPECTED = {"created_at": "times", "updated_at": "times", "duration_s": "numbers"}


def columns_of(by: object, results: Iterable[str], parameter: str = "by") -> list[str]:
    """Return the names of the columns to group by, or raise DxError; the results have others."""
    columns = [] if by is None else texts(parameter, by)
    for name in columns:
        if name in results:
            problem = f"Cannot group by a column named {name!r}, as the result has one"
            raise DxError(f"{problem}. Rename it.")
    return columns


@contextmanager
def groupable(by: Sequence[str]) -> Iterator[None]:
    """Raise DxError where an engine says that it cannot group by values such as lists."""
    try:
        yield
    except TypeError as error:
        problem = f"Cannot group by {', '.join(map(repr, by))}: {error}"
        raise DxError(f"{problem}. Choose columns of texts or numbers.") from None


def numbered(frame: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, Integers]:
    """Return the groups in a pandas frame, in order, and the number of each row's group.

    Without columns to group by there is one group. Null is a group, the last; categories come by
    name, as not every engine has their order.
    """
    if not by:
        return pd.DataFrame(index=range(1)), np.zeros(len(frame), np.int64)
    groups, group = _distinct(frame, by)
    groups = groups.sort_values(
        by, key=lambda key: key.astype("str") if key.dtype in ("category", object) else key
    )
    rank = np.argsort(groups.index.to_numpy())
    return groups.reset_index(drop=True), rank[group]


def _distinct(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, Integers]:
    """Return the different rows of columns, and the number that each row has among them."""
    number, size = np.zeros(len(frame), np.int64), 1
    for name in columns:
        with groupable([name]):
            codes, values = pd.factorize(frame[name], use_na_sentinel=False)
        if len(columns) == 1:
            return pd.DataFrame({name: values}), codes
        if size * len(values) > _MOST_CODES:
            number, seen = pd.factorize(number)
            size = len(seen)
        number, size = number * len(values) + codes, size * len(values)
    number, first = numbers_of(number)
    return frame[list(columns)].take(first).reset_index(drop=True), number


def numbers_of(values: Array) -> tuple[Integers, Integers]:
    """Return the number of each value among those that differ, and where each is first."""
    number, _ = pd.factorize(values)
    most = np.maximum.accumulate(np.append(-1, number))[:-1]
    return number, np.flatnonzero(number > most)


def counts_by(
    frame: pd.DataFrame, keys: Sequence[str], flags: Sequence[str], size: str
) -> pd.DataFrame:
    """Return how many rows there are by keys, and in how many of them each flag is set.

    pandas takes several times as long.
    """
    if not keys:
        return frame[list(flags)].sum().to_frame().T.assign(**{size: len(frame)})
    rows, number = _distinct(frame, keys)
    chosen = {size: number} | {name: number[frame[name].to_numpy(bool)] for name in flags}
    counts = {name: np.bincount(each, minlength=len(rows)) for name, each in chosen.items()}
    return rows.assign(**counts)


def _in_expected_types(jobs: pd.DataFrame, needed: list[str]) -> pd.DataFrame:
    """Return jobs without an index, with plain numbers and categories and with times in UTC.

    Times that name no zone are in UTC; columns without any value need no type.
    """
    jobs = jobs.reset_index(drop=True)
    for name in jobs.columns.intersection(needed):
        column, dtype = jobs[name], jobs[name].dtype
        expected = _EXPECTED.get(name)
        if pa.types.is_dictionary(getattr(dtype, "pyarrow_dtype", pa.null())):
            # which Arrow cannot sort
            jobs[name] = pa.chunked_array(column).unify_dictionaries().to_pandas()
        elif expected == "numbers" and (is_numeric_dtype(dtype) or column.isna().all()):
            jobs[name] = column.astype("float64")
        elif expected == "times" and (is_datetime64_any_dtype(dtype) or column.isna().all()):
            jobs[name] = pd.to_datetime(column, utc=True).astype("datetime64[us, UTC]")
    return jobs


def _no_frame(jobs: object, example: str) -> DxError:
    kind = type(jobs).__name__
    return DxError(f"Invalid jobs: a {kind}. Give a {example}, such as `tables.jobs`.")


class Source(Generic[FrameT]):
    """A frame of jobs, whatever engine it is of.

    Parameters
    ----------
    jobs : frame
        Any that narwhals knows: pandas, Polars (also lazy), PyArrow, DuckDB, Dask, Spark; of tables
        it is their jobs.
    needed : iterable of str
        The columns that it has to have, and of what kind where `_EXPECTED` says so.

    Raises
    ------
    DxError
        When it is no frame, or lacks a column.
    """

    def __init__(self, jobs: FrameT, needed: Iterable[str]) -> None:
        needed = list(dict.fromkeys(needed))
        self.native: Any = jobs.jobs if isinstance(jobs, JobTables) else jobs
        if isinstance(self.native, pd.DataFrame):
            if repeated := [*self.native.columns[self.native.columns.duplicated()]]:
                problem = f"The frame has several columns {repeated[0]!r}"
                raise DxError(f"{problem}. Rename or drop all but one.")
            self.native = _in_expected_types(self.native, needed)
        taken = f"frame of {', '.join(_TAKEN)}"
        try:
            self.frame: Any = nw.from_native(self.native)
        except TypeError:
            raise _no_frame(jobs, taken) from None
        self.engine = self.frame.implementation
        if self.engine.value.partition("[")[0] not in map(str.lower, _TAKEN):
            raise _no_frame(jobs, taken)  # such as Ibis, whose times narwhals cannot count
        self.is_pandas: bool = self.engine.is_pandas()
        self.is_lazy = isinstance(self.frame, nw.LazyFrame)
        self.schema = self.frame.collect_schema()
        self._check_columns(needed)

    def _check_columns(self, needed: list[str]) -> None:
        """Raise DxError if a column is not there, or not of the kind that it has to be."""
        if missing := [name for name in needed if name not in self.schema]:
            names, known = ", ".join(map(repr, missing)), ", ".join(map(str, self.schema))
            raise DxError(f"The frame has no column {names}; it has: {known}.")
        for name in _EXPECTED.keys() & set(needed):
            expected, kind = _EXPECTED[name], self.schema[name]
            if not (kind.is_numeric() if expected == "numbers" else isinstance(kind, nw.Datetime)):
                problem = f"The column {name!r} holds {kind}, not {expected}"
                raise DxError(f"{problem}; convert it first.")

    def window(self, since: At, until: At) -> Window:
        """Return a window of the jobs; what is relative is so to when they were observed."""
        window = Window.of(since, until)
        if pd.Timedelta not in {type(window.since), type(window.until)}:
            return window
        if self.is_pandas:
            return window_of(self.native, since, until)
        times = [name for name in ("created_at", "updated_at") if name in self.schema]
        last = self.collected(self.frame.select(nw.col(name).max() for name in times))
        return Window.of(since, until, pd.to_datetime(last.iloc[0], utc=True).max())

    def restrict(self, window: Window) -> None:
        """Leave out the jobs that were created outside of a window."""
        created, zone = nw.col("created_at"), self.schema.get("created_at")
        for at, outside in ((window.start, created.__lt__), (window.end, created.__ge__)):
            if at is not None:
                # every engine has microseconds
                limit = at.ceil("us") if zone.time_zone else at.ceil("us").tz_convert(None)
                self.frame = self.frame.filter(created.is_null() | ~outside(limit.to_pydatetime()))
        self.native = self.frame.to_native()

    def column(self, name: str) -> Any:
        """Return a column, as an expression: other engines' categories are text, their NaN null."""
        column, kind = nw.col(name), self.schema[name]
        if self.is_pandas:
            return column
        if kind.is_float():
            return column.fill_nan(None)
        return column.cast(nw.String) if isinstance(kind, nw.Categorical | nw.Enum) else column

    def seconds(self, name: str) -> Any:
        """Return a time as whole seconds since 1970, which no session's time zone has a say in."""
        time = nw.col(name)
        if self.engine.is_spark_like():
            return time.cast(nw.Int64)
        if self.engine.is_duckdb():
            return time.dt.total_seconds()
        return time.dt.timestamp("us") // 1_000_000

    def collected(self, frame: Any) -> pd.DataFrame:
        """Return a narwhals frame as a pandas one, with the types that it has in its engine."""
        frame = frame.collect("pyarrow") if isinstance(frame, nw.LazyFrame) else frame
        if self.is_pandas:
            return frame.to_native()  # type: ignore[no-any-return]
        return frame.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)  # type: ignore[no-any-return]

    def returned(self, result: pd.DataFrame) -> FrameT:
        """Return a result as a frame of the engine, of the same connection or session."""
        if self.is_pandas:
            return result  # type: ignore[return-value]
        table = pa.Table.from_pandas(result, preserve_index=False)
        if self.engine.is_duckdb():
            dxnotebook_result = table  # noqa: F841 (DuckDB finds it by its name, which nobody has)
            frame: Any = self.native.query("dxnotebook_jobs", "SELECT * FROM dxnotebook_result")
            frame = frame.set_alias("dxnotebook_result")
        elif isinstance(self.frame, nw.DataFrame):
            frame = nw.from_arrow(table, backend=self.engine).to_native()
        else:
            given: Any = result if self.engine.is_dask() else table
            session = getattr(self.native, "sparkSession", None)
            frame = nw.from_native(given).lazy(self.engine, session=session).to_native()
        return frame  # type: ignore[no-any-return]


def pandas_frame(jobs: object, needed: Iterable[str]) -> pd.DataFrame:
    """Return jobs, of tables or a pandas frame, with the columns needed, or raise DxError."""
    if not isinstance(jobs, pd.DataFrame | JobTables):
        raise _no_frame(jobs, "pandas frame")
    frame: pd.DataFrame = Source[Any](jobs, needed).native
    return frame
