"""The timeline: when each fetch thread was busy, and the phases of each report."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from sfr.model import Status
from sfr.results import ReportStats, RunStats
from sfr.terminal.figures import counted, duration

#: Maximum of reports drawn individually; the longest are chosen.
MAX_REPORTS = 60
#: Number of parts of the timeline; of a thread's bars that begin in the same part, only one is visible.
PARTS = 750

PHASES = {
    "earlier": "earlier attempts",
    "waiting": "waiting for Salesforce",
    "loading": "downloading",
    "writing": "checking and writing",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A phase of a report, in seconds since the start of the run."""

    phase: str
    from_s: float
    to_s: float

    @property
    def duration_s(self) -> float:
        """How long the phase lasted."""
        return self.to_s - self.from_s


@dataclass(frozen=True, slots=True)
class Track:
    """A line of bars, with its text."""

    name: str
    #: A text alternative for the bars, for screen readers.
    label: str
    took: str
    bars: Sequence[Bar]
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything drawn on one time scale, which ends at `end_s`."""

    end_s: float
    threads: Sequence[Track]
    #: In the order of their first requests.
    reports: Sequence[Track]
    #: Number of reports with known times, drawn or not.
    report_count: int


def bars(stats: ReportStats) -> tuple[Bar, ...]:
    """The phases of a report, as far as they are known."""
    phases = stats.phases
    if phases is None:
        return ()
    found = [
        Bar("earlier", phases.first_request_s, phases.request_s),
        Bar("waiting", phases.request_s, phases.first_byte_s),
        Bar("loading", phases.first_byte_s, phases.received_s),
    ]
    if phases.taken_s is not None and phases.done_s is not None:
        found.append(Bar("writing", phases.taken_s, phases.done_s))
    return tuple(bar for bar in found if bar.to_s > bar.from_s)


def timeline(run: RunStats) -> Timeline | None:
    """The timeline of the run; None if no report has times."""
    report_count, end_s = 0, max(run.duration_s, 1e-3)
    by_thread: dict[int, list[Bar]] = {}
    for stats in run.reports:
        if (found := bars(stats)) and stats.phases is not None:
            report_count, end_s = report_count + 1, max(end_s, found[-1].to_s)
            by_thread.setdefault(stats.phases.thread, []).extend(b for b in found if b.phase in ("waiting", "loading"))
    if not report_count:
        return None
    threads = [_thread(number, by_thread[number], end_s) for number in sorted(by_thread)]
    drawn = ((stats, found) for stats in run.reports if (found := bars(stats)))
    longest = heapq.nlargest(MAX_REPORTS, drawn, key=lambda pair: _span_s(pair[1]))
    longest.sort(key=lambda pair: pair[1][0].from_s)
    return Timeline(end_s, threads, [_report(stats, found) for stats, found in longest], report_count)


def _span_s(found: Sequence[Bar]) -> float:
    return found[-1].to_s - found[0].from_s


def _report(stats: ReportStats, found: Sequence[Bar]) -> Track:
    phases = ", ".join(f"{PHASES[bar.phase]} {duration(bar.duration_s)}" for bar in found)
    thread = f"thread {stats.phases.thread + 1}, " if stats.phases else ""
    label = f"{stats.name}: {thread}{phases}; {stats.status.value}"
    return Track(stats.name, label, duration(_span_s(found)), found, is_failed=stats.status is Status.FAILED)


def _thread(number: int, found: Sequence[Bar], end_s: float) -> Track:
    """The track of a thread; of bars that would cover each other, only the longest is kept, for a small page."""
    seen: dict[int, Bar] = {}
    for bar in sorted(found, key=lambda bar: bar.duration_s):
        seen[int(PARTS * bar.from_s / end_s)] = bar
    name = f"Thread {number + 1}"
    busy = f"{100 * sum(bar.duration_s for bar in found) / end_s:.0f} % busy"
    reports = counted(sum(bar.phase == "loading" for bar in found), "report")
    return Track(name, f"{name}: {reports}, {busy}", busy, [seen[part] for part in sorted(seen)])
