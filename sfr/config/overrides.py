"""What the command line says on top of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sfr.config.declared import declared_options
from sfr.config.path_text import absolute_path
from sfr.config.secret_files import warn_if_writable
from sfr.config.settings import ConsoleLog, Fetch, FileLog, LoadedConfig, Workers
from sfr.config.values import Expectation, UnexpectedValueError
from sfr.errors import ConfigurationError
from sfr.wording import quoted


@dataclass(frozen=True, slots=True)
class Overrides:
    """The options that have a key in the configuration; None = not given."""

    threads: int | None = None
    workers: int | None = None
    log_level: str | None = None
    file_log_level: str | None = None
    report_list: str | None = None


def apply_overrides(loaded: LoadedConfig, overrides: Overrides) -> LoadedConfig:
    """The configuration with the given options in place of its own. Raises ConfigurationError.

    A report list replaces `reports.list` only: `reports.items` stand beside either.
    """
    problems: list[str] = []
    _check("--threads", overrides.threads, Fetch, "threads", problems)
    _check("--workers", overrides.workers, Workers, "count", problems)
    _check("--log-level", overrides.log_level, ConsoleLog, "level", problems)
    _check("--file-log-level", overrides.file_log_level, FileLog, "level", problems)
    report_list = _check_list(overrides.report_list, problems)
    if problems:
        raise ConfigurationError(*problems)
    config = loaded.config
    logging = config.logging
    config = replace(
        config,
        fetch=replace(config.fetch, **_given(threads=overrides.threads)),
        workers=replace(config.workers, **_given(count=overrides.workers)),
        logging=replace(
            logging,
            console=replace(logging.console, **_given(level=overrides.log_level)),
            file=replace(logging.file, **_given(level=overrides.file_log_level)),
        ),
    )
    if report_list is not None:
        config = replace(config, reports=replace(config.reports, list=report_list))
        loaded = replace(loaded, warnings=(*loaded.warnings, *warn_if_writable(report_list)))
    return replace(loaded, config=config)


def _check_list(report_list: str | None, problems: list[str]) -> str | None:
    """The absolute path of the list that the command line names."""
    if report_list is None:
        return None
    if report_list == "" or "\0" in report_list:
        problems.append("REPORT_LIST: is empty; expected a report list, a CSV file")
        return None
    try:
        return absolute_path(report_list)
    except ValueError as error:
        problems.append(f"REPORT_LIST: expected {error}; found {quoted(report_list)}")
        return None


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _check(option: str, value: int | str | None, settings: type, name: str, problems: list[str]) -> None:
    """Hold a value against the declaration of the option that it replaces."""
    if value is None:
        return
    hint, declaration, _ = declared_options(settings)[name]
    try:
        Expectation.of(hint, declaration).accept(str(value), value, is_reference=False)
    except UnexpectedValueError as error:
        problems.append(f"{option}: expected {error}; found {quoted(str(value))}{error.hint}")
