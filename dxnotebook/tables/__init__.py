"""Records → tidy frames, and back: what a load is to its user."""

from dxnotebook.tables.assemble import JobTables, concat

__all__ = ["JobTables", "concat"]
