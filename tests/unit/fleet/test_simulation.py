"""benchmarks/fleet_simulation: what its figures rest on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fleet_simulation.engine import Cluster
from benchmarks.fleet_simulation.load import START_S, Load, end_times_s, remembered_s
from benchmarks.fleet_simulation.night import ATTEMPTS, Night, planned, simulate
from sfr.storage.lease import SILENCE_S

CHECKOUT = Path(__file__).resolve().parents[3]
LOAD = Load(seed=3, orgs=60, reports=20, median_s=60.0)
DURATIONS_S = LOAD.durations_s()
#: Each machine is lost several times before the fleet has ended.
LOSSY = Cluster(4, slots=2, mean_up_s=1500.0, seed=3)


def night(cluster: Cluster, *, is_first: bool = False) -> Night:
    """A night on this cluster."""
    known = {} if is_first else remembered_s(DURATIONS_S, 0.1, 3)
    return simulate(LOAD, DURATIONS_S, planned(LOAD, known, range(LOAD.orgs)), cluster)


def test_simulation_repeats_itself_when_the_seed_is_the_same() -> None:
    """Losses, makespan and waste are those of the seed; another seed has others."""
    assert LOAD.durations_s() == DURATIONS_S
    assert night(LOSSY) == night(LOSSY)
    assert night(LOSSY) != night(Cluster(4, slots=2, mean_up_s=1500.0, seed=4))


def test_reports_end_one_after_the_other_when_threads_are_fewer() -> None:
    """The thread that is free first fetches the next report."""
    assert end_times_s([5.0, 3.0, 3.0, 1.0], 2) == [5.0, 3.0, 6.0, 6.0]


@pytest.mark.parametrize("machines", [1, 2, 4])
def test_fleet_comes_near_the_bound_when_no_machine_is_lost(machines: int) -> None:
    """With the times of the last night, whatever the number of machines; nothing is done twice."""
    ended = night(Cluster(machines, slots=2))

    assert 1.0 <= ended.ratio <= 1.1
    assert (ended.orgs_run_again, ended.orgs_without_result, ended.waste.requests_wasted) == (0, 0, 0)


def test_fleet_takes_longer_when_the_longest_org_is_unknown_and_comes_last() -> None:
    """The order is the product's own: list order on a first night, longest first afterwards."""
    cluster = Cluster(4, slots=4)
    shortest_first = sorted(range(LOAD.orgs), key=DURATIONS_S.__getitem__)
    first = simulate(LOAD, DURATIONS_S, planned(LOAD, {}, shortest_first), cluster)
    known = simulate(LOAD, DURATIONS_S, planned(LOAD, dict(enumerate(DURATIONS_S)), shortest_first), cluster)

    assert first.ratio > 1.1 > known.ratio


def test_lost_orgs_are_tried_again_when_machines_are_lost() -> None:
    """No more than the reports in flight are fetched twice, and no more than the attempts are made."""
    ended = night(LOSSY)
    waste = ended.waste

    assert waste.machines_lost > 4
    assert 0 < waste.requests_wasted <= waste.attempts_lost * LOAD.threads
    assert waste.requests_spared > 0
    assert ended.orgs_run_again > ended.orgs_without_result
    assert waste.attempts_lost == ended.orgs_run_again + ended.orgs_without_result * (ATTEMPTS - 1)


def test_lost_org_waits_for_notice_and_lease_when_it_is_tried_again() -> None:
    """What was saved is kept; the rest begins one to two worker-ttl and the silence of the lease later."""
    load = Load(orgs=1, reports=1, threads=1, median_s=1000.0, org_spread=0.0, report_spread=0.0)
    orgs = planned(load, {}, [0])
    nights = [
        simulate(load, load.durations_s(), orgs, Cluster(2, slots=1, mean_up_s=2000.0, worker_ttl_s=60.0, seed=seed))
        for seed in range(30)
    ]
    once = [each for each in nights if each.waste.attempts_lost == 1]

    assert once
    for each in once:
        # The one report was in flight, for up to 1000 s.
        late_s = each.makespan_s - each.bound_s
        assert 60.0 + SILENCE_S + START_S <= late_s <= 1000.0 + START_S + 120.0 + SILENCE_S + START_S
        assert each.waste.requests_wasted <= 1


def test_command_prints_both_tables() -> None:
    """With numbers of one's own, too."""
    options = ["--orgs", "20", "--reports", "5", "--machines", "1", "2", "--nights", "1", "--mean-up-hours", "0.1"]

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.fleet_simulation", *options],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.split("|")[1].strip() for line in ended.stdout.splitlines() if line.startswith("| ")] == [
        *("machines", "1", "2"),
        *("machines", "1", "2"),
    ]
