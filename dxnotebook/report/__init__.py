"""A report to forward: a notebook run on tables, as one page."""

from dxnotebook.report.table import Table, plain

__all__ = ["Table", "plain"]
