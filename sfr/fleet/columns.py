"""The columns of a fleet's summary, in this order in every format."""

from __future__ import annotations

from collections.abc import Mapping

from sfr.fleet.values import FleetResult, OrgResult, Totals

Value = str | int | float | None

COLUMNS = (
    "name",
    "exit_code",
    "saved",
    "unchanged",
    "skipped",
    "failed",
    "rows",
    "size_bytes",
    "seconds",
    "attempts",
    "machine",
    "summary",
    "message",
)


def row(org: OrgResult) -> Mapping[str, Value]:
    """The values of an org by column; None where they are unknown."""
    totals = org.totals
    numbers = {name: getattr(totals, name) if totals is not None else None for name in Totals.__dataclass_fields__}
    known: dict[str, Value] = {
        "name": org.name,
        "exit_code": org.exit_code,
        **numbers,
        "seconds": org.seconds,
        "attempts": org.attempts,
        "machine": org.machine or None,
        "summary": org.summary or None,
        "message": org.message or None,
    }
    return {name: known[name] for name in COLUMNS}


def fleet_facts(fleet: FleetResult) -> Mapping[str, Value]:
    """The values of the fleet itself."""
    totals = fleet.totals
    return {
        "name": fleet.name,
        "id": fleet.run_id,
        "started": fleet.started_at.isoformat(timespec="seconds"),
        "finished": fleet.finished_at.isoformat(timespec="seconds"),
        "seconds": round(fleet.duration_s, 3),
        "exit_code": fleet.exit_code,
        "version": fleet.version,
        "engine": fleet.engine,
        "at_once": fleet.at_once,
        "orgs": len(fleet.orgs),
        "orgs_failed": fleet.failed,
        **{name: getattr(totals, name) for name in Totals.__dataclass_fields__},
    }
