"""The engine `local`: a process of this machine per org, at most `at_once` at the same time.

Each process is the leader of a session of its own, so that a signal of the terminal reaches the fleet only, which then
sends one to each. Its standard input is a pipe: its end tells the process that the fleet has died.
"""

from __future__ import annotations

import math
import os
import platform
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sfr.environment import current_environment
from sfr.errors import ExitCode
from sfr.escaping.invisible import escape_invisible
from sfr.escaping.journal import without_priorities
from sfr.fleet.child import command, environment, read_outcome
from sfr.fleet.engine import OrgEnded, OrgTask
from sfr.fleet.values import OrgResult
from sfr.threads import start_thread

#: How often an org's process is looked at while it prints nothing.
POLL_S = 0.2
#: How long output is still read after a run has ended.
DRAIN_LIMIT_S = 2.0
READ_BYTES = 65_536
#: Of each stream of a process, how much of its end is kept.
KEPT_BYTES = 16_384
#: A process that was stopped is killed this long after its own grace: time for summaries and notifications.
KILL_AFTER_S = 90.0
#: What a killed process may take to end.
EXIT_TIMEOUT_S = 10.0
_SIGNAL_EXIT_CODE_BASE = 128
_STOPPED = (ExitCode.SIGINT, ExitCode.SIGTERM)
#: SIGKILL, for which Windows has no name.
_KILL = 9


@dataclass(slots=True, eq=False)
class _Child:
    """A running process."""

    task: OrgTask
    process: subprocess.Popen[bytes]
    started_clock_s: float = field(default_factory=time.monotonic)
    kill_clock_s: float | None = None
    #: Signals that the fleet has sent to it.
    sent: set[int] = field(default_factory=set)

    def exit_code(self) -> int | None:
        """Of the ended process; None if it was ended by a signal that the fleet did not send."""
        code = self.process.returncode
        is_foreign = -code not in self.sent if code < 0 else code in _STOPPED and not self.sent
        return None if is_foreign else as_exit_code(code)

    def kill(self) -> None:
        """Kill it with its workers."""
        self.sent.add(_KILL)
        _kill(self.process)


class LocalEngine:
    """See the module. Main thread only, but for one thread per process that reads what it prints."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: deque[OrgTask] = deque()
        self._children: list[_Child] = []
        self._ended: queue.SimpleQueue[tuple[_Child, OrgResult]] = queue.SimpleQueue()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what still runs: that is nothing, unless the fleet itself fails."""
        for child in self._children:
            _kill(child.process)
        for child in self._children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(EXIT_TIMEOUT_S)

    @property
    def running(self) -> int:
        """See `FleetEngine`."""
        return len(self._children)

    def submit(self, task: OrgTask) -> None:
        """See `FleetEngine`."""
        self._waiting.append(task)

    def stop(self, signal_number: int) -> None:
        """See `FleetEngine`."""
        self._waiting.clear()
        for child in self._children:
            child.sent.add(signal_number)
            with suppress(OSError):
                child.process.send_signal(signal_number)
            if child.kill_clock_s is None:
                child.kill_clock_s = time.monotonic() + child.task.planned.stop_grace_s + KILL_AFTER_S

    def results(self, timeout_s: float) -> list[OrgEnded]:
        """See `FleetEngine`."""
        failed = []
        while self._waiting and len(self._children) < self._at_once:
            task = self._waiting.popleft()
            if (result := self._start(task)) is not None:
                failed.append(OrgEnded(task, result))
        for child in self._children:
            if child.kill_clock_s is not None and time.monotonic() > child.kill_clock_s:
                child.kill()
        if failed:
            return failed
        try:
            ended = [self._ended.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        ended += [self._ended.get_nowait() for _ in range(self._ended.qsize())]
        return [self._finish(child, result) for child, result in ended]

    def _start(self, task: OrgTask) -> OrgResult | None:
        """Start a process; returns the result of a task that cannot be started."""
        org = task.planned.org
        try:
            process = subprocess.Popen(
                command(org, self._at_once, is_resume=task.is_resume),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(current_environment()),
                start_new_session=True,
            )
            child = _Child(task, process)
            self._children.append(child)
            start_thread(threading.Thread(target=self._read, args=(child,), name=f"org-{org.name}", daemon=True))
        except OSError as error:
            for child in [each for each in self._children if each.task is task]:
                _kill(child.process)
                child.process.wait()
                self._children.remove(child)
            message = f"The process cannot be started: {error.strerror or error}."
            return OrgResult(org.name, None, attempts=task.attempt, machine=platform.node(), message=message)
        return None

    def _read(self, child: _Child) -> None:
        """In a thread: read what the process prints until it has ended."""
        process, org = child.process, child.task.planned.org
        stdout, stderr = _Tail(), _Tail(prefix=org.name)
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes, see `_start`
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, stdout)
            selector.register(process.stderr, selectors.EVENT_READ, stderr)
            # Another process may hold the pipes open for longer, and go on printing.
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
        process.wait()
        stderr.end()
        result = read_outcome(org, child.exit_code(), stdout.text, stderr.text, platform.node())
        self._ended.put((child, result))

    def _finish(self, child: _Child, result: OrgResult) -> OrgEnded:
        self._children.remove(child)
        for stream in (child.process.stdin, child.process.stdout, child.process.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        seconds = round(time.monotonic() - child.started_clock_s, 3)
        result = replace(result, attempts=child.task.attempt, seconds=seconds)
        return OrgEnded(child.task, result, as_exit_code(child.process.returncode))


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


def as_exit_code(returncode: int) -> int:
    """The exit code that a shell would show."""
    return returncode if returncode >= 0 else _SIGNAL_EXIT_CODE_BASE - returncode


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process with its workers."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        elif process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def open_engine(at_once: int) -> LocalEngine:
    """The engine."""
    return LocalEngine(at_once)
