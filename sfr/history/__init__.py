"""Keeps the history of runs in an SQLite database."""
