"""Small pieces of text that several parts of the HTML summary show alike: statuses, names, ids, sentences."""

from __future__ import annotations

from urllib.parse import quote

from sfr.results import ReportStats, RunStats
from sfr.summaries.markup import Markup, joined, tag


def badge(status: str, words: str) -> Markup:
    """A word on a tinted ground; the word says it, the colour only helps."""
    return tag("span", words, class_=f"badge {status}")


def report_name(name: str) -> Markup:
    """The name by itself: one that is written from right to left does not reorder what stands around it."""
    return tag("bdi", name)


def report_id(run: RunStats, stats: ReportStats) -> str:
    """The id as a link to the report in the org, for a person who is logged in there."""
    identifier = stats.report.report_id
    if not identifier or not run.domain.startswith("https://"):
        return identifier
    return tag("a", identifier, href=f"{run.domain.rstrip('/')}/{quote(identifier)}", rel="noreferrer noopener")


def sentences(message: str) -> Markup:
    """A message of SFR's, with what stands between backticks as code; an odd backtick stays what it is."""
    parts = message.split("`")
    if len(parts) % 2 == 0:
        return joined([message])
    return joined(tag("code", part) if place % 2 else part for place, part in enumerate(parts))
