"""One simulated night of a fleet, and what came of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.fleet_simulation.engine import Cluster, SimulatedEngine, Waste
from benchmarks.fleet_simulation.load import Load
from sfr.fleet.plan import makespan_bound_s
from sfr.fleet.running import FleetRun
from sfr.fleet.settings import FleetSettings
from sfr.fleet.values import Org, PlannedOrg
from sfr.runner.stop_signals import StopSignals

ATTEMPTS = int(FleetSettings.model_fields["attempts"].default)
_MEMORY_FILE_SYSTEM = "/dev/shm"


@dataclass(frozen=True, slots=True)
class Night:
    """How the fleet ended."""

    makespan_s: float
    #: No schedule of the orgs that have a result ends sooner, even if no machine is lost.
    bound_s: float
    orgs_run_again: int
    orgs_without_result: int
    waste: Waste

    @property
    def ratio(self) -> float:
        """How much longer than the bound it took."""
        return self.makespan_s / self.bound_s


def planned(load: Load, expected_s: Mapping[int, float], listed: Sequence[int]) -> list[PlannedOrg]:
    """The orgs in the order of the fleet's file; those without an expected time have no history."""
    return [PlannedOrg(Org(str(org), ""), load.reports, 0.0, expected_s.get(org)) for org in listed]


def simulate(load: Load, durations_s: Sequence[float], orgs: Sequence[PlannedOrg], cluster: Cluster) -> Night:
    """Run the fleet on the cluster."""
    engine = SimulatedEngine(load, durations_s, cluster)
    place = _MEMORY_FILE_SYSTEM if os.path.isdir(_MEMORY_FILE_SYSTEM) else None
    with tempfile.TemporaryDirectory(prefix="sfr-simulation-", dir=place) as output:
        run = FleetRun(orgs, ATTEMPTS, output, ".simulated-", str)
        results = run.run(engine, StopSignals(), is_resume=False)
    ended_s = [durations_s[int(result.name)] for result in results if result.exit_code is not None]
    return Night(
        engine.clock_s,
        makespan_bound_s(ended_s, cluster.machines * cluster.slots),
        sum(result.attempts > 1 for result in results),
        sum(result.exit_code is None for result in results),
        engine.waste,
    )
