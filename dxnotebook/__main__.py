"""The command ``dxnotebook``, also ``python -m dxnotebook``; an interrupt ends it at any time."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def _stop(*_: object) -> NoReturn:
    os.write(2, b"Interrupted.\n")
    os._exit(128 + signal.SIGINT)  # as shells have it


def _stop_if_interrupted(unraisable: sys.UnraisableHookArgs) -> None:
    """End where Python drops an interrupt, as it does one that met a callback of its own."""
    if unraisable.exc_type is KeyboardInterrupt:
        _stop()
    sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run the command line."""
    sys.unraisablehook = _stop_if_interrupted
    # what is imported takes a while, and may swallow an exception or tell it at length
    usual = signal.signal(signal.SIGINT, _stop)
    from dxnotebook import cli  # noqa: PLC0415

    signal.signal(signal.SIGINT, usual)
    try:
        cli.main()
    except SystemExit as end:
        if end.code == 128 + signal.SIGINT:  # what Python does at its end takes a while
            os._exit(128 + signal.SIGINT)
        raise


if __name__ == "__main__":
    main()
