"""`python -m tests.stress.sliced_report`: a large report by `analytics`, compared row by row with its classic export.

The same report is downloaded twice by the program, once per route. Every row must be the same, in the same place; no
request may be an export where `analytics` is forced. Prints rows, report runs, API requests, seconds and the peak PSS
of the program's processes together (the embedded org is not among them). Ends with 1 if one is not so.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import psutil
import yaml

from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT

LOOK_EVERY_S = 0.2
#: A run that takes longer hangs.
LARGEST_RUN_S = 3_600.0
MIB = 1_048_576


@dataclass(frozen=True)
class Download:
    """One run of the program for one report."""

    path: Path
    exit_code: int
    seconds: float
    peak_pss_bytes: int
    requests: Counter[str]
    route: str | None
    message: str


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.sliced_report", description=__doc__)
    parser.add_argument("--rows", type=int, default=260_000, help="of the report; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the report's content; default %(default)s")
    arguments = parser.parse_args()
    problems: list[str] = []
    with Emulator({"seed": arguments.seed}) as org, tempfile.TemporaryDirectory(prefix="sfr-sliced-") as directory:
        org.add_report("Sliced", rows=arguments.rows)
        classic, analytics = (_download(Path(directory), org, route) for route in ("classic", "analytics"))
        for download, route in ((classic, "classic"), (analytics, "analytics")):
            if download.exit_code or download.route != route:
                problems.append(f"{route}: exit code {download.exit_code}, {download.route}: {download.message}")
        if analytics.requests["export"]:
            problems.append("`analytics` asked for an export")
        rows = 0 if problems else _compare(classic.path, analytics.path, problems)
    print(f"{'':10}{'seconds':>9}{'peak PSS':>10}  requests")
    for route, download in (("classic", classic), ("analytics", analytics)):
        print(f"{route:10}{download.seconds:9.1f}{download.peak_pss_bytes / MIB:6.1f} MB  {dict(download.requests)}")
    print(f"{rows:,} rows compared one by one")
    print("\n".join(problems) or "every promise held")
    return 1 if problems else 0


def _download(directory: Path, org: Emulator, route: str) -> Download:
    home = directory / route
    home.mkdir()
    config = {
        "salesforce": {"domain": org.url, "route": route, "auth": {"sid": {"value": org.new_sid("browser")}}},
        "reports": {
            "list": None,
            "items": [{"report_type": "SFDC", "report_file_name": "Sliced", "report_id": org.report("Sliced").id}],
        },
        "fetch": {"timeout_s": LARGEST_RUN_S},
        "workers": {"count": 1},
    }
    (home / "sfr.yaml").write_text(yaml.safe_dump(config))
    (home / "sfr.yaml").chmod(0o600)
    org.requests.clear()
    begun_clock_s = time.monotonic()
    command = [sys.executable, str(SCRIPT), "--config", "sfr.yaml"]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        peak_bytes = max(_pss_until_end(program, begun_clock_s + LARGEST_RUN_S), default=0)
    seconds = time.monotonic() - begun_clock_s
    requests = Counter(record.route for record in org.requests.records())
    (told,) = json.loads((home / "output" / "summary_report.json").read_text())["reports"]
    return Download(
        home / "output" / "Sliced.csv",
        program.returncode,
        seconds,
        peak_bytes,
        requests,
        told["route"],
        told["message"],
    )


def _pss_until_end(program: subprocess.Popen[bytes], end_clock_s: float) -> Iterator[int]:
    """PSS of the program and its children, bytes, again and again while it runs."""
    main_process = psutil.Process(program.pid)
    while program.poll() is None:
        if time.monotonic() > end_clock_s:
            program.kill()
        found = 0
        with contextlib.suppress(psutil.Error):
            for process in (main_process, *main_process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    found += process.memory_full_info().pss
        yield found
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(LOOK_EVERY_S)


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
