"""A report to forward: a notebook run on tables, as one page."""

from dxnotebook.report.table import Table, plain
from dxnotebook.tables.jobtables import missing, within

__all__ = ["Table", "missing", "plain", "within"]
