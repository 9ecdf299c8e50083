"""The notebooks that come with dxnotebook."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str = "report.ipynb") -> Path:
    """Return a notebook that comes with dxnotebook, in an installation or in a checkout.

    Examples
    --------
    >>> from dxnotebook.report.shipped import shipped
    >>> shipped("explore.ipynb").exists()
    True
    """
    package = Path(__file__).parent.parent
    folders = (package / "notebooks", package.parent / "notebooks")
    return next(folder for folder in folders if folder.is_dir()) / name
