"""`notify.command`: runs a program at the end of a run, with the path of the JSON summary as its last argument."""

from __future__ import annotations

import logging
import os

from sfr.escaping.invisible import escape_invisible
from sfr.notify.ending import Ending, HttpOptions, NotifyError, Target

log = logging.getLogger(__name__)

#: How much of the program's output is logged, from its end.
MAX_OUTPUT_BYTES = 2000


def ended(argv: Target, ending: Ending, options: HttpOptions) -> None:
    """Run the program and wait for it; after the timeout it is killed with all its children.

    It gets no input; `SFR_EXIT_CODE` and `SFR_RUN_ID` are in its environment.
    """
    from sfr.programs import ProgramError, run_program

    assert isinstance(argv, tuple)  # noqa: S101 - the configuration's type
    if ending.json_path is None:
        raise NotifyError("there is no JSON summary to pass to the program")
    environ = os.environ | {"SFR_EXIT_CODE": str(int(ending.run.exit_code)), "SFR_RUN_ID": ending.run.run_id}
    try:
        outcome = run_program(
            [*argv, ending.json_path],
            timeout_s=options.timeout_s,
            max_output_bytes=MAX_OUTPUT_BYTES,
            keep_tail=True,
            with_stderr=True,
            environ=environ,
        )
    except ProgramError as error:
        raise NotifyError(f"{argv[0]} {error}") from None
    if outcome.output:
        log.debug("Output of notify.command: %s", escape_invisible(outcome.output))
    if outcome.exit_code:
        raise NotifyError(f"{argv[0]} ended with exit code {outcome.exit_code}")
