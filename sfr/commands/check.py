"""`--check`: validates the configuration and the list, logs in, and prints what would run. Downloads nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sfr.commands.planning import load_with_reports
from sfr.console import print_out
from sfr.errors import ErrorKind, ExitCode, LogInError, ReportError
from sfr.logs.log import open_logging
from sfr.salesforce.routes import first_route

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig
    from sfr.model import Report
    from sfr.salesforce.catalogue import ReportFacts

log = logging.getLogger(__name__)


def main(arguments: argparse.Namespace) -> int:
    """Run the checks; returns the exit code."""
    loaded, reports = load_with_reports(arguments)
    with open_logging(loaded.config.logging, loaded.redactor):
        for warning in loaded.warnings:
            log.warning("%s", warning)
        if arguments.offline:
            _print_plan(reports)
            return ExitCode.SUCCESS
        try:
            _ask_org(loaded, reports)
        except LogInError as error:
            log.error("%s", error)
            return ExitCode.LOG_IN
        except ReportError as error:
            log.error("%s", error)
            return ExitCode.LOG_IN if error.kind is ErrorKind.AUTH else ExitCode.NONE_SAVED
    return ExitCode.SUCCESS


def _ask_org(loaded: LoadedConfig, reports: tuple[Report, ...]) -> None:
    """Log in and print the catalogue entries of the reports. Raises `LogInError` or `ReportError`."""
    from sfr.commands.connection import connect
    from sfr.salesforce.catalogue import describe_reports

    with connect(loaded.config, loaded.redactor) as connection:
        print_out(f"Logged in to {connection.session.instance_url}, API version {connection.api_version}.")
        try:
            facts = describe_reports(connection, reports)
        except ReportError as error:
            if error.kind is ErrorKind.AUTH:
                raise
            log.warning("The org's catalogue of reports could not be read (%s); the list is printed without it.", error)
            _print_plan(reports)
            return
    _print_facts(facts)


def _print_plan(reports: tuple[Report, ...]) -> None:
    """Print what would run, from local information only."""
    rows = [(report.name, report.report_id or "SOQL", first_route(report), report.path) for report in reports]
    _print_table(("report", "id", "route"), "file", rows)


def _print_facts(facts: Iterable[ReportFacts]) -> None:
    """Print what would run, with the org's catalogue."""
    rows = []
    for fact in facts:
        entry = fact.entry
        known = (entry.name, entry.folder, entry.format, entry.last_run) if entry else ("", "", "", "")
        rows.append((fact.report.name, *(text or "" for text in known), fact.route, fact.problem or "ready"))
    _print_table(("report", "name in the org", "folder", "format", "last run", "route"), "state", rows)


def _print_table(heads: tuple[str, ...], last_head: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print without truncation, even on a narrow terminal: users check the last column, and paths are long."""
    from sfr.terminal.rendering import Column, table_text  # which imports rich

    columns = [*(Column(head) for head in heads), Column(last_head)]
    print_out(table_text(columns, rows, None, sys.stdout.encoding))
