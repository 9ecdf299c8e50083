"""AWS Data Exchange jobs as tidy pandas tables.

The names below are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dxnotebook import demo
    from dxnotebook.archive import Archive, SyncResult
    from dxnotebook.causes import error_causes, fingerprints
    from dxnotebook.checks import check
    from dxnotebook.client import clients
    from dxnotebook.episodes import incidents
    from dxnotebook.errors import (
        ArchiveError,
        DataWarning,
        DxError,
        DxWarning,
        FormatError,
        GapWarning,
        LoadError,
        LoadInterrupted,
        MissingDependencyError,
        PartialLoadWarning,
        UnknownFieldWarning,
    )
    from dxnotebook.explorer import JobExplorer, explore
    from dxnotebook.exporting import export, read_tables
    from dxnotebook.loading import load_jobs, with_names
    from dxnotebook.metrics import durations, failure_rate, failure_trend
    from dxnotebook.occupancy import concurrency, stuck_jobs
    from dxnotebook.plots import (
        plot_calendar,
        plot_concurrency,
        plot_durations,
        plot_error_causes,
        plot_failure_trend,
        plot_timeline,
    )
    from dxnotebook.reading import read_jobs
    from dxnotebook.report import write_report
    from dxnotebook.reruns import recoveries, unresolved_failures
    from dxnotebook.tables import JobTables, concat

__version__ = "0.1.0"

_ROOMS = {
    "archive": ("Archive", "SyncResult"),
    "causes": ("error_causes", "fingerprints"),
    "checks": ("check",),
    "client": ("clients",),
    "errors": (
        "ArchiveError",
        "DataWarning",
        "DxError",
        "DxWarning",
        "FormatError",
        "GapWarning",
        "LoadError",
        "LoadInterrupted",
        "MissingDependencyError",
        "PartialLoadWarning",
        "UnknownFieldWarning",
    ),
    "explorer": ("JobExplorer", "explore"),
    "exporting": ("export", "read_tables"),
    "episodes": ("incidents",),
    "loading": ("load_jobs", "with_names"),
    "metrics": ("durations", "failure_rate", "failure_trend"),
    "occupancy": ("concurrency", "stuck_jobs"),
    "plots": (
        "plot_calendar",
        "plot_concurrency",
        "plot_durations",
        "plot_error_causes",
        "plot_failure_trend",
        "plot_timeline",
    ),
    "reading": ("read_jobs",),
    "report": ("write_report",),
    "reruns": ("recoveries", "unresolved_failures"),
    "tables": ("JobTables", "concat"),
}
# rooms that need what not everybody installs, and the extra that brings it
_EXTRAS = {"archive": "archive", "explorer": "notebook", "plots": "plots", "report": "notebook"}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Archive",
    "ArchiveError",
    "DataWarning",
    "DxError",
    "DxWarning",
    "FormatError",
    "GapWarning",
    "JobExplorer",
    "JobTables",
    "LoadError",
    "LoadInterrupted",
    "MissingDependencyError",
    "PartialLoadWarning",
    "SyncResult",
    "UnknownFieldWarning",
    "check",
    "clients",
    "concat",
    "concurrency",
    "demo",
    "durations",
    "error_causes",
    "explore",
    "export",
    "failure_rate",
    "failure_trend",
    "fingerprints",
    "incidents",
    "load_jobs",
    "plot_calendar",
    "plot_concurrency",
    "plot_durations",
    "plot_error_causes",
    "plot_failure_trend",
    "plot_timeline",
    "read_jobs",
    "read_tables",
    "recoveries",
    "stuck_jobs",
    "unresolved_failures",
    "with_names",
    "write_report",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any public name)
    if name == "demo":
        return import_module("dxnotebook.demo")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'dxnotebook' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"dxnotebook.{_ROOM_OF[name]}"), name)
    except ModuleNotFoundError as error:
        if _ROOM_OF[name] not in _EXTRAS:
            raise
        from dxnotebook.errors import MissingDependencyError  # noqa: PLC0415 (importing the package loads nothing)

        raise MissingDependencyError(name, str(error.name).partition(".")[0], _EXTRAS[_ROOM_OF[name]]) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
