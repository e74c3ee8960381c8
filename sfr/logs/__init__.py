"""Logging: destinations and formats of log records, with secrets masked."""
