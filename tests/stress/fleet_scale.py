"""`python -m tests.stress.fleet_scale`: a fleet of many orgs on this machine, and what it takes.

All orgs are configurations for one embedded org, with report lists and output directories of their own. Measured: the
makespan against the bound that no schedule can beat, the memory of the fleet's own process, and the peak of the whole.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from pathlib import Path

import psutil

from sfr.emulator import Emulator
from sfr.fleet.plan import makespan_bound_s
from tests.dask_processes import DaskProcesses
from tests.fleets import Fleet

SAMPLE_EVERY_S = 0.25


def main() -> int:
    """0 if every org is good."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.fleet_scale", description=__doc__)
    parser.add_argument("--orgs", type=int, default=200)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--at-once", type=int, nargs="+", default=[4], help="with dask: threads of both workers")
    parser.add_argument(
        "--engine", choices=("local", "dask"), default="local", help="dask: a scheduler and two workers"
    )
    arguments = parser.parse_args()
    names = [f"Report {number:02}" for number in range(arguments.reports)]
    with Emulator() as org:
        for name in names:
            org.add_report(name, rows=arguments.rows)
        for at_once in arguments.at_once:
            with tempfile.TemporaryDirectory(prefix="sfr-fleet-scale-") as directory:
                fleet = Fleet(Path(directory), org)
                for number in range(arguments.orgs):
                    fleet.add(f"org{number:03}", *names)
                with contextlib.ExitStack() as stack:
                    dask = None
                    if arguments.engine == "dask":
                        dask = stack.enter_context(contextlib.closing(_cluster(Path(directory), at_once)))
                    fleet.write(
                        at_once=at_once,
                        engine=arguments.engine,
                        **({"dask": {"scheduler": dask.address}} if dask else {}),
                    )
                    code = _measure(fleet, at_once, dask)
    return code


def _cluster(directory: Path, at_once: int) -> DaskProcesses:
    (directory / "dask").mkdir()
    dask = DaskProcesses(directory / "dask")
    for worker in [dask.add_worker(threads=at_once // 2), dask.add_worker(threads=at_once - at_once // 2)]:
        dask.wait_for(worker)
    return dask


def _measure(fleet: Fleet, at_once: int, dask: DaskProcesses | None) -> int:
    process = fleet.start()
    cluster = [psutil.Process(each.pid) for each in (dask.scheduler, *dask.workers)] if dask else []
    scheduler_peak = worker_peak = 0
    main_process = psutil.Process(process.pid)
    own, whole, checked_s, began = [], [], 0.0, time.monotonic()
    while process.poll() is None:
        try:
            rss = main_process.memory_info().rss
            children = [child for each in (main_process, *cluster) for child in each.children(recursive=True)]
            if cluster:
                scheduler_peak = max(scheduler_peak, _rss(cluster[0]))
                worker_peak = max(worker_peak, *map(_rss, cluster[1:]))
            if children:
                checked_s = checked_s or time.monotonic() - began
                own.append(rss)
            whole.append(rss + sum(_rss(child) for child in (*cluster, *children)))
        except psutil.Error:
            break
        time.sleep(SAMPLE_EVERY_S)
    process.communicate()
    rows = list(fleet.rows().values())
    took_s = fleet.summary()["fleet"]["seconds"]
    bound_s = makespan_bound_s([row["seconds"] for row in rows], at_once)
    print(
        f"{len(rows)} orgs, {sum(row['saved'] for row in rows)} reports saved, at_once {at_once}: exit code "
        f"{process.returncode}; check {checked_s:.1f} s, runs {took_s:.1f} s, bound {bound_s:.1f} s, ratio "
        f"{took_s / bound_s:.3f}; fleet process {own[0] / 1e6:.1f} MB at the start, {max(own) / 1e6:.1f} MB at most, "
        f"{own[-1] / 1e6:.1f} MB at the end; whole {max(whole) / 1e6:.0f} MB at most",
        flush=True,
    )
    if cluster:
        print(f"scheduler {scheduler_peak / 1e6:.1f} MB at most, larger worker {worker_peak / 1e6:.1f} MB", flush=True)
    return process.returncode


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
