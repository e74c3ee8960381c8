"""`notify.command`: a program of the user's, run at the end with the JSON summary's path as its last argument."""

from __future__ import annotations

import logging
import os

from sfr.escaping.invisible import escape_invisible
from sfr.notify.ending import Ending, NotifyError, WayOut
from sfr.redaction import Secret

log = logging.getLogger(__name__)

#: Of what the program says, so much is logged.
LONGEST_OUTPUT_BYTES = 2000


def ended(argv: Secret | tuple[str, ...], ending: Ending, way: WayOut) -> None:
    """Run the program and wait for it; when its time is up, it is ended with all it started.

    It gets no input; `SFR_EXIT_CODE` and `SFR_RUN_ID` are in its environment.
    """
    import subprocess

    assert isinstance(argv, tuple)  # noqa: S101 - the configuration's type
    if ending.json_path is None:
        raise NotifyError("there is no JSON summary to give to the program")
    environ = os.environ | {"SFR_EXIT_CODE": str(int(ending.run.exit_code)), "SFR_RUN_ID": ending.run.run_id}
    try:
        process = subprocess.Popen(
            [*argv, ending.json_path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        raise NotifyError(f"{argv[0]} cannot be started ({error.strerror or error})") from None
    with process:
        try:
            said, _ = process.communicate(timeout=way.timeout_s)
        except subprocess.TimeoutExpired:
            _end_group(process.pid)
            raise NotifyError(f"{argv[0]} did not end within {way.timeout_s:g} s, and was ended") from None
    if said:
        log.debug("notify.command said: %s", escape_invisible(said[-LONGEST_OUTPUT_BYTES:].decode("utf-8", "replace")))
    if process.returncode:
        raise NotifyError(f"{argv[0]} ended with exit code {process.returncode}")


def _end_group(pid: int) -> None:
    import signal

    try:
        os.killpg(pid, signal.SIGKILL)
    except (OSError, AttributeError):
        os.kill(pid, signal.SIGTERM)
