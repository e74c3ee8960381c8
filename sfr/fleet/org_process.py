"""A running process of one org: reads what it prints until it has ended, stops it, and kills what does not stop.

Each process is the leader of a session of its own, so that a signal of a terminal does not reach it. Its standard input
is a pipe: its end tells the process that its parent has died.
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from sfr.environment import current_environment
from sfr.errors import ExitCode
from sfr.escaping.invisible import escape_invisible
from sfr.escaping.journal import without_priorities
from sfr.fleet.child import environment
from sfr.signals import blocked

#: How often a process is looked at while it prints nothing.
POLL_S = 0.2
#: How long output is still read after a run has ended.
DRAIN_LIMIT_S = 2.0
READ_BYTES = 65_536
#: Of each stream of a process, how much of its end is kept.
KEPT_BYTES = 16_384
#: A process that was stopped is killed this long after its own grace: time for summaries and notifications.
KILL_AFTER_S = 90.0
#: Longest wait for a killed process to end.
EXIT_TIMEOUT_S = 10.0
_SIGNAL_EXIT_CODE_BASE = 128
_STOPPED = (ExitCode.SIGINT, ExitCode.SIGTERM)
#: SIGKILL, for which Windows has no name.
_KILL = 9


class OrgProcess:
    """See the module. One thread reads; others may stop and kill."""

    def __init__(self, name: str, argv: Sequence[str], stop_grace_s: float, directory: str | None = None) -> None:
        """Start it. Raises OSError."""
        self._name = name
        self._stop_grace_s = stop_grace_s
        self._kill_clock_s: float | None = None
        #: Signals that were sent to it here.
        self._sent: set[int] = set()
        self._started_clock_s = time.monotonic()
        self.stdout = self.stderr = b""
        with blocked():
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(current_environment()),
                cwd=directory,
                start_new_session=True,
            )

    @property
    def seconds(self) -> float:
        """Since its start."""
        return round(time.monotonic() - self._started_clock_s, 3)

    @property
    def shell_code(self) -> int:
        """Of the ended process, as a shell shows it."""
        code: int = self._process.returncode
        return code if code >= 0 else _SIGNAL_EXIT_CODE_BASE - code

    @property
    def exit_code(self) -> int | None:
        """Of the ended process; None if it was ended by a signal that was not sent here."""
        code = self._process.returncode
        is_foreign = -code not in self._sent if code < 0 else code in _STOPPED and not self._sent
        return None if is_foreign else self.shell_code

    def stop(self, signal_number: int) -> None:
        """Send the signal; the process ends after its own grace, and is killed if it does not."""
        self._sent.add(signal_number)
        with suppress(OSError):
            self._process.send_signal(signal_number)
        self._kill_later(KILL_AFTER_S)

    def abandon(self, kill_after_s: float) -> None:
        """End its standard input: it stops as by SIGTERM. It is killed this long after its grace."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(OSError):
                self._process.stdin.close()
        self._kill_later(kill_after_s)

    def _kill_later(self, after_s: float) -> None:
        if self._kill_clock_s is None:
            self._kill_clock_s = time.monotonic() + self._stop_grace_s + after_s

    def kill_if_overdue(self) -> None:
        """Kill a process that was to be stopped and has not ended."""
        if self._kill_clock_s is not None and time.monotonic() > self._kill_clock_s:
            self._sent.add(_KILL)
            self.kill()

    def kill(self) -> None:
        """Kill it with its workers."""
        with suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            elif self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for its end, with a bound unless it has been killed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)

    def read_to_end(self, on_look: Callable[[], None] = lambda: None) -> None:
        """Read what it prints until it has ended; lines of standard error are passed on with the org's name.

        `on_look` is called every `POLL_S` at least.
        """
        process = self._process
        stdout, stderr = _Tail(), _Tail(prefix=self._name)
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, stdout)
            selector.register(process.stderr, selectors.EVENT_READ, stderr)
            # Another process may hold the pipes open for longer, and continue to print.
            limit_clock_s = math.inf
            while selector.get_map() and time.monotonic() < limit_clock_s:
                had_ended = process.poll() is not None
                if had_ended and limit_clock_s == math.inf:
                    limit_clock_s = time.monotonic() + DRAIN_LIMIT_S
                ready = selector.select(POLL_S)
                for key, _ in ready:
                    block = os.read(key.fd, READ_BYTES)
                    if block:
                        key.data.add(block)
                    else:
                        selector.unregister(key.fileobj)
                if had_ended and not ready:
                    break
                on_look()
        while process.poll() is None:  # it has closed its output, and runs
            self.wait(POLL_S)
            on_look()
        stderr.end()
        self.stdout, self.stderr = stdout.text, stderr.text

    def close(self) -> None:
        """Close the pipes."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class _Tail:
    """The end of what a process printed; with a prefix, each line is also passed on to standard error."""

    def __init__(self, prefix: str = "") -> None:
        self.text = b""
        self._prefix = prefix
        self._line = b""

    def add(self, block: bytes) -> None:
        self.text = (self.text + block)[-KEPT_BYTES:]
        if self._prefix:
            *lines, self._line = (self._line + block)[-READ_BYTES:].split(b"\n")
            for line in lines:
                self._print(line)

    def end(self) -> None:
        if self._line:
            self._print(self._line)
            self._line = b""

    def _print(self, line: bytes) -> None:
        text = escape_invisible(line.decode("utf-8", "replace").rstrip())
        if text:
            with suppress(OSError, ValueError):
                sys.stderr.write(without_priorities(f"{self._prefix}: {text}\n"))
                sys.stderr.flush()
