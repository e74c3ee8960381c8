"""The tables: what more machines gain, and what lost ones cost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from benchmarks.fleet_simulation.engine import Cluster
from benchmarks.fleet_simulation.load import Load, remembered_s
from benchmarks.fleet_simulation.night import Night, planned, simulate
from sfr.fleet.plan import in_order
from sfr.fleet.values import PlannedOrg

#: How much an org's time differs from night to night; and after months, or when other reports were added.
USUAL_SPREAD = 0.2
STALE_SPREAD = 1.0
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same in all nights of the tables."""

    load: Load
    cluster: Cluster
    durations_s: Sequence[float]
    nights: int

    def orgs(self, spread: float | None, night: int) -> list[PlannedOrg]:
        """As they are known on that night, in any order; None: on a first one."""
        listed = random.Random(f"{night} list").sample(range(self.load.orgs), self.load.orgs)
        known = {} if spread is None else remembered_s(self.durations_s, spread, night)
        return planned(self.load, known, listed)

    def longest_last(self) -> list[PlannedOrg]:
        """A first night whose list ends with the longest org: none is worse."""
        known = dict(enumerate(self.durations_s))
        shortest_first = [int(each.org.name) for each in in_order(planned(self.load, known, list(known)))[::-1]]
        return planned(self.load, {}, shortest_first)

    def simulated(self, orgs: Callable[[int], Sequence[PlannedOrg]], cluster: Cluster) -> list[Night]:
        """All nights."""
        return [
            simulate(self.load, self.durations_s, orgs(night), replace(cluster, seed=cluster.seed + night))
            for night in range(self.nights)
        ]


def machines_table(setting: Setting, machines: Sequence[int]) -> Iterator[str]:
    """Without losses: hours, and makespan to bound by what is known of the orgs' times."""
    yield (
        "| machines | orgs at once | bound | usual night | history of another time | first night |"
        " first night, longest org last |"
    )
    yield "|---|---|---|---|---|---|---|"
    for number in machines:
        cluster = replace(setting.cluster, machines=number, mean_up_s=float("inf"))
        usual = setting.simulated(lambda night: setting.orgs(USUAL_SPREAD, night), cluster)
        stale = setting.simulated(lambda night: setting.orgs(STALE_SPREAD, night), cluster)
        first = setting.simulated(lambda night: setting.orgs(None, night), cluster)
        worst = simulate(setting.load, setting.durations_s, setting.longest_last(), cluster)
        bound = _hours(usual[0].bound_s)
        cells = (number, number * cluster.slots, bound, *map(_ratios, (usual, stale, first)), _ratios([worst]))
        yield _row(cells)


def losses_table(setting: Setting, machines: Sequence[int]) -> Iterator[str]:
    """With losses, on usual nights: what is done twice, and makespan to bound."""
    yield (
        "| machines | lost machines | orgs run twice | orgs without a result | requests wasted | spared by `--resume` |"
        " makespan ÷ bound |"
    )
    yield "|---|---|---|---|---|---|---|"
    for number in machines:
        cluster = replace(setting.cluster, machines=number)
        nights = setting.simulated(lambda night: setting.orgs(USUAL_SPREAD, night), cluster)
        cells = (
            number,
            _mean(night.waste.machines_lost for night in nights),
            _mean(night.orgs_run_again for night in nights),
            _mean(night.orgs_without_result for night in nights),
            _mean(night.waste.requests_wasted for night in nights),
            _mean(night.waste.requests_spared for night in nights),
            _ratios(nights),
        )
        yield _row(cells)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _hours(seconds: float) -> str:
    return f"{seconds / HOUR_S:.1f} h"


def _mean(numbers: Iterable[float]) -> str:
    return f"{fmean(numbers):.1f}"


def _ratios(nights: Sequence[Night]) -> str:
    """Mean and worst."""
    ratios = [night.ratio for night in nights]
    mean, worst = f"{fmean(ratios):.2f}", f"{max(ratios):.2f}"
    return mean if mean == worst else f"{mean}, worst {worst}"
