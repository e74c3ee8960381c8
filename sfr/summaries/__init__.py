"""The summary of a run: files in several formats (see `registry`), and a table for the terminal."""

from sfr.summaries.background import Background
from sfr.summaries.registry import FORMATS, SummaryFormat
from sfr.summaries.writing import WrittenSummaries, redact_run, redact_stats, write_summaries

__all__ = [
    "FORMATS",
    "Background",
    "SummaryFormat",
    "WrittenSummaries",
    "redact_run",
    "redact_stats",
    "write_summaries",
]
