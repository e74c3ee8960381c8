"""`--check`: is everything ready for a run? Validates, logs in, says what would run; downloads nothing."""

from __future__ import annotations

import logging
import shutil
import sys
from typing import TYPE_CHECKING

from sfr.commands.planning import load, load_reports
from sfr.connectors import first_route
from sfr.console import print_out
from sfr.errors import ExitCode, LogInError, ReportError
from sfr.log import open_logging
from sfr.text_table import Column, table_lines

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig

log = logging.getLogger(__name__)


def main(arguments: argparse.Namespace) -> int:
    """Check as the command line says; returns the exit code."""
    loaded = load(arguments)
    reports = load_reports(loaded.config, arguments)
    with open_logging(loaded.config.logging, loaded.redactor):
        for warning in loaded.warnings:
            log.warning("%s", warning)
        if not arguments.offline:
            code = _log_in(loaded)
            if code is not ExitCode.SUCCESS:
                return code
    rows = [(report.name, report.report_id or "SOQL", first_route(report), report.path) for report in reports]
    columns = (Column("report"), Column("id"), Column("route"), Column("file", gives_way=True))
    print_out("\n".join(table_lines(columns, rows, shutil.get_terminal_size().columns, sys.stdout.encoding)))
    return ExitCode.SUCCESS


def _log_in(loaded: LoadedConfig) -> ExitCode:
    from sfr.connection import connect

    try:
        with connect(loaded.config, loaded.redactor) as connection:
            print_out(f"Logged in to {connection.session.instance_url}, API version {connection.api_version}.")
    except LogInError as error:
        log.error("%s", error)
        return ExitCode.LOG_IN
    except ReportError as error:
        log.error("%s", error)
        return ExitCode.NONE_SAVED
    return ExitCode.SUCCESS
