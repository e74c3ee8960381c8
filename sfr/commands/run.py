"""The main command: downloads the reports and prints the summary table."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sfr.commands.planning import load_with_reports, load_with_rows
from sfr.console import discard_output, has_one_stream, print_out, terminal_width
from sfr.errors import ExitCode, OutputError
from sfr.logs.format import is_terminal, wants_color
from sfr.logs.log import Logs, open_logging
from sfr.runner.deliveries import DeliveryMode
from sfr.runner.pipeline import run as run_plan
from sfr.runner.plan import RunPlan
from sfr.runner.stop_signals import Stopped
from sfr.runner.under_fleet import end_with_fleet, outcome_line

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig
    from sfr.model import Report
    from sfr.results import RunStats

log = logging.getLogger(__name__)

_STOPPED = (ExitCode.SIGINT, ExitCode.SIGTERM)


def main(arguments: argparse.Namespace) -> int:
    """Run the reports selected on the command line; returns the exit code."""
    loaded, reports = load_with_reports(arguments)
    if arguments.under_fleet is not None:
        end_with_fleet(loaded.config.fetch.stop_grace_s)
    plan = RunPlan(
        loaded,
        reports,
        config_name=arguments.config,
        is_partial=bool(arguments.only),
        is_resume=arguments.resume,
        progress=arguments.progress,
        delivery_mode=_delivery_mode(arguments),
        fleet_at_once=arguments.under_fleet,
        prints_table=arguments.under_fleet is None and has_one_stream(),
    )
    with open_logging(loaded.config.logging, loaded.redactor) as logs:
        stats = _run(plan, logs)
    if plan.in_fleet:
        print_out(outcome_line(stats, _summary_path(loaded)))
        return stats.exit_code
    # A blocked terminal would block the table too, and a user who stops the run does not need the table.
    if not is_terminal(sys.stdout) or logs.is_written(0.0 if stats.exit_code in _STOPPED else None):
        _print_table(stats, loaded)
    return stats.exit_code


def _summary_path(loaded: LoadedConfig) -> str:
    """Path of the HTML summary, else of the JSON summary, else empty."""
    paths = {target.format: loaded.config.summary_path(target) for target in reversed(loaded.config.summary)}
    return paths.get("html") or paths.get("json") or ""


def _delivery_mode(arguments: argparse.Namespace) -> DeliveryMode:
    if arguments.no_deliver:
        return DeliveryMode.NONE
    return DeliveryMode.AGAIN if arguments.deliver_again else DeliveryMode.MISSING


def run_configured(config: str, rows: Sequence[Mapping[str, object]] | None) -> RunStats:
    """Implements `sfr.run`."""
    loaded, reports = load_with_rows(config, rows)
    return run_loaded(loaded, reports, config)


def run_loaded(loaded: LoadedConfig, reports: tuple[Report, ...], config: str) -> RunStats:
    """Run checked reports for a Python caller. config: path of the configuration, for the summaries."""
    with open_logging(loaded.config.logging, loaded.redactor) as logs:
        return _run(RunPlan(loaded, reports, config_name=config, progress=False), logs)


def _run(plan: RunPlan, logs: Logs) -> RunStats:
    logs.open_screen()
    for warning in plan.loaded.warnings:
        log.warning("%s", warning)
    return run_plan(plan, logs)


def _print_table(stats: RunStats, loaded: LoadedConfig) -> None:
    """Print the summary table, with secrets masked. Failing to print it does not change the exit code."""
    from sfr.summaries.table import render_table

    stream = sys.stdout
    if stream is None:
        return
    color = wants_color(stream, loaded.config.logging.console.color, os.environ)
    try:
        print_out(render_table(stats, width=terminal_width(), encoding=stream.encoding, color=color))
    except (OSError, OutputError, Stopped):
        discard_output()
