"""AWS Data Exchange jobs as tidy pandas tables.

The names below are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dxnotebook import demo
    from dxnotebook.archive.archive import Archive, SyncResult
    from dxnotebook.aws.load import load_jobs, with_names
    from dxnotebook.aws.pages import clients
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
    from dxnotebook.explorer.widget import JobExplorer, explore
    from dxnotebook.files.export import export, read_tables
    from dxnotebook.files.read import read_jobs
    from dxnotebook.metrics.causes import error_causes, fingerprints
    from dxnotebook.metrics.checks import check
    from dxnotebook.metrics.concurrency import concurrency, stuck_jobs
    from dxnotebook.metrics.incidents import incidents
    from dxnotebook.metrics.rates import durations, failure_rate, failure_trend
    from dxnotebook.metrics.reruns import recoveries, unresolved_failures
    from dxnotebook.plots.timeline import (
        plot_calendar,
        plot_concurrency,
        plot_durations,
        plot_error_causes,
        plot_failure_trend,
        plot_timeline,
    )
    from dxnotebook.report.write import write_report
    from dxnotebook.tables.assemble import JobTables, concat

__version__ = "0.1.0"

_ROOMS = {
    "archive.archive": ("Archive", "SyncResult"),
    "metrics.causes": ("error_causes", "fingerprints"),
    "metrics.checks": ("check",),
    "aws.pages": ("clients",),
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
    "explorer.widget": ("JobExplorer", "explore"),
    "files.export": ("export", "read_tables"),
    "metrics.incidents": ("incidents",),
    "aws.load": ("load_jobs", "with_names"),
    "metrics.rates": ("durations", "failure_rate", "failure_trend"),
    "metrics.concurrency": ("concurrency", "stuck_jobs"),
    "plots.timeline": (
        "plot_calendar",
        "plot_concurrency",
        "plot_durations",
        "plot_error_causes",
        "plot_failure_trend",
        "plot_timeline",
    ),
    "files.read": ("read_jobs",),
    "report.write": ("write_report",),
    "metrics.reruns": ("recoveries", "unresolved_failures"),
    "tables.assemble": ("JobTables", "concat"),
}
# rooms that need what not everybody installs, and the extra that brings it
_EXTRAS = {
    "archive.archive": "archive",
    "explorer.widget": "notebook",
    "plots.timeline": "plots",
    "report.write": "notebook",
}
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
