"""Finishes a run: log lines, retention of old files, summaries, notifications."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from sfr.storage.retention import remove_old_files
from sfr.summaries import Background, write_summaries
from sfr.terminal.figures import count, counted, size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfr.config.settings import LoadedConfig
    from sfr.history.history import History
    from sfr.model import Report
    from sfr.notify import Notifier
    from sfr.results import ReportStats, RunStats
    from sfr.storage.unsupported import UnsupportedFeature

log = logging.getLogger(__name__)


def log_end(stats: ReportStats) -> None:
    """One line about how a report ended."""
    name, tries = stats.report.name, counted(stats.attempt_count, "attempt")
    if stats.is_valid:
        rows, space = count(stats.rows), size(stats.size_bytes)
        log.info("%s: %s after %s: %s rows, %s, %s", name, stats.status, tries, rows, space, stats.report.path)
    else:
        log.info("%s: failed after %s: %s: %s", name, tries, stats.error, stats.message)


def apply_retention(loaded: LoadedConfig, run: RunStats, reports: Sequence[Report], history: History) -> None:
    """Delete old dated files beyond `output.keep`; never a file that this run's list names."""
    keep = loaded.config.output.keep
    if keep is not None:
        removed = remove_old_files(run.reports, keep, history, [report.path for report in reports])
        if removed:
            log.info("Removed %s (`output.keep`).", counted(len(removed), "old file"))


def write_run_summaries(
    loaded: LoadedConfig,
    run: RunStats,
    reports: Sequence[Report],
    config_name: str,
    history: History | None,
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = lambda _unsupported: None,
    before_rename: Callable[[], None] | None = None,
    *,
    prints_table: bool = False,
) -> RunStats:
    """Write every configured summary, the JSON last: it marks the run as finished.

    on_unsupported: called with what a summary's file system does not support.
    before_rename: as in `AtomicFile.replace`.
    config_name: path of the configuration file; its base name without suffix labels the metrics.
    prints_table: as in `RunPlan`.
    Returns the run, secrets masked, with the exit code as in the summaries: a summary that could not be written turns 0
    into 4. If none could be written, the table goes to the log, and so to stderr, unless it is printed there anyway.
    """
    name = _short_name(config_name)
    background = Background(name)
    if history is not None:
        background = Background(name, history.last_success_at(), history.trends(reports))
    targets = [(target, loaded.config.summary_path(target)) for target in loaded.config.summary]
    mode = loaded.config.output.file_mode_bits
    written = write_summaries(
        run,
        targets,
        loaded.redactor,
        background,
        mode=mode,
        on_unsupported=on_unsupported,
        before_rename=before_rename,
    )
    for failure in written.failures:
        log.error("%s", failure)
    if targets and len(written.failures) == len(targets) and not prints_table:
        from sfr.summaries.table import render_table  # which imports rich

        log.error("No summary could be written. Results of this run:\n%s", render_table(written.run, width=100))
    log.info("Run %s finished with exit code %d.", run.run_id, written.run.exit_code)
    return written.run


def notify(notifier: Notifier, loaded: LoadedConfig, run: RunStats, config_name: str) -> None:
    """Send the configured notifications; failures do not change the outcome. run: from `write_run_summaries`.

    config_name: path of the configuration file.
    """
    if not notifier.is_configured:
        return
    json_paths = [loaded.config.summary_path(target) for target in loaded.config.summary if target.format == "json"]
    from sfr.summaries.table import render_table  # which imports rich

    table = render_table(run, width=100)
    notifier.ended(run, table, json_paths[0] if json_paths else None, _short_name(config_name))


def _short_name(config_name: str) -> str:
    """The configuration file's name without suffix."""
    return os.path.splitext(os.path.basename(config_name))[0]
