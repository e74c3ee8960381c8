"""`python -m tests.stress.fleet_scale`: a fleet of many orgs on this machine, and what it takes.

All orgs are configurations for one embedded org, with report lists and output directories of their own. Measured: the
makespan against the bound that no schedule can beat, the memory of the fleet's own process, and the peak of the whole.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import psutil

from sfr.emulator import Emulator
from sfr.fleet.plan import makespan_bound_s
from tests.fleets import Fleet

SAMPLE_EVERY_S = 0.25


def main() -> int:
    """0 if every org is good."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.fleet_scale", description=__doc__)
    parser.add_argument("--orgs", type=int, default=200)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--at-once", type=int, nargs="+", default=[4])
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
                fleet.write(at_once=at_once)
                code = _measure(fleet, at_once)
    return code


def _measure(fleet: Fleet, at_once: int) -> int:
    process = fleet.start()
    main_process = psutil.Process(process.pid)
    own, whole, checked_s, began = [], [], 0.0, time.monotonic()
    while process.poll() is None:
        try:
            rss = main_process.memory_info().rss
            children = main_process.children(recursive=True)
            if children:
                checked_s = checked_s or time.monotonic() - began
                own.append(rss)
            whole.append(rss + sum(_rss(child) for child in children))
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
    return process.returncode


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
