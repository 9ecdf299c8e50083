"""Answers: jobs in, a tidy frame out."""
