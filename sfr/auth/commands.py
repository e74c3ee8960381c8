"""Runs a program for its output, within limits of time and size. Nothing of what it prints gets into an error."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sfr.errors import LogInError
from sfr.network.exchange import interruption
from sfr.wording import quoted

TIMEOUT_S = 60.0
LARGEST_OUTPUT_BYTES = 1024 * 1024
#: How often the stop and the program's end are looked at, seconds.
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended that ended by itself."""

    exit_code: int
    stdout: str


def run_command(
    argv: Sequence[str],
    *,
    key: str,
    is_stopped: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Run a program without a shell and without input, and wait for its end; its standard error is not kept.

    key: the option that names the program, for messages. environ: in place of this process's environment.
    Raises LogInError if it cannot be started, takes longer than `timeout_s` or prints more than 1 MiB, and ReportError
    (`interrupted`) once `is_stopped`; then it is killed with all its children. What it leaves running when it ends by
    itself (an agent, say) is left alone.
    """
    name = f"{quoted(argv[0])} of `{key}`"
    process = _start(argv, name, environ)
    assert process.stdout is not None  # noqa: S101 -- PIPE was asked for
    has_ended = False
    try:
        output = _read(process, name, is_stopped, timeout_s)
        has_ended = True
        return Outcome(process.returncode, output.decode("utf-8", "replace"))
    finally:
        if not has_ended:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def _start(argv: Sequence[str], name: str, environ: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=None if environ is None else dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds a NUL character"
        raise LogInError(
            f"The program {name} cannot be started ({reason}). Check that it is installed and on the PATH of the user "
            "that runs SFR."
        ) from error


def _read(process: subprocess.Popen[bytes], name: str, is_stopped: Callable[[], bool], timeout_s: float) -> bytes:
    """Everything the program prints until it has ended; another program may hold its output open for longer."""
    end_clock_s = time.monotonic() + timeout_s
    output = bytearray()
    is_open = True
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]  # a pipe, as above
        while is_open or process.poll() is None:
            if is_stopped():
                raise interruption()
            if time.monotonic() >= end_clock_s:
                raise LogInError(f"The program {name} did not end within {timeout_s:g} s. Run it by hand to see why.")
            had_ended = process.poll() is not None
            if is_open and selector.select(LOOK_EVERY_S):
                chunk = os.read(process.stdout.fileno(), 65536)  # type: ignore[union-attr]  # as above
                is_open = bool(chunk)
                output += chunk
            elif had_ended:
                break
            elif not is_open:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_EVERY_S)
            if len(output) > LARGEST_OUTPUT_BYTES:
                raise LogInError(
                    f"The program {name} printed more than {LARGEST_OUTPUT_BYTES:,} bytes. Run it by hand to see what; "
                    "it is to print the session alone."
                )
    return bytes(output)
