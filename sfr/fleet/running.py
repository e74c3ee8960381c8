"""Runs a fleet: from its checked plan to the results of its orgs."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sfr.fleet.engine import FleetEngine, OrgEnded, OrgTask
from sfr.fleet.plan import in_order, is_tried_again
from sfr.fleet.records import write_record
from sfr.fleet.values import OrgResult, PlannedOrg
from sfr.runner.stop_signals import StopSignals

log = logging.getLogger(__name__)

#: Maximum interval between looks at stop signals.
TICK_S = 0.2


class FleetRun:
    """The run of a fleet. Main thread only."""

    def __init__(
        self, orgs: Sequence[PlannedOrg], attempts: int, output: str, prefix: str, redact: Callable[[str], str]
    ) -> None:
        self._orgs = orgs
        self._attempts = attempts
        self._output = output
        self._prefix = prefix
        self._redact = redact
        self._ended: dict[str, OrgResult] = {}
        #: Last results of orgs that are tried again.
        self._retried: dict[str, OrgResult] = {}
        self._open = len(orgs)
        #: The first stop signal that arrived.
        self.stop_signal: int | None = None
        #: Exit code of the last process that ended, as a shell shows it.
        self.process_code: int | None = None
        #: Whether the record of every ended org was written.
        self.is_recorded = True

    def run(self, engine: FleetEngine, signals: StopSignals, *, is_resume: bool) -> list[OrgResult]:
        """Run all orgs; returns their results in list order. A third stop signal raises `Stopped`."""
        stops: queue.SimpleQueue[int] = queue.SimpleQueue()
        with signals.intercepted(2, stops.put), engine:
            for planned in in_order(self._orgs):
                engine.submit(OrgTask(planned, 1, is_resume))
            while self._open and (self.stop_signal is None or engine.running):
                for ended in engine.results(TICK_S):
                    self._handle(ended, engine)
                while not stops.empty():
                    self._stop(stops.get_nowait(), engine)
        for result in list(self._retried.values()):  # the fleet was stopped before their next attempt
            self._keep(result)
        return [self._ended.get(org.org.name) or _not_run(org) for org in self._orgs]

    def _stop(self, signal_number: int, engine: FleetEngine) -> None:
        if self.stop_signal is None:
            self.stop_signal = signal_number
            log.warning("The fleet is being stopped; waiting for the %d orgs that run.", engine.running)
        engine.stop(signal_number)

    def _handle(self, ended: OrgEnded, engine: FleetEngine) -> None:
        result, self.process_code = ended.result, ended.process_code
        result = replace(result, message=self._redact(result.message))
        if not ended.is_final and is_tried_again(result, self._attempts, is_stopping=self.stop_signal is not None):
            log.warning("%s ended %s; it will be tried again.", result.name, _end(result))
            # What the lost process had saved is not fetched again. An org that failed gets time to recover.
            has_failed = result.exit_code is not None
            self._retried[result.name] = result
            engine.submit(OrgTask(ended.task.planned, ended.task.attempt + 1, is_resume=True, is_last=has_failed))
            return
        if not result.is_good:
            log.warning("%s ended %s.", result.name, _end(result))
        self._keep(result)

    def _keep(self, result: OrgResult) -> None:
        """Write the record of an org that is not tried again, and keep its row."""
        self._open -= 1
        self._retried.pop(result.name, None)
        try:
            write_record(self._output, result, datetime.now().astimezone(), self._prefix)
        except OSError as error:
            self.is_recorded = False
            log.error("The record of %s could not be written (%s).", result.name, error.strerror or error)
        self._ended[result.name] = replace(result, started="")  # of use to the record only


def _end(result: OrgResult) -> str:
    return "without an exit code" if result.exit_code is None else f"with exit code {result.exit_code}"


def _not_run(org: PlannedOrg) -> OrgResult:
    return OrgResult(org.org.name, None, message="The fleet was stopped before this org was run.")
