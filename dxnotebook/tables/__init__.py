"""Records → tidy frames, and back: what a load is to its user."""

from dxnotebook.tables.assemble import concat
from dxnotebook.tables.jobtables import JobTables

__all__ = ["JobTables", "concat"]
