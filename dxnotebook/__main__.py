"""The command ``dxnotebook``, also ``python -m dxnotebook``; an interrupt ends it at any time."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

_INTERRUPTED = 130  # as shells have it


def _stop(*_: object) -> NoReturn:
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


def main() -> None:
    """Run the command line."""
    # what is imported takes a while, and may swallow an exception or tell it at length
    usual = signal.signal(signal.SIGINT, _stop)
    from dxnotebook import cli  # noqa: PLC0415

    signal.signal(signal.SIGINT, usual)
    try:
        cli.main()
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # what Python does at its end takes a while
            os._exit(_INTERRUPTED)
        raise


if __name__ == "__main__":
    main()
