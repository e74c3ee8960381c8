"""Words of servers and lists, as each reader of SFR's output takes them: nothing is acted on, and nothing hides.

One list of nasty texts goes through every border, and is read back by the reader's own parser where Python has one.
"""

from __future__ import annotations

import csv
import inspect
import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sfr.arguments import parse
from sfr.commands import COMMANDS
from sfr.commands.catalogue_list import report_list
from sfr.config.log_settings import FileLog, Logging
from sfr.console import print_out, print_problem
from sfr.errors import ErrorKind
from sfr.logs.log import open_logging
from sfr.model import Report, Status
from sfr.notify.webhook import body
from sfr.progress.live_lines import live_lines
from sfr.progress.snapshot import Phase, ReportProgress, Snapshot
from sfr.redaction import Redactor
from sfr.results import ReportStats, RunStats
from sfr.salesforce.catalogue import CatalogueEntry
from sfr.summaries import FORMATS, Background
from sfr.summaries.table import render_table
from sfr.wording import quoted
from tests.unit.escaping.texts import INVISIBLE, NASTY, invisible_in


def run_with(text: str, *, name: str = "Sales") -> RunStats:
    """A run whose only report failed, with this text in its message and at the start of a note, and this name."""
    from datetime import UTC, datetime

    at = datetime(2026, 11, 23, tzinfo=UTC)
    report = Report(0, "SFDC", name, "00O1V0000000001UA4", "/srv", "?export=1")
    stats = ReportStats(report, Status.FAILED, ErrorKind.INVALID, f"{text}")
    return RunStats("run-1", at, at, 3.0, 4, "https://acme.my.salesforce.com", "1", 4, 2, (stats,), notes=(text,))


def summary(form: str, text: str, columns: tuple[str, ...] | None = None) -> str:
    """A summary whose names, messages and labels are this text."""
    run = run_with(text, name=text)
    return b"".join(FORMATS[form].render(run, columns, Background(config_name=text))).decode()


# --- What each reader shows of a text, in one string. A border that lets through what is acted on fails here already.


def on_terminal(text: str) -> str:
    """The summary table."""
    return render_table(run_with(text, name=text))


def on_standard_output(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The summary table, printed where the journal may read."""
    print_out(render_table(run_with(text, name=text)))
    return capsys.readouterr().out


def on_standard_error(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """A problem that ends the program, whose words have been quoted or not."""
    print_problem(f"{text} {quoted(text)}\n{text}")
    return capsys.readouterr().err


def in_usage_error(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """An argument that the command line does not know."""
    with pytest.raises(SystemExit):
        parse(["list.csv", "--", text], COMMANDS)
    return capsys.readouterr().err


def in_progress(text: str) -> str:
    """The lines of the live display, wide enough for the whole name."""
    snapshot = Snapshot(0, 0, 1, (ReportProgress(text, Phase.DOWNLOADING, 1.0, 5),), 5, 0, None, 1.0, None)
    return "\n".join(live_lines(snapshot, 110, 10, encoding="utf-8", color=False))


def in_log(text: str, tmp_path: Path, *, journal: bool) -> str:
    """What is logged, by a stream that goes to a file or to the journal."""
    with (tmp_path / "stderr").open("w+") as stream:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"} if journal else {}
        with open_logging(Logging(file=FileLog(path=None)), Redactor(), stream=stream, environ=environ):
            logging.getLogger("sfr.test").warning("%s\n%s", text, text)
    return (tmp_path / "stderr").read_text()


class Page(HTMLParser):
    """A page's text, and what else is in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.words += [value or "" for name, value in attrs if name in ("title", "aria-label")]


def on_page(text: str) -> str:
    """The HTML summary, by Python's parser: the same tags and attributes as with a plain name."""
    page, plain = Page(summary("html", text)), Page(summary("html", "plain"))
    assert page.tags - {"code"} <= plain.tags
    assert page.attributes <= plain.attributes
    assert not any(name.startswith("on") for name in page.attributes)
    return " ".join(page.words)


#: How spreadsheets split a line: Excel by the country, LibreOffice by what its user ticked last.
SEPARATORS = (",", ";", "\t", "|")
FORMULA = re.compile(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]")


def cells_of(text: str, *, ignores_quotes: bool) -> Iterator[str]:
    """Every cell that a spreadsheet may see in a CSV file, whatever it splits at."""
    for separator in SEPARATORS:
        if separator != "," and ignores_quotes:
            yield from (cell for line in text.splitlines() for cell in line.split(separator))
        yield from (cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row)


def in_spreadsheet(text: str) -> str:
    """The CSV summary: no cell is a formula, however it is split."""
    data = summary("csv", text, ("file_name", "message", "rows"))
    assert not [cell for cell in cells_of(data, ignores_quotes=True) if FORMULA.match(cell)]
    rows = list(csv.reader(io.StringIO(data, newline="")))
    assert [len(row) for row in rows] == [3, 3]
    return "\n".join(rows[1])


def in_report_list(text: str) -> str:
    """`--list-reports`, as a spreadsheet sees it: names, folders, and joined reports, which are comments."""
    entries = [CatalogueEntry("00O1V0000000001UA4", text, text, form, "") for form in ("Tabular", "MultiBlock")]
    written = report_list(entries)
    lines = written.rstrip("\n").split("\n")
    comments = [line for line in lines if line.startswith("# ")]
    rows = [cell for line in lines if line not in comments for cell in next(csv.reader([line]))]
    pieces = [cell for separator in SEPARATORS[1:] for line in lines for cell in line.split(separator)]
    pieces += [cell for line in comments for cell in line.split(",")]
    assert not [cell for cell in rows + pieces if FORMULA.match(cell)]
    assert all(line.startswith(("SFDC,", "# ", "report_type,")) for line in lines)
    return "\n".join(comments)


#: A sample of the Prometheus text format, whose labels know three escapes and no other.
LABEL = r'\w+="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"\w+\{{{LABEL}(?:,{LABEL})*\}} [0-9.e+-]+")


def in_metrics(text: str) -> str:
    """The `.prom` file, line by line: no other metric, and no escape that the format does not have."""
    lines = [line for line in summary("prometheus", text).splitlines() if not line.startswith("# ")]
    assert all(SAMPLE.fullmatch(line) for line in lines), lines
    assert all(line.startswith("sfr_") for line in lines)
    label = re.search(r'config="((?:[^"\\]|\\.)*)"', lines[0])
    assert label is not None
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], label[1])


#: Mentions, links, code, bold and so on, as Slack, Mattermost, Teams and Discord take them.
CHAT_SPECIALS = re.compile(r"<|&(?!amp;|lt;|gt;)|(?<!\w)@|@everyone|@here|`|\*|~|\||\]\(|(?<!\w)_|_(?!\w)|:[a-z]+:")


def in_chat(text: str) -> str:
    """The webhook's `text`."""
    shown = json.loads(body(run_with(text, name=text)))["text"]
    assert not CHAT_SPECIALS.search(shown), shown
    return str(shown)


@dataclass(frozen=True)
class Reader:
    """How a reader's text is made and read back; `lines`: it takes a priority from the start of a line."""

    shown: Callable[..., str]
    has_lines: bool = False


READERS = {
    "terminal": Reader(on_terminal),
    "standard output": Reader(on_standard_output, has_lines=True),
    "standard error": Reader(on_standard_error, has_lines=True),
    "usage error": Reader(in_usage_error, has_lines=True),
    "progress line": Reader(in_progress),
    "log": Reader(lambda text, tmp_path: in_log(text, tmp_path, journal=False), has_lines=True),
    "journal": Reader(lambda text, tmp_path: in_log(text, tmp_path, journal=True)),
    "page": Reader(on_page),
    "spreadsheet": Reader(in_spreadsheet),
    "report list": Reader(in_report_list, has_lines=True),
    "metrics": Reader(in_metrics),
    "chat": Reader(in_chat),
}


def show(reader: str, text: str, request: pytest.FixtureRequest) -> str:
    """What this reader shows of the text."""
    function = READERS[reader].shown
    fixtures = [name for name in inspect.signature(function).parameters if name in ("capsys", "tmp_path")]
    return function(text, *map(request.getfixturevalue, fixtures))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_reader_sees_nothing_invisible_and_obeys_no_priority(
    reader: str, text: str, request: pytest.FixtureRequest
) -> None:
    """Whatever the words are; what the reader itself would act on is asserted where its text is read back."""
    shown = show(reader, text, request)

    assert not invisible_in(shown), ascii(shown)
    if READERS[reader].has_lines:
        assert not [line for line in shown.splitlines() if re.match(r"\s*<\d{1,3}>", line)], shown


@pytest.mark.parametrize("reader", [name for name in READERS if name != "report list"])  # which has names of its own
@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_two_names_look_different_when_a_character_that_nobody_sees_is_in_one(
    reader: str, character: str, request: pytest.FixtureRequest
) -> None:
    """In a word, where a space belongs, and at the end."""
    plain = show(reader, "Open Pipeline", request)

    for text in (f"Open{character} Pipeline", f"Open{character}Pipeline", f"Open Pipeline{character}"):
        shown = show(reader, text, request)
        assert shown != plain
        assert character.encode("unicode_escape").decode() in shown.replace("\\\\", "\\")


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_program_reads_exact_values(text: str) -> None:
    """JSON needs its own escapes only: summary and webhook give a program the very words."""
    document = json.loads(summary("json", text))
    payload = json.loads(body(run_with(text, name=text)))

    assert document["reports"][0]["file_name"] == document["reports"][0]["message"] == text
    assert payload["failed"] == [{"file_name": text, "error": "invalid", "message": text}]


@pytest.mark.parametrize(
    "text",
    [
        "Sales",
        "Vertrieb – Österreich",
        "商談レポート 2026年",
        "open_pipeline_2026",
        "a-b=c",
        "✔️ Done",
        "ops@acme.example",
    ],
)
@pytest.mark.parametrize("reader", READERS)
def test_ordinary_words_stay_as_they_are(reader: str, text: str, request: pytest.FixtureRequest) -> None:
    """Any script, and signs in the middle of words."""
    assert text in show(reader, text, request)


def test_every_border_is_tried() -> None:
    """A summary format or a module of `sfr.escaping` that is new needs a reader here."""
    modules = {path.stem for path in (Path(__file__).parents[3] / "sfr" / "escaping").glob("[a-z]*.py")}

    assert modules == {"chat", "invisible", "journal", "spreadsheet"}
    assert set(FORMATS) == {"csv", "html", "json", "prometheus"}


def test_long_run_of_blanks_before_a_formula_is_looked_at_in_linear_time() -> None:
    """A name of a megabyte, were it let through, costs no more than a look."""
    run = run_with('\t ;"' * 250_000 + "=x")

    assert b"'=x" in b"".join(FORMATS["csv"].render(replace(run, notes=()), ("message",), Background()))
