from __future__ import annotations

import configparser
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfr.errors import REMEDIES, ErrorKind
from sfr.escaping.invisible import escape_invisible
from sfr.model import Report, Status
from sfr.results import DeliveryStats, DeliveryStatus, Phases, ReportStats, RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import COLUMN_NAMES
from sfr.summaries.html import render, verdict
from sfr.summaries.html.timeline import PARTS, PHASES, bars, timeline
from sfr.summaries.html.trends import trend

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "sfr" / "summaries" / "html" / "templates"
STYLE = (TEMPLATES / "summary.css").read_text(encoding="utf-8")
#: The colours by name: the first set of variables is for light, the second for dark.
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", variables))
    for variables in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
START = datetime(2026, 11, 23, 4, 10, tzinfo=UTC)
PHASES_OF_A_REPORT = Phases(0, 0.1, 0.5, 1.0, 2.0, 2.1, 2.5)
INKS = tuple(status.value for status in Status)


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
        if self.open[-1:] != ["style"]:
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
    """Text 4.5:1, shapes 3:1, on every background they are drawn on."""
    for ink in ("ink", "soft", *INKS):
        for ground in ("ground", "card"):
            assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)
    for ink in INKS:
        assert contrast(colors[ink], colors[f"{ink}-tint"]) >= 4.5, ink
        assert contrast(colors[ink], colors["card"]) >= 3
    for shape in PHASES:
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


def test_names_do_not_reorder_the_text_around_them(page: Page, run: RunStats) -> None:
    """A name written from right to left is isolated wherever it is shown: in the table, the timeline, the failures."""
    assert len(page.of("bdi")) >= 2 * len(run.reports) + 4


def test_causes_are_reported_once_when_many_reports_share_them(run: RunStats, background: Background) -> None:
    """What happened and what to do come before the names of all that it happened to."""
    message = f"Salesforce answered with status 404. {REMEDIES[ErrorKind.NOT_FOUND]}"
    reports = tuple(
        replace(stats, status=Status.FAILED, error=ErrorKind.NOT_FOUND, message=message) for stats in run.reports
    )
    text = Page(b"".join(render(replace(run, reports=reports), None, background)).decode()).text

    assert text.count("Salesforce answered with status 404.") == text.count("What to do: ") == 1
    assert text.index("40 reports", text.index("not_found")) < text.index("What to do: ") < text.index("Leads")


def test_equal_warnings_are_reported_once(run: RunStats, background: Background) -> None:
    """Forty reports with the same notice are one line that unfolds into their names."""
    reports = tuple(
        replace(stats, status=Status.SAVED, error=None, message="Fetched by `analytics`.") for stats in run.reports
    )
    page = Page(b"".join(render(replace(run, reports=reports), None, background)).decode())

    assert len(page.of("details")) == 1
    assert page.text.count("40 reports: Fetched by analytics.") == 1
    assert len(page.of("code")) == 1


def test_remedy_is_set_apart_when_the_message_continues_behind_it(run: RunStats, background: Background) -> None:
    """A guard's message ends with where the new file lies; what to do is found before that."""
    message = f"The report has 3 rows. {REMEDIES[ErrorKind.GUARD]} The new data was saved as /srv/r.csv.rejected."
    reports = (replace(run.reports[0], status=Status.FAILED, error=ErrorKind.GUARD, message=message),)
    text = Page(b"".join(render(replace(run, reports=reports), None, background)).decode()).text

    assert "The report has 3 rows. The new data was saved as /srv/r.csv.rejected." in text
    assert f"What to do: {REMEDIES[ErrorKind.GUARD]}" in text


@cache
def page_of(text: str, columns: tuple[str, ...] | None) -> str:
    """The page of a run all of whose texts are this one."""
    report = Report(0, "SFDC", text, text, f"/{text}", text, name_template=text)
    failed = ReportStats(report, Status.FAILED, ErrorKind.INVALID, text, 2, route=text, phases=PHASES_OF_A_REPORT)
    saved = ReportStats(report, Status.SAVED, None, text, 1, sha256=text)
    run = RunStats(
        text, START, START, 3.0, 4, f"https://{text}", text, 4, 2, (failed, saved), retries=1, notes=(text,)
    )  # fmt: skip
    return b"".join(render(run, columns, Background(config_name=text))).decode()


@pytest.mark.parametrize("columns", [None, COLUMN_NAMES], ids=["usual", "columns"])
@given(text=st.text(min_size=1) | st.text("<>&\"'`{%#}\x00\x1b\u202e\udcff\x85", min_size=1))
@settings(max_examples=15, deadline=None)
def test_page_shows_any_text(columns: tuple[str, ...] | None, text: str) -> None:
    """What goes in as text comes out as text, in elements and attributes alike; control characters as escapes."""
    markup = page_of(text, columns)
    page, plain = Page(markup), Page(page_of("text", columns))

    assert page.open == []
    assert {name for name, _ in page.tags} - {"code"} == {name for name, _ in plain.tags}
    assert {key for _, attributes in page.tags for key in attributes} == {
        key for _, attributes in plain.tags for key in attributes
    }
    assert escape_invisible(markup, keep_lines=True) == markup
    if text.isprintable():
        assert text in page.text


def test_templates_let_no_value_past_the_escapes() -> None:
    """Nothing in them marks a value as markup, escapes it early or switches escaping off."""
    for template in TEMPLATES.glob("*.html"):
        found = re.findall(
            r"\|\s*(?:safe|e|escape|forceescape|xmlattr|tojson)\b|autoescape", template.read_text("utf-8")
        )
        assert not found, template.name


def test_package_holds_the_templates() -> None:
    """Every file that is no module is installed with the program."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    installed = {
        path
        for package, patterns in setup["options.package_data"].items()
        for pattern in patterns.split()
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    others = {path for path in (ROOT / "sfr").rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file()}

    assert others - installed == set()


def test_style_sheet_has_a_rule_for_every_class(page: Page) -> None:
    """What a template names is there."""
    used = {name for _, attributes in page.tags for name in (attributes.get("class") or "").split()}

    assert {name for name in used if not re.search(rf"\.{name}\b", STYLE)} == set()


def test_timeline_shows_what_the_time_went_into(run: RunStats) -> None:
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


def test_page_is_made_in_blocks(run: RunStats) -> None:
    """A page of thousands of reports is never in memory as a whole."""
    reports = tuple(replace(run.reports[n % 40], phases=None) for n in range(2000))
    blocks = [len(block) for block in render(replace(run, reports=reports), None, Background())]

    assert sum(blocks) > 1_000_000
    assert max(blocks) < 64 * 1024


def test_thread_stays_small_in_the_timeline_when_there_are_many_reports(run: RunStats) -> None:
    """Of bars that would cover each other one is drawn; all of them count."""
    phases = [Phases(0, n / 50, n / 50, n / 50 + 0.005, n / 50 + 0.02) for n in range(5000)]
    reports = tuple(replace(run.reports[0], phases=each) for each in phases)
    found = timeline(replace(run, reports=reports, duration_s=100.0))

    assert found is not None
    assert len(found.threads[0].bars) <= PARTS
    assert found.threads[0].label == "Thread 1: 5,000 reports, 100 % busy"


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
    assert drawn.label == "Rows of the last 3 runs: from 1.0 to 3.0, now 2.0"
    assert len(drawn.points) == 3
    assert trend([1.0, 2.0], "Rows", str) is None
    assert trend([1.0, 2.0, 3.0, None], "Rows", str) is None
    flat = trend([5.0] * 4, "Rows", str)
    assert flat is not None
    assert {y for _, y in flat.points} == {10.0}


def test_verdict_is_plain(run: RunStats) -> None:
    """Four ways in which a run ends."""
    good = tuple(replace(stats, status=Status.SAVED) for stats in run.reports)

    assert verdict(run) == "4 of 40 reports failed"
    assert verdict(replace(run, reports=good)) == "All 40 reports are in place"
    assert verdict(replace(run, reports=good[:1])) == "The report is in place"
    assert verdict(replace(run, reports=())) == "No report was fetched"


def test_page_names_the_targets_and_does_not_call_a_delivered_file_old(run: RunStats, background: Background) -> None:
    """A failed delivery left the new file in place, so the page must not say that files were not changed."""
    deliveries = (
        DeliveryStats("share", DeliveryStatus.DELIVERED, "file:///share/a.csv"),
        DeliveryStats("db", DeliveryStatus.FAILED, "postgres://db:5432/x/public.a", message="refused <b>"),
    )
    stats = replace(
        run.reports[0],
        status=Status.FAILED,
        error=ErrorKind.DELIVERY,
        message=f"db did not take it: refused. {REMEDIES[ErrorKind.DELIVERY]}",
        delivery_stats=deliveries,
    )

    def text_of(*reports: ReportStats) -> str:
        return Page(b"".join(render(replace(run, reports=reports), None, background)).decode()).text

    text = text_of(stats)
    assert "file:///share/a.csv" in text
    assert "db: failed" in text
    assert "were not changed" not in text
    assert "where the new file is in place" in text_of(stats, *run.reports[1:])
