from __future__ import annotations

from dataclasses import replace

from sfr.progress.snapshot import Snapshot
from sfr.progress.status_lines import StatusLines, sentence


def test_status_line_comes_when_time_or_a_tenth_has_passed(snapshot: Snapshot) -> None:
    """One sentence every 30 s or 10 % of the reports."""
    lines: list[str] = []
    progress = StatusLines(lines.append)
    for done, elapsed_s in ((0, 0), (1, 1), (3, 2), (4, 3), (5, 10), (5, 33), (5, 40), (40, 41)):
        progress.update(replace(snapshot, done=done, elapsed_s=float(elapsed_s)))

    assert [line.split(" (")[0] for line in lines] == ["4 of 40 reports", "5 of 40 reports", "40 of 40 reports"]


def test_sentence_names_what_matters(snapshot: Snapshot) -> None:
    """Counts, bytes, time, what is in flight and what is being written."""
    assert sentence(snapshot) == (
        "12 of 40 reports (1 failed), 47.7 MB in 20 s, 2 in flight, 1 being checked and written, about 1 min 01 s to go"
    )
    assert (
        sentence(replace(snapshot, done=40, failed=0, reports=())) == "40 of 40 reports, 47.7 MB in 20 s, 0 in flight"
    )


def test_sentence_counts_reports_that_are_being_delivered(snapshot: Snapshot) -> None:
    """They are in place, but have not ended."""
    assert ", 3 being delivered" in sentence(replace(snapshot, delivering=3))
