"""`--check`: validates the configuration and the list, logs in, and prints what would run. Downloads nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.commands.planning import load_with_reports
from sfr.console import print_out, terminal_width
from sfr.errors import ErrorKind, ExitCode, LogInError, ReportError
from sfr.logs.log import open_logging
from sfr.model import SOQL
from sfr.salesforce.routes import first_route
from sfr.terminal.figures import counted, local_time

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig
    from sfr.model import Report
    from sfr.salesforce.catalogue import ReportFacts

log = logging.getLogger(__name__)

#: Columns that a narrow terminal has no room for, the last one first.
_CATALOGUE_HEADS = ("Name in the org", "Folder", "Format", "Last run in Salesforce")
_NOTHING_DOWNLOADED = "Nothing was downloaded."


def main(arguments: argparse.Namespace) -> int:
    """Run the checks; returns the exit code."""
    loaded, reports = load_with_reports(arguments)
    with open_logging(loaded.config.logging, loaded.redactor):
        for warning in loaded.warnings:
            log.warning("%s", warning)
        if arguments.offline:
            _print_plan(reports)
            print_out(f"The configuration and the list of {counted(len(reports), 'report')} are valid.")
            return ExitCode.SUCCESS
        try:
            _check_org(loaded, reports)
        except LogInError as error:
            log.error("%s", error)
            return ExitCode.LOG_IN
        except ReportError as error:
            log.error("%s", error)
            return ExitCode.LOG_IN if error.kind is ErrorKind.AUTH else ExitCode.NONE_SAVED
        return _check_destinations(loaded)


def _check_destinations(loaded: LoadedConfig) -> ExitCode:
    """Connect to every destination. Those that fail make the exit code that of failed reports."""
    from sfr.commands.destination_checks import connect_to_all

    code = ExitCode.SUCCESS
    for name, error in connect_to_all(loaded.config):
        if error is None:
            print_out(f"Destination {name}: ready.")
        else:
            log.error("Destination %s: %s", name, error)
            code = ExitCode.SOME_FAILED
    return code


def _check_org(loaded: LoadedConfig, reports: tuple[Report, ...]) -> None:
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
            print_out(f"{counted(len(reports), 'report')}. {_NOTHING_DOWNLOADED}")
            return
    _print_facts(facts)


def _print_plan(reports: tuple[Report, ...]) -> None:
    """Print what would run, from local information only."""
    rows = [(report.name, report.report_id or "SOQL", first_route(report), report.path) for report in reports]
    _print_table(("Report", "Id", "Route", "File"), rows)


def _print_facts(facts: Sequence[ReportFacts]) -> None:
    """Print what would run, with the org's catalogue, and how many reports are ready."""
    rows = []
    for fact in facts:
        entry = fact.entry
        known = (entry.name, entry.folder, entry.format, _local_time(entry.last_run)) if entry else ("", "", "", "")
        ready = "ready (query not checked)" if fact.report.report_type == SOQL else "ready"
        rows.append((fact.report.name, *(text or "" for text in known), fact.route, fact.problem or ready))
    _print_table(("Report", *_CATALOGUE_HEADS, "Route", "State"), rows)
    with_problems = sum(bool(fact.problem) for fact in facts)
    states = f"{len(facts) - with_problems:,} ready" + (
        f", {with_problems:,} with {'a problem' if with_problems == 1 else 'problems'}" if with_problems else ""
    )
    print_out(f"{counted(len(facts), 'report')}: {states}. {_NOTHING_DOWNLOADED}")
    if with_problems:
        log.warning(
            "%s would fail in a run: see the state in the table. --check does not count them in its exit code; "
            "sfr doctor does.",
            counted(with_problems, "report"),
        )


def _local_time(text: str) -> str:
    """A time of Salesforce, `2026-01-15T08:00:00.000+0000`, as `--history` shows times."""
    try:
        return local_time(datetime.fromisoformat(text)) if text else ""
    except (ValueError, OverflowError):
        return text


def _print_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print without cutting a cell, even on a narrow terminal: users check the last column, and paths are long."""
    from sfr.terminal.rendering import Column, table_text  # which imports rich

    columns = [Column(head, is_optional=head in _CATALOGUE_HEADS) for head in heads]
    print_out(table_text(columns, rows, terminal_width(), sys.stdout.encoding))
