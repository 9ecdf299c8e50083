"""A console of jobs inside a notebook: its kernel side, and in `static` its part in the page."""
