"""What the display is shown of a run: gathered from downloads, the pool and the ledger."""

import time
from types import SimpleNamespace

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.model import Payload, Processed, Report, Status
from sfr.progress.snapshot import Phase
from sfr.redaction import Secret
from sfr.runner.attempts import AttemptTimes, RetryRules
from sfr.runner.backpressure import InlineMemory
from sfr.runner.events import Fetched
from sfr.runner.fetch_threads import Download
from sfr.runner.ledger import Ledger
from sfr.runner.progress_view import ProgressView
from sfr.runner.retry import Backoff, RetryBudget
from sfr.runner.schedule import FetchTask
from sfr.salesforce.session import Session
from sfr.storage.spool import IncomingBody

SESSION = Session(Secret("00D000000000001!token"), "https://acme.my.salesforce.com", 1)


class Display:
    """Keeps the snapshots it is shown."""

    def __init__(self):
        self.snapshots = []
        self.is_closed = False

    def update(self, snapshot):
        self.snapshots.append(snapshot)

    def close(self):
        self.is_closed = True


@pytest.fixture
def display():
    """What the view shows its snapshots on."""
    return Display()


@pytest.fixture
def ledger():
    """Four reports, none of them ended."""
    reports = [Report(number, "SFDC", f"report {number}", "00OE0000002wlroMAA", "/nowhere", "") for number in range(4)]
    return Ledger(reports, {}, RetryRules(4, Backoff(0, 0), 300), RetryBudget(10))


@pytest.fixture
def view(display, ledger):
    """The view of a run that began 10 s ago."""
    view = ProgressView(display, ledger, threads=2, workers=1, started_clock_s=time.monotonic() - 10)
    ledger.observers.append(view.note_ended)
    return view


def download(position, begun_s_ago, body=None):
    """A request in flight; None: it has no answer yet."""
    incoming = IncomingBody("/nowhere/x.part", InlineMemory())
    if body is not None:
        incoming.note_first_byte()
        incoming.write(body)
    return Download(position, time.monotonic() - begun_s_ago, incoming)


def fetched(ledger, position, begun_s_ago, size_bytes=7):
    """A body that was received one second ago."""
    report = ledger.entries[position].report
    now = time.monotonic()
    times = AttemptTimes(0, now - begun_s_ago, now - begun_s_ago, now - 1)
    return Fetched(FetchTask.first(report, None), Payload(report, 1, "classic", size_bytes, b""), SESSION, times)


def loop(downloads=(), in_pool=()):
    """The main loop, as far as the view looks at it."""
    return SimpleNamespace(downloads=list(downloads), in_pool=list(in_pool), in_delivery=0)


def test_each_report_in_flight_is_in_its_phase(view, display, ledger):
    """No answer yet, bytes coming in, in the pool; in the order in which they began, however they come."""
    view.show(loop([download(0, 5), download(1, 9, b"12345")], [fetched(ledger, 2, 7)]))

    (snapshot,) = display.snapshots
    found = [(report.name, report.phase, report.received_bytes) for report in snapshot.reports]
    assert found == [
        ("report 1", Phase.DOWNLOADING, 5),
        ("report 2", Phase.WRITING, 7),
        ("report 0", Phase.WAITING, 0),
    ]
    assert [round(report.phase_s) for report in snapshot.reports] == [0, 1, 5]
    assert (snapshot.received_bytes, snapshot.ended_bytes) == (12, 0)


def test_reports_that_ended_count_with_their_bytes(view, display, ledger):
    """Saved and failed ones; those not ended yet are expected to be as large."""
    body = fetched(ledger, 0, 3, size_bytes=100)
    ledger.handle_result(body.payload, Processed(Status.SAVED, worked_s=0.5), SESSION, body.times, time.monotonic())
    ledger.end_failed(1, ReportError(ErrorKind.NOT_FOUND, "It is not there."))
    view.show(loop([download(2, 1, b"12345")]))

    (snapshot,) = display.snapshots
    assert (snapshot.done, snapshot.failed, snapshot.total) == (2, 1, 4)
    assert (snapshot.received_bytes, snapshot.ended_bytes) == (105, 100)
    assert snapshot.expected_total_bytes == 300
    assert snapshot.elapsed_s == pytest.approx(10, abs=5)
    assert snapshot.eta_s is not None


def test_display_is_updated_at_intervals_only(view, display):
    """The main loop calls it hundreds of times a second."""
    for _ in range(100):
        view.show(loop())

    assert len(display.snapshots) == 1


def test_end_is_shown_however_short_the_run_was(view, display, ledger):
    """And then nothing any more."""
    ledger.end_open(ReportError(ErrorKind.NETWORK, "Nobody is there."))
    view.close()

    assert (display.snapshots[-1].done, display.snapshots[-1].reports) == (4, ())
    assert display.is_closed
