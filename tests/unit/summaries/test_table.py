from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from sfr.errors import REMEDIES, ErrorKind
from sfr.model import Status
from sfr.results import ReportStats, RunStats
from sfr.summaries.headline import headline
from sfr.summaries.table import render_table


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_table_fits_the_terminal(run: RunStats, width: int) -> None:
    """No line is wider than the terminal, whatever the names; above 120 columns it grows no more."""
    lines = render_table(run, width=width).splitlines()

    # Below 60 columns the figures alone need their room.
    assert max(map(cell_len, lines)) <= min(max(width, 60), 120)
    assert lines.index("") == 42  # head, rule, 40 reports


def test_table_shows_reason_and_remedy_of_each_failure(run: RunStats) -> None:
    """Who failed, why, and what to do, after the table."""
    text = render_table(run, width=500)

    assert "Leads: truncated\n    The export ended after 48,113,664 bytes" in text
    assert REMEDIES[ErrorKind.NOT_FOUND] in " ".join(text.split())
    assert "商談レポート 2026年 22: warning\n    The report has no rows." in text
    assert text.endswith("Exit code 4 (some reports failed).\n")


def test_equal_failures_are_reported_once(run: RunStats) -> None:
    """A dead org is one paragraph, not one for each report."""
    failed = tuple(
        ReportStats(stats.report, Status.FAILED, ErrorKind.NETWORK, f"Refused. {REMEDIES[ErrorKind.NETWORK]}")
        for stats in run.reports
    )
    text = render_table(replace(run, reports=failed, notes=()), width=80)

    assert text.count("Refused.") == 1
    assert "and 30 more: network" in " ".join(text.split())


def test_table_is_ascii_when_the_stream_cannot_show_more(run: RunStats) -> None:
    """Columns stay aligned: what is escaped is escaped before it is measured."""
    text = render_table(run, width=100, encoding="ascii")

    assert text.isascii()
    rows = [line for line in text.splitlines() if line.startswith("saved")]
    assert len({len(row) for row in rows}) == 1


def test_control_characters_are_escaped(run: RunStats) -> None:
    """A report's name cannot paint the terminal."""
    report = replace(run.reports[0].report, name="\x1b[31mred\u202e")
    stats = replace(run.reports[0], report=report, message="\x1b]0;title\x07")
    text = render_table(replace(run, reports=(stats,), notes=("\x9b2J",)), width=100)

    assert "\x1b" not in text
    assert r"\x1b[31mred\u202e" in text
    assert r"\x9b2J" in text


def test_statuses_are_coloured_when_requested(run: RunStats) -> None:
    """Colour changes nothing but the status."""
    painted = render_table(run, width=80, color=True)

    assert "\x1b[1;31mfailed\x1b[0m" in painted
    plain = painted.replace("\x1b[0m", "")
    for code in ("32", "36", "1;31"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == render_table(run, width=80)


def test_headline_says_it_in_one_sentence(run: RunStats) -> None:
    """Counts, rows, size, duration and exit code, also of a run without reports."""
    assert headline(replace(run, reports=(), exit_code=3, duration_s=0.4)) == (
        "0 reports: none; 0 rows, 0 B in 0.4 s. Exit code 3 (log-in refused or session lost)."
    )
    assert headline(replace(run, reports=run.reports[:1], exit_code=0)).startswith("1 report: 1 saved; 121,153 rows")


def test_headline_says_that_only_a_summary_is_missing(run: RunStats) -> None:
    """Exit code 4 without a failed report."""
    assert headline(replace(run, reports=run.reports[:1], exit_code=4)).endswith(
        "Exit code 4 (a summary could not be written)."
    )


def test_skipped_reports_are_no_warnings_and_take_one_paragraph(run: RunStats) -> None:
    """Each has an age of its own; one alone keeps its message."""
    young = tuple(
        replace(stats, status=Status.SKIPPED, error=None, message=f"Fetched {stats.report.position} min ago.")
        for stats in run.reports
    )
    text = render_table(replace(run, reports=young, notes=()), width=200)
    alone = render_table(replace(run, reports=young[:1], notes=()), width=200)

    assert "warning" not in text
    assert text.count(": skipped") == text.count("Fetched less than `max_age_h` ago") == 1
    assert ": skipped\n    Fetched 0 min ago." in alone
