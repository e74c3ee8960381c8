"""An engine of `sfr fleet` whose machines, losses and clock are simulated."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.fleet_simulation.load import START_S, Load, end_times_s
from sfr.errors import ExitCode
from sfr.fleet.engine import OrgEnded, OrgTask
from sfr.fleet.task_queue import TaskQueue
from sfr.fleet.values import OrgResult
from sfr.storage.lease import SILENCE_S


@dataclass(frozen=True, slots=True)
class Cluster:
    """Machines, and how they are lost: from one moment to the next, and without a word to the scheduler."""

    machines: int
    #: Orgs at the same time on each.
    slots: int = 4
    #: Mean time from a machine's return to its next loss.
    mean_up_s: float = math.inf
    #: How long a lost machine is away.
    away_s: float = 600.0
    #: At this interval the scheduler looks for workers that were silent for as long: it notices after one to two.
    worker_ttl_s: float = 60.0
    seed: int = 1


@dataclass(slots=True)
class Waste:
    """What losses of machines cost."""

    machines_lost: int = 0
    attempts_lost: int = 0
    #: Reports in flight on a machine that was lost.
    requests_wasted: int = 0
    #: Reports that had been saved there, and were not fetched again.
    requests_spared: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    task: OrgTask
    org: int
    machine: int
    #: When its first reports were begun.
    fetching_from_s: float


class SimulatedEngine:
    """See the module; what `FleetRun` needs of a `FleetEngine`. An org's name is its number."""

    def __init__(self, load: Load, durations_s: Sequence[float], cluster: Cluster) -> None:
        self._load, self._durations_s, self._cluster = load, durations_s, cluster
        self._chance = random.Random(f"{cluster.seed} losses")
        self._waiting = TaskQueue()
        self._free: deque[int] = deque()
        self._attempts: list[set[_Attempt]] = [set() for _ in range(cluster.machines)]
        #: Of orgs that were lost: what is still to be fetched.
        self._left_s: dict[int, list[float]] = {}
        self._events: list[tuple[float, int, Callable[[], OrgEnded | None]]] = []
        self._event_number = 0
        self.clock_s = 0.0
        self.waste = Waste()
        for _ in range(cluster.slots):
            self._free.extend(range(cluster.machines))
        for machine in range(cluster.machines):
            self._plan_loss(machine)

    def __enter__(self) -> SimulatedEngine:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    @property
    def running(self) -> int:
        """See `FleetEngine`."""
        return sum(map(len, self._attempts))

    def submit(self, task: OrgTask) -> None:
        """See `FleetEngine`."""
        self._waiting.add(task)

    def stop(self, signal_number: int) -> None:
        """Nobody stops a simulation."""
        raise NotImplementedError

    def results(self, timeout_s: float) -> list[OrgEnded]:  # noqa: ARG002 - of the interface
        """The next attempt that ends, whatever the timeout: the clock advances to its end."""
        while True:
            while self._free and (task := self._waiting.take()) is not None:
                self._start(task, self._free.popleft())
            self.clock_s, _, happen = heapq.heappop(self._events)
            if (ended := happen()) is not None:
                return [ended]

    def _after(self, seconds: float, happen: Callable[[], OrgEnded | None]) -> None:
        self._event_number += 1
        heapq.heappush(self._events, (self.clock_s + seconds, self._event_number, happen))

    def _start(self, task: OrgTask, machine: int) -> None:
        org = int(task.planned.org.name)
        duration_s, wait_s = self._durations_s[org], 0.0
        if org in self._left_s:
            # The lease of the lost process has to be silent for this long before the new one continues.
            wait_s = SILENCE_S
            duration_s = START_S + wait_s + max(end_times_s(self._left_s[org], self._load.threads), default=0.0)
        attempt = _Attempt(task, org, machine, self.clock_s + START_S + wait_s)
        self._attempts[machine].add(attempt)
        self._after(duration_s, lambda: self._end(attempt))

    def _end(self, attempt: _Attempt) -> OrgEnded | None:
        if attempt not in self._attempts[attempt.machine]:
            return None
        self._attempts[attempt.machine].remove(attempt)
        self._free.append(attempt.machine)
        return _ended(attempt, int(ExitCode.SUCCESS))

    def _plan_loss(self, machine: int) -> None:
        if math.isfinite(self._cluster.mean_up_s):
            self._after(self._chance.expovariate(1 / self._cluster.mean_up_s), lambda: self._lose(machine))

    def _lose(self, machine: int) -> None:
        self.waste.machines_lost += 1
        self._free = deque(each for each in self._free if each != machine)
        for attempt in sorted(self._attempts[machine], key=lambda attempt: attempt.org):
            self._interrupt(attempt)
        self._attempts[machine].clear()
        self._after(self._cluster.away_s, lambda: self._return(machine))

    def _interrupt(self, attempt: _Attempt) -> None:
        times_s = self._left_s[attempt.org] if attempt.org in self._left_s else self._load.report_times_s(attempt.org)
        elapsed_s = self.clock_s - attempt.fetching_from_s
        ends_s = end_times_s(times_s, self._load.threads)
        left_s = [time_s for time_s, end_s in zip(times_s, ends_s, strict=True) if end_s > elapsed_s]
        begun = sum(end_s - time_s < elapsed_s for time_s, end_s in zip(times_s, ends_s, strict=True))
        saved = len(times_s) - len(left_s)
        self._left_s[attempt.org] = left_s
        self.waste.attempts_lost += 1
        self.waste.requests_wasted += begun - saved
        self.waste.requests_spared += saved
        notice_s = self._cluster.worker_ttl_s * self._chance.uniform(1.0, 2.0)
        self._after(notice_s, lambda: _ended(attempt, None))

    def _return(self, machine: int) -> None:
        self._free.extend([machine] * self._cluster.slots)
        self._plan_loss(machine)


def _ended(attempt: _Attempt, exit_code: int | None) -> OrgEnded:
    result = OrgResult(attempt.task.planned.org.name, exit_code, attempts=attempt.task.attempt)
    return OrgEnded(attempt.task, result)
