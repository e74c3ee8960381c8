"""Applies command-line options on top of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import ValidationError

from sfr.config.secret_files import warn_if_writable
from sfr.config.settings import LoadedConfig
from sfr.errors import ConfigurationError
from sfr.options.path_text import absolute_path
from sfr.options.section import Section
from sfr.wording import did_you_mean, quoted


@dataclass(frozen=True, slots=True)
class Overrides:
    """Command-line options that have a key in the configuration; None = not given."""

    threads: int | None = None
    workers: int | None = None
    log_level: str | None = None
    file_log_level: str | None = None
    report_list: str | None = None


def apply_overrides(loaded: LoadedConfig, overrides: Overrides) -> LoadedConfig:
    """The configuration with the given options replacing its own. Raises ConfigurationError.

    A report list only replaces `reports.list`: `reports.items` are kept.
    """
    problems: list[str] = []
    config = loaded.config
    for option, value, path in (
        ("--threads", overrides.threads, "fetch.threads"),
        ("--workers", overrides.workers, "workers.count"),
        ("--log-level", overrides.log_level, "logging.console.level"),
        ("--file-log-level", overrides.file_log_level, "logging.file.level"),
    ):
        if value is not None:
            try:
                config = _with(config, path.split("."), value)
            except ValidationError:
                problems.append(f"{option}: {_expected(path, str(value))}")
    report_list = _check_list(overrides.report_list, problems)
    if problems:
        raise ConfigurationError(*problems)
    if report_list is not None:
        reports = config.reports.model_copy(update={"list": report_list})
        config = config.model_copy(update={"reports": reports})
        loaded = replace(loaded, warnings=(*loaded.warnings, *warn_if_writable(report_list)))
    return replace(loaded, config=config)


_SectionT = TypeVar("_SectionT", bound=Section)


def _with(section: _SectionT, names: Sequence[str], value: object) -> _SectionT:
    """The section with another value for the option at this path. Raises ValidationError.

    Only the value is checked: paths are absolute by now, and may contain what a configuration may not, such as `$`.
    """
    name, *rest = names
    if rest:
        below = _with(getattr(section, name), rest, value)
    else:
        below = getattr(type(section).model_validate({name: value}), name)
    return section.model_copy(update={name: below})


def _expected(path: str, value: str) -> str:
    from sfr.config.declared import DeclaredOptions  # only imported on errors

    option = DeclaredOptions().find(path.split("."))
    return f"expected {option.describe()}; found {quoted(value)}{did_you_mean(value, option.choices)}"


def _check_list(report_list: str | None, problems: list[str]) -> str | None:
    """The absolute path of the list named on the command line."""
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
