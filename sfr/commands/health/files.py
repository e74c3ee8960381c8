"""Checks files of this machine: configuration, report list, and the files with secrets."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime

from sfr.commands.health.base import Finding, SetUp, Status
from sfr.commands.mixed_up import explained
from sfr.commands.setup.key_pair import certificate_days_left
from sfr.config.dotenv_file import DEFAULT_ENV_FILE, own_env_file
from sfr.config.load import load_config
from sfr.config.secret_files import warn_if_readable
from sfr.environment import current_environment
from sfr.errors import UsageError
from sfr.report_list.reading import load_reports
from sfr.runner import assembly
from sfr.runner.embedded_org import with_embedded_org
from sfr.salesforce.http.transport import open_transport
from sfr.terminal.figures import counted

#: The app's certificate has to be replaced by a person in Setup.
CERTIFICATE_WARN_DAYS = 30


def check_configuration(set_up: SetUp) -> Finding:
    """Load the configuration, and make the transport that later checks use."""
    try:
        with explained(set_up.config_path, set_up.env_file):
            loaded = load_config(set_up.config_path, environ=current_environment(), env_file=set_up.env_file)
        config = set_up.stack.enter_context(with_embedded_org(loaded.config))
        transport = open_transport(assembly.transport_options(config))
    except UsageError as error:
        set_up.is_misconfigured = True
        return Finding("configuration", Status.FAIL, "; ".join(error.problems), "Correct it, and run sfr doctor again.")
    set_up.loaded, set_up.config = loaded, config
    set_up.transport = set_up.stack.enter_context(closing(transport))
    of_modes = tuple(_mode_warnings(set_up))  # which have a line of their own
    others = [text for text in loaded.warnings if not text.endswith(of_modes)]
    if others:
        return Finding("configuration", Status.WARN, "; ".join(others), "Change it as described.")
    return Finding("configuration", Status.OK, f"{set_up.config_path} is valid")


def check_list(set_up: SetUp) -> Finding:
    """Load the report list."""
    assert set_up.loaded is not None  # noqa: S101 - see `CHECKS`
    warnings: list[str] = []
    try:
        set_up.reports = load_reports(set_up.loaded.config, now=datetime.now().astimezone(), warnings=warnings)
    except UsageError as error:
        set_up.is_misconfigured = True
        return Finding(
            "list", Status.FAIL, "; ".join(error.problems), "Correct it, or let sfr --list-reports write one."
        )
    if warnings:
        return Finding("list", Status.WARN, "; ".join(map(set_up.loaded.redactor.redact, warnings)), "Change it.")
    return Finding("list", Status.OK, f"{counted(len(set_up.reports), 'report')}, valid")


def check_modes(set_up: SetUp) -> Finding:
    """Whether other users of this machine can read the files with secrets."""
    warnings = _mode_warnings(set_up)
    if warnings:
        message = "; ".join(text.partition("; run ")[0] for text in warnings)
        return Finding("files", Status.WARN, message, "Run chmod 600 on them.")
    count = len(_secret_files(set_up))
    return Finding(
        "files", Status.OK, f"{counted(count, 'file')} with secrets, private" if count else "no secret files"
    )


def check_certificate(set_up: SetUp) -> Finding:
    """How long the app's certificate lasts, if it is beside the key, where `sfr init` puts it."""
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    key = getattr(set_up.config.salesforce.auth, "private_key_file", None)
    path = f"{os.path.splitext(key)[0]}.crt" if key else ""
    if set_up.config.salesforce.is_emulator or not path or not os.path.exists(path):
        return Finding("certificate", Status.SKIP, "only `jwt` has one, and SFR looks for it beside the key")
    try:
        days = certificate_days_left(path)
    except (OSError, ValueError) as error:
        return Finding("certificate", Status.WARN, f"{path} cannot be read: {error}", "Create it again from the key.")
    remedy = "Make a new key and certificate (sfr init with another --name), and upload the certificate to the app."
    if days < 0:
        return Finding("certificate", Status.FAIL, f"{path} ended {-days:.0f} days ago", remedy)
    message = f"the app's certificate lasts {days:.0f} more days"
    if days < CERTIFICATE_WARN_DAYS:
        return Finding("certificate", Status.WARN, message, remedy)
    return Finding("certificate", Status.OK, message)


def _secret_files(set_up: SetUp) -> list[str]:
    """Existing files with secrets."""
    env = [set_up.env_file] if set_up.env_file else [own_env_file(set_up.config_path), DEFAULT_ENV_FILE]
    auth = set_up.loaded.config.salesforce.auth if set_up.loaded else None
    named = [getattr(auth, name, None) for name in ("private_key_file", "token_file", "file")]
    return [path for path in (*env, *named) if path and os.path.exists(path)]


def _mode_warnings(set_up: SetUp) -> list[str]:
    lent = current_environment().get("CREDENTIALS_DIRECTORY")
    return [text for path in _secret_files(set_up) for text in warn_if_readable(path, "", lent)]
