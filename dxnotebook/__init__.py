"""AWS Data Exchange jobs as tidy pandas tables.

The public names are those of the stub beside this file. Each is loaded when it is first used, so
that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

__version__ = "0.1.0"

# what not everybody has installed, by the extra that brings it
_EXTRAS = {
    "archive": ("deltalake",),
    "plots": ("matplotlib",),
    "notebook": (
        *("IPython", "anywidget", "ipywidgets", "jupyter_client"),
        *("nbclient", "nbconvert", "nbformat", "traitlets"),
    ),
}

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        extras = [extra for extra, libraries in _EXTRAS.items() if library in libraries]
        if not extras:
            raise
        from dxnotebook.errors import MissingDependencyError  # noqa: PLC0415 (only on its way out)

        raise MissingDependencyError(name, library, extras[0]) from None
