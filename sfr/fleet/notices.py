"""Notifications about a fleet: one message for all of its orgs."""

from __future__ import annotations

import json

from sfr.escaping.chat import chat_text
from sfr.fleet.columns import fleet_facts
from sfr.fleet.table import headline
from sfr.fleet.values import FleetResult, OrgResult
from sfr.model import Report, Status
from sfr.notify import Notifier
from sfr.notify.webhook import chat_lines
from sfr.results import ReportStats, RunStats


def notify(notifier: Notifier, fleet: FleetResult, summary_text: str, json_path: str) -> None:
    """Send the configured notifications; failures do not change the outcome."""
    if notifier.is_configured:
        notifier.ended(_as_run(fleet), summary_text, json_path, fleet.name, webhook_document(fleet), "org")


def webhook_document(fleet: FleetResult) -> bytes:
    """`{"text": …, "fleet": {…}, "failed": [{"name", "exit_code", "message"}]}`; `fleet` is the JSON summary's."""
    failed = [org for org in fleet.orgs if not org.is_good]
    document = {
        "text": chat_lines(
            f"SFR, fleet {chat_text(fleet.name)}: {headline(fleet)}",
            [f"{chat_text(org.name)}: {chat_text(reason(org))}" for org in failed],
        ),
        "fleet": fleet_facts(fleet),
        "failed": [{"name": org.name, "exit_code": org.exit_code, "message": org.message or None} for org in failed],
    }
    return json.dumps(document).encode("ascii")


def reason(org: OrgResult) -> str:
    """Why an org counts as failed, in a few words."""
    code = "no exit code" if org.exit_code is None else f"exit code {org.exit_code}"
    reports = f", {org.totals.failed:,} reports failed" if org.totals is not None and org.totals.failed else ""
    return f"{code}{reports}{f': {org.message}' if org.message else ''}"


def _as_run(fleet: FleetResult) -> RunStats:
    """The fleet as a run whose reports are its orgs, for channels that know runs."""
    return RunStats(
        run_id=fleet.run_id,
        started_at=fleet.started_at,
        finished_at=fleet.finished_at,
        duration_s=fleet.duration_s,
        exit_code=fleet.exit_code,
        domain=fleet.name,
        version=fleet.version,
        threads=0,
        workers=0,
        reports=tuple(_as_report(position, org) for position, org in enumerate(fleet.orgs)),
    )


def _as_report(position: int, org: OrgResult) -> ReportStats:
    return ReportStats(
        Report(position, "", org.name, "", "", ""),
        Status.SAVED if org.is_good else Status.FAILED,
        message="" if org.is_good else reason(org),
        attempt_count=org.attempts,
        rows=org.totals.rows if org.totals else None,
        size_bytes=org.totals.size_bytes if org.totals else None,
    )
