"""`--check`: is everything ready for a run? Validates, logs in, says what would run; downloads nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sfr.commands.planning import load_with_reports
from sfr.connectors import first_route
from sfr.console import print_out
from sfr.errors import ErrorKind, ExitCode, LogInError, ReportError
from sfr.logs.log import open_logging
from sfr.terminal.text_table import Column, table_lines

if TYPE_CHECKING:
    import argparse

    from sfr.commands.catalogue import ReportFacts
    from sfr.config.settings import LoadedConfig
    from sfr.model import Report

log = logging.getLogger(__name__)


def main(arguments: argparse.Namespace) -> int:
    """Check as the command line says; returns the exit code."""
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
    """Log in, and say what the org knows of the reports. Raises `LogInError` or `ReportError` if it cannot be asked."""
    from sfr.commands.catalogue import describe_reports
    from sfr.connection import connect

    with connect(loaded.config, loaded.redactor) as connection:
        print_out(f"Logged in to {connection.session.instance_url}, API version {connection.api_version}.")
        try:
            facts = describe_reports(connection, reports)
        except ReportError as error:
            if error.kind is ErrorKind.AUTH:
                raise
            log.warning("The org's catalogue of reports cannot be read (%s); what would run is listed without.", error)
            _print_plan(reports)
            return
    _print_facts(facts)


def _print_plan(reports: tuple[Report, ...]) -> None:
    """What would run, as far as this machine knows."""
    rows = [(report.name, report.report_id or "SOQL", first_route(report), report.path) for report in reports]
    _print_table(("report", "id", "route"), "file", rows)


def _print_facts(facts: Iterable[ReportFacts]) -> None:
    """What would run, as far as the org tells."""
    rows = []
    for fact in facts:
        entry = fact.entry
        known = (entry.name, entry.folder, entry.format, entry.last_run) if entry else ("", "", "", "")
        rows.append((fact.report.name, *(text or "" for text in known), fact.route, fact.problem or "ready"))
    _print_table(("report", "name in the org", "folder", "format", "last run", "route"), "state", rows)


def _print_table(heads: tuple[str, ...], last_head: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Nothing is cut, however narrow the terminal: the last column is what people check, and paths are long."""
    columns = [*(Column(head) for head in heads), Column(last_head)]
    print_out("\n".join(table_lines(columns, rows, None, sys.stdout.encoding)))
