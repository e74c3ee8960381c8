"""The fault matrix, rows 1 to 22: whatever server and network do, the summary says what it was and no file is spoilt.

One line of a table is one fault. Each table is one run of the program with one report per line, beside reports that
nothing happens to; faults that concern a whole run are in `test_fault_runs.py`. Row 9 (a session lost in mid-run) is
`test_main_job.py::test_lost_session_is_renewed_once_for_eight_threads`; of row 10, a refused password is
`test_log_in_methods.py::test_refused_log_in_ends_with_3_after_one_try`.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sfr.emulator import Emulator
from tests.bodies import DATA, FOOTER
from tests.e2e.conftest import CHECKOUT, Job, row
from tests.raw_server import RawServer, Reply, always
from tests.raw_server import response as kept_response

OLD = b"of an earlier run\n"
GOOD = ("Good 1", "Good 2", "Good 3")
ATTEMPTS = 3
MAX_BYTES = 4 * 1024**2
BOMB_BYTES = 512 * 1024**2
#: Less than the bomb: it cannot be inflated at once by any process of the run.
MEMORY_BYTES = 384 * 1024**2


@dataclass(frozen=True)
class Fault:
    """What is done to a report's export, and how the report has to end."""

    row: int
    error: str
    #: Of the embedded org; for the raw server, the bytes of its answer.
    does: Any
    attempts: int = ATTEMPTS
    #: That the org saw; None: one per attempt.
    requests: int | None = None
    #: In the summary's message.
    says: str = ""
    #: Of the report's row in the list.
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def http_status(self) -> int | None:
        """Of the last answer that came; None where none did."""
        silent = self.does.get("action") == "delay" and "where" not in self.does
        known = {"refuse": None, "redirect": 302, "status": self.does.get("code")}
        return None if silent else known.get(self.does["action"], 200)


def _does(action: str, **options: Any) -> dict[str, Any]:
    return {"action": action, **options}


def _redirect(to: str) -> Fault:
    return Fault(21, "network", _does("redirect", to=to, keep_path="://" in to), attempts=1, says="not followed")


FAULTS = {
    # The connection
    "closed-unanswered": Fault(2, "network", _does("refuse", how="close"), says="without a response"),
    "reset-unanswered": Fault(2, "network", _does("refuse", how="reset")),
    "not-http": Fault(2, "network", _does("refuse", how="garbage"), says="not HTTP"),
    "reset-in-body": Fault(3, "network", _does("reset"), says="broke after"),
    # The framing
    "short-length": Fault(4, "truncated", _does("short_length")),
    "short-length-mid-body": Fault(4, "truncated", _does("short_length", after_bytes=1000)),
    "chunks-without-end": Fault(4, "truncated", _does("close")),
    "chunks-cut": Fault(4, "truncated", _does("close", after_bytes=1000)),
    # The content, in valid framing
    "gzip-cut-in-chunks": Fault(5, "truncated", _does("cut_gzip"), says="end mark"),
    "gzip-cut-with-length": Fault(5, "truncated", _does("cut_gzip", framing="length"), says="end mark"),
    "gzip-no-trailer": Fault(5, "truncated", _does("spoilt_gzip", kind="no_trailer")),
    "gzip-bad-crc": Fault(6, "truncated", _does("spoilt_gzip", kind="bad_crc"), says="corrupt"),
    "gzip-garbage": Fault(6, "truncated", _does("spoilt_gzip", kind="garbage")),
    "gzip-trailing": Fault(6, "truncated", _does("spoilt_gzip", kind="trailing")),
    "no-footer": Fault(5, "truncated", _does("cut_content", at="before_footer"), says="footer"),
    "half-footer": Fault(5, "truncated", _does("cut_content", at="in_footer")),
    "cut-in-row": Fault(5, "truncated", _does("cut_content", at="in_row")),
    "cut-in-quotes": Fault(5, "truncated", _does("cut_content", at="in_quotes")),
    "unframed-cut": Fault(7, "truncated", _does("close_delimited", after_bytes=1000)),
    "unframed-no-footer": Fault(
        7, "truncated", _does("close_delimited", footer="none"), says="complete", columns={"footer": "optional"}
    ),
    "empty": Fault(8, "empty", _does("empty")),
    "too-large": Fault(17, "guard", _does("endless"), attempts=1, says="max_report_bytes"),
    "gzip-bomb": Fault(17, "guard", _does("gzip_bomb", size_bytes=BOMB_BYTES), attempts=1, says="max_report_bytes"),
    "encoding-br": Fault(6, "not_csv", _does("encoding"), attempts=1, says="only gzip"),
    # Answers for good
    "status-400": Fault(11, "not_csv", _does("status", code=400), attempts=1),
    "status-403": Fault(11, "forbidden", _does("status", code=403), attempts=1),
    "status-404": Fault(11, "not_found", _does("status", code=404), attempts=1),
    "status-410": Fault(11, "not_found", _does("status", code=410), attempts=1),
    "page-no-access": Fault(11, "forbidden", _does("html", page="insufficient_privileges"), attempts=1),
    "page-deleted": Fault(11, "not_found", _does("html", page="url_no_longer_exists"), attempts=1),
    "page-lightning": Fault(11, "not_csv", _does("html", page="lightning"), attempts=1, says="Lightning"),
    "page-after-blanks": Fault(11, "not_csv", _does("html", page="other", blank_lines=200), attempts=1),
    "json-with-200": Fault(11, "not_csv", _does("status", code=200, error_code="UNKNOWN"), attempts=1, says="JSON"),
    # Answers for now
    "page-maintenance": Fault(12, "server", _does("html", page="maintenance"), says="maintenance"),
    "page-busy": Fault(14, "rate_limited", _does("html", page="busy"), says="Concurrent requests limit"),
    "status-408": Fault(12, "timeout", _does("status", code=408)),
    "status-420": Fault(12, "server", _does("status", code=420)),
    "status-425": Fault(12, "server", _does("status", code=425)),
    "status-429": Fault(12, "rate_limited", _does("status", code=429, retry_after=0)),
    "status-500": Fault(13, "server", _does("status", code=500)),
    "status-503": Fault(12, "server", _does("status", code=503, retry_after="date:0")),
    "request-limit": Fault(14, "rate_limited", _does("status", code=403, error_code="REQUEST_LIMIT_EXCEEDED")),
    "retry-after-junk": Fault(12, "server", _does("status", code=503, retry_after="at teatime")),
    "retry-after-huge": Fault(
        12, "rate_limited", _does("status", code=429, retry_after=86400), attempts=1, says="retry_after_max_s"
    ),
    "retry-after-far-date": Fault(
        12, "server", _does("status", code=503, retry_after="date:86400"), attempts=1, says="retry_after_max_s"
    ),
    # Redirects
    "to-other-host": _redirect("other_host"),
    "to-other-port": _redirect("other_port"),
    "to-listening-port": _redirect("other server"),
    "to-salesforce-host": Fault(
        21, "network", _does("redirect", to="salesforce_host"), attempts=1, says="salesforce.domain"
    ),
    "redirect-loop": Fault(22, "network", _does("redirect", to="loop"), attempts=1, requests=6, says="loop"),
    "redirect-hops": Fault(22, "network", _does("redirect", to="hop"), attempts=1, requests=6, says="loop"),
}

#: In time rather than in bytes: a run of its own, whose limits are short.
SLOW = {
    "no-first-byte": Fault(15, "timeout", _does("delay", seconds=600), attempts=2, says="No first byte"),
    "silent-before-body": Fault(
        15, "timeout", _does("delay", seconds=600, where="body"), attempts=2, says="idle_timeout_s"
    ),
    "stall": Fault(15, "timeout", _does("stall"), attempts=2, says="idle_timeout_s"),
    "trickle": Fault(16, "timeout", _does("trickle", bytes_per_s=20), attempts=2, says="min_bytes_per_s"),
}
SLOW_ONCE = ("no-first-byte", "stall", "trickle")


def response(status=200, body=b"", **headers):
    """A whole answer that says that the connection ends: else the next request may go into one that is just closing."""
    return kept_response(status, body, Connection="close", **headers)


WHOLE = DATA + FOOTER
HEAD = b"HTTP/1.1 200 OK\r\n"
#: What no emulator sends. An answer that ends as no error is whole, however strange.
RAW = {
    "continue": Fault(4, "", b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, WHOLE)),
    "early-hints": Fault(4, "", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response(200, WHOLE)),
    "unframed-whole": Fault(7, "", HEAD + b"Connection: close\r\n\r\n" + WHOLE),
    "partial-206": Fault(4, "not_csv", response(206, WHOLE, Content_Range="bytes 0-9/99"), attempts=1, says="206"),
    "no-content-204": Fault(8, "not_csv", response(204), attempts=1, says="204"),
    "not-modified-304": Fault(8, "not_csv", response(304), attempts=1, says="304"),
    "gzip-of-nothing": Fault(8, "empty", response(200, gzip.compress(b"", mtime=0), Content_Encoding="gzip")),
    "blank-lines": Fault(8, "empty", response(200, b"\n\n")),
    "html-called-csv": Fault(11, "not_csv", response(200, b"<!DOCTYPE html><p>Hello", Content_Type="text/csv"), 1),
    "json-called-csv": Fault(11, "not_csv", response(200, b'{"a": 1}', Content_Type="text/csv"), attempts=1),
    "csv-called-html": Fault(11, "not_csv", response(200, WHOLE, Content_Type="text/html"), attempts=1),
    "junk-status-line": Fault(2, "network", b"HTTP/1.1 OK 200\r\n\r\n"),
    "switched-protocols": Fault(2, "network", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "endless-headers": Fault(2, "network", HEAD + b"X-Header: x\r\n" * 10_000),
    "long-header": Fault(2, "network", HEAD + b"X-Header: " + b"x" * 1_000_000),
    "headers-cut": Fault(2, "network", HEAD + b"Content-Type: text/csv\r\n"),
    "two-lengths": Fault(4, "network", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + WHOLE),
    "chunk-size-junk": Fault(4, "truncated", HEAD + b"Transfer-Encoding: chunked\r\n\r\nsize\r\n"),
    "chunk-size-negative": Fault(4, "network", HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nbody"),
    "gzip-then-chunked": Fault(6, "not_csv", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", attempts=1),
}

#: Faults that another attempt overcomes, in a third run; how often each happens before.
TRANSIENT = {
    **{name: 1 for name, fault in FAULTS.items() if fault.attempts == ATTEMPTS},
    "closed-unanswered": 2,
    "reset-in-body": 2,
}
#: Seconds of `Retry-After`, and the least that it has to see: a date has no fractions of a second.
WAITS = {"wait-seconds": (2, 2.0), "wait-date": ("date:3", 2.0)}


class Night:
    """A run that is over: how it ended, what it left, and what the org saw of each report."""

    def __init__(self, job: Job, reports: Sequence[Mapping[str, Any]], *, program: Sequence[str] = ()) -> None:
        names = [report["report_file_name"] for report in reports]
        job.output.mkdir(exist_ok=True)
        for name in names:
            job.file(name).write_bytes(OLD)
        self.ended = job.start_command(program or job.command()).end()
        job.assert_clean(self.ended)
        self.reports = job.reports()
        self.files = {name: job.file(name).read_bytes() for name in names}
        self.left_over = sorted(path.name for path in job.output.glob(".sfr-*"))
        self.expected: dict[str, bytes] = {}
        self.seen: dict[str, Sequence[Any]] = {}

    def compare_with(self, org: Emulator, reports: Sequence[Mapping[str, Any]]) -> None:
        """Keep what the org holds and saw, before it stops."""
        for report in reports:
            name = report["report_file_name"]
            self.expected[name] = b"".join(org.expected_csv(name))
            self.seen[name] = org.requests.records("export", report["report_id"])

    @property
    def saved(self) -> set[str]:
        """The names of the reports that were saved."""
        return {name for name, outcome in self.reports.items() if outcome["status"] == "saved"}

    def assert_failed(self, name: str, fault: Fault) -> None:
        """The report ended as the table says, and its old file is untouched."""
        outcome = self.reports[name]
        assert (outcome["status"], outcome["error"], outcome["attempt_count"]) == (
            "failed",
            fault.error,
            fault.attempts,
        ), outcome
        assert fault.says in outcome["message"]
        assert self.files[name] == OLD


def _cases(faults):
    return [pytest.param(name, id=f"row {fault.row}: {name}") for name, fault in faults.items()]


def _configure(job, org, names, rules, *, columns=None, **options):
    """Reports of these names beside the good ones, and what is done to them; the report list."""
    columns = columns or {}
    reports = [row(name, org.add_report(name, rows=300), **columns.get(name, {})) for name in (*GOOD, *names)]
    org.set_rules(*({"report": name, **rule} for name, rule in rules.items()))
    job.configure(org.url, {"sid": {"value": org.sid}}, reports, **options)
    return reports


@pytest.fixture(scope="module")
def nights(new_job):
    """Every fault of `FAULTS`, for ever, in one run; then a run in which the org works again. And the other server."""
    job = new_job("faults")
    with Emulator() as org, RawServer(always(kept_response(200, WHOLE))) as other:
        rules = {name: fault.does for name, fault in FAULTS.items()}
        rules["to-listening-port"] = {**rules["to-listening-port"], "to": other.url}
        reports = _configure(
            job,
            org,
            FAULTS,
            rules,
            columns={name: fault.columns for name, fault in FAULTS.items()},
            fetch={"attempts": ATTEMPTS, "retry_budget": 1000, "threads": 8, "max_report_bytes": MAX_BYTES},
            workers={"count": 2},
        )
        limited = ["prlimit", f"--data={MEMORY_BYTES}"] if shutil.which("prlimit") else []
        bad = Night(job, reports, program=[*limited, *job.command()])
        bad.compare_with(org, reports)
        org.set_rules()
        good = Night(job, reports)
        good.compare_with(org, reports)
    return bad, good, other


@pytest.mark.parametrize("name", _cases(FAULTS))
def test_fault_that_lasts_ends_as_its_error(nights, name):
    """Requested as often as that may help, no more; the old file untouched; the message says what happened."""
    fault, (night, _, _) = FAULTS[name], nights
    night.assert_failed(name, fault)
    assert night.reports[name]["http_status"] == fault.http_status
    assert len(night.seen[name]) == (fault.requests or fault.attempts)


def test_reports_without_a_fault_are_saved_beside_all_faults(nights):
    """Exit 4, nothing left over, and the server that a redirect named saw no connection."""
    night, _, other = nights
    assert night.ended.code == 4
    assert night.saved == set(GOOD)
    assert all(night.files[name] == night.expected[name] for name in GOOD)
    assert night.left_over == []
    assert other.connections == 0


def test_next_run_is_clean_when_the_org_works_again(nights):
    """Nothing of a bad night lasts: exit 0, every file right, no temporary left."""
    _, night, _ = nights
    assert night.ended.code == 0
    assert night.files == night.expected
    assert night.left_over == []


@pytest.fixture(scope="module")
def transient(new_job):
    """The transient faults, each once or twice, in one run."""
    job = new_job("transient")
    rules = {name: {**FAULTS[name].does, "attempts": f"1-{times}"} for name, times in TRANSIENT.items()}
    rules |= {name: _does("status", code=503, retry_after=wait, attempts=1) for name, (wait, _) in WAITS.items()}
    with Emulator() as org:
        fetch = {"attempts": ATTEMPTS, "retry_budget": 1000, "threads": 8}
        reports = _configure(job, org, rules, rules, fetch=fetch)
        night = Night(job, reports)
        night.compare_with(org, reports)
    return night


@pytest.mark.parametrize("name", TRANSIENT)
def test_report_is_saved_when_a_later_attempt_succeeds(transient, name):
    """Refused twice, cut once, damaged once …: saved, byte by byte, exit 0."""
    assert transient.ended.code == 0, transient.ended.stdout
    assert transient.reports[name]["attempt_count"] == TRANSIENT[name] + 1 == len(transient.seen[name])
    assert transient.files[name] == transient.expected[name]


@pytest.mark.parametrize("name", WAITS)
def test_retry_after_is_obeyed(transient, name):
    """Seconds or a date: no request is sent before then."""
    first, second = transient.seen[name]
    assert second.started_s - first.started_s >= WAITS[name][1]
    assert transient.files[name] == transient.expected[name]


@pytest.fixture(scope="module")
def slow(new_job):
    """Every fault of `SLOW`, for ever and once, in one run with short limits."""
    # The window of `min_bytes_per_s` is no option: 60 s in the program, 1 s here.
    program = (
        "import runpy; from sfr.salesforce.http import deadlines; deadlines.SPEED_WINDOW_S = 1; "
        "runpy.run_path(%r, run_name='__main__')"
    )
    rules = {name: fault.does for name, fault in SLOW.items()}
    rules |= {f"{name}-once": {**SLOW[name].does, "attempts": 1} for name in SLOW_ONCE}
    fetch = {"attempts": 2, "timeout_s": 3, "idle_timeout_s": 1, "retry_budget": 100, "threads": 10}
    job = new_job("slow")
    job.environ["PYTHONPATH"] = str(CHECKOUT)
    with Emulator() as org:
        reports = _configure(job, org, rules, rules, fetch=fetch)
        command = [sys.executable, "-c", program % str(CHECKOUT / "sfr.py"), "--config", "sfr.yaml"]
        night = Night(job, reports, program=command)
        night.compare_with(org, reports)
    return night


@pytest.mark.parametrize("name", _cases(SLOW))
def test_slow_answer_ends_as_timeout(slow, name):
    """Silence, a stall, a trickle: each by the limit that is meant for it."""
    slow.assert_failed(name, SLOW[name])
    assert slow.reports[name]["http_status"] == SLOW[name].http_status


def test_other_reports_are_saved_beside_slow_ones(slow):
    """Silent connections hold nobody up; what was slow once is saved by its second attempt."""
    saved = {*GOOD, *(f"{name}-once" for name in SLOW_ONCE)}
    assert slow.ended.code == 4
    assert slow.saved == saved
    assert all(slow.files[name] == slow.expected[name] for name in saved)
    assert all(slow.reports[f"{name}-once"]["attempt_count"] == 2 for name in SLOW_ONCE)
    assert slow.left_over == []


@pytest.fixture(scope="module")
def raw(new_job):
    """Every answer of `RAW`, in one run."""
    ids = {f"00O{number:012d}": name for number, name in enumerate([*GOOD, *RAW])}

    def answer(request):
        if not request.target.startswith("/00O"):
            return Reply([kept_response(200, b'[{"version": "64.0"}]', Content_Type="application/json")], "keep")
        name = ids[request.target[1:16]]
        return Reply([RAW[name].does if name in RAW else response(200, WHOLE)])

    with RawServer(answer) as server:
        job = new_job("raw")
        reports = [row(name, report_id) for report_id, name in ids.items()]
        fetch = {"attempts": ATTEMPTS, "retry_budget": 1000, "threads": 4}
        job.configure(server.url, {"sid": {"value": "00D5g0000000RAW!NOT.REAL"}}, reports, fetch=fetch)
        night = Night(job, reports)
        for report_id, name in ids.items():
            night.seen[name] = [request for request in server.received if request.target.startswith(f"/{report_id}")]
    return night


@pytest.mark.parametrize("name", _cases(RAW))
def test_strange_answer_is_saved_whole_or_ends_as_its_error(raw, name):
    """Interim answers are skipped; anything that is not all of a report fails it."""
    fault = RAW[name]
    if not fault.error:
        assert (raw.reports[name]["status"], raw.files[name]) == ("saved", DATA), raw.reports[name]
    else:
        raw.assert_failed(name, fault)
    assert len(raw.seen[name]) == (fault.attempts if fault.error else 1)


def test_other_reports_are_saved_beside_strange_answers(raw):
    """No answer of one report is taken for another's."""
    assert raw.ended.code == 4
    assert {raw.files[name] for name in GOOD} == {DATA}
    assert raw.left_over == []
