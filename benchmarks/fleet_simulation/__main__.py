"""`python -m benchmarks.fleet_simulation`: prints the tables, from which docs/fleet.md draws its conclusions."""

from __future__ import annotations

import argparse
import logging

from benchmarks.fleet_simulation.engine import Cluster
from benchmarks.fleet_simulation.load import Load
from benchmarks.fleet_simulation.tables import HOUR_S, Setting, losses_table, machines_table


def main() -> int:
    """Always 0: the tables say what was found."""
    arguments = _parsed()
    # Thousands of orgs that are tried again would each be logged.
    logging.getLogger("sfr.fleet").setLevel(logging.ERROR)
    load = Load(arguments.seed, arguments.orgs, arguments.reports)
    cluster = Cluster(
        1,
        slots=arguments.slots,
        mean_up_s=arguments.mean_up_hours * HOUR_S,
        worker_ttl_s=arguments.worker_ttl_s,
        seed=arguments.seed,
    )
    setting = Setting(load, cluster, load.durations_s(), arguments.nights)
    total_s, longest_s = sum(setting.durations_s), max(setting.durations_s)
    print(
        f"{load.orgs} orgs of {load.reports} reports, {total_s / HOUR_S:.1f} h one after the other; the longest takes"
    )
    print(f"{longest_s / HOUR_S:.1f} h. {setting.nights} nights each. If no machine is lost, makespan ÷ bound:\n")
    print(*machines_table(setting, arguments.machines), sep="\n", flush=True)
    print(f"\nEach machine is lost every {arguments.mean_up_hours:g} h of its life on average, for")
    print(f"{cluster.away_s:.0f} s; `worker-ttl` is {cluster.worker_ttl_s:.0f} s. Means of a night:\n")
    print(*losses_table(setting, arguments.machines), sep="\n", flush=True)
    return 0


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet_simulation", description="Simulate fleets on many machines."
    )
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")
    parser.add_argument("--orgs", type=int, default=2000, help="default %(default)s")
    parser.add_argument("--reports", type=int, default=1000, help="of each org; default %(default)s")
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--slots", type=int, default=4, help="orgs at the same time on each; default %(default)s")
    parser.add_argument("--nights", type=int, default=5, help="default %(default)s")
    parser.add_argument(
        "--mean-up-hours", type=float, default=24.0, help="from a machine's return to its loss; default %(default)s"
    )
    parser.add_argument(
        "--worker-ttl-s",
        type=float,
        default=60.0,
        help="a silent worker is noticed after one to two; default %(default)s",
    )
    arguments = parser.parse_args()
    if min(arguments.orgs, arguments.reports, arguments.slots, arguments.nights, *arguments.machines) < 1:
        parser.error("numbers must be positive")
    if arguments.mean_up_hours <= 0 or arguments.worker_ttl_s <= 0:
        parser.error("times must be positive")
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
