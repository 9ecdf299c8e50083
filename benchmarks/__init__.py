"""Measurements of dxnotebook beside what one would use in its place; run by hand, no tests."""
