"""What runs in a Dask worker: the check of its machine, and the processes of orgs, which it watches, stops and ends.

Loads nothing that the worker has not loaded, but for a few small modules of SFR. What arrives here and what is returned
passes through the scheduler: names, paths, codes and totals only. What an org prints to standard error goes to the
worker's own.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from sfr.fleet.child import EXPLAINED, command, environment, read_outcome
from sfr.fleet.org_process import POLL_S, OrgProcess
from sfr.fleet.values import Org, OrgResult

#: Without a heartbeat of its fleet for this long, the fleet has lost this worker, and runs its orgs elsewhere.
FLEET_TIMEOUT_S = 45.0
#: An org's process ends by itself 1.5 s after its grace when its standard input has ended.
KILL_ABANDONED_AFTER_S = 1.8
#: For a check of this many seconds, and this many more per org.
CHECK_LIMIT_S, CHECK_LIMIT_PER_ORG_S = 60.0, 0.2
_ALIVE = ("init", "running", "paused")


@dataclass(frozen=True, slots=True)
class OrgRequest:
    """An attempt at an org, for one worker."""

    #: Of the fleet.
    run_id: str
    org: Org
    #: The scheduler may give a lost worker's task to another: that one does not run it.
    worker_id: str
    #: The fleet's working directory, which has to be on each machine.
    directory: str
    stop_grace_s: float
    is_resume: bool


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """A worker's answer to a heartbeat."""

    worker_id: str
    threads: int
    machine: str


@dataclass(frozen=True, slots=True)
class WrongWorker:
    """A request that was not carried out: it was for a worker that had this address before, or is lost."""


@dataclass(slots=True, eq=False)
class _FleetState:
    """A fleet whose orgs run in this worker."""

    heartbeat_clock_s: float = field(default_factory=time.monotonic)
    is_stopping: bool = False
    processes: dict[str, OrgProcess] = field(default_factory=dict)


#: By run id. Global, since the worker is a process that SFR did not start: there is nowhere else to keep it.
_fleets: dict[str, _FleetState] = {}
_lock = threading.Lock()


def heartbeat(run_id: str, dask_worker: Any = None) -> WorkerIdentity:
    """Record a heartbeat of the fleet; returns this worker's identity. Dask fills in `dask_worker`."""
    with _lock:
        fleet = _fleet_state(run_id)
        fleet.heartbeat_clock_s = time.monotonic()
        return WorkerIdentity(dask_worker.id, dask_worker.state.nthreads, platform.node())


def stop(run_id: str, signal_number: int, *, is_kill: bool) -> None:
    """Send the signal to all orgs of the fleet that run here, or kill them; none is started any more."""
    with _lock:
        fleet = _fleet_state(run_id)
        fleet.is_stopping = True
        for process in fleet.processes.values():
            if is_kill:
                process.kill()
            else:
                process.stop(signal_number)


def run_org(request: OrgRequest) -> OrgResult | WrongWorker | None:
    """Run an org to its end. None: it was not started, since its fleet is stopping."""
    worker, org, machine = _worker(), request.org, platform.node()
    key = str(worker.get_current_task())
    if worker.id != request.worker_id:
        return WrongWorker()
    with _lock:
        fleet = _fleet_state(request.run_id)
        if fleet.is_stopping:
            return None
        try:
            argv = command(org, worker.state.nthreads, is_resume=request.is_resume)
            process = OrgProcess(org.name, argv, request.stop_grace_s, request.directory)
        except OSError as error:
            message = f"The process cannot be started: {error.strerror or error}."
            return OrgResult(org.name, None, machine=machine, message=message)
        fleet.processes[key] = process

    def look() -> None:
        if _is_abandoned(worker, key, fleet):
            process.abandon(KILL_ABANDONED_AFTER_S)
        process.kill_if_overdue()

    try:
        process.read_to_end(look)
    finally:
        with _lock:
            del fleet.processes[key]
        process.kill()
        process.wait()
        process.close()
    result = replace(read_outcome(org, process.exit_code, process.stdout, b"", machine), seconds=process.seconds)
    if result.totals is None or result.exit_code not in EXPLAINED:
        message = f"{result.message} See what the Dask worker on {machine} has printed."
        result = replace(result, message=message.strip())
    return result


def check_machine(check_request: str, directory: str, orgs: int) -> str:
    """What the check of this machine printed. Raises OSError and ValueError."""
    worker = _worker()
    key = worker.get_current_task()
    limit_clock_s = time.monotonic() + CHECK_LIMIT_S + orgs * CHECK_LIMIT_PER_ORG_S

    def is_over() -> bool:
        return time.monotonic() > limit_clock_s or not _is_wanted(worker, key)

    argv = [sys.executable, "-P", "-m", "sfr.fleet.machine_check"]
    return _printed(argv, check_request, directory, is_over)


def _printed(argv: Sequence[str], text: str, directory: str, is_over: Callable[[], bool]) -> str:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(os.environ),
        cwd=directory,
        text=True,
        encoding="utf-8",
    )
    with process:
        pending: str | None = text
        while True:
            try:
                stdout, stderr = process.communicate(pending, timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                pending = None
                if is_over():
                    process.kill()
    if process.returncode != 0:
        sys.stderr.write(stderr[-2000:])
        raise ValueError(f"the check ended with {process.returncode}; see what the Dask worker has printed")
    return stdout


def _worker() -> Any:
    from distributed import get_worker

    return get_worker()


def _fleet_state(run_id: str) -> _FleetState:
    """Within `_lock`. Forgets fleets that are over."""
    limit_clock_s = time.monotonic() - 10 * FLEET_TIMEOUT_S
    for other, fleet in list(_fleets.items()):
        if not fleet.processes and fleet.heartbeat_clock_s < limit_clock_s:
            del _fleets[other]
    return _fleets.setdefault(run_id, _FleetState())


def _is_abandoned(worker: Any, key: str, fleet: _FleetState) -> bool:
    """Whether nobody waits for a task any more: its fleet is gone or silent, or this worker is about to end."""
    is_silent = time.monotonic() - fleet.heartbeat_clock_s > FLEET_TIMEOUT_S
    return is_silent or worker.status.name not in _ALIVE or not _is_wanted(worker, key)


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether the scheduler still wants a task that runs here: it forgets those of a client that is gone."""
    with suppress(RuntimeError):
        task = worker.state.tasks.get(key)
        return task is not None and task.state in ("executing", "long-running")
    return True
