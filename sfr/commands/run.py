"""The main job: download the reports, print the summary table."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sfr.commands.planning import load_with_reports, load_with_rows
from sfr.console import drop_output, print_out, terminal_width
from sfr.errors import OutputError
from sfr.logs.format import wants_color
from sfr.logs.log import open_logging
from sfr.pipeline import RunPlan
from sfr.pipeline import run as run_plan
from sfr.shutdown import Stopped

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig
    from sfr.model import RunStats

log = logging.getLogger(__name__)


def main(arguments: argparse.Namespace) -> int:
    """Run as the command line says; returns the exit code."""
    loaded, reports = load_with_reports(arguments)
    plan = RunPlan(
        loaded,
        reports,
        config_name=arguments.config,
        is_resume=arguments.resume,
        progress=arguments.progress,
    )
    stats = _run(plan)
    _print_table(stats, loaded)
    return stats.exit_code


def run_configured(config: str, rows: Sequence[Mapping[str, object]] | None) -> RunStats:
    """What `sfr.run` documents."""
    loaded, reports = load_with_rows(config, rows)
    stats = _run(RunPlan(loaded, reports, config_name=config, progress=False))
    return replace(stats, reports=tuple(stats.reports))


def _run(plan: RunPlan) -> RunStats:
    loaded = plan.loaded
    with open_logging(loaded.config.logging, loaded.redactor) as logs:
        for warning in loaded.warnings:
            log.warning("%s", warning)
        return run_plan(plan, logs)


def _print_table(stats: RunStats, loaded: LoadedConfig) -> None:
    """The summary table, of a run whose secrets are masked; that nobody can read it changes no outcome."""
    from sfr.summaries.table import render_table

    stream = sys.stdout
    if stream is None:
        return
    color = wants_color(stream, loaded.config.logging.console.color, os.environ)
    try:
        print_out(render_table(stats, width=terminal_width(), encoding=stream.encoding, color=color))
    except (OSError, OutputError, Stopped):
        drop_output()
