"""The first refresh token of a set-up: from a variable, or by a web log-in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sfr.commands.login import log_in
from sfr.environment import current_environment
from sfr.errors import LogInError, UsageError
from sfr.salesforce.auth.token_shapes import checked_pasted_token
from sfr.salesforce.auth.web_log_in import METHOD
from sfr.storage.atomic import write_new
from sfr.storage.trusted import make_directories

if TYPE_CHECKING:
    import argparse

    from sfr.config.settings import LoadedConfig

VARIABLE = "SFDC_REFRESH_TOKEN"


def ensure_token(loaded: LoadedConfig, arguments: argparse.Namespace, *, is_interactive: bool, renew: bool) -> None:
    """Get a refresh token if the method is `refresh_token` and there is none yet. Raises UsageError, LogInError.

    renew: log in again, although there is one.
    """
    salesforce = loaded.config.salesforce
    if salesforce.auth_method != METHOD or (os.path.lexists(salesforce.auth.token_file) and not renew):
        return
    path = Path(salesforce.auth.token_file)
    given = current_environment().get(VARIABLE)
    if given and not renew:
        try:
            token = checked_pasted_token(given, f"The variable {VARIABLE}", is_refresh_token=True)
        except LogInError as error:
            raise UsageError(str(error)) from error
        loaded.redactor.add(token)
        make_directories(str(path.parent))
        write_new(str(path), f"{token.reveal()}\n".encode())
    elif is_interactive:
        log_in(loaded, arguments.port, use_browser=not arguments.no_browser)
    else:
        raise UsageError(
            f"{path}: there is no token yet, and no terminal to log in on; expected {VARIABLE}, or run sfr login."
        )
