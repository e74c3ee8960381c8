"""Checks options against each other, and the files they name. Single options have been checked before.

Rules add problems and never raise; they skip options that are already known to be invalid.
"""

from __future__ import annotations

from collections.abc import Collection
from os.path import realpath
from pathlib import Path

from sfr.config.file_tree import FileTree
from sfr.config.own_files import own_files
from sfr.config.problems import Problems
from sfr.config.secret_files import (
    check_files,
    warn_of_literal_secrets,
    warn_of_readable_files,
    warn_of_shown_secrets,
    warn_of_writable_files,
)
from sfr.config.settings import Config
from sfr.options.tree import Findings
from sfr.wording import did_you_mean, listed, quoted


def apply_rules(
    config: Config, file: FileTree, findings: Findings, may_be_missing: Collection[str] = ()
) -> tuple[Config, list[str]]:
    """Check the configuration; returns it with values derived from several options, and the warnings."""
    problems = file.problems
    config = _without_missing_default_list(config)
    _check_command(config, problems)
    _check_own_files(config, problems)
    _check_destination_names(config, problems)
    check_files(findings, problems, may_be_missing)
    warnings = [
        *findings.warnings,
        *warn_of_shown_secrets(findings),
        *warn_of_writable_files(config, problems.file),
        *warn_of_readable_files(file, findings),
        *warn_of_literal_secrets(file, findings),
    ]
    return config, warnings


def _without_missing_default_list(config: Config) -> Config:
    """The default list may be missing if `reports.items` is set and `reports.list` is not."""
    reports = config.reports
    is_default = "list" not in reports.model_fields_set
    if reports.items and is_default and reports.list and not Path(reports.list).exists():
        return config.model_copy(update={"reports": reports.model_copy(update={"list": None})})
    return config


def _check_command(config: Config, problems: Problems) -> None:
    has_json = any(target.format == "json" for target in config.summary)
    if config.notify.command is not None and not has_json and not problems.is_bad("summary"):
        problems.add(
            "notify.command", "requires a JSON summary, whose path it is given; add `{format: json}` to `summary`"
        )


def _check_destination_names(config: Config, problems: Problems) -> None:
    known = config.destinations
    for position, name in enumerate(config.output.deliver):
        if name not in known and not problems.is_bad("destinations"):
            path = f"output.deliver[{position}]"
            expected = f"expected one of {listed(known)}" if known else "there are none in `destinations`"
            problems.add(path, f"unknown destination {quoted(name)}{did_you_mean(name, known) or f'; {expected}'}")


def _check_own_files(config: Config, problems: Problems) -> None:
    users: dict[str, str] = {realpath(problems.file): "the configuration itself"}
    for option_path, file in own_files(config):
        if problems.is_bad("output.directory", option_path.removesuffix(".path")):
            continue
        user = users.setdefault(file, option_path)
        if user != option_path:
            problems.add(option_path, f"names the same file as {user}: {quoted(file, 300)}; give each its own")
