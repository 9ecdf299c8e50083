"""Are the answers right? What the metrics say of simulated accounts whose truth is known.

How to run it, from the repository:

    python -m benchmarks.statistics            # a minute: 200 windows of each kind
    python -m benchmarks.statistics --quick    # 40 windows; targets are for all of them

A window is 90 days of jobs. These are independent; or those of a day share a rate of a beta
distribution, with a correlation of 0.02 or 0.05; or batches of ten fail whole, with a probability
of 3 %; or 10 % fail at weekends and 4 % on other days. In a bad week 40 % fail, of jobs or of
batches; in a shift the rate goes from 5 to 10 or 15 %, for the last 30 days. *Marked* are days that
are flagged or shifted. Figures are means over windows, each with a seed of its own. The exit status
is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

import dxnotebook as dx

Array = npt.NDArray[np.float64]

DAYS, WEEK, SHIFT = 90, slice(50, 57), slice(60, 90)
START = pd.Timestamp("2026-06-01", tz="UTC")  # a Monday
JOBS_AT_ONCE = 1_000_000


@dataclass
class Case:
    """How the jobs of an account come and fail, and how many healthy days may be marked."""

    name: str
    jobs: int
    marked: float
    rate: float = 0.05
    weekend: float = 0.0
    correlation: float = 0.0
    batch: int = 1
    together: bool = True  # whether batches fail whole
    season: str | None = None

    def rates(self) -> Array:
        weekend = (np.arange(DAYS) % 7 >= 5) & (self.weekend > 0)
        return np.where(weekend, self.weekend, self.rate)

    def window(self, rates: Array, seed: int) -> pd.DataFrame:
        """Return the jobs of a window, by the batches they come in."""
        random = np.random.default_rng(seed)
        if self.correlation:
            size = 1 / self.correlation - 1
            rates = random.beta(size * rates, size * (1 - rates))
        day = np.repeat(np.arange(DAYS), random.poisson(self.jobs / self.batch, DAYS))
        batch, fails = np.arange(len(day)), random.random(len(day)) < rates[day]
        day, batch, fails = (np.repeat(each, self.batch) for each in (day, batch, fails))
        if not self.together:
            fails = random.random(len(day)) < rates[day]
        return pd.DataFrame({"window": seed, "day": day, "revision_id": batch, "fails": fails})

    def frames(self, rates: Array, windows: int) -> Iterator[pd.DataFrame]:
        """Return the jobs of windows, some in each frame."""
        step = max(1, JOBS_AT_ONCE // (self.jobs * DAYS))
        for first in range(0, windows, step):
            seeds = range(first, min(first + step, windows))
            jobs = pd.concat([self.window(rates, seed) for seed in seeds], ignore_index=True)
            state = pd.Categorical.from_codes(jobs["fails"].astype(int), ["COMPLETED", "ERROR"])
            created = START + pd.to_timedelta(jobs["day"], unit="D")
            yield jobs.assign(state=state, created_at=created)

    def trend(self, rates: Array, windows: int) -> pd.DataFrame:
        """Return the trends of windows, with the number of each day."""
        found = [
            dx.failure_trend(jobs, by="window", season=self.season)
            for jobs in self.frames(rates, windows)
        ]
        trend = pd.concat(found, ignore_index=True)
        day = (trend["period"] - START).dt.days
        return trend.assign(day=day, marked=trend["flagged"] | trend["shifted"])


CASES = [
    Case("independent, 60 a day", 60, 0.005),
    Case("independent, 600 a day", 600, 0.005),
    Case("beta-binomial 0.02, 60 a day", 60, 0.02, correlation=0.02),
    Case("beta-binomial 0.02, 600 a day", 600, 0.02, correlation=0.02),
    Case("beta-binomial 0.05, 60 a day", 60, 0.02, correlation=0.05),
    Case("beta-binomial 0.05, 600 a day", 600, 0.02, correlation=0.05),
    Case("batches of ten, 60 a day", 60, 0.05, rate=0.03, batch=10),
    Case("batches of ten, 600 a day", 600, 0.01, rate=0.03, batch=10),
    Case("weekends, 60 a day", 60, 0.01, rate=0.04, weekend=0.1),
    Case("weekends, 600 a day", 600, 0.01, rate=0.04, weekend=0.1),
    Case("weekends, 60 a day, season", 60, 0.01, rate=0.04, weekend=0.1, season="week"),
    Case("weekends, 600 a day, season", 600, 0.01, rate=0.04, weekend=0.1, season="week"),
]
COVERED = [
    Case("independent jobs", 60, 0, batch=10, together=False),
    Case("batches of ten", 60, 0, rate=0.03, batch=10),
    Case("batches of five, 40 % fail", 60, 0, rate=0.4, batch=5),
]


class Table:
    """Prints figures with their targets, and counts those that are missed."""

    def __init__(self) -> None:
        self.missed = 0

    def line(self, name: str, figure: float, least: float, most: float, show: str = ".1%") -> None:
        met = least <= figure <= most
        self.missed += not met
        limits = f"≤ {most:{show}}" if least <= 0 else f"≥ {least:{show}}"
        limits = limits if least <= 0 or most in (1, np.inf) else f"{least:{show}} – {most:{show}}"
        print(f"  {name:<50}{figure:>10{show}}   target {limits:<14}{'' if met else 'MISSED'}")


def healthy(table: Table, windows: int) -> None:
    print("\nHealthy days that are marked; the baseline over the true rate")
    for case in CASES:
        trend = case.trend(case.rates(), windows)
        table.line(case.name, trend["marked"].mean(), 0, case.marked, ".2%")
        weighted = case.rates()[trend["day"]] if case.season else case.rates().mean()
        table.line("  baseline", (trend["baseline"] / weighted).mean(), 0.94, 1.06, ".3f")


def bad_week(table: Table, windows: int) -> None:
    print("\nDays of a bad week that are marked")
    for case in CASES:
        rates = case.rates()
        rates[WEEK] = 0.4
        trend = case.trend(rates, windows)
        table.line(case.name, trend["marked"][trend["day"].between(50, 56)].mean(), 0.98, 1)


def shift(table: Table, windows: int) -> None:
    print("\nA shift of the last 30 days, 60 jobs a day")
    for rate, least, most in ((0.1, 0.8, 1.2), (0.15, 0.98, 1.1)):
        case = Case("shift", 60, 0)
        rates = case.rates()
        rates[SHIFT] = rate
        trend = case.trend(rates, windows)
        bad = trend[trend["bad_since"].notna()]
        seen = bad[bad["day"] >= SHIFT.start].groupby("window")["bad_since"].min()
        name = f"from 5 to {rate:.0%}"
        table.line(f"{name}: seen", len(seen) / windows, least, 1)
        late = ((seen - START).dt.days - SHIFT.start).abs().median()
        table.line("  days from its start, median", late, 0, 2, ".1f")
        incidents = bad.groupby("window")["bad_since"].nunique().mean()
        table.line("  incidents, where there are some", incidents, 0, most, ".2f")


def coverage(table: Table, windows: int) -> None:
    print("\n95 % intervals of the rate of 90 days that cover the truth, by cluster")
    for case in COVERED:
        covered: dict[str, list[float]] = {"cluster": [], "none": []}
        for jobs in case.frames(case.rates(), windows):
            for name, cluster in (("cluster", "revision_id"), ("none", None)):
                rates = dx.failure_rate(jobs, "window", cluster=cluster)
                covered[name] += rates["low"].le(case.rate).mul(rates["high"] >= case.rate).tolist()
        table.line(case.name, float(np.mean(covered["cluster"])), 0.92, 0.98)
        print(f"    without: {np.mean(covered['none']):.1%}")


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.statistics", description="What the metrics say of simulated accounts."
    )
    parser.add_argument("--windows", type=int, help="windows of each kind (default 200)")
    parser.add_argument("--quick", action="store_true", help="40 windows")
    options = parser.parse_args()
    windows = options.windows or (40 if options.quick else 200)
    table = Table()
    for section in (healthy, bad_week, shift):
        section(table, windows)
    coverage(table, 5 * windows)
    print(f"\n{table.missed} targets missed" if table.missed else "\nAll targets met")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
