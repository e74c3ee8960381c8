"""Log-in method `sid`: a session id obtained elsewhere (SSO, a vault, another program). Sends no request."""

from __future__ import annotations

from pydantic import Field, model_validator

from sfr.errors import LogInError
from sfr.options.section import Section
from sfr.options.types import CommandLine, SecretFile, SecretText, sentence
from sfr.salesforce.auth.commands import run_command
from sfr.salesforce.auth.grants import Grant, LogInContext
from sfr.salesforce.auth.secret_file import read_secret_file
from sfr.salesforce.auth.token_shapes import checked_pasted_token, token_in_file
from sfr.storage.user_files import without_final_line_end
from sfr.wording import listed, quoted

COMMAND_KEY = "salesforce.auth.sid.command"


class SidSettings(Section):
    """`salesforce.auth.sid`: exactly one of the three."""

    value: SecretText | None = Field(
        default=None, description="Session id, usually from the environment: `${SFDC_SID}`."
    )
    file: SecretFile | None = Field(default=None, description="File containing the session id; read at every log-in.")
    command: CommandLine | None = Field(
        default=None,
        description="Program and arguments that print the session id; run without a shell at every log-in, stopped "
        "after 60 s.",
    )

    @model_validator(mode="after")
    def _check_source(self) -> SidSettings:
        given = [source for source in type(self).model_fields if getattr(self, source) is not None]
        if len(given) != 1:
            found = f"found {listed(given)}" if given else "found none, or an empty one"
            raise sentence(f"expected exactly one of {listed(type(self).model_fields)}; {found}")
        return self


def log_in(settings: SidSettings, context: LogInContext) -> Grant:
    """Read the session id from its source. Raises LogInError if it is not available."""
    if settings.command is not None:
        text, origin = _from_command(settings.command, context), f"What {quoted(settings.command[0])} printed"
    elif settings.file is not None:
        origin = f"The file {quoted(settings.file, 300)}"
        text = token_in_file(read_secret_file(settings.file, "session id", "salesforce.auth.sid.file"), origin)
    else:
        text, origin = settings.value.reveal() if settings.value else "", "`salesforce.auth.sid.value`"
    context.redactor.add(text)
    return Grant(checked_pasted_token(text, origin))


def _from_command(command: tuple[str, ...], context: LogInContext) -> str:
    outcome = run_command(command, key=COMMAND_KEY, is_stopped=lambda: context.transport.is_aborted)
    if outcome.exit_code != 0:
        raise LogInError(
            f"The program {quoted(command[0])} of `{COMMAND_KEY}`, which should print the session id, ended with exit "
            f"code {outcome.exit_code}. Run it by hand to see why."
        )
    return without_final_line_end(outcome.output)
