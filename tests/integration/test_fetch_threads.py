"""The fetch threads with real threads, sockets and spool files: what they request, post, drop and leave behind."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.inbox import Inbox
from sfr.model import SOQL, Payload, Report
from sfr.redaction import Redactor, Secret
from sfr.runner import events
from sfr.runner.backpressure import INLINE_TOTAL_BYTES, PayloadSlots
from sfr.runner.fetch_threads import FetchRules, FetchThreads
from sfr.runner.routing import Routes
from sfr.runner.schedule import FetchSchedule, FetchTask
from sfr.salesforce.auth.grants import Grant
from sfr.salesforce.frontdoor import Frontdoor
from sfr.salesforce.http.transport import TransportOptions, open_transport
from sfr.salesforce.session import CurrentSession
from sfr.storage.spool import SPOOLED_FROM_BYTES
from tests.bodies import DATA, FOOTER
from tests.raw_server import RawServer, ReceivedRequest, Reply, response

LIMIT_S = 20.0
#: How long a test looks for what must not happen.
LOOK_S = 0.1
WHOLE = response(200, DATA + FOOTER, Content_Type="text/csv")
LARGE = response(200, b"x" * SPOOLED_FROM_BYTES * 2, Content_Type="text/csv")
CHALLENGE = response(
    302, b"", Location="/_ui/identity/verification/method/VerificationStartUi?retURL=%2F", Content_Type="text/html"
)
PREFIX = ".sfr-test-"


class Fetch:
    """Fetch threads against a server, with everything around them real; the test plays the main thread."""

    def __init__(self, directory: Path, threads: int, queue_size: int) -> None:
        self.directory = directory
        self.answers: dict[str, Reply] = {}
        self.log_ins: list[Grant | Exception] = [Grant(Secret(f"00D00000000000{number}!token")) for number in range(9)]
        self.inbox, self.schedule = Inbox(), FetchSchedule(threads)
        self.slots = PayloadSlots(queue_size)
        self.server = RawServer(self._answer)
        self.threads, self._left = threads, list[events.Event]()

    def __enter__(self) -> Fetch:
        self.server.__enter__()
        self.transport = open_transport(TransportOptions(threads=self.threads))
        self.sessions = CurrentSession(self._log_in, self.server.url)
        self.fetching = FetchThreads(
            FetchRules(self.threads, LIMIT_S, None, PREFIX),
            self.schedule,
            self.transport,
            self.sessions,
            Routes(),
            self.inbox,
            self.slots,
            Frontdoor(Redactor()),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.fetching.__exit__(None, None, None)
        self.transport.close()
        self.server.__exit__()

    def _answer(self, request: ReceivedRequest) -> Reply:
        return next(
            (reply for start, reply in self.answers.items() if request.target.startswith(start)), Reply([WHOLE], "keep")
        )

    def _log_in(self) -> Grant:
        outcome = self.log_ins.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def put(self, position: int, reply: bytes | Reply = WHOLE, **options: Any) -> FetchTask:
        """Offer the report of this number; the server answers with these bytes."""
        report_id = f"00OE000000{position:05}MAA"
        self.answers[f"/{report_id}"] = reply if isinstance(reply, Reply) else Reply([reply], "keep")
        report = Report(position, "SFDC", f"report {position}", report_id, str(self.directory), "?export=1")
        task = FetchTask(report, 1, **options)
        self.schedule.put(task)
        return task

    def next(self, kind: type[Any]) -> Any:
        """The next event of this kind, those before it passed over."""
        while True:
            if not self._left:
                self._left = self.inbox.take(LIMIT_S)
                assert self._left, f"no {kind.__name__} came"
            event = self._left.pop(0)
            if isinstance(event, kind):
                return event
            assert not isinstance(event, events.ThreadCrashed), event

    def is_quiet(self) -> bool:
        """Whether nothing is posted for a while."""
        return not self._left and self.inbox.take(LOOK_S) == []

    def spooled(self) -> list[Path]:
        """Spool files there are."""
        return list(self.directory.glob(f"{PREFIX}*"))

    def requests_of(self, position: int) -> int:
        """How often this report was requested."""
        return sum(request.target.startswith(f"/00OE000000{position:05}MAA") for request in self.server.received)


@pytest.fixture
def fetch(tmp_path: Path) -> Iterator[Callable[..., Fetch]]:
    """Makes fetch threads, not started."""
    made: list[Fetch] = []

    def make(threads: int = 1, queue_size: int = 0) -> Fetch:
        made.append(Fetch(tmp_path, threads, queue_size).__enter__())
        return made[-1]

    yield make
    for each in made:
        each.__exit__()


def test_report_is_fetched_with_the_events_of_its_attempt(fetch) -> None:
    """First that the request leaves, then the body with its session and times; the slot is held until it is taken."""
    one = fetch()
    task = one.put(0)
    one.fetching.start("64.0")

    begun, fetched = one.next(events.AttemptStarted), one.next(events.Fetched)

    assert begun.task == fetched.task == task
    assert fetched.payload.body == DATA + FOOTER
    assert fetched.session.generation == 1
    assert begun.clock_s <= fetched.times.first_byte_clock_s <= fetched.times.received_clock_s
    assert one.slots.waiting == 1
    assert one.fetching.downloads == []


def test_attempt_without_a_first_byte_counts_as_waiting_to_its_end(fetch) -> None:
    """The timeline and the history call nothing a download of which no byte came."""
    one = fetch()
    one.put(0, Reply([], end="reset"))
    one.fetching.start("64.0")

    times = one.next(events.FetchFailed).failed.times

    assert times.request_clock_s < times.first_byte_clock_s == times.received_clock_s


def test_request_in_flight_is_shown_until_it_ends(fetch) -> None:
    """What the progress display reads: position and bytes so far."""
    one, may_end = fetch(), threading.Event()
    one.put(3, Reply([LARGE[:-5], may_end, LARGE[-5:]]))
    one.fetching.start("64.0")
    one.next(events.AttemptStarted)

    while not (downloads := one.fetching.downloads) or not downloads[0].incoming.received_bytes:
        may_end.wait(0.005)
    assert [each.position for each in downloads] == [3]

    may_end.set()
    one.next(events.Fetched)
    assert one.fetching.downloads == []


def test_api_version_of_the_opening_is_the_one_that_routes_use(fetch) -> None:
    """`Opened` carries it to the threads: a query job goes to that version's address."""
    one = fetch()
    report = Report(0, SOQL, "query", "", str(one.directory), "", soql="SELECT Id FROM Account")
    one.schedule.put(FetchTask.first(report, None))
    one.fetching.start("59.0")

    one.next(events.FetchFailed)

    assert one.server.received[0].target.startswith("/services/data/v59.0/jobs/query")


def test_nothing_is_requested_after_a_challenge_until_the_main_thread_has_decided(fetch) -> None:
    """The schedule is paused before anybody hears of the challenge; resumed, it hands out the next report."""
    one = fetch()
    one.put(0, CHALLENGE)
    one.put(1)
    one.fetching.start("64.0")

    failed = one.next(events.FetchFailed).failed
    assert failed.error.kind is ErrorKind.CHALLENGE
    assert one.is_quiet()
    assert one.requests_of(1) == 0

    one.schedule.resume()
    one.next(events.Fetched)
    assert one.requests_of(1) == 1


def test_ordinary_failure_does_not_pause_the_others(fetch) -> None:
    """A report that is gone is its own affair."""
    one = fetch()
    one.put(0, response(404))
    one.put(1)
    one.fetching.start("64.0")

    assert one.next(events.FetchFailed).failed.error.kind is ErrorKind.NOT_FOUND
    one.next(events.Fetched)


def test_rate_limited_answer_halves_what_may_run_at_once(fetch) -> None:
    """The threads stay; the schedule gives them less."""
    one, may_answer = fetch(threads=4), threading.Event()
    for number in range(4):
        one.put(number, Reply([may_answer, response(429, Retry_After="1")]))
    one.fetching.start("64.0")
    for _ in range(4):
        one.next(events.AttemptStarted)
    while len(one.server.received) < 4:
        may_answer.wait(0.005)

    may_answer.set()
    kinds = {one.next(events.FetchFailed).failed.error.kind for _ in range(4)}

    assert kinds == {ErrorKind.RATE_LIMITED}
    assert one.schedule.concurrency == 2


def test_lost_session_is_renewed_once_for_all_threads_before_they_retry(fetch) -> None:
    """Each task names the session it lost; the requests carry the new one."""
    one = fetch(threads=3)
    lost = one.sessions.log_in()
    for number in range(3):
        one.put(number, lost_session=lost)
    one.fetching.start("64.0")

    sessions = {one.next(events.Fetched).session.generation for _ in range(3)}

    assert sessions == {2}
    assert {request.headers["cookie"] for request in one.server.received} == {"sid=00D000000000001!token"}


def test_refused_renewal_is_reported_as_a_lost_session_and_nothing_is_requested(fetch) -> None:
    """The main thread hears of it first; the attempt itself failed as `auth`, for good."""
    one = fetch()
    lost = one.sessions.log_in()
    one.log_ins.insert(0, LogInError("The log-in was refused."))
    one.put(0, lost_session=lost)
    one.fetching.start("64.0")

    assert "refused" in str(one.next(events.SessionLost).error)
    failed = one.next(events.FetchFailed).failed
    assert (failed.error.kind, failed.error.permanent, failed.session) == (ErrorKind.AUTH, True, None)
    assert one.server.received == []


def test_renewal_that_fails_for_a_transient_reason_is_remembered(fetch) -> None:
    """The next attempt has to renew the same session, so the failure names it."""
    one = fetch()
    lost = one.sessions.log_in()
    one.log_ins.insert(0, ReportError(ErrorKind.SERVER, "The log-in is busy."))
    one.put(0, lost_session=lost)
    one.fetching.start("64.0")

    failed = one.next(events.FetchFailed).failed

    assert failed.error.kind is ErrorKind.SERVER
    assert failed.lost_session is lost


def test_abort_ends_a_request_in_flight_and_removes_its_spool_file(fetch) -> None:
    """It comes back as `interrupted`, at once, whatever the server does."""
    one, never = fetch(), threading.Event()
    one.put(0, Reply([LARGE[:-1], never]))
    one.fetching.start("64.0")
    while not one.spooled():
        never.wait(0.005)

    one.fetching.abort()

    assert one.next(events.FetchFailed).failed.error.kind is ErrorKind.INTERRUPTED
    assert one.spooled() == []


def test_body_that_waits_for_a_slot_is_dropped_when_the_run_stops(fetch, monkeypatch) -> None:
    """`workers.queue_size` 1: the second body waits; stopped, its file is gone, its slot was never taken."""
    monkeypatch.setattr("sfr.runner.backpressure.SLOT_POLL_S", 0.01)
    one = fetch(threads=1, queue_size=1)
    one.put(0, LARGE)
    one.fetching.start("64.0")
    first: Payload = one.next(events.Fetched).payload
    one.put(1, LARGE)
    one.next(events.AttemptStarted)
    assert one.is_quiet()
    assert len(one.spooled()) == 2

    one.fetching.abort()
    late = one.next(events.FetchFailed).failed.error

    assert late.kind is ErrorKind.INTERRUPTED
    assert [str(path) for path in one.spooled()] == [first.spool_path]
    assert one.slots.waiting == 1


def test_discarded_payload_frees_its_slot_its_memory_and_its_file(fetch) -> None:
    """What arrives after its report has ended never reaches the pool, which would have done that."""
    one = fetch(threads=1, queue_size=1)
    one.put(0, LARGE)
    one.fetching.start("64.0")
    one.fetching.discard(one.next(events.Fetched).payload)
    assert one.spooled() == []
    assert one.slots.waiting == 0

    one.put(1)  # which had to wait for a slot else
    inline: Payload = one.next(events.Fetched).payload
    assert not one.fetching._memory.reserve(INLINE_TOTAL_BYTES)
    one.fetching.discard(inline)
    assert one.fetching._memory.reserve(INLINE_TOTAL_BYTES)


def test_bug_in_a_thread_is_posted_and_the_body_so_far_is_dropped(fetch, monkeypatch) -> None:
    """A thread that ended silently would leave its report open for ever."""
    from sfr.salesforce.routes import ROUTES

    def broken(context: Any) -> Payload:
        context.incoming.write(b"x" * SPOOLED_FROM_BYTES)
        raise ZeroDivisionError

    monkeypatch.setitem(ROUTES, "classic", broken)
    one = fetch()
    one.put(0)
    one.fetching.start("64.0")

    (_, broke) = one.inbox.take(LIMIT_S) + one.inbox.take(LOOK_S)

    assert isinstance(broke, events.ThreadCrashed)
    assert isinstance(broke.bug, ZeroDivisionError)
    assert one.spooled() == []


@pytest.fixture
def granted(monkeypatch) -> Callable[[int], None]:
    """Lets the system grant this number of fetch threads and no more."""

    def grant(count: int) -> None:
        start, left = threading.Thread.start, [count]

        def limited(thread: threading.Thread) -> None:
            if thread.name.startswith("fetch-"):
                if not left[0]:
                    raise RuntimeError("can't start new thread")
                left[0] -= 1
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", limited)

    return grant


def test_run_continues_with_the_threads_that_the_system_grants(fetch, granted, caplog) -> None:
    """One of three: all reports are fetched, and a warning says so once."""
    granted(1)
    one = fetch(threads=3)
    for number in range(3):
        one.put(number)

    assert one.fetching.start("64.0") is None
    assert sorted(one.next(events.Fetched).task.report.position for _ in range(3)) == [0, 1, 2]
    assert ["Only 1 of 3" in record.message for record in caplog.records] == [True]


def test_start_returns_the_error_when_no_thread_is_granted(fetch, granted) -> None:
    """The main loop ends the run by it."""
    granted(0)
    one = fetch(threads=2)
    refused = one.fetching.start("64.0")

    assert refused is not None
    assert refused.errno == errno.EAGAIN


def test_threads_end_with_the_block_whatever_they_wait_for(fetch) -> None:
    """One in a request that hangs, one without a task."""
    one, never = fetch(threads=2), threading.Event()
    one.put(0, Reply([never]))
    with one.fetching:
        one.fetching.start("64.0")
        one.next(events.AttemptStarted)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fetch-")]
