"""A report to forward: a notebook run on tables, as one page."""

from dxnotebook.report.table import Chart, Table, plain
from dxnotebook.tables.jobtables import missing, within
from dxnotebook.text import counted, elapsed

__all__ = ["Chart", "Table", "counted", "elapsed", "missing", "plain", "within"]
