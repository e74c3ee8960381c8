"""`python -m benchmarks [ROW …]`: runs the rows, prints what they found, writes it down after a full run."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine, published, report_sets
from benchmarks.nginx_server import nginx_program
from benchmarks.programs import CHECKOUT
from benchmarks.results import RowResult, Settings
from benchmarks.rows import ROWS
from benchmarks.table import machine_lines, row_text

MEMORY_FILE_SYSTEM = Path("/dev/shm")
RESULTS = CHECKOUT / "docs" / "benchmarks"


def main() -> int:
    """0 when every target is met, 1 when one is missed."""
    arguments = _parsed()
    for program, path in (("nginx", nginx_program()), ("curl", shutil.which("curl"))):
        if path is None:
            print(f"bench: {program} is not installed; on Debian: apt-get install nginx-light curl", file=sys.stderr)
            return 2
    names = arguments.rows or list(ROWS)
    about = machine.describe()
    print(machine_lines(about), flush=True)
    results = _measured(names, arguments)
    target = arguments.output
    if target is None and arguments.scale == 1 and not arguments.rows:
        target = RESULTS
    if target:
        published.write(target, about, results, scale=arguments.scale, rounds=arguments.rounds)
        print(f"bench: written to {target}")
    return 0 if all(promised.is_met for row in results for promised in row.targets) else 1


def _measured(names: list[str], arguments: argparse.Namespace) -> list[RowResult]:
    results = []
    place = MEMORY_FILE_SYSTEM if MEMORY_FILE_SYSTEM.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="sfr-bench-", dir=place) as directory:
        settings = Settings(arguments.scale, arguments.rounds, Path(directory), arguments.patience)
        for name in names:
            began = time.monotonic()
            row = ROWS[name](settings)
            print(f"\n{row_text(row)}", flush=True)
            print(f"bench: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr)
            results.append(row)
    return results


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure SFR against curl and requests. The data is made once and kept in"
        f" {report_sets.cache_directory()}; delete it at will.",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"only these: {', '.join(ROWS)}; default: all")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of the data; 0.01 for a quick look; default %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of alternating runs; default %(default)s")
    parser.add_argument(
        "--patience",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="how long to wait, before each run, for other programs to be quiet; a run that they disturbed is repeated;"
        " 0 to do neither; default %(default)s",
    )
    parser.add_argument(
        "--output", type=Path, help="write JSON, table and plot here; default: docs/benchmarks after a full run"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.rows) - set(ROWS))
    if unknown:
        parser.error(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if arguments.scale <= 0 or arguments.rounds < 1:
        parser.error("--scale and --rounds must be positive")
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
