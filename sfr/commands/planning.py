"""From arguments to a checked configuration and report list: what every command begins with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.config.load import load_config
from sfr.config.overrides import Overrides, apply_overrides
from sfr.report_list.reading import load_reports as load_report_list

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig
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
    loaded = load_config(arguments.config, environ=os.environ, env_file=arguments.env_file)
    return apply_overrides(loaded, overrides)


def load_with_reports(arguments: argparse.Namespace) -> tuple[LoadedConfig, tuple[Report, ...]]:
    """The configuration, and the reports that the command line asks for; warnings about both are the configuration's.

    Raises `ConfigurationError` and `ReportListError`.
    """
    warnings: list[str] = []
    loaded = load(arguments)
    reports = load_report_list(
        loaded.config,
        now=datetime.now().astimezone(),
        arguments=tuple(arguments.report),
        only=tuple(arguments.only),
        path=arguments.path,
        warnings=warnings,
    )
    return _with_warnings(loaded, warnings), reports


def load_with_rows(config: str, rows: Sequence[Mapping[str, object]] | None) -> tuple[LoadedConfig, tuple[Report, ...]]:
    """The same for `sfr.run`: no command line; `.env` of the working directory. rows: None = the configured list."""
    warnings: list[str] = []
    loaded = load_config(config, environ=os.environ, env_file=None)
    reports = load_report_list(loaded.config, now=datetime.now().astimezone(), rows=rows, warnings=warnings)
    return _with_warnings(loaded, warnings), reports


def _with_warnings(loaded: LoadedConfig, warnings: list[str]) -> LoadedConfig:
    masked = (loaded.redactor.redact(warning) for warning in warnings)
    return replace(loaded, warnings=(*loaded.warnings, *masked))
