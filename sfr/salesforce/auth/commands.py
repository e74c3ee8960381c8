"""Runs a program that prints credentials, such as `sid.command` or the Salesforce CLI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sfr.errors import LogInError
from sfr.programs import NotStartedError, Outcome, OutputLimitError, ProgramError, ProgramStoppedError, run_program
from sfr.salesforce.http.live_sockets import interruption
from sfr.wording import quoted

TIMEOUT_S = 60.0
MAX_OUTPUT_BYTES = 1024 * 1024


def run_command(
    argv: Sequence[str],
    *,
    key: str,
    is_stopped: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Run a program for its standard output, of at most 1 MiB; standard error is discarded.

    key: the option that names the program, for messages. environ: replaces this process's environment.
    Raises LogInError if it cannot be started, takes too long or prints too much, and ReportError (`interrupted`) once
    `is_stopped`. See `run_program`.
    """
    try:
        return run_program(
            argv, timeout_s=timeout_s, max_output_bytes=MAX_OUTPUT_BYTES, environ=environ, is_stopped=is_stopped
        )
    except ProgramStoppedError:
        raise interruption() from None
    except ProgramError as error:
        remedy = "Run it by hand to see why."
        if isinstance(error, NotStartedError):
            remedy = "Check that it is installed and on the PATH of the user that runs SFR."
        elif isinstance(error, OutputLimitError):
            remedy = "Run it by hand to check: it should print only the session."
        raise LogInError(f"The program {quoted(argv[0])} of `{key}` {error}. {remedy}") from error
