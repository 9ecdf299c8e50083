"""Jobs for good, beyond the 90 days that AWS keeps them."""

from dxnotebook.archive.archive import Archive
from dxnotebook.archive.sync import SyncResult

__all__ = ["Archive", "SyncResult"]
