"""Deliveries beside running fetches: what is due, what is retried, when a destination is given up."""

from __future__ import annotations

import errno
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfr.destinations import Attempt, Delivered, Destination, Item, ProvedFile
from sfr.errors import DeliveryError
from sfr.history.deliveries import DeliveredContent
from sfr.history.history import History
from sfr.model import Report, Status
from sfr.results import DeliveryStatus, ReportStats
from sfr.runner import delivery_schedule, delivery_threads
from sfr.runner.circuit_breaker import CircuitBreaker
from sfr.runner.deliveries import Deliveries, Results
from sfr.runner.delivery_attempt import DeliveryAttempt
from sfr.runner.delivery_schedule import Delivery, DeliverySchedule
from sfr.runner.delivery_threads import DeliveryAttempted, DeliveryLimits, DeliveryThreads
from sfr.runner.retry import Backoff

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
DOWN = DeliveryError("It is down.", is_transient=True, is_unreachable=True)
REFUSED = DeliveryError("It has no such column.")
PATIENCE_S = 30.0


class Scripted(Destination):
    """Answers with the next of its outcomes (None: takes it), then takes everything."""

    def __init__(
        self, *outcomes: DeliveryError | None, exclusive_file: str = "", before: Callable[[], None] = lambda: None
    ):
        self.outcomes, self.taken, self.tries = list(outcomes), [], 0
        self.exclusive_file, self._before = exclusive_file, before
        self.now = self.most = 0
        self._lock = threading.Lock()

    def target(self, item: Item) -> str:
        """One for each report."""
        return f"test://{item.name}"

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """The next outcome."""
        with self._lock:
            self.tries += 1
            self.now += 1
            self.most = max(self.most, self.now)
            outcome = self.outcomes.pop(0) if self.outcomes else None
        try:
            self._before()
            attempt.check()
            if outcome is not None:
                raise outcome
            self.taken.append(file.item.name)
            return Delivered()
        finally:
            with self._lock:
                self.now -= 1


def stats(position: int = 0, *names: str, sha256: str = "ab" * 32) -> ReportStats:
    """A report whose file is in place."""
    report = Report(
        position, "SFDC", f"Report {position}", "00OD0000001ZbP7MAK", "/srv", "?export=1", deliver=names, listed_at=NOW
    )
    return ReportStats(report, Status.SAVED, size_bytes=3, sha256=sha256, rows=1)


class Run:
    """The main thread's part."""

    def __init__(
        self,
        history: History,
        attempts: int = 3,
        threads: int = 2,
        *,
        is_again: bool = False,
        timeout_s: float = 60.0,
        **destinations: Destination,
    ) -> None:
        self.events: queue.SimpleQueue[DeliveryAttempted] = queue.SimpleQueue()
        self.schedule = schedule = DeliverySchedule()
        limits = DeliveryLimits(threads, timeout_s, 60.0, ".sfr-test-")
        self.deliveries = Deliveries(
            {name: (one, name.encode()) for name, one in destinations.items()},
            history,
            schedule,
            DeliveryThreads(limits, schedule, self.events.put),
            attempts,
            Backoff(0.001, 0.002),
            is_again=is_again,
        )
        self.ended: dict[int, Results] = {}

    def begin(self, *reports: ReportStats) -> None:
        """Begin the deliveries of these."""
        for each in reports:
            results = self.deliveries.begin(each)
            if results is not None:
                self.ended[each.report.position] = results

    def finish(self) -> dict[int, Results]:
        """Handle events until nothing is pending."""
        while self.deliveries.in_flight:
            self.ended |= dict(self.deliveries.handle(self.events.get(timeout=PATIENCE_S)))
            self.ended |= dict(self.deliveries.check())
            assert None not in self.ended.values(), "a report whose deliveries have not ended"
        return self.ended

    def statuses(self, position: int = 0) -> list[DeliveryStatus]:
        """Those of one report."""
        return [each.status for each in self.ended[position]]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty history in which a run is recorded."""
    with History.open(str(tmp_path / "history.sqlite3")) as opened:
        opened.begin("run", NOW, [stats(position).report for position in range(20)])
        yield opened


def test_report_without_destinations_has_nothing_to_wait_for(history: History) -> None:
    """Nor any results."""
    assert Run(history, share=Scripted()).deliveries.begin(stats()) == ()


def test_results_are_in_the_order_of_the_row(history: History) -> None:
    """Whichever delivery ends first."""
    run = Run(history, a=Scripted(), b=Scripted(REFUSED), c=Scripted())
    with run.deliveries:
        run.begin(stats(0, "c", "b", "a"))
        run.finish()

    assert [each.destination for each in run.ended[0]] == ["c", "b", "a"]
    assert run.statuses() == [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED]


def test_transient_failure_is_retried_and_a_refusal_is_not(history: History) -> None:
    """At most as often as configured."""
    again, never, always = Scripted(DOWN, DOWN), Scripted(REFUSED), Scripted(*[DOWN] * 9)
    run = Run(history, attempts=3, again=again, never=never, always=always)
    with run.deliveries:
        run.begin(stats(0, "again", "never", "always"))
        run.finish()

    assert (again.tries, never.tries, always.tries) == (3, 1, 3)
    assert run.statuses() == [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.FAILED]
    assert "Given up after 3 attempts" in run.ended[0][2].message


def test_duration_of_a_delivery_is_that_of_all_its_attempts(history: History) -> None:
    """Without the waits between them, in which others are delivered."""
    run = Run(history, share=Scripted(DOWN, REFUSED))
    with run.deliveries:
        run.begin(stats(0, "share"))
        while run.deliveries.in_flight:
            event = replace(run.events.get(timeout=PATIENCE_S), duration_s=2.5)
            run.ended |= dict(run.deliveries.handle(event))

    assert run.ended[0][0].duration_s == 5.0


def test_temporary_files_are_looked_for_where_local_destinations_make_them(history: History) -> None:
    """Beside the file of a folder, and beside the report; what a database makes beside its file is its own."""

    class Share(Scripted):
        def local_file(self, item: Item) -> str:
            return f"/share/2026/{item.file_name}"

    run = Run(history, share=Share(), db=Share(exclusive_file="/db/r.db"), bucket=Scripted())
    found = {name: run.deliveries.directories([stats(0, name).report]) for name in ("share", "db", "bucket")}

    assert found == {"share": {"/srv", "/share/2026"}, "db": {"/srv"}, "bucket": {"/srv"}}
    assert run.deliveries.directories([stats(0).report]) == set()


def test_known_content_is_not_delivered_again(history: History) -> None:
    """Unless it changed, or the user requests it."""
    share = Scripted()
    for sha256, is_again, expected in (
        ("aa", False, DeliveryStatus.DELIVERED),
        ("aa", False, DeliveryStatus.UNCHANGED),
        ("bb", False, DeliveryStatus.DELIVERED),
        ("aa", False, DeliveryStatus.DELIVERED),
        ("aa", True, DeliveryStatus.DELIVERED),
    ):
        run = Run(history, share=share, is_again=is_again)
        with run.deliveries:
            run.begin(stats(0, "share", sha256=sha256))
            run.finish()
        assert run.statuses() == [expected]


def test_failed_delivery_is_not_known_afterwards(history: History) -> None:
    """Nor is the content that the target had before: it may have been replaced."""
    for outcome, sha256 in ((None, "aa"), (REFUSED, "bb"), (None, "aa")):
        run = Run(history, share=Scripted(*([outcome] if outcome else [])))
        with run.deliveries:
            run.begin(stats(0, "share", sha256=sha256))
            run.finish()

    assert run.statuses() == [DeliveryStatus.DELIVERED]


def test_content_that_was_to_be_delivered_again_but_was_not_begun_is_not_known_afterwards(history: History) -> None:
    """So a run with `--resume`, which does not request it again, delivers it, as the report's message says."""
    statuses = []
    for is_again, is_stopped in ((False, False), (True, True), (False, False)):
        run = Run(history, share=Scripted(), is_again=is_again)
        with run.deliveries:
            if is_stopped:
                run.deliveries.close(DeliveryError("The run was stopped."))
            run.begin(stats(0, "share"))
            run.finish()
        statuses += run.statuses()

    assert statuses == [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED]


def test_destination_is_given_up_after_three_failures_in_a_row(
    history: History, caplog: pytest.LogCaptureFixture
) -> None:
    """The others continue. Those that were tried are warned of, not every report that is on the list besides."""
    caplog.set_level(logging.INFO, logger="sfr")
    down, up = Scripted(*[DOWN] * 99), Scripted()
    run = Run(history, attempts=2, threads=1, down=down, up=up)
    with run.deliveries:
        run.begin(*(stats(position, "down", "up") for position in range(8)))
        run.finish()

    assert down.tries == 3 * 2
    assert sum("Given up after 2 attempts" in results[0].message for results in run.ended.values()) == 3
    assert sum("Not tried" in results[0].message for results in run.ended.values()) == 5
    assert len(up.taken) == 8
    levels = [record.levelname for record in caplog.records if "was not delivered to down" in record.getMessage()]
    assert sorted(levels) == ["INFO"] * 5 + ["WARNING"] * 3


def test_delivery_that_succeeds_starts_the_count_of_failures_anew(history: History) -> None:
    """Three failures in a row, not three of a night."""
    shaky = Scripted(DOWN, DOWN, None, DOWN, DOWN)
    run = Run(history, attempts=1, threads=1, shaky=shaky)
    with run.deliveries:
        run.begin(*(stats(position, "shaky") for position in range(6)))
        run.finish()

    assert shaky.tries == 6
    assert [run.statuses(position)[0].value for position in (2, 5)] == ["delivered", "delivered"]


def test_attempt_that_fails_after_its_destination_was_given_up_is_the_last(history: History) -> None:
    """It was in flight while three others failed."""
    entered, release = threading.Event(), threading.Event()

    class Down(Scripted):
        def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
            self.taken.append(file.item.name)
            if file.item.name == "Report 0":
                entered.set()
                assert release.wait(PATIENCE_S)
            raise DOWN

    down = Down()
    run = Run(history, attempts=2, threads=2, down=down)
    with run.deliveries:
        run.begin(stats(0, "down"))
        assert entered.wait(PATIENCE_S)
        run.begin(*(stats(position, "down") for position in range(1, 4)))
        while len(run.ended) < 3:
            run.ended |= dict(run.deliveries.handle(run.events.get(timeout=PATIENCE_S)))
        release.set()
        run.finish()

    assert down.taken.count("Report 0") == 1
    assert run.statuses(0) == [DeliveryStatus.FAILED]


def test_report_that_comes_after_a_destination_was_given_up_fails_at_once(history: History) -> None:
    """Nothing connects to it any more, although it would take the file now."""
    down = Scripted(*[DOWN] * 3)
    run = Run(history, attempts=1, down=down)
    with run.deliveries:
        run.begin(*(stats(position, "down") for position in range(3)))
        run.finish()
        run.begin(stats(3, "down"))

    assert run.statuses(3) == [DeliveryStatus.FAILED]
    assert "Not tried" in run.ended[3][0].message
    assert down.tries == 3
    assert not any("Given up" in results[0].message for results in run.ended.values())  # after one attempt


def test_deliveries_fail_at_once_when_no_thread_can_be_started(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the operating system's reason; the run continues."""

    def refuse(thread: threading.Thread) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(delivery_threads, "start_thread", refuse)
    run = Run(history, share=Scripted())
    with run.deliveries:
        run.begin(stats(0, "share"))

    assert "refused to start a thread (Resource temporarily unavailable)" in run.ended[0][0].message


class Deaf(Scripted):
    """Hangs until it is released, whatever interrupts it."""

    def __init__(self) -> None:
        super().__init__(exclusive_file="/tables.db")
        self.entered, self.released = threading.Event(), threading.Event()

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """Only the first time."""
        if not self.entered.is_set():
            self.entered.set()
            assert self.released.wait(PATIENCE_S)
        return super().deliver(file, attempt)


def test_delivery_that_cannot_be_ended_fails_and_frees_its_place(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread is left behind; another one takes the next delivery."""
    monkeypatch.setattr(delivery_threads, "STUCK_AFTER_S", 0.0)
    deaf = Deaf()
    run = Run(history, attempts=1, threads=1, timeout_s=0.0, deaf=deaf)
    with run.deliveries:
        run.begin(stats(0, "deaf"), stats(1, "deaf"))
        assert deaf.entered.wait(PATIENCE_S)
        pause = threading.Event()
        while 0 not in run.ended:
            run.ended |= dict(run.deliveries.check())
            pause.wait(0.001)
        run.finish()
        deaf.released.set()

    assert "hangs and could not be ended" in run.ended[0][0].message
    assert run.statuses(1) == [DeliveryStatus.FAILED]  # it had no time at all


def test_destination_whose_deliveries_hang_is_given_up_after_three(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is down is; a share of a dead server would else cost its time limit for every report."""
    monkeypatch.setattr(delivery_threads, "STUCK_AFTER_S", 0.0)
    released = threading.Event()
    hung = Scripted(before=lambda: released.wait(PATIENCE_S) and None)
    run = Run(history, threads=1, timeout_s=0.0, hung=hung)
    with run.deliveries:
        run.begin(*(stats(position, "hung") for position in range(9)))
        pause = threading.Event()
        while run.deliveries.in_flight:
            run.ended |= dict(run.deliveries.check())
            pause.wait(0.001)
        released.set()

    assert (
        sum(
            "hangs and could not be ended" in results[0].message.partition("Not tried")[0]
            for results in run.ended.values()
        )
        == 3
    )
    assert sum("Not tried" in results[0].message for results in run.ended.values()) == 6
    assert hung.tries == 3


def test_delivery_that_hangs_after_everything_was_cut_changes_nothing(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its report has ended."""
    monkeypatch.setattr(delivery_threads, "STUCK_AFTER_S", -1.0)
    deaf = Deaf()
    run = Run(history, deaf=deaf)
    with run.deliveries:
        run.begin(stats(0, "deaf"))
        assert deaf.entered.wait(PATIENCE_S)
        ended = dict(run.deliveries.cut(DeliveryError("stopped")))

        assert run.deliveries.check() == []
        deaf.released.set()

    assert ended[0][0].message == "stopped"


def test_refusals_of_reports_do_not_open_the_circuit_breaker() -> None:
    """They show that the destination works; a success resets the count."""
    breaker = CircuitBreaker()
    for error in (DOWN, DOWN, REFUSED, DOWN, DOWN):
        breaker.note_failure("share", error)
    assert breaker.refusal("share") is None
    breaker.note_success("share")
    breaker.note_failure("share", DOWN)
    breaker.note_failure("share", DOWN)
    assert breaker.refusal("share") is None
    breaker.note_failure("share", DOWN)
    breaker.note_failure("share", DeliveryError("It was in flight.", is_unreachable=True))
    assert "It is down" in str(breaker.refusal("share"))  # as it was when the breaker opened


def test_deliveries_into_one_file_go_one_after_the_other(history: History, tmp_path: Path) -> None:
    """While other destinations are served at the same time."""
    one, other = (Scripted(exclusive_file=str(tmp_path / "r.db")) for _ in range(2))
    run = Run(history, threads=4, one=one, other=other)
    with run.deliveries:
        run.begin(*(stats(position, "one", "other") for position in range(10)))
        run.finish()

    assert one.most == other.most == 1
    assert len(one.taken) == len(other.taken) == 10


def test_threads_are_as_many_as_configured(history: History) -> None:
    """And that many at once, if there is work."""
    both = threading.Barrier(2)
    share = Scripted(before=lambda: both.wait(PATIENCE_S) and None)
    run = Run(history, threads=2, share=share)
    with run.deliveries:
        run.begin(*(stats(position, "share") for position in range(6)))
        run.finish()

    assert share.most == 2


def test_close_fails_what_waits_and_leaves_what_is_in_flight(history: History) -> None:
    """As a stop signal does within the grace."""
    entered, release = threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        assert release.wait(PATIENCE_S)

    run = Run(history, threads=1, share=Scripted(before=block))
    with run.deliveries:
        run.begin(stats(0, "share"), stats(1, "share"))
        assert entered.wait(PATIENCE_S)
        run.ended |= dict(run.deliveries.close(DeliveryError("stopped")))
        run.begin(stats(2, "share"))
        release.set()
        run.finish()

    assert [run.statuses(position) for position in range(3)] == [
        [DeliveryStatus.DELIVERED], [DeliveryStatus.FAILED], [DeliveryStatus.FAILED],
    ]  # fmt: skip


def test_delivery_that_fails_after_the_close_is_not_tried_again(history: History) -> None:
    """The grace of a stop signal is for what is in flight, not for more attempts."""
    entered, release = threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        assert release.wait(PATIENCE_S)

    share = Scripted(DOWN, before=block)
    run = Run(history, share=share)
    with run.deliveries:
        run.begin(stats(0, "share"))
        assert entered.wait(PATIENCE_S)
        assert run.deliveries.close(DeliveryError("stopped")) == []
        release.set()
        run.finish()

    assert (run.statuses(), share.tries) == ([DeliveryStatus.FAILED], 1)


def test_cut_ends_everything_at_once(history: History) -> None:
    """A blocked delivery is interrupted, and its target is named."""
    entered, released = threading.Event(), threading.Event()

    class Blocked(Scripted):
        def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
            attempt.interrupt_with(released.set)
            entered.set()
            assert released.wait(PATIENCE_S)
            raise DeliveryError("The connection was lost.", is_transient=True)

    run = Run(history, threads=1, share=Blocked())
    with run.deliveries:
        run.begin(stats(0, "share"), stats(1, "share"))
        assert entered.wait(PATIENCE_S)
        ended = dict(run.deliveries.cut(DeliveryError("stopped")))

        assert released.is_set()
        assert run.schedule.withdraw() == []
        assert run.deliveries.handle(run.events.get(timeout=PATIENCE_S)) == []

    assert (ended[0][0].target, ended[0][0].message) == ("test://Report 0", "stopped")
    assert run.deliveries.in_flight == 0


def test_nothing_is_delivered_after_the_end_of_the_run(history: History) -> None:
    """Whatever ends it: what is in flight is interrupted, its thread ends, and what waits is not begun."""
    entered, released, began_another = threading.Event(), threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def interrupt() -> None:
        released.set()
        began_another.wait(0.1)

    class Blocked(Scripted):
        def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
            if entered.is_set():
                began_another.set()
            threads.append(threading.current_thread())
            attempt.interrupt_with(interrupt)
            entered.set()
            assert released.wait(PATIENCE_S)
            return Delivered()

    run = Run(history, threads=1, share=Blocked())
    with run.deliveries:
        run.begin(stats(0, "share"), stats(1, "share"))
        assert entered.wait(PATIENCE_S)

    assert released.is_set()
    assert [thread.is_alive() for thread in threads] == [False]


def test_unexpected_error_of_a_library_fails_one_delivery(history: History, caplog: pytest.LogCaptureFixture) -> None:
    """The user sees its type, and the log the rest."""

    class Broken(Scripted):
        def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
            raise ZeroDivisionError

    run = Run(history, share=Broken())
    with run.deliveries:
        run.begin(stats(0, "share"))
        run.finish()

    assert "ZeroDivisionError" in run.ended[0][0].message
    assert "Report 0 to share" in caplog.text


@pytest.mark.parametrize(
    ("elapsed_s", "may_be_idle", "expected"), [(11, False, "no progress"), (11, True, ""), (31, True, "30 s")]
)
def test_attempt_ends_when_it_takes_too_long(elapsed_s: float, may_be_idle: bool, expected: str) -> None:
    """From start to end, and without progress unless the other side works."""
    now = [0.0]
    interrupted = []
    attempt = DeliveryAttempt(".sfr-", 30.0, 10.0, clock=lambda: now[0])
    attempt.interrupt_with(lambda: interrupted.append(True), may_be_idle=may_be_idle)
    now[0] = elapsed_s
    attempt.watch()

    assert bool(attempt.cancelled) == bool(interrupted) == bool(expected)
    if expected:
        with pytest.raises(DeliveryError, match=expected) as caught:
            attempt.check()
        assert caught.value.is_transient
        assert caught.value.is_unreachable


def test_attempt_knows_how_much_time_is_left() -> None:
    """More than nothing, always: a limit of 0 means none to a database."""
    now = [0.0]
    attempt = DeliveryAttempt(".sfr-", 30.0, 60.0, clock=lambda: now[0])
    left = []
    for now[0] in (0.0, 20.0, 31.0):
        left.append(attempt.remaining_s)

    assert left == [30.0, 10.0, 0.001]


@pytest.mark.parametrize("note", [DeliveryAttempt.check, lambda attempt: attempt.interrupt_with(None)])
def test_attempt_that_makes_progress_is_not_idle(note: Callable[[DeliveryAttempt], None]) -> None:
    """Each block that is sent counts, and each step."""
    now = [0.0]
    attempt = DeliveryAttempt(".sfr-", 90.0, 10.0, clock=lambda: now[0])
    now[0] = 8.0
    note(attempt)
    now[0] = 18.0
    attempt.watch()
    assert attempt.cancelled is None
    now[0] = 18.1
    attempt.watch()

    assert "no progress" in str(attempt.cancelled)


def test_attempt_that_was_cancelled_begins_nothing_more() -> None:
    """With the first reason, whatever the interruption of a library raises."""

    def refuse() -> None:
        raise ZeroDivisionError

    now, attempt_ended = [5.0], DeliveryError("stopped")
    attempt = DeliveryAttempt(".sfr-", 30.0, 60.0, clock=lambda: now[0])
    attempt.interrupt_with(refuse)
    attempt.cancel(attempt_ended)
    now[0] = 9.0
    attempt.cancel(DOWN)

    attempt.interrupt_with(None)  # at the end of a step
    for step in (attempt.check, attempt.confirm, lambda: attempt.interrupt_with(refuse)):
        with pytest.raises(DeliveryError) as raised:
            step()
        assert raised.value is attempt_ended
    assert (attempt.cancelled_clock_s, attempt.is_stuck(3.9), attempt.is_stuck(4.0)) == (5.0, True, False)


def test_attempt_is_not_confirmed_once_the_run_must_not_publish() -> None:
    """Until then it is."""
    may_publish = [True]
    attempt = DeliveryAttempt(".sfr-", 30.0, 60.0, may_publish=lambda: may_publish[0])
    attempt.confirm()
    may_publish[0] = False

    with pytest.raises(DeliveryError, match="Another run"):
        attempt.confirm()


def test_retried_delivery_keeps_its_lane_free_while_it_waits() -> None:
    """Another delivery into the same file goes first."""
    now = [0.0]
    schedule = DeliverySchedule(clock=lambda: now[0])
    file = ProvedFile(Item("a", "a", "", "csv", "utf-8", "", NOW), "/a", 1, "", 1)
    first = Delivery(0, "db", Scripted(), file, DeliveredContent(b"", ""), "lane")
    second = replace(first, position=1)
    schedule.put(first)
    schedule.put(second)

    assert schedule.take() == first
    schedule.done(first)
    schedule.put_again(replace(first, attempt=2), 5.0, is_unreachable=False)
    assert schedule.take() == second
    now[0] = 6.0
    schedule.done(second)
    assert schedule.take() == replace(first, attempt=2)
    schedule.close()
    assert schedule.take() is None


def test_deliveries_to_an_unreachable_destination_wait_with_the_one_that_failed() -> None:
    """Those to others do not."""
    now = [0.0]
    schedule = DeliverySchedule(clock=lambda: now[0])
    file = ProvedFile(Item("a", "a", "", "csv", "utf-8", "", NOW), "/a", 1, "", 1)
    failed, waiting, other = (
        Delivery(position, name, Scripted(), file, DeliveredContent(b"", ""), "")
        for position, name in enumerate(("down", "down", "up"))
    )
    schedule.put(waiting)
    schedule.put(other)
    schedule.put_again(failed, 5.0, is_unreachable=True)

    assert schedule.take() == other
    now[0] = 5.0
    assert [schedule.take(), schedule.take()] == [failed, waiting]


def test_thread_that_waits_takes_a_delivery_as_soon_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put there, due again, its lane is free, its destination in reach again: none waits for the next look."""
    monkeypatch.setattr(delivery_schedule, "MAX_SLEEP_S", 10 * PATIENCE_S)
    schedule, taken, pause = DeliverySchedule(), queue.SimpleQueue[Delivery | None](), threading.Event()
    file = ProvedFile(Item("a", "a", "", "csv", "utf-8", "", NOW), "/a", 1, "", 1)
    first = Delivery(0, "db", Scripted(), file, DeliveredContent(b"", ""), "lane")
    second = replace(first, position=1)

    def take() -> None:
        while (delivery := schedule.take()) is not None:
            taken.put(delivery)
        taken.put(None)

    thread = threading.Thread(target=take)
    thread.start()
    for step, expected in (
        (lambda: schedule.put(first), first),
        (lambda: (schedule.put(second), schedule.done(first)), second),
        (lambda: (schedule.done(second), schedule.put_again(first, 0.05, is_unreachable=False)), first),
        (lambda: (schedule.done(first, is_unreachable=True), schedule.put(second), schedule.resume("db")), second),
        (schedule.close, None),
    ):
        pause.wait(0.02)  # so that the thread waits
        step()
        assert taken.get(timeout=PATIENCE_S) == expected
    thread.join(PATIENCE_S)


def test_only_deliveries_to_the_named_destinations_are_withdrawn() -> None:
    """Those to others stay, in their order; without names, all are withdrawn."""
    schedule = DeliverySchedule(clock=lambda: 0.0)
    file = ProvedFile(Item("a", "a", "", "csv", "utf-8", "", NOW), "/a", 1, "", 1)
    down, first, second = (
        Delivery(position, name, Scripted(), file, DeliveredContent(b"", ""), "")
        for position, name in enumerate(("down", "up", "up"))
    )
    for delivery in (first, down, second):
        schedule.put(delivery)

    assert schedule.withdraw(["down"]) == [down]
    assert schedule.take() == first
    assert schedule.withdraw() == [second]
    assert schedule.withdraw() == []


def test_delivery_waits_while_its_lane_is_taken() -> None:
    """One of another lane, or of none, goes first, however late it came."""
    schedule = DeliverySchedule(clock=lambda: 0.0)
    file = ProvedFile(Item("a", "a", "", "csv", "utf-8", "", NOW), "/a", 1, "", 1)
    first, second, other, free = (
        Delivery(position, "db", Scripted(), file, DeliveredContent(b"", ""), lane)
        for position, lane in enumerate(("lane", "lane", "other", ""))
    )
    for delivery in (first, second, other, free):
        schedule.put(delivery)

    assert [schedule.take(), schedule.take(), schedule.take()] == [first, other, free]
    schedule.done(free)
    schedule.done(other)
    schedule.done(first)
    assert schedule.take() == second
