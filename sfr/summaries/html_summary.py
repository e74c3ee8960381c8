"""The summary as one HTML page: no script, nothing loaded, readable on a phone, in light and in dark.

The order is that of a reader who is in a hurry: how it went, what failed and what to do, when what ran, everything.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit

from sfr.errors import ErrorKind
from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import chosen
from sfr.summaries.html_causes import failed_section, warnings_section
from sfr.summaries.html_reports import ROWS, columns_table, reports_table, shares
from sfr.summaries.html_style import content_security_policy, style_sheet
from sfr.summaries.html_timeline import timeline
from sfr.summaries.html_words import report_name
from sfr.summaries.markup import Markup, joined, tag
from sfr.terminal.figures import count, counted, duration, local_time, size


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:
    """The page. `columns` replaces the table of reports by a plain one with these columns."""
    style = style_sheet()
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_security_policy(style)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content=f"SFR {run.version}"),
        tag("title", f"{verdict(run)} · {local_time(run.started_at)} · {_org(run)}"),
        tag("style", Markup(style)),
    )
    table = columns_table(run, chosen(columns)) if columns else reports_table(run, background)
    sections = (
        _glance(run),
        failed_section(run),
        warnings_section(run),
        _timeline_section(run),
        _limits_section(run),
        table.section,
    )
    body = tag("body", _header(run), tag("main", *filter(None, sections)), _footer(run))
    before, after = f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n".split(ROWS)
    for part in itertools.chain([before], table.rows, [after]):
        yield part.encode("utf-8", "backslashreplace")


def verdict(run: RunStats) -> str:
    """The run in a few words."""
    failed = run.failed
    total = len(run.reports)
    if not total:
        return "No report was fetched"
    if not failed:
        return "The report is in place" if total == 1 else f"All {total:,} reports are in place"
    return f"{failed:,} of {counted(total, 'report')} failed"


def _org(run: RunStats) -> str:
    return urlsplit(run.domain).hostname or run.domain


def _header(run: RunStats) -> Markup:
    when = joined([tag("span", _org(run), class_="org"), f"{local_time(run.started_at)} to {_clock(run)}"], " · ")
    return tag("header", tag("p", when, class_="soft"), tag("h1", verdict(run), class_=_mood(run)))


def _clock(run: RunStats) -> str:
    return run.finished_at.astimezone().strftime("%H:%M:%S")


def _mood(run: RunStats) -> str | None:
    return "failed" if run.exit_code else None


def _glance(run: RunStats) -> Markup:
    facts = {
        "Rows": count(run.rows),
        "Size": size(run.size_bytes),
        "Duration": duration(run.duration_s),
        "Received": size(run.totals.received_bytes),
        "Retries": count(run.retries),
        "Exit code": str(int(run.exit_code)),
    }
    entries = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items())
    return tag(
        "section", _share_bar(run), _share_key(run), tag("dl", *entries, class_="facts"), aria_label="At a glance"
    )


def _share_bar(run: RunStats) -> Markup:
    bars, x = [], 0
    for status, number in shares(run).items():
        bars.append(tag("rect", x=x, width=number, height="10", class_=f"f-{status.value}"))
        x += number
    label = ", ".join(f"{number:,} {status.value}" for status, number in shares(run).items())
    return tag(
        "svg",
        *bars,
        viewBox=f"0 0 {max(x, 1)} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=label or "no report",
        class_="share",
    )


def _share_key(run: RunStats) -> Markup:
    entries = (
        tag(
            "li",
            tag("svg", tag("rect", width="100%", height="100%", class_=f"f-{status.value}"), aria_hidden="true"),
            f"{number:,} {status.value}",
        )
        for status, number in shares(run).items()
    )
    return tag("ul", *entries, class_="key")


def _timeline_section(run: RunStats) -> Markup | None:
    drawing = timeline(run)
    if drawing is None:
        return None
    return tag("section", tag("h2", "Timeline", id="timeline"), drawing, aria_labelledby="timeline")


def _limits_section(run: RunStats) -> Markup:
    again = [stats for stats in run.reports if stats.attempt_count > 1]
    limited = sum(stats.error is ErrorKind.RATE_LIMITED for stats in run.reports)
    facts = {
        "Fetch threads": count(run.threads),
        "Workers": count(run.workers),
        "Asked again": counted(run.retries, "request"),
        "More than one attempt": counted(len(again), "report"),
        "Ended by a rate limit": counted(limited, "report"),
        "Workers that died": count(run.worker_deaths),
    }
    entries = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items())
    most = sorted(again, key=lambda stats: -stats.attempt_count)[:10]
    names = [joined([report_name(stats.report.name), f" ({stats.attempt_count} attempts)"]) for stats in most]
    listed = tag("p", "Most attempts: ", joined(names, "; "), ".", class_="soft small") if names else ""
    return tag(
        "section", tag("h2", "Retries and limits", id="limits"), tag("dl", *entries, class_="facts"), listed,
        aria_labelledby="limits",
    )  # fmt: skip


def _footer(run: RunStats) -> Markup:
    return tag("footer", tag("p", f"Run {run.run_id} · SFR {run.version} · {run.domain}"))
