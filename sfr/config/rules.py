"""What must hold between options, and of the files they name. Single options have been checked before.

Every rule notes problems and never raises; it passes over options that are already known to be wrong.
"""

from __future__ import annotations

from dataclasses import replace
from os.path import realpath
from pathlib import Path

from sfr.config.domain import normalize_domain
from sfr.config.own_files import own_files
from sfr.config.problems import Problems
from sfr.config.schema import SchemaReader
from sfr.config.secret_files import check_file, warn_of_readable_files, warn_of_shown_secrets, warn_of_writable_files
from sfr.config.settings import Config, Reports, Salesforce
from sfr.config.values import registry_entries
from sfr.wording import did_you_mean, listed, quoted

#: What belongs together in `auth.sid`: exactly one of them says where the session id comes from.
_SID_SOURCES = ("value", "file", "command")


def apply_rules(config: Config, reader: SchemaReader, problems: Problems) -> tuple[Config, list[str]]:
    """Check the whole; returns it with what follows from several options filled in, and the warnings."""
    warnings: list[str] = []
    salesforce = _complete_salesforce(config.salesforce, reader, problems, warnings)
    config = replace(config, salesforce=salesforce, reports=_complete_reports(config, reader))
    _check_auth(salesforce, problems)
    _check_output(config, problems)
    _check_summary(config, problems)
    _check_report_items(config, problems)
    _check_own_files(config, problems)
    for path, file in reader.secret_files:
        if not problems.is_bad(path):
            check_file(path, file, problems, is_secret=True)
    warnings += warn_of_shown_secrets(reader)
    warnings += warn_of_writable_files(config, problems.file)
    warnings += warn_of_readable_files(reader, problems.file, is_demo=salesforce.is_emulator)
    return config, warnings


def _complete_salesforce(
    salesforce: Salesforce, reader: SchemaReader, problems: Problems, warnings: list[str]
) -> Salesforce:
    if not problems.is_bad("salesforce.domain"):
        domain, warning = normalize_domain(salesforce.domain)
        salesforce = replace(salesforce, domain=domain)
        if warning:
            warnings.append(f"salesforce.domain: {warning}")
    bundle = salesforce.ca_bundle
    if bundle not in (None, "system"):
        check_file("salesforce.ca_bundle", bundle, problems)
    return replace(salesforce, auth_method=reader.chosen.get("salesforce.auth", ""))


def _complete_reports(config: Config, reader: SchemaReader) -> Reports:
    """The default list may be missing where `reports.items` are given and `reports.list` is not."""
    reports = config.reports
    if reports.items and "reports.list" not in reader.given and reports.list and not Path(reports.list).exists():
        return replace(reports, list=None)
    return reports


def _check_auth(salesforce: Salesforce, problems: Problems) -> None:
    """What holds between the settings of one method; the embedded org makes its own key pair."""
    path = f"salesforce.auth.{salesforce.auth_method}"
    if salesforce.auth is None or problems.is_bad(path):
        return
    if salesforce.auth_method == "sid":
        given = [source for source in _SID_SOURCES if getattr(salesforce.auth, source) is not None]
        if len(given) != 1:
            names = f"found {listed(given)}" if given else "found none, or an empty one"
            problems.add(path, f"expected exactly one of {listed(_SID_SOURCES)}; {names}")
    if salesforce.auth_method == "jwt" and salesforce.auth.private_key_file is None and not salesforce.is_emulator:
        problems.add(f"{path}.private_key_file", "missing; expected the PEM file of the private key")


def _check_output(config: Config, problems: Problems) -> None:
    if problems.is_bad("output.format"):
        return
    missing = missing_extra(config.output.format)
    if missing:
        problems.add("output.format", missing)


def missing_extra(format_name: str) -> str | None:
    """What to install before an output format can be written; None if nothing is missing."""
    entry = registry_entries("sfr.formats:FORMATS")[format_name]
    missing: str | None = entry.missing_extra()
    return missing


def _check_summary(config: Config, problems: Problems) -> None:
    from sfr.summaries.columns import COLUMN_NAMES

    for position, target in enumerate(config.summary):
        for number, column in enumerate(target.columns or ()):
            path = f"summary[{position}].columns"
            if problems.is_bad(f"{path}[{number}]"):
                continue
            if column not in COLUMN_NAMES:
                near = did_you_mean(column, COLUMN_NAMES) or f"; expected some of {listed(COLUMN_NAMES)}"
                problems.add(path, f"there is no column {quoted(column)}{near}")
            elif column in (target.columns or ())[:number]:
                problems.add(path, f"names the column `{column}` twice; expected it once")
    has_json = any(target.format == "json" for target in config.summary)
    if config.notify.command is not None and not has_json and not problems.is_bad("summary"):
        problems.add("notify.command", "needs a JSON summary, whose path it gets; add `{format: json}` to `summary`")


def _check_report_items(config: Config, problems: Problems) -> None:
    from sfr.config.report_columns import COLUMNS

    for position, item in enumerate(config.reports.items):
        for name in item.cells:
            if name not in COLUMNS:
                near = did_you_mean(name, COLUMNS) or f"; expected some of {listed(COLUMNS)}"
                problems.add(f"reports.items[{position}].{name}", f"unknown key{near}")


def _check_own_files(config: Config, problems: Problems) -> None:
    users: dict[str, str] = {realpath(problems.file): "the configuration itself"}
    for option_path, file in own_files(config):
        if problems.is_bad("output.directory", option_path.removesuffix(".path")):
            continue
        user = users.setdefault(file, option_path)
        if user != option_path:
            problems.add(option_path, f"names the same file as {user}: {quoted(file, 300)}; give each its own")
