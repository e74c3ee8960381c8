"""A run in one sentence, for the table, messages and mails."""

from __future__ import annotations

from sfr.errors import ExitCode
from sfr.model import Status
from sfr.results import DeliveryStatus, RunStats
from sfr.terminal.figures import counted, duration, size

_EXIT_MEANINGS = {
    ExitCode.LOG_IN: "log-in refused or session lost",
    ExitCode.SOME_FAILED: "some reports failed",
    ExitCode.NONE_SAVED: "no report was saved",
    ExitCode.SIGINT: "stopped by SIGINT",
    ExitCode.SIGTERM: "stopped by SIGTERM",
}


def headline(run: RunStats) -> str:
    """The run in one sentence: reports by outcome, rows, size, duration, exit code."""
    ends = ", ".join(
        f"{run.totals.by_status[status]} {status.value}" for status in Status if run.totals.by_status[status]
    )
    meaning = _EXIT_MEANINGS.get(ExitCode(run.exit_code)) if run.exit_code in set(ExitCode) else None
    if run.exit_code == ExitCode.SOME_FAILED and not run.failed:
        meaning = "a summary could not be written"
    return (
        f"{counted(len(run.reports), 'report')}: {ends or 'none'}; {counted(run.rows, 'row')}, {size(run.size_bytes)} "
        f"in {duration(run.duration_s)}{_deliveries(run)}. "
        f"Exit code {int(run.exit_code)}{f' ({meaning})' if meaning else ''}."
    )


def _deliveries(run: RunStats) -> str:
    """The deliveries by outcome; empty if there were none."""
    counts = run.totals.deliveries
    words = ("delivered", "already there", "not delivered")
    parts = [f"{counts[status]:,} {word}" for status, word in zip(DeliveryStatus, words, strict=True) if counts[status]]
    return f"; destinations: {', '.join(parts)}" if parts else ""
