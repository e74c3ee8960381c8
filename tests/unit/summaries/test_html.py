from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import REMEDIES, ErrorKind
from sfr.model import Status
from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.html_style import DARK, LIGHT
from sfr.summaries.html_summary import render, verdict
from sfr.summaries.html_timeline import bars
from sfr.summaries.html_trends import trend
from sfr.summaries.markup import tag

INKS = ("saved", "unchanged", "skipped", "failed")


class Page(HTMLParser):
    """What there is on a page."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page(run: RunStats, background: Background) -> Page:
    """The sample run's page."""
    return Page(b"".join(render(run, None, background)).decode())


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_colors_have_enough_contrast(colors: dict[str, str]) -> None:
    """Text 4.5:1, shapes 3:1, on every ground they stand on."""
    for ink in ("ink", "soft", *INKS):
        for ground in ("ground", "card"):
            assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)
    for ink in INKS:
        assert contrast(colors[ink], colors[f"{ink}-tint"]) >= 4.5, ink
        assert contrast(colors[ink], colors["card"]) >= 3
    for shape in ("waiting", "loading", "writing", "earlier"):
        assert contrast(colors[shape], colors["card"]) >= 3, shape
        assert contrast(colors[shape], colors["ground"]) >= 3, shape
    assert LIGHT.keys() == DARK.keys()


def test_page_is_well_formed_and_loads_nothing(page: Page, run: RunStats, background: Background) -> None:
    """Every element is closed; no script, style attribute, image or import; the policy forbids all but its style."""
    markup = b"".join(render(run, None, background)).decode()

    assert page.open == []
    assert not {"script", "img", "link", "iframe", "object"} & {name for name, _ in page.tags}
    assert not any(key in attributes for _, attributes in page.tags for key in ("style", "src", "onload", "onclick"))
    assert not re.search(r"url\(|@import|javascript:", markup)
    policy = next(each for each in page.of("meta") if each.get("http-equiv"))["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_page_can_be_used_without_seeing_it(page: Page) -> None:
    """Language, title, captions, headed columns, and a text for every drawing."""
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("h1")) == 1
    assert all(each.get("aria-label") or each.get("aria-hidden") for each in page.of("svg"))
    assert len(page.of("caption")) == len(page.of("table")) == 1
    assert all(each.get("scope") == "col" for each in page.of("th"))
    assert "4 of 40 reports failed · 2026-11-23" in page.text


def test_failures_come_first_with_their_remedy(page: Page) -> None:
    """A reader in a hurry sees what failed and what to do before anything else about reports."""
    assert page.text.index("The gzip stream was cut.") < page.text.index("Timeline")
    assert page.text.count("What to do: ") == 4
    assert "The report has no rows." in page.text
    assert "The limits check was answered with 503" in page.text


def test_names_are_escaped(page: Page) -> None:
    """A name that looks like HTML is shown, not run."""
    assert "<script>alert('x')</script>" in page.text


def test_names_do_not_reorder_what_stands_around_them(page: Page, run: RunStats) -> None:
    """A name written from right to left is isolated wherever it is shown: in the table, the timeline, the failures."""
    assert len(page.of("bdi")) >= 2 * len(run.reports) + 4


def test_causes_are_told_once_when_many_reports_share_them(run: RunStats, background: Background) -> None:
    """What happened and what to do come before the names of all that it happened to."""
    message = f"Salesforce answered with status 404. {REMEDIES[ErrorKind.NOT_FOUND]}"
    reports = tuple(
        replace(stats, status=Status.FAILED, error=ErrorKind.NOT_FOUND, message=message) for stats in run.reports
    )
    text = Page(b"".join(render(replace(run, reports=reports), None, background)).decode()).text

    assert text.count("Salesforce answered with status 404.") == text.count("What to do: ") == 1
    assert text.index("40 reports", text.index("not_found")) < text.index("What to do: ") < text.index("Leads")


def test_warnings_alike_are_told_once(run: RunStats, background: Background) -> None:
    """Forty reports with the same notice are one line that unfolds into their names."""
    reports = tuple(
        replace(stats, status=Status.SAVED, error=None, message="Fetched by `analytics`.") for stats in run.reports
    )
    page = Page(b"".join(render(replace(run, reports=reports), None, background)).decode())

    assert len(page.of("details")) == 1
    assert page.text.count("40 reports: Fetched by analytics.") == 1
    assert len(page.of("code")) == 1


def test_remedy_is_set_apart_when_the_message_goes_on_behind_it(run: RunStats, background: Background) -> None:
    """A guard's message ends with where the new file lies; what to do is found before that."""
    message = f"The report has 3 rows. {REMEDIES[ErrorKind.GUARD]} It was put aside as /srv/r.csv.rejected."
    reports = (replace(run.reports[0], status=Status.FAILED, error=ErrorKind.GUARD, message=message),)
    text = Page(b"".join(render(replace(run, reports=reports), None, background)).decode()).text

    assert "The report has 3 rows. It was put aside as /srv/r.csv.rejected." in text
    assert f"What to do: {REMEDIES[ErrorKind.GUARD]}" in text


@given(st.text(), st.text())
def test_tag_shows_any_text_and_attribute(content: str, attribute: str) -> None:
    """What goes in as text comes out as text, control characters as escapes."""
    found = Page(tag("p", content, title=attribute))

    assert found.open == []
    assert [name for name, _ in found.tags] == ["p"]
    if content.isprintable():
        assert found.text == content
    if attribute.isprintable():
        assert found.of("p")[0]["title"] == attribute


def test_timeline_tells_what_the_time_went_into(run: RunStats) -> None:
    """Waiting, downloading and writing follow each other, on the clock of the run."""
    found = bars(run.reports[0])

    assert [bar.phase for bar in found] == ["waiting", "loading", "writing"]
    assert found[0].from_s == 0.4
    assert all(bar.to_s > bar.from_s for bar in found)


def test_page_is_made_when_no_times_are_known(run: RunStats, background: Background) -> None:
    """Reports that never left, were skipped or failed at once have a row, but no bar."""
    bare = tuple(replace(stats, phases=None, rows=None, size_bytes=None) for stats in run.reports)
    text = Page(b"".join(render(replace(run, reports=bare), None, background)).decode()).text

    assert "Timeline" not in text
    assert "Retries and limits" in text


def test_columns_make_a_plain_table(run: RunStats, background: Background) -> None:
    """`columns` of the configuration replaces the table of reports."""
    found = Page(b"".join(render(run, ("file_name", "sha256"), background)).decode())

    assert len(found.of("th")) == 2
    assert found.open == []


def test_page_stays_openable_when_there_are_many_reports(run: RunStats) -> None:
    """Of thousands of reports only the longest are drawn; each still has its row."""
    many = tuple(
        replace(run.reports[n % 40], report=replace(run.reports[n % 40].report, position=n)) for n in range(2000)
    )
    markup = b"".join(render(replace(run, reports=many), None, Background())).decode()

    assert "The 60 longest of 2,000 reports" in markup
    assert markup.count("<tr") == 2001


def test_failures_alike_are_not_listed_without_end(run: RunStats) -> None:
    """A dead org of 2,000 reports is one cause with some names, and the number of the others."""
    dead = tuple(
        replace(run.reports[7], report=replace(run.reports[7].report, position=n), phases=None) for n in range(2000)
    )
    page = Page(b"".join(render(replace(run, reports=dead), None, Background())).decode())

    assert page.text.count("What to do: ") == 1
    assert "and 1,950 more, in the table below" in page.text


def test_trend_is_drawn_when_there_are_three_points() -> None:
    """Gaps are passed over; too few points, or none of this run, are no curve."""
    drawn = trend([1.0, None, 3.0, 2.0], "Rows", str)

    assert drawn is not None
    assert "Rows of the last 3 runs: from 1.0 to 3.0, now 2.0" in drawn
    assert trend([1.0, 2.0], "Rows", str) is None
    assert trend([1.0, 2.0, 3.0, None], "Rows", str) is None
    flat = trend([5.0] * 4, "Rows", str)
    assert flat is not None
    assert "NaN" not in flat


def test_verdict_is_plain(run: RunStats) -> None:
    """Four ways in which a run ends."""
    good = tuple(replace(stats, status=Status.SAVED) for stats in run.reports)

    assert verdict(run) == "4 of 40 reports failed"
    assert verdict(replace(run, reports=good)) == "All 40 reports are in place"
    assert verdict(replace(run, reports=good[:1])) == "The report is in place"
    assert verdict(replace(run, reports=())) == "No report was fetched"
