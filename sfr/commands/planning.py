"""From arguments to a checked configuration and report list: what every command begins with."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sfr.config.load import load_config
from sfr.config.overrides import Overrides, apply_overrides
from sfr.environment import current_environment
from sfr.report_list.reading import load_reports as load_report_list

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import Config, LoadedConfig
    from sfr.model import Report


def load(arguments: argparse.Namespace) -> LoadedConfig:
    """The configuration with the command line's options on top. Raises `ConfigurationError`."""
    overrides = Overrides(
        threads=arguments.threads,
        workers=arguments.workers,
        log_level=arguments.log_level,
        file_log_level=arguments.file_log_level,
        report_list=arguments.report_list,
    )
    loaded = load_config(arguments.config, environ=current_environment(), env_file=arguments.env_file)
    return apply_overrides(loaded, overrides)


def load_reports(config: Config, arguments: argparse.Namespace) -> tuple[Report, ...]:
    """The reports that the command line asks for. Raises `ReportListError`."""
    return load_report_list(
        config,
        now=datetime.now().astimezone(),
        arguments=tuple(arguments.report),
        only=tuple(arguments.only),
        path=arguments.path,
    )
