"""`python -m tests.stress.large_query`: millions of records by SOQL, whole and in constant memory.

The same query is run over a small and a large object, with resets in the middle of pages. Every record must come once,
in order; the larger one must not take more memory. Prints records, requests, seconds and the peak PSS of the program's
processes together (the embedded org is not among them). Ends with 1 if one is not so.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path

from sfr.emulator import Emulator
from sfr.emulator.catalogue.objects import cases
from tests.stress.measured_run import HEAD, MIB, measured_run

SMALL_ROWS = 100_000
#: By how much the larger run's peak may be above the smaller one's: what the allocator keeps differs from run to run.
MARGIN_BYTES = 8 * MIB
SOQL = "SELECT Id, CaseNumber, Subject, Status, Description FROM Case"
RESETS = {"path": "*/results", "attempts": "2,5,9", "action": "reset", "after_bytes": 300_000}


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.large_query", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the large object; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the records' content; default %(default)s")
    arguments = parser.parse_args()
    problems: list[str] = []
    query = {"report_type": "SOQL", "report_file_name": "Cases", "soql": SOQL}
    runs = {}
    with (
        Emulator({"seed": arguments.seed, "rules": [RESETS]}) as org,
        tempfile.TemporaryDirectory(prefix="sfr-query-") as directory,
    ):
        for rows in (SMALL_ROWS, arguments.rows):
            org.org.catalogue.objects["Case"] = cases(str(arguments.seed), rows)
            org.set_rules(RESETS)
            runs[rows] = run = measured_run(Path(directory, str(rows)), org, query)
            problems += [f"exit code {run.exit_code}: {run.told['message']}"] if run.exit_code else []
            problems += [] if run.exit_code else _check(run.path, rows)
            problems += ["a job was left behind"] if org.org.query_jobs else []
    peaks = [run.peak_pss_bytes for run in runs.values()]
    if peaks[-1] > peaks[0] + MARGIN_BYTES:
        problems.append("memory grows with the number of records")
    print(HEAD, *(run.line(f"{rows:,} rows") for rows, run in runs.items()), sep="\n")
    print("\n".join(problems) or "every promise held")
    return 1 if problems else 0


def _check(path: Path, rows: int) -> list[str]:
    """What is wrong with a file whose records must be numbered without a gap."""
    with path.open(newline="", encoding="utf-8") as file:
        records = csv.reader(file, strict=True)
        next(records)
        count = -1
        for count, record in enumerate(records):
            if len(record) != 5 or int(record[1]) != count:
                return [f"record {count:,} is {record}"]
    return [] if count + 1 == rows else [f"{count + 1:,} records instead of {rows:,}"]


if __name__ == "__main__":
    sys.exit(main())
