"""A report to forward: a notebook run on tables, as one page."""

from dxnotebook.report.write import Table, plain

__all__ = ["Table", "plain"]
