"""The summary of a fleet: CSV, HTML, Prometheus and JSON, which is written last and marks the end of the fleet."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sfr.errors import ExitCode
from sfr.fleet.columns import COLUMNS, fleet_facts, row
from sfr.fleet.values import FleetResult
from sfr.storage.atomic import write_blocks_atomically
from sfr.storage.trusted import make_directories
from sfr.summaries.csv_summary import csv_line
from sfr.summaries.prometheus import Sample, metrics_text

log = logging.getLogger(__name__)

_MODE = 0o640
#: Read by another user's program.
_METRICS_MODE = 0o644


def csv_blocks(fleet: FleetResult) -> Iterator[bytes]:
    """The CSV file, for spreadsheets: formulas are marked as text, unknown values are empty."""
    yield csv_line(COLUMNS)
    for org in fleet.orgs:
        yield csv_line(row(org).values())


def json_blocks(fleet: FleetResult) -> Iterator[bytes]:
    """`{"fleet": {…}, "orgs": [{…}]}`; unknown values are null."""
    yield b'{\n "fleet": ' + _encoded(fleet_facts(fleet)) + b',\n "orgs": ['
    for place, org in enumerate(fleet.orgs):
        yield (b",\n  " if place else b"\n  ") + _encoded(row(org))
    yield b"\n ]\n}\n"


def prometheus_blocks(fleet: FleetResult) -> Iterator[bytes]:
    """The `.prom` file: totals of the fleet; each org's own run may write its own."""
    labels, totals = {"fleet": fleet.name}, fleet.totals
    good = len(fleet.orgs) - fleet.failed
    orgs: list[Sample] = [({**labels, "status": "good"}, good), ({**labels, "status": "failed"}, fleet.failed)]
    reports: list[Sample] = [
        ({**labels, "status": name}, getattr(totals, name)) for name in ("saved", "unchanged", "skipped", "failed")
    ]
    yield metrics_text(
        [
            ("sfr_fleet_last_run_timestamp_seconds", "When it ended.", [(labels, fleet.finished_at.timestamp())]),
            ("sfr_fleet_duration_seconds", "How long it took.", [(labels, fleet.duration_s)]),
            ("sfr_fleet_exit_code", "Its exit code.", [(labels, fleet.exit_code)]),
            ("sfr_fleet_orgs", "Orgs, by whether they ended with 0.", orgs),
            ("sfr_fleet_reports", "Reports of all orgs, by status.", reports),
            ("sfr_fleet_rows", "Rows of all valid reports.", [(labels, totals.rows)]),
            ("sfr_fleet_size_bytes", "Size of all valid report files.", [(labels, totals.size_bytes)]),
        ]
    )


def write_summaries(fleet: FleetResult, output: str, temporary_prefix: str) -> FleetResult:
    """Write all files; returns the fleet with the exit code that they hold. A failure is logged, and turns 0 into 4."""
    from sfr.fleet.page import html_blocks  # loads Jinja2

    formats: list[tuple[str, Callable[[FleetResult], Iterable[bytes]], int]] = [
        ("csv", csv_blocks, _MODE),
        ("html", html_blocks, _MODE),
        ("prom", prometheus_blocks, _METRICS_MODE),
        ("json", json_blocks, _MODE),
    ]
    failures = 0
    for ending, render, mode in formats:
        path = os.path.join(output, f"summary.{ending}")
        try:
            make_directories(output)
            write_blocks_atomically(path, render(fleet), mode, temporary_prefix=temporary_prefix)
        except OSError as error:
            log.error("The fleet's summary could not be written to %s: %s.", path, error.strerror or error)
            failures += 1
            if fleet.exit_code == ExitCode.SUCCESS:
                fleet = replace(fleet, exit_code=int(ExitCode.SOME_FAILED))
    return fleet


def _encoded(values: object) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "backslashreplace")
