"""The engine `local`: a process of this machine per org, at most `at_once` at the same time.

A signal of the terminal reaches the fleet only, which then sends one to each process.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sfr.fleet.checking import CheckedOrgs, check_orgs
from sfr.fleet.child import command, read_outcome
from sfr.fleet.engine import OrgEnded, OrgTask
from sfr.fleet.org_process import EXIT_TIMEOUT_S, OrgProcess
from sfr.fleet.settings import FleetSettings
from sfr.fleet.task_queue import TaskQueue
from sfr.fleet.values import Org, OrgResult
from sfr.inbox import Inbox
from sfr.threads import start_thread


@dataclass(slots=True, eq=False)
class _Child:
    """A running process."""

    task: OrgTask
    process: OrgProcess


class LocalEngine:
    """See the module. Main thread only, but for one thread per process that reads what it prints."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._waiting = TaskQueue()
        self._children: list[_Child] = []
        self._ended: Inbox[tuple[_Child, OrgResult | BaseException]] = Inbox()

    def check(self, orgs: Sequence[Org], environ: Mapping[str, str], output: str) -> CheckedOrgs:
        """See `FleetEngine`."""
        return check_orgs(orgs, environ, output)

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the processes that still run: none, unless the fleet itself fails."""
        for child in self._children:
            child.process.kill()
        for child in self._children:
            child.process.wait(EXIT_TIMEOUT_S)

    @property
    def running(self) -> int:
        """See `FleetEngine`."""
        return len(self._children)

    def submit(self, task: OrgTask) -> None:
        """See `FleetEngine`."""
        self._waiting.add(task)

    def stop(self, signal_number: int) -> None:
        """See `FleetEngine`."""
        self._waiting.clear()
        for child in self._children:
            child.process.stop(signal_number)

    def results(self, timeout_s: float) -> list[OrgEnded]:
        """See `FleetEngine`."""
        failed = []
        while len(self._children) < self.at_once and (task := self._waiting.take()) is not None:
            if (result := self._start(task)) is not None:
                failed.append(OrgEnded(task, result))
        for child in self._children:
            child.process.kill_if_overdue()
        if failed:
            return failed
        return [self._finish(child, result) for child, result in self._ended.take(timeout_s)]

    def _start(self, task: OrgTask) -> OrgResult | None:
        """Start a process; returns the result of a task that cannot be started."""
        org = task.planned.org
        try:
            argv = command(org, self.at_once, is_resume=task.is_resume)
            child = _Child(task, OrgProcess(org.name, argv, task.planned.stop_grace_s))
            self._children.append(child)
            start_thread(threading.Thread(target=self._read, args=(child,), name=f"org-{org.name}", daemon=True))
        except OSError as error:
            for child in [each for each in self._children if each.task is task]:
                child.process.kill()
                child.process.wait()
                self._children.remove(child)
            message = f"The process cannot be started: {error.strerror or error}."
            return OrgResult(org.name, None, attempts=task.attempt, machine=platform.node(), message=message)
        return None

    def _read(self, child: _Child) -> None:
        """In a thread: read what the process prints until it has ended."""
        process = child.process
        try:
            process.read_to_end()
            org, code = child.task.planned.org, process.exit_code
            result = read_outcome(org, code, process.stdout, process.stderr, platform.node())
            self._ended.post((child, result))
        except BaseException as bug:  # noqa: BLE001 - the main thread raises it
            self._ended.post((child, bug))

    def _finish(self, child: _Child, result: OrgResult | BaseException) -> OrgEnded:
        if isinstance(result, BaseException):
            raise result
        self._children.remove(child)
        child.process.close()
        result = replace(result, attempts=child.task.attempt, seconds=child.process.seconds)
        return OrgEnded(child.task, result, child.process.shell_code)


def open_engine(settings: FleetSettings) -> LocalEngine:
    """The engine."""
    return LocalEngine(settings.at_once)
