"""An existing set-up: `sfr init` continues from its files, and changes none of them without `--force`."""

from __future__ import annotations

from sfr.commands.setup.answers import SetupFiles
from sfr.commands.setup.gathering import Given
from sfr.commands.setup.org_domain import well_formed
from sfr.config.load import load_config
from sfr.config.settings import LoadedConfig
from sfr.environment import current_environment
from sfr.errors import ConfigurationError, UsageError

#: Files that later steps make.
MADE_LATER = ("salesforce.auth.jwt.private_key_file", "salesforce.auth.refresh_token.token_file")


def load_existing(files: SetupFiles, options: Given) -> LoadedConfig:
    """The existing configuration. options: those of the command line.

    Raises ConfigurationError if it is wrong, UsageError if an option contradicts it.
    """
    try:
        loaded = load_config(files.config, environ=current_environment(), may_be_missing=MADE_LATER)
    except ConfigurationError as error:
        raise ConfigurationError(
            *error.problems, f"{files.config} existed before; --force overwrites it, --name makes another set-up."
        ) from error
    salesforce = loaded.config.salesforce
    auth = salesforce.auth
    there = {
        "--domain": (options.domain and _domain(options.domain), salesforce.domain),
        "--method": (options.method, salesforce.auth_method),
        "--client-id": (options.client_id, getattr(auth, "client_id", None)),
        "--username": (options.username, getattr(auth, "username", None) or getattr(auth, "org", None)),
    }
    problems = [
        f"{option} {wanted}: {files.config} exists and says {found or 'nothing about it'}; --force overwrites it, "
        "--name makes another set-up."
        for option, (wanted, found) in there.items()
        if wanted and wanted != found
    ]
    if problems:
        raise UsageError(*problems)
    return loaded


def _domain(text: str) -> str:
    try:
        return well_formed(text)
    except ValueError as error:
        raise UsageError(f"--domain: expected {error}.") from error
