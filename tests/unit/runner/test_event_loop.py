"""The main loop: what becomes of every report at a stop, a deadline, a lost session, a challenge, without workers.

Inbox, ledger and schedule are the real ones; fetch threads and pool are played, so that each step has its moment:
a step runs in every turn of the loop, and the clock moves only when a test moves it.
"""

from __future__ import annotations

import errno
import logging
import signal
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sfr.errors import DeliveryError, ErrorKind, LogInError, ReportError
from sfr.inbox import Inbox
from sfr.model import Payload, Processed, Report, Status
from sfr.redaction import Secret
from sfr.results import DeliveryStats, DeliveryStatus
from sfr.runner import event_loop, events
from sfr.runner.attempts import AttemptTimes, FailedAttempt, RetryRules
from sfr.runner.event_loop import ABORT_GRACE_S, EventLoop, TimeLimits
from sfr.runner.ledger import Ledger
from sfr.runner.retry import Backoff, RetryBudget
from sfr.runner.schedule import FetchSchedule, FetchTask
from sfr.salesforce.session import Session
from sfr.workers.pool import Finished

GRACE_S, DEADLINE_S = 30.0, 100.0
SESSION = Session(Secret("00D000000000001!token"), "https://acme.my.salesforce.com", 1)
CHALLENGE = ReportError(ErrorKind.CHALLENGE, "A verification page came.")
EXPIRED = ReportError(ErrorKind.AUTH, "The password has expired.", permanent=True)


class PlayedDeliveries:
    """What the loop sees of the deliveries: nothing goes anywhere until a test says so."""

    in_flight = 0

    def __init__(self) -> None:
        self.ended: list[tuple[int, tuple[DeliveryStats, ...]]] = []
        self.closed_with: list[str] = []
        self.cut_with: list[str] = []

    def check(self) -> list[tuple[int, tuple[DeliveryStats, ...]]]:
        ended, self.ended = self.ended, []
        return ended

    def close(self, reason: DeliveryError) -> list[tuple[int, tuple[DeliveryStats, ...]]]:
        self.closed_with.append(reason.message)
        return []

    def cut(self, reason: DeliveryError) -> list[tuple[int, tuple[DeliveryStats, ...]]]:
        self.cut_with.append(reason.message)
        return []


class PlayedFetching:
    """What the loop sees of the fetch threads."""

    def __init__(self) -> None:
        self.refusal: OSError | None = None
        self.started_with: list[str] = []
        self.aborts = 0
        self.downloads: list[Any] = []
        self.released: list[Payload] = []
        self.discarded: list[Payload] = []

    def start(self, api_version: str) -> OSError | None:
        self.started_with.append(api_version)
        return self.refusal

    def abort(self) -> None:
        self.aborts += 1

    def release(self, payload: Payload) -> None:
        self.released.append(payload)

    def discard(self, payload: Payload) -> None:
        self.discarded.append(payload)


class PlayedPool:
    """What the loop sees of the pool: it answers for payloads until the test says how each ended."""

    def __init__(self) -> None:
        self.has_given_up = False
        self.refusal: OSError | None = None
        self.is_killed = False
        self.held: list[Payload] = []
        self._finished: list[Finished] = []

    def put(self, payload: Payload) -> None:
        self.held.append(payload)

    def finish(self, processed: Processed | None) -> None:
        """The oldest payload comes out in the loop's next turn."""
        self._finished.append(Finished(self.held.pop(0), processed))

    def check(self) -> Iterable[Finished]:
        finished, self._finished = self._finished, []
        return finished

    def withdraw_all(self) -> list[Finished]:
        held, self.held = self.held, []
        return [Finished(payload, None) for payload in held]

    def kill(self) -> None:
        self.is_killed = True

    @property
    def waiting(self) -> int:
        return len(self.held)


class Stage:
    """A loop over `count` reports with all its parts, and what fetch threads would do."""

    def __init__(self, directory: str, count: int, *, route: str = "classic", budget: int = 100) -> None:
        reports = [
            Report(
                position,
                "SFDC",
                f"report-{position}",
                f"00OE000000{position:05}MAA",
                directory,
                "?",
                route=route,
                deliver=("share",),
            )
            for position in range(count)
        ]
        self.now_s = 0.0
        self.inbox = Inbox()
        self.ledger = Ledger(reports, {}, RetryRules(4, Backoff(0, 0), 300.0), RetryBudget(budget))
        self.schedule = FetchSchedule(count)
        self.fetching, self.pool, self.deliveries = PlayedFetching(), PlayedPool(), PlayedDeliveries()
        self.deadline_clock_s: float | None = None
        self._directory = directory
        for report in reports:
            self.schedule.put(FetchTask.first(report, None))

    def run(self, *steps: Callable[[], object]) -> EventLoop:
        """Run the loop to its end, one step after each turn; fails the test if steps are left or do not end it."""
        left = list(steps)

        def next_step(_loop: EventLoop) -> None:
            if self.ledger.open_count:
                assert left, f"the loop goes on: {[entry.report.name for entry in self.ledger.open_entries]}"
                left.pop(0)()

        loop = EventLoop(
            self.inbox,
            self.ledger,
            self.schedule,
            cast(Any, self.fetching),
            cast(Any, self.pool),
            cast(Any, self.deliveries),
            TimeLimits(self.deadline_clock_s, DEADLINE_S, GRACE_S),
            next_step,
        )
        loop.run()
        assert not left
        return loop

    # What others do

    def post(self, event: events.Event) -> Callable[[], None]:
        return lambda: self.inbox.post(event)

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.inbox.post(events.StopRequested(number))

    def pass_s(self, seconds: float) -> Callable[[], None]:
        def act() -> None:
            self.now_s += seconds

        return act

    def take(self) -> FetchTask:
        """A fetch thread takes the next task and says so; fails the test if there is none."""
        task = self.try_to_take()
        assert task is not None
        self.inbox.post(events.AttemptStarted(task, datetime.now(UTC), self.now_s))
        return task

    def try_to_take(self) -> FetchTask | None:
        """The task that a fetch thread would get now; None where it would have to wait or to end."""
        ready = self.schedule
        if ready._is_closed or ready._pauses or not (ready._ready or ready._delayed):
            return None
        return ready.take()

    def bring(self, task: FetchTask, *, spool_path: str | None = None) -> Payload:
        """A body arrived."""
        body = None if spool_path else b"1234567"
        payload = Payload(task.report, task.attempt, task.route, 7, body, spool_path)
        self.task_done()
        self.inbox.post(events.Fetched(task, payload, SESSION, AttemptTimes(0, 0.0, 0.0, self.now_s)))
        return payload

    def fail(self, task: FetchTask, error: ReportError) -> None:
        """None did. As the fetch threads do, pause the schedule where the error may concern every report."""
        if error.concerns_every_report:
            self.schedule.pause()
        self.task_done()
        failed = FailedAttempt(error, AttemptTimes(0, 0.0, 0.0, self.now_s), SESSION, task.route)
        self.inbox.post(events.FetchFailed(task, failed))

    def task_done(self) -> None:
        self.schedule.task_done(0.0, was_rate_limited=False, was_success=True)

    def bring_and_save(self) -> tuple[Callable[[], object], Callable[[], object]]:
        """Two steps: the next report arrives; a worker saves it."""
        return (lambda: self.bring(self.take())), self.save

    def save(self) -> None:
        self.pool.finish(Processed(Status.SAVED, rows=2))

    @property
    def outcomes(self) -> list[str]:
        """How the reports ended, in list order: status, or error."""
        return [stats.error.value if stats.error else stats.status.value for stats in self.ledger.ended]

    def message(self, position: int) -> str:
        return self.ledger.ended[position].message


@pytest.fixture
def stage(tmp_path, monkeypatch) -> Callable[..., Stage]:
    """Makes stages whose loops have the stage's clock and do not wait between turns."""
    monkeypatch.setattr(event_loop, "TICK_S", 0.0)

    def make(count: int = 3, **options: Any) -> Stage:
        made = Stage(str(tmp_path), count, **options)
        monkeypatch.setattr(event_loop, "time", SimpleNamespace(monotonic=lambda: made.now_s))
        return made

    return make


def test_loop_starts_the_threads_with_the_api_version_and_ends_with_the_last_report(stage):
    """Log-in done, fetch, write: each report passes through once, and its memory is released."""
    one = stage(2)

    one.run(one.post(events.StartupDone("64.0")), *one.bring_and_save(), *one.bring_and_save())

    assert one.fetching.started_with == ["64.0"]
    assert one.outcomes == ["saved", "saved"]
    assert len(one.fetching.released) == 2
    assert one.fetching.aborts == 0


# Stop signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_stop_signal_lets_what_is_in_flight_finish_within_the_grace(stage, number):
    """In flight: saved. Not requested: `interrupted`, at once."""
    one = stage(3)
    tasks: list[FetchTask] = []

    loop = one.run(
        lambda: tasks.append(one.take()),
        lambda: one.stop(number),
        one.pass_s(GRACE_S - 1),
        lambda: one.bring(tasks[0]),
        one.save,
    )

    assert loop.stop_signal == number
    assert sorted(one.outcomes) == ["interrupted", "interrupted", "saved"]
    assert one.fetching.aborts == 0
    assert one.try_to_take() is None


def test_stop_ends_a_failed_attempt_without_another_one(stage):
    """What would be tried again is `interrupted`, and its message keeps what happened last."""
    one = stage(1)
    tasks: list[FetchTask] = []

    one.run(
        lambda: tasks.append(one.take()),
        one.stop,
        lambda: one.fail(tasks[0], ReportError(ErrorKind.SERVER, "It answered 503.")),
    )

    assert one.outcomes == ["interrupted"]
    assert "It answered 503." in one.message(0)


def test_grace_that_has_passed_ends_requests_and_workers(stage, tmp_path):
    """One report hangs in its request, one in a worker: aborted, killed, the spool file removed."""
    one, spool = stage(2), tmp_path / "spool.part"
    spool.write_bytes(b"1234567")

    loop = one.run(
        lambda: (one.take(), one.bring(one.take(), spool_path=str(spool))),
        one.stop,
        one.pass_s(GRACE_S),
    )

    assert one.outcomes == ["interrupted", "interrupted"]
    assert one.pool.is_killed
    assert one.fetching.aborts == 1
    assert not spool.exists()
    assert loop.stop_signal == signal.SIGTERM


def delivering(one):
    """Two steps: the next report is in place, and on its way to a destination."""
    one.ledger.deliver = lambda _stats: None
    return one.bring_and_save()


def test_loop_continues_until_the_last_delivery_has_ended(stage):
    """The report ends with it."""
    one = stage(1)
    delivered = DeliveryStats("share", DeliveryStatus.DELIVERED, "file:///share/a.csv")
    one.run(*delivering(one), lambda: None, lambda: one.deliveries.ended.append((0, (delivered,))))

    assert one.outcomes == ["saved"]
    assert one.ledger.ended[0].delivered == "file:///share/a.csv"


def test_delivery_in_flight_at_a_stop_has_the_grace_and_then_fails(stage):
    """Its report is in place, so it did not fail as `interrupted`."""
    one = stage(2)
    one.run(*delivering(one), one.stop, one.pass_s(GRACE_S))

    assert one.outcomes == ["delivery", "interrupted"]
    assert one.deliveries.closed_with
    assert one.deliveries.cut_with
    assert one.ledger.ended[0].is_in_place


def test_delivery_in_flight_continues_when_the_session_is_lost(stage):
    """It needs no session."""
    one = stage(2)
    delivered = DeliveryStats("share", DeliveryStatus.DELIVERED, "file:///share/a.csv")
    one.run(
        *delivering(one),
        lambda: one.inbox.post(events.SessionLost(LogInError("refused"))),
        lambda: one.deliveries.ended.append((0, (delivered,))),
    )

    assert one.outcomes == ["saved", "auth"]
    assert not one.deliveries.closed_with


def test_second_stop_signal_ends_the_run_at_once(stage):
    """Nothing is waited for, and the exit code stays the first signal's."""
    one = stage(2)

    loop = one.run(one.take, lambda: one.stop(signal.SIGINT), lambda: one.stop(signal.SIGTERM))

    assert one.now_s == 0.0
    assert one.outcomes == ["interrupted", "interrupted"]
    assert one.pool.is_killed
    assert one.fetching.aborts == 1
    assert loop.stop_signal == signal.SIGINT


# The deadline


def test_deadline_ends_what_is_open_as_timeout_and_keeps_what_has_arrived(stage):
    """Not requested and in flight: `timeout`; in a worker: saved within the grace; saved before: stays so."""
    one = stage(4)
    one.deadline_clock_s = DEADLINE_S
    tasks: list[FetchTask] = []

    one.run(
        *one.bring_and_save(),
        lambda: (tasks.append(one.take()), one.bring(one.take())),
        one.pass_s(DEADLINE_S + 1),
        lambda: one.fail(tasks[0], ReportError(ErrorKind.INTERRUPTED, "It was ended.")),
        one.save,
    )

    assert sorted(one.outcomes) == ["saved", "saved", "timeout", "timeout"]
    assert one.fetching.aborts == 1
    assert not one.pool.is_killed
    assert all("fetch.deadline_s" in stats.message for stats in one.ledger.ended if stats.error)


def test_deadline_does_not_wait_for_ever_for_what_cannot_be_aborted(stage):
    """A request that hangs in DNS does not come back: after the grace the run ends without it."""
    one = stage(1)
    one.deadline_clock_s = DEADLINE_S

    one.run(one.take, one.pass_s(DEADLINE_S + 1), one.pass_s(GRACE_S))

    assert one.outcomes == ["timeout"]


def test_deadline_changes_nothing_after_a_stop(stage):
    """The first reason counts: reports that a signal ended are not `timeout`, and the grace is not cut short."""
    one = stage(2)
    one.deadline_clock_s = 1.0

    def is_not_aborted() -> None:
        assert one.fetching.aborts == 0
        one.pass_s(GRACE_S)()

    one.run(one.take, one.stop, one.pass_s(2.0), is_not_aborted)

    assert one.outcomes == ["interrupted", "interrupted"]


# Sessions


def test_lost_session_ends_what_has_not_been_requested_and_is_logged_once(stage, caplog):
    """Three threads meet the same refusal; what is in flight with an older session may still arrive."""
    one = stage(4)
    tasks: list[FetchTask] = []
    refused = LogInError("The log-in was refused.")

    with caplog.at_level(logging.ERROR):
        one.run(
            lambda: tasks.append(one.take()),
            lambda: [one.inbox.post(events.SessionLost(refused)) for _ in range(3)],
            lambda: one.bring(tasks[0]),
            one.save,
        )

    assert sorted(one.outcomes) == ["auth", "auth", "auth", "saved"]
    assert one.ledger.is_session_lost
    assert [record.message for record in caplog.records] == ["The log-in was refused."]


@pytest.mark.parametrize(
    ("error", "outcome", "is_lost"),
    [
        (LogInError("The log-in was refused."), "auth", True),
        (ReportError(ErrorKind.NETWORK, "Nobody answers."), "network", False),
        (ReportError(ErrorKind.SERVER, "It is busy."), "server", False),
    ],
)
def test_opening_that_failed_ends_every_report_without_a_request(stage, error, outcome, is_lost):
    """A refusal is the session's (exit 3), an org that does not answer is every report's own error (exit 5)."""
    one = stage(2)

    one.run(one.post(events.StartupFailed(error)))

    assert one.outcomes == [outcome, outcome]
    assert one.ledger.is_session_lost is is_lost
    assert one.fetching.started_with == []


@pytest.mark.parametrize(
    ("error", "route", "outcome"),
    [(CHALLENGE, "classic", "challenge"), (EXPIRED, "classic", "auth"), (EXPIRED, "auto", "auth")],
)
def test_error_that_concerns_every_report_ends_the_run_without_another_request(stage, error, route, outcome):
    """A second factor with `classic`, an expired password by any route: no request follows."""
    one = stage(3, route=route)

    one.run(lambda: one.fail(one.take(), error))

    assert one.outcomes == [outcome] * 3
    assert one.ledger.is_session_lost
    assert one.try_to_take() is None


def test_challenge_continues_with_analytics_under_auto(stage):
    """The schedule is paused until that is decided; then the same report comes again by `analytics`, and so do all."""
    one = stage(2, route="auto")
    routes: list[str] = []

    def take_analytics() -> None:
        task = one.take()
        routes.append(one.ledger.routes.route_of(task.report, task.route))
        one.bring(task)

    def is_paused() -> None:
        one.fail(one.take(), CHALLENGE)
        assert one.try_to_take() is None

    one.run(is_paused, take_analytics, one.save, take_analytics, one.save)

    assert one.outcomes == ["saved", "saved"]
    assert routes == ["analytics", "analytics"]
    assert not one.ledger.is_session_lost


def test_schedule_is_resumed_once_for_each_challenge(stage):
    """Two threads met it at the same moment: after both were judged, tasks are handed out again."""
    one = stage(2, route="auto")
    tasks: list[FetchTask] = []

    one.run(
        lambda: tasks.extend([one.take(), one.take()]),
        lambda: [one.fail(task, CHALLENGE) for task in tasks],
        *one.bring_and_save(),
        *one.bring_and_save(),
    )

    assert one.outcomes == ["saved", "saved"]


def test_schedule_is_resumed_when_the_challenge_comes_after_the_report_has_ended(stage):
    """A late answer decides nothing, but it must not leave the schedule paused."""
    one = stage(2, route="auto")

    def end_then_fail() -> None:
        task = one.take()
        one.ledger.end_failed(task.report.position, ReportError(ErrorKind.INTERRUPTED, "It was ended."))
        one.fail(task, CHALLENGE)

    one.run(end_then_fail, *one.bring_and_save())

    assert one.outcomes == ["interrupted", "saved"]


# Workers and threads


def test_pool_that_is_given_up_ends_every_report_as_worker(stage):
    """In a worker, in flight, not requested: nothing can be written any more, so nothing is fetched."""
    one = stage(3)
    tasks: list[FetchTask] = []

    def give_up() -> None:
        one.pool.has_given_up = True
        one.pool.finish(None)

    one.run(
        lambda: (tasks.append(one.take()), one.bring(one.take())),
        give_up,
        lambda: one.fail(tasks[0], ReportError(ErrorKind.INTERRUPTED, "It was ended.")),
    )

    assert one.outcomes == ["worker"] * 3
    assert one.fetching.aborts == 1
    assert "No worker process" in one.message(1)


def test_payload_whose_worker_ended_twice_fails_alone(stage, tmp_path):
    """The pool hands it back unfinished: `worker`, its spool file removed; the next one is saved."""
    one, spool = stage(2), tmp_path / "spool.part"
    spool.write_bytes(b"1234567")

    one.run(
        lambda: one.bring(one.take(), spool_path=str(spool)),
        lambda: one.pool.finish(None),
        *one.bring_and_save(),
    )

    assert one.outcomes == ["worker", "saved"]
    assert "twice" in one.message(0)
    assert not spool.exists()


def test_no_thread_granted_ends_every_report_as_worker(stage):
    """The message names the limit to raise."""
    one = stage(2)
    one.fetching.refusal = OSError(errno.EAGAIN, "Resource temporarily unavailable")

    one.run(one.post(events.StartupDone("64.0")))

    assert one.outcomes == ["worker", "worker"]
    assert "ulimit -u" in one.message(0)


def test_bug_in_a_thread_is_raised(stage):
    """It ends the run as a bug does, wherever it happened."""
    one = stage(1)

    with pytest.raises(ZeroDivisionError):
        one.run(one.post(events.ThreadCrashed(ZeroDivisionError())))


# Attempts


def test_body_that_a_worker_finds_cut_is_fetched_again(stage, tmp_path):
    """Its spool file goes, and the next attempt counts as the second."""
    one, spool = stage(1), tmp_path / "spool.part"
    spool.write_bytes(b"1234567")
    attempts: list[int] = []

    def bring_again() -> None:
        task = one.take()
        attempts.append(task.attempt)
        one.bring(task)

    one.run(
        lambda: one.bring(one.take(), spool_path=str(spool)),
        lambda: one.pool.finish(Processed(Status.FAILED, ErrorKind.TRUNCATED, message="No footer.")),
        bring_again,
        one.save,
    )

    assert attempts == [2]
    assert one.outcomes == ["saved"]
    assert not spool.exists()


def test_spent_retry_budget_ends_a_report_at_its_next_failure(stage):
    """The budget is the run's: one retry in all, here taken by the first report."""
    one = stage(2, budget=1)

    def fail() -> None:
        one.fail(one.take(), ReportError(ErrorKind.SERVER, "It answered 500."))

    one.run(fail, fail, fail)

    assert one.outcomes == ["server", "server"]
    assert all("fetch.retry_budget" in stats.message for stats in one.ledger.ended)
    assert one.ledger.retries == 1


def test_refused_session_is_renewed_before_the_next_attempt(stage):
    """The task that follows names the session to renew."""
    one = stage(1)
    lost: list[Session | None] = []

    def take_again() -> None:
        task = one.take()
        lost.append(task.lost_session)
        one.bring(task)

    one.run(lambda: one.fail(one.take(), ReportError(ErrorKind.AUTH, "A log-in page.")), take_again, one.save)

    assert lost == [SESSION]
    assert one.outcomes == ["saved"]


def test_report_refused_with_a_session_that_works_takes_analytics_alone(stage):
    """Under `auto`, after a fresh session was refused too: its next task names the route; others keep theirs."""
    one = stage(3, route="auto")
    routes: list[str] = []

    def bring_by(route_of: Callable[[FetchTask], str]) -> None:
        task = one.take()
        routes.append(route_of(task))
        one.bring(task)

    def refuse() -> None:
        one.fail(one.take(), ReportError(ErrorKind.AUTH, "A log-in page."))

    one.run(
        *one.bring_and_save(),
        refuse,
        lambda: bring_by(lambda task: one.ledger.routes.route_of(task.report, task.route)),
        one.save,
        refuse,
        lambda: bring_by(lambda task: task.route),
        one.save,
    )

    assert one.outcomes == ["saved"] * 3
    assert routes == ["classic", "analytics"]


def test_payload_that_arrives_after_its_report_has_ended_is_dropped(stage):
    """It never reaches the pool; its sender frees its slot and its file."""
    one = stage(2)
    late: list[Payload] = []

    def end_then_bring() -> None:
        task = one.take()
        one.ledger.end_failed(task.report.position, ReportError(ErrorKind.INTERRUPTED, "It was ended."))
        late.append(one.bring(task))

    one.run(end_then_bring, *one.bring_and_save())

    assert one.fetching.discarded == late
    assert one.outcomes == ["interrupted", "saved"]
    assert late[0] not in one.fetching.released


def test_file_of_a_report_that_has_ended_meanwhile_changes_nothing(stage):
    """What comes out of the pool too late frees its memory, and the report ends once."""
    one = stage(2)
    ended: list[int] = []
    one.ledger.observers.append(lambda stats: ended.append(stats.report.position))

    def end_then_save() -> None:
        one.ledger.end_failed(0, ReportError(ErrorKind.INTERRUPTED, "It was ended."))
        one.save()

    one.run(lambda: one.bring(one.take()), end_then_save, *one.bring_and_save())

    assert ended == [0, 1]
    assert one.outcomes == ["interrupted", "saved"]
    assert len(one.fetching.released) == 2


def test_aborted_requests_get_the_longer_of_both_graces(stage):
    """Without workers nothing is waited for but the aborted requests, and those not for ever."""
    one = stage(1)

    def give_up() -> None:
        one.pool.has_given_up = True

    one.run(one.take, give_up, one.pass_s(max(ABORT_GRACE_S, GRACE_S)))

    assert one.outcomes == ["worker"]
