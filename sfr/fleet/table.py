"""A fleet on the terminal: its plan, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from sfr.errors import ExitCode
from sfr.fleet.page import verdict
from sfr.fleet.plan import makespan_bound_s
from sfr.fleet.values import FleetResult, OrgResult, PlannedOrg
from sfr.terminal.figures import UNKNOWN, count, counted, duration, seconds, size
from sfr.terminal.rendering import Column, paragraph, table_text

_INDENT = "    "
_RESULT_COLUMNS = (
    Column("Exit code"),
    Column("Org", is_cut=True),
    Column("In place", is_number=True),
    Column("Failed", is_number=True),
    Column("Rows", is_number=True, is_optional=True),
    Column("Size", is_number=True, is_optional=True),
    Column("Seconds", is_number=True),
    Column("Attempts", is_number=True, is_optional=True),
)
_PLAN_COLUMNS = (
    Column("Org"),
    Column("Reports", is_number=True),
    Column("Expected seconds", is_number=True),
    Column("Configuration"),
)


def plan_text(orgs: Sequence[PlannedOrg], engine: str, at_once: int, encoding: str | None) -> str:
    """The orgs in the order in which they would run, and what is expected of the whole."""
    rows = [(org.org.name, count(org.reports), seconds(org.expected_s), org.org.config) for org in orgs]
    known = [org.expected_s for org in orgs if org.expected_s is not None]
    whole = f"{counted(len(orgs), 'org')}, {counted(sum(org.reports for org in orgs), 'report')}; engine {engine}"
    if engine != "index":  # else the scheduler decides
        bound = f"at least {duration(makespan_bound_s(known, at_once))}" if known else "not known yet"
        whole += f", {at_once} at the same time; expected: {bound}"
    whole += ". Nothing was started."
    return f"{table_text(_PLAN_COLUMNS, rows, None, encoding)}\n{whole}"


def result_text(fleet: FleetResult, width: int | None, encoding: str | None) -> str:
    """Every org, then what is known about those that failed, then the whole."""
    lines = [table_text(_RESULT_COLUMNS, map(_cells, fleet.orgs), width, encoding)]
    for org in fleet.orgs:
        if not org.is_good and org.message:
            lines += ["", *paragraph(f"{org.name}: {org.message}", width, encoding, indent=_INDENT)]
    return "\n".join([*lines, "", *paragraph(headline(fleet), width, encoding), ""])


def headline(fleet: FleetResult) -> str:
    """The fleet in one sentence."""
    totals = fleet.totals
    is_unwritten = fleet.exit_code == ExitCode.SOME_FAILED and not fleet.failed
    why = " (a record or a summary could not be written)" if is_unwritten else ""
    return (
        f"{verdict(fleet)}; {counted(totals.in_place, 'report')} in place, {totals.failed:,} failed; "
        f"{counted(totals.rows, 'row')}, {size(totals.size_bytes)} in {duration(fleet.duration_s)}. "
        f"Exit code {fleet.exit_code}{why}."
    )


def _cells(org: OrgResult) -> tuple[str, ...]:
    totals = org.totals
    return (
        UNKNOWN if org.exit_code is None else str(org.exit_code),
        org.name,
        count(totals.in_place if totals else None),
        count(totals.failed if totals else None),
        count(totals.rows if totals else None),
        size(totals.size_bytes if totals else None),
        seconds(org.seconds),
        str(org.attempts),
    )
