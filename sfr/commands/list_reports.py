"""`--list-reports [--folder PATTERN] [--filters]`: prints the org's reports as a report list. Downloads nothing."""

from __future__ import annotations

import logging
import os
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sfr.commands.planning import load
from sfr.console import as_output_error
from sfr.errors import ErrorKind, ExitCode, LogInError, ReportError, UsageError
from sfr.logs.log import open_logging
from sfr.wording import quoted

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import Config, LoadedConfig
    from sfr.salesforce.catalogue import CatalogueEntry

log = logging.getLogger(__name__)


def main(arguments: argparse.Namespace) -> int:
    """Print the list; returns the exit code. Raises `UsageError` if no folder matches."""
    from sfr.commands.catalogue_list import report_list

    loaded = load(arguments)
    with open_logging(loaded.config.logging, loaded.redactor):
        for warning in loaded.warnings:
            log.warning("%s", warning)
        try:
            chosen, filters = _query(loaded, arguments.folder, with_filters=arguments.filters)
        except LogInError as error:
            log.error("%s", error)
            return ExitCode.LOG_IN
        except ReportError as error:
            log.error("The org's reports could not be listed: %s", error)
            return ExitCode.LOG_IN if error.kind is ErrorKind.AUTH else ExitCode.NONE_SAVED
        _print_utf8(report_list(chosen, own_names(loaded.config), filters))
        log.info("%d reports listed.", len(chosen))
    return ExitCode.SUCCESS


def _query(
    loaded: LoadedConfig, folder: str | None, *, with_filters: bool
) -> tuple[list[CatalogueEntry], dict[str, str] | None]:
    """The chosen reports, and their filters by id, if requested."""
    from sfr.commands.connection import connect
    from sfr.salesforce.catalogue import all_reports

    with connect(loaded.config, loaded.redactor) as connection:
        chosen = _chosen(all_reports(connection), folder)
        if not with_filters:
            return chosen, None
        from sfr.salesforce.report_filters import describe_filters

        return chosen, describe_filters(connection, [entry.report_id for entry in chosen])


def _chosen(entries: list[CatalogueEntry], pattern: str | None) -> list[CatalogueEntry]:
    if pattern is None:
        return entries
    chosen = [entry for entry in entries if fnmatchcase(entry.folder, pattern)]
    if not chosen:
        folders = ", ".join(quoted(folder) for folder in sorted({entry.folder for entry in entries})[:20])
        raise UsageError(f"--folder: no folder matches {quoted(pattern)}; there are {folders or 'none'}")
    return chosen


def _print_utf8(text: str) -> None:
    """Print as UTF-8, like any report list, whatever the terminal's encoding. Raises `OutputError` like `print_out`."""
    stream = sys.stdout
    raw = getattr(stream, "buffer", None)
    with as_output_error():
        if raw is None:
            stream.write(text)
        else:
            stream.flush()
            raw.write(text.encode("utf-8", "replace"))
        stream.flush()


def own_names(config: Config) -> list[str]:
    """Names of files that a run itself writes to the default directory for reports."""
    from sfr.config.own_files import own_files

    directory = os.path.realpath(config.output.directory)
    return [
        os.path.basename(path).partition(".")[0] for _, path in own_files(config) if os.path.dirname(path) == directory
    ]
