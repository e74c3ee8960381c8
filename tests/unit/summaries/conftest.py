"""A run as on a busy night: 40 reports, failures, long and foreign names, and what earlier nights did."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from sfr.errors import REMEDIES, ErrorKind
from sfr.history.past import PastReport
from sfr.model import Report, Status
from sfr.results import Phases, ReportStats, RunStats
from sfr.summaries.background import Background

START = datetime(2026, 11, 23, 4, 10, 0, tzinfo=UTC)
NAMES = (
    "Opportunities open by owner and stage",
    "Konten ohne Aktivität – Österreich & Schweiz",
    "商談レポート 2026年",
    "Cases_closed_last_week",
    "A very long report name that somebody wrote as a whole sentence, with commas, so that no table column is ever "
    "wide enough for it and everything that shows it has to cope",
    "<script>alert('x')</script>",
    "Rechnungen=SUMME(A1)",
    "Leads",
    "AReportWhoseNameHasNoBlankAnywhereSoThatNothingCanBreakItIntoLinesUnlessItIsToldToDoSoByTheStyleSheet",
    "=cmd|' /C calc'!A0",
)
FAILURES = {
    7: (ErrorKind.TRUNCATED, "The export ended after 48,113,664 bytes without its footer, so it is not whole."),
    13: (ErrorKind.NOT_FOUND, "Salesforce answered 404 for report 00O1V000009ZZZZUA4."),
    14: (ErrorKind.TRUNCATED, "The gzip stream was cut."),
    29: (
        ErrorKind.GUARD,
        "The report has 12 rows, 98.7 % fewer than the 912 of the last good run (at most 50 % allowed).",
    ),
}


def make_report(position: int, **changes: object) -> Report:
    """A report of the sample list."""
    values: dict[str, object] = {
        "position": position,
        "report_type": "SFDC",
        "name": f"{NAMES[position % len(NAMES)]}{'' if position < len(NAMES) else f' {position}'}",
        "report_id": f"00O1V0000{position:06d}UA4",
        "directory": "/srv/reports/sales",
        "export_params": "?export=1&enc=UTF-8&xf=csv&isdtp=p1",
        "name_template": NAMES[position % len(NAMES)],
        **changes,
    }
    return Report(**values)


def _stats(position: int, sent_s: float, wait_s: float, load_s: float, write_s: float, thread: int) -> ReportStats:
    kind, reason = FAILURES.get(position, (None, ""))
    size_bytes = int(load_s * 6_000_000)
    received_s = sent_s + wait_s + load_s
    done_s = received_s + 0.2 + write_s
    return ReportStats(
        report=make_report(position),
        status=Status.FAILED if kind else Status.UNCHANGED if position % 9 == 5 else Status.SAVED,
        error=kind,
        message=f"{reason} {REMEDIES[kind]}" if kind else "The report has no rows." if position == 22 else "",
        attempt_count=3 if position in (7, 20) else 1,
        created_at=START + timedelta(seconds=sent_s),
        pulled_at=None if kind else START + timedelta(seconds=done_s),
        processing_time_s=done_s - sent_s,
        rows=None if kind else size_bytes // 113,
        columns=None if kind else 18,
        size_bytes=None if kind else size_bytes,
        sha256=None if kind else f"{position:064x}",
        route="classic",
        http_status=404 if kind is ErrorKind.NOT_FOUND else 200,
        phases=Phases(thread, sent_s, sent_s, sent_s + wait_s, received_s, received_s + 0.2, done_s),
        received_bytes=size_bytes // 9,
    )


@pytest.fixture
def run() -> RunStats:
    """The run of 40 reports on four threads."""
    dice = random.Random(7)
    free = [0.4] * 4
    stats = []
    for position in range(40):
        thread = free.index(min(free))
        wait_s, load_s = dice.uniform(0.5, 9), dice.uniform(0.2, 14)
        stats.append(_stats(position, free[thread], wait_s, load_s, load_s * 0.2, thread))
        free[thread] += wait_s + load_s + 0.05
    return RunStats(
        run_id="20261123T041000Z-7f3a",
        started_at=START,
        finished_at=START + timedelta(seconds=max(free) + 3),
        duration_s=max(free) + 3,
        exit_code=4,
        domain="https://acme--uat.sandbox.my.salesforce.com",
        version="1.0.0",
        threads=4,
        workers=2,
        reports=tuple(stats),
        retries=4,
        worker_deaths=1,
        notes=("The limits check was answered with 503; going on.",),
    )


def make_trend(position: int, rows: int | None = None, nights: int = 14) -> tuple[PastReport, ...]:
    """What earlier nights did for one report."""
    dice = random.Random(position)
    base = rows or dice.randint(500, 400_000)
    return tuple(_past_report(position, night, nights, base, dice) for night in range(nights))


def _past_report(position: int, night: int, nights: int, base: int, dice: random.Random) -> PastReport:
    has_failed = night == 5 and position % 4 == 0
    return PastReport(
        run_id=f"run-{night}",
        started_at=START - timedelta(days=nights - night),
        name=NAMES[position % len(NAMES)],
        report_id=f"00O1V0000{position:06d}UA4",
        path=f"/srv/reports/sales/{position}.csv",
        status=Status.FAILED if has_failed else Status.SAVED,
        error=ErrorKind.TIMEOUT if has_failed else None,
        message="",
        rows=None if has_failed else int(base * (0.8 + night / 70 + dice.uniform(0, 0.02))),
        size_bytes=None if has_failed else int(base * 113 * (0.8 + night / 70)),
        received_bytes=base * 12,
        duration_s=dice.uniform(2, 20),
    )


@pytest.fixture
def background(run: RunStats) -> Background:
    """Two weeks of earlier nights; the last two reports are new."""
    return Background(
        config_name="prod",
        last_success_at=START - timedelta(days=1),
        trends={stats.report.position: make_trend(stats.report.position, stats.rows) for stats in run.reports[:38]},
    )
