from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfr.progress.live_lines import live_lines
from sfr.progress.snapshot import Phase, ReportProgress, Snapshot


def lines_of(snapshot: Snapshot, columns: int, most_lines: int = 23, *, encoding: str = "utf-8", color: bool = False):
    """What is drawn on a terminal of this size."""
    return [line.rstrip() for line in live_lines(snapshot, columns, most_lines, encoding=encoding, color=color)]


def test_each_report_in_flight_has_a_line_and_the_run_the_last(snapshot: Snapshot) -> None:
    """Name, bytes, rate, phase and how long; then done of all, bytes, elapsed, time to go."""
    waiting, downloading, writing, run = lines_of(snapshot, 110)

    assert waiting.split() == ["Accounts", "waiting", "for", "Salesforce", "12", "s"]
    assert "8.6 MB    1.9 MB/s  downloading" in downloading
    assert writing.split()[-6:] == ["KB", "checking", "and", "writing", "1.5", "s"]
    assert "12 of 40 reports (1 failed) · 47.7 MB of ~191 MB · 20 s elapsed · about 1 min 01 s to go" in run
    assert run.startswith("━")


@pytest.mark.parametrize("columns", [19, 39, 79, 199])
def test_lines_fit_and_say_what_matters_most_when_the_terminal_is_narrow(snapshot: Snapshot, columns: int) -> None:
    """Names are cut, then figures left out; how many are done is always there."""
    lines = lines_of(snapshot, columns)

    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= min(columns, 110)
    assert "12/40" in lines[-1] or "12 of 40" in lines[-1]
    assert "waiting" in lines[0]
    if columns >= 39:
        assert "1 min 01 s to go" in lines[-1]


@pytest.mark.parametrize("most_lines", [1, 2, 3, 8, 40])
def test_reports_beyond_the_height_are_counted(snapshot: Snapshot, most_lines: int) -> None:
    """Those on the network are listed first; a backlog of hundreds hides none of them."""
    backlog = tuple(ReportProgress(f"payload {n}", Phase.WRITING, 1.0, 100) for n in range(300))
    lines = lines_of(replace(snapshot, reports=(*backlog, *snapshot.reports)), 110, most_lines)

    assert len(lines) == min(most_lines, 13)
    assert "12 of 40" in lines[-1]
    if most_lines >= 3:
        assert "more: " in lines[-2]
        assert lines[-3].startswith("Accounts" if most_lines == 3 else "Opportunities")
    if most_lines == 8:
        assert "and 297 more: 297 writing" in lines[-2]


def test_names_are_data_and_no_terminal_acts_on_them(snapshot: Snapshot) -> None:
    """Neither markup nor emoji codes nor control characters of a name mean anything."""
    name = "[bold]x[/] :smile: \x1b[31m\u202e"
    report = ReportProgress(name, Phase.DOWNLOADING, 1.0, 5)
    for color in (False, True):
        text = "\n".join(lines_of(replace(snapshot, reports=(report,)), 110, color=color))
        assert r"[bold]x[/] :smile: \x1b[31m\u202e" in text


def test_lines_are_ascii_when_the_terminal_cannot_show_more(snapshot: Snapshot) -> None:
    """A Latin-1 or C locale gets no character that it lacks."""
    foreign = replace(snapshot, reports=(ReportProgress("商談", Phase.DOWNLOADING, 1.0, 5), *snapshot.reports))
    for columns in (30, 110):
        text = "".join(lines_of(foreign, columns, encoding="ascii"))
        assert text.isascii()
        assert text.isprintable()


def test_there_is_colour_only_when_requested(snapshot: Snapshot) -> None:
    """NO_COLOR leaves no escape sequence at all, not even for bold text."""
    assert "\x1b[33mwaiting for Salesforce" in "".join(lines_of(snapshot, 110, color=True))
    assert "\x1b" not in "".join(lines_of(snapshot, 110))


REPORT = st.builds(
    ReportProgress,
    st.text(max_size=60),
    st.sampled_from(Phase),
    st.floats(0, 1e7),
    st.integers(0, 10**15),
    st.none() | st.floats(0, 1e12),
)


@given(
    st.lists(REPORT, max_size=20),
    st.integers(1, 130),
    st.integers(1, 30),
    st.sampled_from(["utf-8", "cp1252", "ascii"]),
)
def test_whatever_a_run_holds_fits_the_terminal(
    reports: list[ReportProgress], columns: int, most_lines: int, encoding: str
) -> None:
    """No name, figure or size makes a line too wide or too many of them."""
    snapshot = Snapshot(0, 0, 10**6, tuple(reports), 0, 0, None, 1e6, 1e9)
    lines = live_lines(snapshot, columns, most_lines, encoding=encoding, color=False)

    assert 1 <= len(lines) <= most_lines
    assert max(map(cell_len, lines)) <= columns
