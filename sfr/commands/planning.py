"""Loads the configuration and the report list from the arguments, for every command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.commands.mixed_up import explained
from sfr.config.load import load_config
from sfr.config.overrides import Overrides, apply_overrides
from sfr.environment import current_environment
from sfr.report_list.reading import load_reports as load_report_list

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import Config, LoadedConfig
    from sfr.model import Report


def load(arguments: argparse.Namespace) -> LoadedConfig:
    """The configuration, overridden by command-line options. Raises `ConfigurationError`."""
    with explained(arguments.config, arguments.env_file, arguments.report_list):
        return _load(arguments)


def _load(arguments: argparse.Namespace) -> LoadedConfig:
    overrides = Overrides(
        threads=arguments.threads,
        workers=arguments.workers,
        log_level=arguments.log_level,
        file_log_level=arguments.file_log_level,
        report_list=arguments.report_list,
    )
    loaded = load_config(arguments.config, environ=current_environment(), env_file=arguments.env_file)
    return apply_overrides(loaded, overrides)


def load_with_reports(arguments: argparse.Namespace) -> tuple[LoadedConfig, tuple[Report, ...]]:
    """The configuration and the reports selected on the command line; its warnings include those about the list.

    Raises `ConfigurationError` and `ReportListError`.
    """
    warnings: list[str] = []
    with explained(arguments.config, arguments.env_file, arguments.report_list):
        loaded = _load(arguments)
        reports = load_report_list(
            loaded.config,
            now=datetime.now().astimezone(),
            arguments=tuple(arguments.report),
            only=tuple(arguments.only),
            path=arguments.path,
            warnings=warnings,
        )
    return _with_warnings(loaded, warnings), reports


def load_with_rows(
    config: str, rows: Sequence[Mapping[str, object]] | None, change: Callable[[Config], Config] | None = None
) -> tuple[LoadedConfig, tuple[Report, ...]]:
    """The same for `sfr.run`: no command line, `.env` in the working directory.

    rows: None = the configured list. change: applied to the configuration before the list is read.
    """
    warnings: list[str] = []
    loaded = load_config(config, environ=current_environment(), env_file=None)
    if change is not None:
        loaded = replace(loaded, config=change(loaded.config))
    reports = load_report_list(loaded.config, now=datetime.now().astimezone(), rows=rows, warnings=warnings)
    return _with_warnings(loaded, warnings), reports


def _with_warnings(loaded: LoadedConfig, warnings: list[str]) -> LoadedConfig:
    masked = (loaded.redactor.redact(warning) for warning in warnings)
    return replace(loaded, warnings=(*loaded.warnings, *masked))
