"""Runs a user's program with bounded time and output, in a process group of its own.

The program gets no shell and no input. Its environment is this process's own, from which a run has removed the secrets
(`sfr.environment`). Errors never contain what the program printed.

A process that is killed (`kill -9`, out of memory) can no longer end its program. A shell beside the program does that
for it, on POSIX: it waits for the end of a pipe that only this process holds open, and kills the program's group.
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
#: Reads the number of a process group, and kills the group at the end of the input.
_GUARD = 'read -r group && ! read -r _ && kill -s KILL -- "-$group"'


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
    with _guard() as guard:
        process = _start(argv, subprocess.STDOUT if with_stderr else subprocess.DEVNULL, environ)
        guard(process.pid)
        output = _output(process, timeout_s, max_output_bytes, is_stopped, keep_tail=keep_tail)
        return Outcome(process.returncode, output.decode("utf-8", "replace"))


def _output(
    process: subprocess.Popen[bytes],
    timeout_s: float,
    max_output_bytes: int,
    is_stopped: Callable[[], bool],
    *,
    keep_tail: bool,
) -> bytes:
    """What the program prints until it has exited; see `run_program`."""
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
        return bytes(output)
    except TimeoutError:
        raise ProgramError(f"did not end within {timeout_s:g} s") from None
    finally:
        if not has_exited:
            _kill_group(process)
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _guard() -> Iterator[Callable[[int], None]]:
    """Yields a function: the process group of this number does not outlive this process. Nothing without a shell."""
    process = _start_guard()

    def guard(group: int) -> None:
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(b"%d\n" % group)

    try:
        yield guard
    finally:
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def _start_guard() -> subprocess.Popen[bytes] | None:
    """The shell; None where there is none."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            return subprocess.Popen(
                ["/bin/sh", "-c", _GUARD],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                start_new_session=True,
            )
    return None


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
