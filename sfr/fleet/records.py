"""The record of each org, `orgs/<name>.json`: how its last run ended, and how long the last runs took."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from sfr.errors import ExitCode
from sfr.fleet.columns import row
from sfr.fleet.values import OrgResult, Totals
from sfr.storage.atomic import write_atomically
from sfr.storage.trusted import make_directories, read_own

MAX_RECORD_BYTES = 1_000_000
#: Number of runs whose durations are kept.
KEPT_RUNS = 30
#: An older record says nothing about this fleet's run.
MAX_AGE = timedelta(days=1)
_USUAL_ENDS = (ExitCode.SUCCESS, ExitCode.SOME_FAILED)


def write_record(output: str, result: OrgResult, finished_at: datetime, temporary_prefix: str) -> None:
    """Replace the record of an org. Raises OSError."""
    path = record_path(output, result.name)
    make_directories(os.path.dirname(path))
    finished = finished_at.isoformat(timespec="seconds")
    run = {"finished": finished, "exit_code": result.exit_code, "seconds": result.seconds}
    runs = [*_runs(_read(path)), run][-KEPT_RUNS:]
    document = {
        **row(result),
        "undelivered": result.undelivered,
        "date": finished_at.date().isoformat(),
        "started": result.started or None,
        "finished": finished,
        "runs": runs,
    }
    write_atomically(path, json.dumps(document, indent=1).encode(), temporary_prefix=temporary_prefix)


def read_result(output: str, name: str, now: datetime) -> OrgResult:
    """How an org ended within the last day, by its record; without one, a result without exit code."""
    record = _read(record_path(output, name))
    if not record:
        return OrgResult(name, None, message="There is no record of this org.")
    try:
        finished = datetime.fromisoformat(str(record.get("finished")))
        is_recent = abs(now - finished) <= MAX_AGE
    except (ValueError, TypeError):
        return OrgResult(name, None, message="The record of this org is damaged.")
    if not is_recent:
        return OrgResult(name, None, message=f"The record of this org is too old: {finished.isoformat()}.")
    if record.get("name") != name:
        return OrgResult(name, None, message="The record of this org is that of another one.")
    return _result(name, record) or OrgResult(name, None, message="The record of this org is damaged.")


def expected_s(output: str, name: str) -> float | None:
    """How long the org took last time, preferably of runs that fetched reports; None if unknown."""
    runs = _runs(_read(record_path(output, name)))
    usual = [run for run in runs if run.get("exit_code") in _USUAL_ENDS]
    seconds = [run.get("seconds") for run in (usual or runs)]
    known = [float(each) for each in seconds if _is_number(each)]
    return known[-1] if known else None


def record_path(output: str, name: str) -> str:
    """Path of the record of an org."""
    return os.path.join(output, "orgs", f"{name}.json")


def _result(name: str, record: Mapping[str, Any]) -> OrgResult | None:
    """The result in a record; None if the record is damaged."""
    numbers = {field.name: _whole(record, field.name) for field in fields(Totals)}
    known = {name: number for name, number in numbers.items() if number is not None}
    attempts, undelivered, seconds = _whole(record, "attempts"), _whole(record, "undelivered"), record.get("seconds")
    if attempts is None or undelivered is None or not (seconds is None or _is_number(seconds)):
        return None
    return OrgResult(
        name,
        _whole(record, "exit_code"),
        Totals(**known) if len(known) == len(numbers) else None,
        seconds=seconds,
        attempts=attempts,
        undelivered=undelivered,
        **{key: str(record.get(key) or "") for key in ("machine", "summary", "started", "message")},
    )


def _whole(record: Mapping[str, Any], key: str) -> int | None:
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_number(value: object) -> TypeGuard[float]:
    """JSON as Python reads it may also hold NaN and Infinity."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read(path: str) -> dict[str, Any]:
    try:
        record = json.loads(read_own(path, MAX_RECORD_BYTES))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _runs(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    runs = record.get("runs")
    return [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []
