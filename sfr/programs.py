"""Runs a user's program with bounded time and output, in a process group of its own.

The program gets no shell and no input. Its environment is this process's own, from which a run has removed the secrets
(`sfr.environment`). Errors never contain what the program printed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

#: Interval at which the stop flag and the program's exit are checked.
POLL_S = 0.1
READ_BYTES = 65_536


class ProgramError(Exception):
    """The program could not be started, or was killed. The text completes "The program X …"."""


class NotStartedError(ProgramError):
    """The operating system could not start the program."""


class OutputLimitError(ProgramError):
    """The program printed more than was allowed."""


class ProgramStoppedError(Exception):
    """The program was killed because the run is being stopped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended that was not killed by `run_program`."""

    exit_code: int
    output: str


def run_program(
    argv: Sequence[str],
    *,
    timeout_s: float,
    max_output_bytes: int,
    keep_tail: bool = False,
    with_stderr: bool = False,
    environ: Mapping[str, str] | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run a program and wait until it has exited; returns its standard output, undecodable bytes replaced.

    keep_tail: of longer output keep the last `max_output_bytes`, instead of failing.
    with_stderr: include standard error in the output, instead of discarding it.
    environ: replaces this process's environment.
    Raises `ProgramError`, and `ProgramStoppedError` once `is_stopped`. In both cases the program is killed with all its
    children; children that outlive a program that exits by itself (an agent) are left alone.
    """
    process = _start(argv, subprocess.STDOUT if with_stderr else subprocess.DEVNULL, environ)
    assert process.stdout is not None  # noqa: S101 - a pipe, see `_start`
    has_exited = False
    try:
        output = bytearray()
        for chunk in _chunks(process, process.stdout.fileno(), time.monotonic() + timeout_s, is_stopped):
            output += chunk
            if len(output) > max_output_bytes:
                if not keep_tail:
                    raise OutputLimitError(f"printed more than {max_output_bytes:,} bytes")
                del output[:-max_output_bytes]
        has_exited = True
        return Outcome(process.returncode, output.decode("utf-8", "replace"))
    except TimeoutError:
        raise ProgramError(f"did not end within {timeout_s:g} s") from None
    finally:
        if not has_exited:
            _kill_group(process)
        process.wait()
        process.stdout.close()


def _start(argv: Sequence[str], stderr: int, environ: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=None if environ is None else dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it contains a NUL character"
        raise NotStartedError(f"cannot be started ({reason})") from error


def _chunks(
    process: subprocess.Popen[bytes], stdout: int, end_clock_s: float, is_stopped: Callable[[], bool]
) -> Iterator[bytes]:
    """Yield the output until the program has exited; another process may keep its output open for longer."""
    is_open = True
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while is_open or process.poll() is None:
            if is_stopped():
                raise ProgramStoppedError
            if time.monotonic() >= end_clock_s:
                raise TimeoutError
            had_exited = process.poll() is not None
            if is_open and selector.select(POLL_S):
                chunk = os.read(stdout, READ_BYTES)
                is_open = bool(chunk)
                yield chunk
            elif had_exited:
                return
            elif not is_open:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_S)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
