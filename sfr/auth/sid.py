"""Log-in method `sid`: a session id that somebody else got (SSO, a vault, another program). Sends no request."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.auth.commands import run_command
from sfr.auth.grants import Grant, LogInContext
from sfr.auth.token_shapes import checked_pasted_token, token_in_file
from sfr.config.fields import option
from sfr.config.file_trust import read_trusted
from sfr.config.references import without_final_line_end
from sfr.errors import LogInError
from sfr.redaction import Secret
from sfr.wording import quoted

#: No session id is nearly as long; a larger file is some other file.
LARGEST_FILE_BYTES = 65_536
COMMAND_KEY = "salesforce.auth.sid.command"


@dataclass(frozen=True, slots=True)
class SidSettings:
    """`salesforce.auth.sid`: exactly one of the three."""

    value: Secret | None = option("The session id, as a rule from the environment: `${SFDC_SID}`.", default=None)
    file: str | None = option(
        "File that holds the session id; read at every log-in.", default=None, is_secret_file=True
    )
    command: tuple[str, ...] | None = option(
        "Program and arguments, without a shell, that print the session id; run at every log-in, ended after 60 s.",
        default=None,
        is_command_line=True,
    )


def log_in(settings: SidSettings, context: LogInContext) -> Grant:
    """Get the session id from where it is. Raises LogInError if it is not to be had."""
    if settings.command is not None:
        text, origin = _from_command(settings.command, context), f"What {quoted(settings.command[0])} printed"
    elif settings.file is not None:
        text, origin = _from_file(settings.file), f"The file {quoted(settings.file, 300)}"
    else:
        text, origin = settings.value.reveal() if settings.value else "", "`salesforce.auth.sid.value`"
    context.redactor.add(text)
    return Grant(checked_pasted_token(text, origin))


def _from_command(command: tuple[str, ...], context: LogInContext) -> str:
    outcome = run_command(command, key=COMMAND_KEY, is_stopped=lambda: context.transport.is_aborted)
    if outcome.exit_code != 0:
        raise LogInError(
            f"The program {quoted(command[0])} of `{COMMAND_KEY}`, which is to print the session id, ended with exit "
            f"code {outcome.exit_code}. Run it by hand to see why."
        )
    return without_final_line_end(outcome.stdout)


def _from_file(path: str) -> str:
    name = quoted(path, 300)
    try:
        content = read_trusted(path, LARGEST_FILE_BYTES)
    except OSError as error:
        raise LogInError(
            f"The session id cannot be read from {name}: {error.strerror}. Check `salesforce.auth.sid.file`."
        ) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise LogInError(f"{name} is too large for a session id. Check `salesforce.auth.sid.file`.")
    return token_in_file(content, f"The file {name}")
