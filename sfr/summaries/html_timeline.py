"""The timeline of the HTML summary: which thread was busy when, and what each report's time went into.

Bars are SVG without text, stretched to the width there is; every bar has its text beside it and as its label.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sfr.model import Status
from sfr.results import ReportStats, RunStats
from sfr.summaries.html_words import report_name
from sfr.summaries.markup import Markup, joined, tag, text
from sfr.terminal.figures import counted, duration

#: Units of the drawing from the run's start to its end.
WIDTH = 1000.0
#: A bar narrower than this would vanish.
NARROWEST = 1.5
TICKS = 4
#: Reports drawn one by one; of more, those that took longest.
MOST_REPORTS = 60

PHASES = {
    "earlier": "earlier attempts",
    "waiting": "Salesforce computes",
    "loading": "downloading",
    "writing": "checking and writing",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time, in seconds from the start of the run."""

    phase: str
    from_s: float
    to_s: float


def bars(stats: ReportStats) -> tuple[Bar, ...]:
    """What the report's time went into, as far as it is known."""
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


def timeline(run: RunStats) -> Markup | None:
    """The section's content; None if no report has times."""
    count, end_s = 0, max(run.duration_s, 1e-3)
    by_thread: dict[int, list[Bar]] = {}
    for stats, found in _drawn(run):
        count, end_s = count + 1, max(end_s, found[-1].to_s)
        if stats.phases is not None:
            by_thread.setdefault(stats.phases.thread, []).extend(b for b in found if b.phase in ("waiting", "loading"))
    if not count:
        return None
    longest = heapq.nlargest(MOST_REPORTS, _drawn(run), key=lambda pair: pair[1][-1].to_s - pair[1][0].from_s)
    return joined([_key(), _lanes(by_thread, end_s), _reports(longest, count, end_s)])


def _drawn(run: RunStats) -> Iterator[tuple[ReportStats, tuple[Bar, ...]]]:
    """The reports with times, and their bars."""
    for stats in run.reports:
        if found := bars(stats):
            yield stats, found


def _key() -> Markup:
    entries = (
        tag("li", tag("svg", tag("rect", width="100%", height="100%", class_=f"f-{phase}"), aria_hidden="true"), words)
        for phase, words in PHASES.items()
    )
    return tag("ul", *entries, class_="key")


def _lanes(by_thread: Mapping[int, Sequence[Bar]], end_s: float) -> Markup:
    rows = []
    for thread in sorted(by_thread):
        work = by_thread[thread]
        reports = sum(bar.phase == "loading" for bar in work)
        busy = f"{100 * sum(bar.to_s - bar.from_s for bar in work) / end_s:.0f} %"
        label = f"Thread {thread + 1}: {counted(reports, 'report')}, busy {busy} of the time"
        rows.append(_row(text(f"Thread {thread + 1}"), _svg(work, end_s, label, class_="lane"), f"{busy} busy"))
    caption = tag(
        "figcaption", "Fetch threads with the last attempt at each report, from the start of the run to its end"
    )
    return tag("figure", caption, tag("ol", *rows, class_="rows"), _scale(end_s))


def _reports(longest: Sequence[tuple[ReportStats, tuple[Bar, ...]]], count: int, end_s: float) -> Markup:
    rows = []
    for stats, found in sorted(longest, key=lambda pair: pair[1][0].from_s):
        has_failed = stats.status is Status.FAILED
        who = tag(
            "span",
            "✗ " if has_failed else "",
            report_name(stats.report.name),
            class_="text-failed" if has_failed else None,
            title=stats.report.name,
        )
        rows.append(_row(who, _svg(found, end_s, _label(stats, found)), duration(found[-1].to_s - found[0].from_s)))
    which = "Every report" if len(longest) == count else f"The {len(longest)} longest of {count:,} reports"
    caption = tag("figcaption", f"{which}, in the order of their first request")
    return tag("figure", caption, tag("ol", *rows, class_="rows"), _scale(end_s))


def _row(who: Markup, svg: Markup, took: str) -> Markup:
    return tag("li", tag("span", who, class_="who"), svg, tag("span", took, class_="took"))


def _label(stats: ReportStats, found: Iterable[Bar]) -> str:
    phases = ", ".join(f"{PHASES[bar.phase]} {duration(bar.to_s - bar.from_s)}" for bar in found)
    thread = f"thread {stats.phases.thread + 1}, " if stats.phases else ""
    return f"{stats.report.name}: {thread}{phases}; {stats.status.value}"


def _svg(found: Iterable[Bar], end_s: float, label: str, class_: str | None = None) -> Markup:
    grid = (
        tag("line", x1=WIDTH * tick / TICKS, x2=WIDTH * tick / TICKS, y1="0", y2="10", class_="grid")
        for tick in range(1, TICKS)
    )
    rects = (
        tag(
            "rect",
            x=WIDTH * bar.from_s / end_s,
            width=max(NARROWEST, WIDTH * (bar.to_s - bar.from_s) / end_s),
            height="10",
            class_=f"f-{bar.phase}",
        )
        for bar in found
    )
    return tag(
        "svg",
        tag("title", label),
        *grid,
        *rects,
        viewBox=f"0 0 {WIDTH:.0f} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_=class_,
    )


def _scale(end_s: float) -> Markup:
    ticks = (tag("span", duration(end_s * tick / TICKS) if tick else "0") for tick in range(TICKS + 1))
    return tag(
        "div", tag("span"), tag("div", *ticks, class_="scale"), tag("span"), class_="scale-row", aria_hidden="true"
    )
