"""The worker pool with real processes: killed, stopped, hung and unstartable workers lose no payload."""

from __future__ import annotations

import contextlib
import errno
import gzip
import itertools
import multiprocessing
import multiprocessing.resource_tracker
import multiprocessing.util
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from sfr.inbox import Inbox
from sfr.model import Payload, Status
from sfr.processing.report_file import OutputRules
from sfr.workers import generation as generation_module
from sfr.workers import pool as pool_module
from sfr.workers import restarts, suspension
from sfr.workers.generation import WorkerExited, WorkerReported
from sfr.workers.messages import Done, Ready, Taken
from sfr.workers.pool import Finished, WorkerPool
from tests.bodies import DATA, FOOTER, PREFIX, make_payload
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")

#: Nothing here takes this long on a working machine.
LIMIT_S = 30.0


class PoolDriver:
    """A pool driven as by a run's main thread; records its messages and its results."""

    def __init__(self, count: int = 2, payload_timeout_s: float = 60.0, rules: OutputRules | None = None) -> None:
        self._inbox = Inbox()
        #: Whether a worker has reported the end of a payload, be it handled or not.
        self.is_done = False
        self.taken: list[tuple[int, int]] = []
        self.ready = 0
        self.finished: list[Finished] = []
        self.pool = WorkerPool(count, rules or OutputRules(), PREFIX, payload_timeout_s, self._post)

    def drive(self, until: Callable[[], bool]) -> None:
        """Do the main thread's work until a condition holds; fails the test if it never does."""
        deadline = time.monotonic() + LIMIT_S
        while not until():
            assert time.monotonic() < deadline, f"still {self.pool.pending} payloads pending"
            for event in self._inbox.take(0.05):
                if isinstance(event, WorkerReported | WorkerExited):
                    self._note(event)
                    self.finished += self.pool.handle(event)
            self.finished += self.pool.check()

    def _post(self, event: WorkerReported | WorkerExited) -> None:
        self._inbox.post(event)
        self.is_done |= isinstance(event, WorkerReported) and isinstance(event.message, Done)

    def _note(self, event: WorkerReported | WorkerExited) -> None:
        match event:
            case WorkerReported(_, Ready()):
                self.ready += 1
            case WorkerReported(worker, Taken((number, _))):
                assert worker.process.pid is not None
                self.taken.append((number, worker.process.pid))

    def finish(self) -> None:
        """Until no payload is pending."""
        self.drive(lambda: not self.pool.pending)

    @property
    def numbers(self) -> list[int]:
        """Of the finished payloads, sorted."""
        return sorted(finished.payload.report.position for finished in self.finished)

    @property
    def saved(self) -> list[int]:
        """Of the payloads that became a file, sorted."""
        return sorted(
            finished.payload.report.position
            for finished in self.finished
            if finished.processed is not None and finished.processed.status is Status.SAVED
        )


def worker_pids() -> list[int]:
    """The living workers of this process."""
    return [cast(int, child.pid) for child in multiprocessing.active_children() if child.name.startswith("sfr-worker")]


def payloads(directory: Path, count: int, first: int = 0) -> list[Payload]:
    """Small payloads, each for a report of its own."""
    return [payload_of(directory, number) for number in range(first, first + count)]


def payload_of(directory: Path, number: int) -> Payload:
    """A small payload for the report at this position."""
    payload = make_payload(directory, report={"name": f"report {number}"})
    return replace(payload, report=replace(payload.report, position=number))


#: What lets a worker that is to read a body from a pipe wait for it: else it would refuse the pipe at once.
WAITING_FOR_PIPES = """
import multiprocessing, os, stat
_open = os.open
def waiting(path, flags, *rest, **options):
    if multiprocessing.parent_process() is not None and os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
        _open(path, os.O_RDONLY)
    return _open(path, flags, *rest, **options)
os.open = waiting
"""


@pytest.fixture
def blocking(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Payload]:
    """Makes payloads whose body is in a pipe without a writer: a worker that takes one blocks forever."""
    startup = tmp_path_factory.mktemp("startup")
    (startup / "sitecustomize.py").write_text(WAITING_FOR_PIPES)
    monkeypatch.setenv("PYTHONPATH", str(startup), prepend=os.pathsep)

    def make(number: int) -> Payload:
        spool_path = tmp_path / f"{PREFIX}{number}-1.part"
        os.mkfifo(spool_path)
        payload = payload_of(tmp_path, number)
        return replace(payload, body=None, spool_path=str(spool_path), content_encoding="gzip")

    return make


def unblock(payload: Payload) -> None:
    """Put a real body where the pipe was; a worker that waits at the pipe continues with it."""
    spool_path = Path(cast(str, payload.spool_path))
    pipe, body = spool_path.with_suffix(".pipe"), spool_path.with_suffix(".body")
    body.write_bytes(gzip.compress(DATA + FOOTER, mtime=0))
    os.link(spool_path, pipe)
    body.replace(spool_path)
    os.close(os.open(pipe, os.O_RDWR))
    pipe.unlink()


def assert_files(directory: Path, numbers: list[int]) -> None:
    """Each report is whole, and there is nothing else."""
    assert sorted(path.name for path in directory.iterdir()) == sorted(f"report {number}.csv" for number in numbers)
    for number in numbers:
        assert (directory / f"report {number}.csv").read_bytes() == DATA


def test_pool_finishes_each_payload_once_when_nothing_goes_wrong(tmp_path: Path) -> None:
    """Forty payloads, two workers: every file is complete, no worker died."""
    driver = PoolDriver()
    with driver.pool:
        for payload in payloads(tmp_path, 40):
            driver.pool.put(payload)
        driver.finish()
    assert driver.saved == driver.numbers == list(range(40))
    assert driver.pool.deaths == 0
    assert_files(tmp_path, list(range(40)))


@pytest.mark.parametrize("killed", [1, 2])
def test_pool_continues_when_idle_workers_are_killed(tmp_path: Path, killed: int) -> None:
    """One of two, or both: an idle worker may hold the queue's lock, which dies with it."""
    driver = PoolDriver()
    with driver.pool:
        driver.drive(lambda: driver.ready == 2)
        for pid in worker_pids()[:killed]:
            os.kill(pid, signal.SIGKILL)
        for payload in payloads(tmp_path, 10):
            driver.pool.put(payload)
        driver.finish()
        deaths = driver.pool.deaths
    assert driver.saved == driver.numbers == list(range(10))
    assert 1 <= deaths <= killed
    assert_files(tmp_path, list(range(10)))


def test_pool_does_it_again_when_a_busy_worker_is_killed(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """The payload in work goes to another worker, without being fetched again."""
    driver, held = PoolDriver(), blocking(0)
    with driver.pool:
        driver.pool.put(held)
        driver.drive(lambda: bool(driver.taken))
        os.kill(driver.taken[0][1], signal.SIGKILL)
        unblock(held)
        for payload in payloads(tmp_path, 5, first=1):
            driver.pool.put(payload)
        driver.finish()
    assert driver.saved == driver.numbers == list(range(6))
    assert driver.pool.deaths == 1
    assert_files(tmp_path, list(range(6)))


def test_pool_continues_when_all_busy_workers_are_killed(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """Both payloads in work are done again, and those that waited are done."""
    driver, held = PoolDriver(), [blocking(0), blocking(1)]
    with driver.pool:
        for payload in [*held, *payloads(tmp_path, 10, first=2)]:
            driver.pool.put(payload)
        driver.drive(lambda: len(driver.taken) == 2)
        for _, pid in driver.taken:
            os.kill(pid, signal.SIGKILL)
        for payload in held:
            unblock(payload)
        driver.finish()
    assert driver.saved == driver.numbers == list(range(12))
    assert_files(tmp_path, list(range(12)))


def test_pool_kills_a_worker_when_it_was_stopped_at_work(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """SIGSTOP: no progress for `payload_timeout_s`, so it is killed and its payload done by another."""
    driver, held = PoolDriver(payload_timeout_s=2.0), blocking(0)
    with driver.pool:
        driver.pool.put(held)
        driver.drive(lambda: bool(driver.taken))
        stopped = driver.taken[0][1]
        os.kill(stopped, signal.SIGSTOP)
        unblock(held)
        driver.finish()
        assert stopped not in worker_pids()
    assert driver.saved == [0]
    assert driver.pool.deaths == 1
    assert_files(tmp_path, [0])


def test_pool_replaces_workers_when_those_that_idle_are_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the stopped ones holds the queue's lock: no payload is taken, so all are replaced; no death counts."""
    monkeypatch.setattr(pool_module, "STARVED_AFTER_S", 1.0)
    driver = PoolDriver()
    with driver.pool:
        driver.drive(lambda: driver.ready == 2)
        stopped = worker_pids()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for payload in payloads(tmp_path, 5):
            driver.pool.put(payload)
        driver.finish()
        assert not set(stopped) & set(worker_pids())
    assert driver.saved == driver.numbers == list(range(5))
    assert driver.pool.deaths == 0
    assert_files(tmp_path, list(range(5)))


def test_pool_finishes_everything_when_one_idle_worker_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not it holds the lock: the other one or the next generation does the work, and closing is bounded."""
    monkeypatch.setattr(pool_module, "STARVED_AFTER_S", 1.0)
    monkeypatch.setattr(pool_module, "CLOSE_TIMEOUT_S", 1.0)
    driver = PoolDriver()
    with driver.pool:
        driver.drive(lambda: driver.ready == 2)
        os.kill(worker_pids()[0], signal.SIGSTOP)
        for payload in payloads(tmp_path, 5):
            driver.pool.put(payload)
        driver.finish()
    assert driver.saved == driver.numbers == list(range(5))
    assert worker_pids() == []


def test_pool_gives_a_payload_up_when_its_worker_dies_twice(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """It is taken to be the cause; the others are done."""
    driver, poison = PoolDriver(), blocking(0)
    with driver.pool:
        driver.pool.put(poison)
        for payload in payloads(tmp_path, 6, first=1):
            driver.pool.put(payload)
        for time_taken in (1, 2):
            driver.drive(lambda times=time_taken: len(_pids_of(driver, 0)) == times)
            os.kill(_pids_of(driver, 0)[-1], signal.SIGKILL)
        driver.finish()
    assert driver.numbers == list(range(7))
    assert driver.saved == list(range(1, 7))
    assert [finished.processed for finished in driver.finished if finished.payload.report.position == 0] == [None]
    assert driver.pool.deaths == 2


def test_payload_is_not_charged_with_the_death_of_other_workers(
    tmp_path: Path, blocking: Callable[[int], Payload]
) -> None:
    """Its worker is dismissed with the others each time, and that does not count against it."""
    driver, held = PoolDriver(), blocking(0)
    with driver.pool:
        driver.pool.put(held)
        for generation in (1, 2, 3):
            driver.drive(lambda times=generation: len(driver.taken) == times and driver.ready == 2 * times)
            (idle,) = set(worker_pids()) - {driver.taken[-1][1]}
            os.kill(idle, signal.SIGKILL)
        driver.drive(lambda: driver.pool.deaths == 3)
        unblock(held)
        driver.finish()
    assert driver.saved == driver.numbers == [0]
    assert driver.pool.deaths == 3


def _pids_of(driver: PoolDriver, number: int) -> list[int]:
    return [pid for taken, pid in driver.taken if taken == number]


def test_pool_continues_when_workers_are_killed_before_they_are_ready(tmp_path: Path) -> None:
    """Killed from outside again and again, which is no reason to think that the next ones cannot start."""
    driver = PoolDriver()
    with driver.pool:
        for payload in payloads(tmp_path, 3):
            driver.pool.put(payload)
        for generation in range(1, 7):
            for pid in worker_pids():
                os.kill(pid, signal.SIGKILL)
            driver.drive(lambda dead=generation: driver.pool.deaths >= dead and len(worker_pids()) == 2)
        driver.finish()
    assert driver.saved == driver.numbers == [0, 1, 2]


class Unloadable:
    """Rules that no new process can load."""

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("not a number",)


def test_pool_gives_up_when_no_worker_can_start(tmp_path: Path) -> None:
    """Every payload comes out unprocessed, those put in later as well; nothing hangs."""
    driver = PoolDriver(rules=cast(OutputRules, Unloadable()))
    with driver.pool:
        for payload in payloads(tmp_path, 3):
            driver.pool.put(payload)
        driver.finish()
        assert driver.pool.has_given_up
        driver.pool.put(payloads(tmp_path, 1, first=3)[0])
        driver.finish()
    assert driver.numbers == [0, 1, 2, 3]
    assert [finished.processed for finished in driver.finished] == [None] * 4


class LoadableOnce:
    """Rules that the second of two workers cannot load."""

    def __init__(self) -> None:
        self.loads = 0

    def __reduce__(self) -> tuple[type, tuple[str, ...]]:
        self.loads += 1
        return (int, ("not a number",)) if self.loads == 2 else (OutputRules, ())


def test_pool_continues_with_fewer_workers_when_some_end_at_their_start(tmp_path: Path) -> None:
    """With as many as before, each start would cost the others their work, for ever."""
    driver = PoolDriver(rules=cast(OutputRules, LoadableOnce()))
    with driver.pool:
        driver.drive(lambda: driver.pool.deaths > 0)
        for payload in payloads(tmp_path, 6):
            driver.pool.put(payload)
        driver.finish()
        assert len(worker_pids()) == 1
    assert driver.saved == driver.numbers == list(range(6))
    assert_files(tmp_path, list(range(6)))


def refuse_processes(monkeypatch: pytest.MonkeyPatch, granted: Callable[[int], bool]) -> None:
    """Let the system refuse to start a process (EAGAIN), counted from 1, as a limit on processes does."""
    multiprocessing.resource_tracker.ensure_running()  # its process starts in the same way, and is no worker
    tries, start = itertools.count(1), multiprocessing.util.spawnv_passfds

    def limited(*arguments: Any) -> int:
        if not granted(next(tries)):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return start(*arguments)

    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", limited)


def test_pool_continues_with_fewer_workers_when_the_system_grants_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning names their number and the reason."""
    refuse_processes(monkeypatch, granted=lambda number: number == 1)
    driver = PoolDriver(count=3)
    with driver.pool:
        for payload in payloads(tmp_path, 6):
            driver.pool.put(payload)
        driver.finish()
        assert len(worker_pids()) == 1
    assert driver.saved == list(range(6))
    assert f"Only 1 of 3 workers could be started ({os.strerror(errno.EAGAIN)})" in caplog.text


def test_pool_names_dev_shm_when_the_system_grants_no_semaphores(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As with a read-only or a missing `/dev/shm`: Python's error names no file."""

    def refused(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("multiprocessing.synchronize._multiprocessing.SemLock", refused)
    driver = PoolDriver(count=2)
    with driver.pool:
        assert driver.pool.refusal is not None
    assert "Only 0 of 2 workers could be started" in caplog.text
    assert f"({os.strerror(errno.EROFS)} for semaphores (`/dev/shm` has to be writable))" in caplog.text


def test_pool_tries_again_later_when_the_system_grants_no_process_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs end, and with them what kept ours from starting."""
    monkeypatch.setattr(restarts, "RESTART_PAUSE_S", 0.1)
    refuse_processes(monkeypatch, granted=lambda number: number > 2)
    driver = PoolDriver()
    with driver.pool:
        for payload in payloads(tmp_path, 3):
            driver.pool.put(payload)
        driver.finish()
    assert driver.saved == [0, 1, 2]


def test_pool_gives_up_when_the_system_grants_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries; every payload comes out unprocessed."""
    monkeypatch.setattr(restarts, "RESTART_PAUSE_S", 0.1)
    refuse_processes(monkeypatch, granted=lambda _number: False)
    driver = PoolDriver()
    with driver.pool:
        for payload in payloads(tmp_path, 3):
            driver.pool.put(payload)
        driver.finish()
        assert driver.pool.has_given_up
    assert [finished.processed for finished in driver.finished] == [None] * 3


@pytest.fixture
def freeze() -> Iterator[Callable[[int], None]]:
    """Freezes processes by a cgroup of version 1, where not even SIGKILL ends a frozen process; thawed at the end."""
    group = Path("/sys/fs/cgroup/freezer") / f"sfr-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("needs root and the freezer of cgroup version 1")

    def freeze_one(pid: int) -> None:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")

    yield freeze_one
    (group / "freezer.state").write_text("THAWED")
    deadline = time.monotonic() + LIMIT_S
    while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
        pass
    group.rmdir()


def test_pool_continues_when_a_worker_cannot_even_be_killed(
    tmp_path: Path,
    blocking: Callable[[int], Payload],
    freeze: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As in a system call on a dead file server: one warning, then it is left behind and not waited for."""
    monkeypatch.setattr(pool_module, "UNKILLABLE_AFTER_S", 0.5)
    monkeypatch.setattr(generation_module, "EXIT_TIMEOUT_S", 0.1)
    driver, held = PoolDriver(payload_timeout_s=1.0), blocking(0)
    with driver.pool:
        driver.pool.put(held)
        driver.drive(lambda: bool(driver.taken))
        frozen = driver.taken[0][1]
        freeze(frozen)
        unblock(held)
        driver.finish()
    assert driver.saved == [0]
    assert caplog.text.count("made no progress for 1 s") == 1
    assert caplog.text.count("cannot be killed") == 1
    assert frozen not in worker_pids()


@pytest.mark.parametrize("error", [None, RuntimeError("broken")])
def test_pool_leaves_nothing_behind_when_it_closes(
    tmp_path: Path, blocking: Callable[[int], Payload], error: RuntimeError | None
) -> None:
    """No process and no thread; after an error of the run not even a busy worker is waited for."""
    threads_before = set(threading.enumerate())
    driver = PoolDriver()
    with contextlib.suppress(RuntimeError), driver.pool:
        for payload in payloads(tmp_path, 4, first=1):
            driver.pool.put(payload)
        driver.finish()
        if error is not None:
            driver.pool.put(blocking(0))
            driver.drive(lambda: len(driver.taken) == 5)
            raise error
    assert worker_pids() == []
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(LIMIT_S)
        assert not thread.is_alive(), thread.name


def test_pool_extends_deadlines_after_a_suspension_of_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A slow disk, or a machine that slept: the clocks went on, but the workers' messages were not read."""
    monkeypatch.setattr(pool_module, "STARVED_AFTER_S", 0.2)
    monkeypatch.setattr(suspension, "MAX_INTERVAL_S", 0.1)
    driver = PoolDriver(payload_timeout_s=0.2)
    with driver.pool:
        driver.drive(lambda: driver.ready == 2)
        before = worker_pids()
        driver.pool.put(payloads(tmp_path, 1)[0])
        began = time.monotonic()
        wait_until(lambda: driver.is_done and time.monotonic() - began > 0.3)
        assert list(driver.pool.check()) == []
        driver.finish()
        assert worker_pids() == before
    assert driver.saved == [0]
    assert "replac" not in caplog.text


def test_pool_gives_back_its_descriptors_when_it_closes(tmp_path: Path) -> None:
    """Also those of the locks and of a queue that was given up: a program may call `sfr.run()` a thousand times."""
    threads_before, descriptors_before = set(threading.enumerate()), psutil.Process().num_fds()
    driver = PoolDriver()
    with driver.pool:
        driver.drive(lambda: driver.ready == 2)
        os.kill(worker_pids()[0], signal.SIGKILL)
        driver.pool.put(payloads(tmp_path, 1)[0])
        driver.finish()
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(LIMIT_S)
    del driver.pool
    assert psutil.Process().num_fds() <= descriptors_before


def test_pool_leaves_the_program_its_resource_tracker(tmp_path: Path) -> None:
    """`sfr.run()` may be called by a program that uses multiprocessing for itself, before and after."""
    context = multiprocessing.get_context("spawn")
    before, descriptor = context.Lock(), resource_tracker.getfd()
    driver = PoolDriver()
    with driver.pool:
        driver.pool.put(payloads(tmp_path, 1)[0])
        driver.finish()
    assert resource_tracker.getfd() == descriptor
    with before, context.Lock():
        pass


def test_pool_closes_soon_when_a_worker_was_killed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead one may have held the queue's lock, so the other would wait for its end as long as it is let."""
    monkeypatch.setattr(pool_module, "CLOSE_TIMEOUT_S", 4 * LIMIT_S)
    driver = PoolDriver()
    with driver.pool:
        driver.drive(lambda: driver.ready == 2)
        for pid in worker_pids():
            os.kill(pid, signal.SIGSTOP)
        os.kill(worker_pids()[0], signal.SIGKILL)
        began = time.monotonic()
    assert time.monotonic() - began < LIMIT_S
    assert worker_pids() == []
