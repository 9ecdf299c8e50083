"""AWS Data Exchange jobs as tidy pandas tables.

The public names are those of the stub beside this file. Each is loaded when it is first used, so
that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from dxnotebook.errors import naming_extras

__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with naming_extras(name):
        return _load(name)
