"""What makes the docs; their pages are in ``pages``."""
