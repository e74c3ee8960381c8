"""`python -m tests.stress.sliced_report`: a large report by `analytics`, compared row by row with its classic export.

The same report is downloaded twice by the program, once per route. Every row must be the same, in the same place; no
request may be an export where `analytics` is forced. Prints rows, API requests, seconds and the peak PSS of the
program's processes together (the embedded org is not among them). Ends with 1 if one is not so.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

from sfr.emulator import Emulator
from tests.stress.measured_run import HEAD, measured_run

ROUTES = ("classic", "analytics")


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.sliced_report", description=__doc__)
    parser.add_argument("--rows", type=int, default=260_000, help="of the report; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the report's content; default %(default)s")
    arguments = parser.parse_args()
    problems: list[str] = []
    with Emulator({"seed": arguments.seed}) as org, tempfile.TemporaryDirectory(prefix="sfr-sliced-") as directory:
        report_id = org.add_report("Sliced", rows=arguments.rows)
        report = {"report_type": "SFDC", "report_file_name": "Sliced", "report_id": report_id}
        runs = {route: measured_run(Path(directory, route), org, report, route) for route in ROUTES}
        for route, run in runs.items():
            if run.exit_code or run.told["route"] != route:
                problems.append(f"{route}: exit code {run.exit_code}: {run.told['message']}")
        if runs["analytics"].requests["export"]:
            problems.append("`analytics` asked for an export")
        rows = 0 if problems else _compare(runs["classic"].path, runs["analytics"].path, problems)
    if not problems and rows != arguments.rows:
        problems.append(f"the org has {arguments.rows:,} rows")
    print(HEAD, *(run.line(route) for route, run in runs.items()), sep="\n")
    print(f"{rows:,} rows compared one by one")
    print("\n".join(problems) or "every promise held")
    return 1 if problems else 0


def _compare(one: Path, other: Path, problems: list[str]) -> int:
    """How many rows were compared; differences become problems, five at most."""
    found, rows = 0, 0
    with one.open(newline="", encoding="utf-8") as left, other.open(newline="", encoding="utf-8") as right:
        for rows, (expected, row) in enumerate(zip_longest(csv.reader(left), csv.reader(right))):
            if expected != row:
                found += 1
                problems.append(f"row {rows}: {row} instead of {expected}")
                if found == 5:
                    break
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, other)}
    if not found and len(digests) > 1:
        problems.append("the rows are the same, but the bytes are not")
    return rows


if __name__ == "__main__":
    sys.exit(main())
