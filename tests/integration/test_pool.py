"""The worker pool with real processes: killed, stopped, stuck and unstartable workers cost no payload."""

from __future__ import annotations

import contextlib
import errno
import gzip
import itertools
import multiprocessing
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

from sfr.fetching.inbox import Inbox
from sfr.model import Payload, Status
from sfr.workers import generation as generation_module
from sfr.workers import pool as pool_module
from sfr.workers import standstill
from sfr.workers.generation import WorkerGone, WorkerSaid
from sfr.workers.messages import Ready, Taken
from sfr.workers.pool import Finished, WorkerPool
from sfr.workers.processing import OutputRules
from tests.bodies import DATA, FOOTER, PREFIX, make_payload

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")

#: Nothing here takes so long on a machine that works.
LIMIT_S = 30.0


class Crew:
    """A pool, and what a run's main thread does with it; remembers what was said and what is finished."""

    def __init__(self, count: int = 2, payload_timeout_s: float = 60.0, rules: OutputRules | None = None) -> None:
        self._inbox = Inbox()
        self.taken: list[tuple[int, int]] = []
        self.ready = 0
        self.finished: list[Finished] = []
        self.pool = WorkerPool(count, rules or OutputRules(), PREFIX, payload_timeout_s, self._inbox.post)

    def drive(self, until: Callable[[], bool]) -> None:
        """Do the main thread's work until something is so; fails the test if it never gets so."""
        deadline = time.monotonic() + LIMIT_S
        while not until():
            assert time.monotonic() < deadline, f"still {self.pool.unanswered} payloads unanswered"
            for event in self._inbox.take(0.05):
                if isinstance(event, WorkerSaid | WorkerGone):
                    self._note(event)
                    self.finished += self.pool.hear(event)
            self.finished += self.pool.check()

    def _note(self, event: WorkerSaid | WorkerGone) -> None:
        match event:
            case WorkerSaid(_, Ready()):
                self.ready += 1
            case WorkerSaid(worker, Taken(number)):
                assert worker.process.pid is not None
                self.taken.append((number, worker.process.pid))

    def finish(self) -> None:
        """Until the pool answers for nothing more."""
        self.drive(lambda: not self.pool.unanswered)

    @property
    def numbers(self) -> list[int]:
        """Of the finished payloads, sorted."""
        return sorted(finished.payload.number for finished in self.finished)

    @property
    def saved(self) -> list[int]:
        """Of the payloads that became a file, sorted."""
        return sorted(
            finished.payload.number
            for finished in self.finished
            if finished.stats is not None and finished.stats.status is Status.SAVED
        )


def worker_pids() -> list[int]:
    """The living workers of this process."""
    return [cast(int, child.pid) for child in multiprocessing.active_children() if child.name.startswith("sfr-worker")]


def payloads(directory: Path, count: int, first: int = 0) -> list[Payload]:
    """Small payloads, each for a report of its own."""
    return [
        replace(make_payload(directory, report={"name": f"report {number}"}), number=number)
        for number in range(first, first + count)
    ]


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
    """Makes payloads whose body lies in a pipe that nobody writes to: a worker that takes one is busy for ever."""
    startup = tmp_path_factory.mktemp("startup")
    (startup / "sitecustomize.py").write_text(WAITING_FOR_PIPES)
    monkeypatch.setenv("PYTHONPATH", str(startup), prepend=os.pathsep)

    def make(number: int) -> Payload:
        spool_path = tmp_path / f"{PREFIX}{number}-1.part"
        os.mkfifo(spool_path)
        payload = make_payload(tmp_path, report={"name": f"report {number}"})
        return replace(payload, number=number, body=None, spool_path=str(spool_path), content_encoding="gzip")

    return make


def unblock(payload: Payload) -> None:
    """Put a real body where the pipe was, for the next worker that opens it."""
    spool_path = Path(cast(str, payload.spool_path))
    spool_path.unlink()
    spool_path.write_bytes(gzip.compress(DATA + FOOTER))


def assert_files(directory: Path, numbers: list[int]) -> None:
    """Each report is whole, and there is nothing else."""
    assert sorted(path.name for path in directory.iterdir()) == sorted(f"report {number}.csv" for number in numbers)
    for number in numbers:
        assert (directory / f"report {number}.csv").read_bytes() == DATA


def test_pool_finishes_each_payload_once_when_nothing_goes_wrong(tmp_path: Path) -> None:
    """Forty payloads, two workers: every file is whole, nobody died."""
    crew = Crew()
    with crew.pool:
        for payload in payloads(tmp_path, 40):
            crew.pool.put(payload)
        crew.finish()
    assert crew.saved == crew.numbers == list(range(40))
    assert crew.pool.deaths == 0
    assert_files(tmp_path, list(range(40)))


@pytest.mark.parametrize("killed", [1, 2])
def test_pool_goes_on_when_idle_workers_are_killed(tmp_path: Path, killed: int) -> None:
    """One of two, or both: an idle worker may hold the queue's lock, which dies with it."""
    crew = Crew()
    with crew.pool:
        crew.drive(lambda: crew.ready == 2)
        for pid in worker_pids()[:killed]:
            os.kill(pid, signal.SIGKILL)
        for payload in payloads(tmp_path, 10):
            crew.pool.put(payload)
        crew.finish()
        deaths = crew.pool.deaths
    assert crew.saved == crew.numbers == list(range(10))
    assert 1 <= deaths <= killed
    assert_files(tmp_path, list(range(10)))


def test_pool_does_it_again_when_a_busy_worker_is_killed(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """The payload in work goes to another worker, without being fetched again."""
    crew, held = Crew(), blocking(0)
    with crew.pool:
        crew.pool.put(held)
        crew.drive(lambda: bool(crew.taken))
        os.kill(crew.taken[0][1], signal.SIGKILL)
        unblock(held)
        for payload in payloads(tmp_path, 5, first=1):
            crew.pool.put(payload)
        crew.finish()
    assert crew.saved == crew.numbers == list(range(6))
    assert crew.pool.deaths == 1
    assert_files(tmp_path, list(range(6)))


def test_pool_goes_on_when_all_busy_workers_are_killed(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """Both payloads in work are done again, and those that waited are done."""
    crew, held = Crew(), [blocking(0), blocking(1)]
    with crew.pool:
        for payload in [*held, *payloads(tmp_path, 10, first=2)]:
            crew.pool.put(payload)
        crew.drive(lambda: len(crew.taken) == 2)
        for _, pid in crew.taken:
            os.kill(pid, signal.SIGKILL)
        for payload in held:
            unblock(payload)
        crew.finish()
    assert crew.saved == crew.numbers == list(range(12))
    assert_files(tmp_path, list(range(12)))


def test_pool_kills_a_worker_when_it_was_stopped_at_work(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """SIGSTOP: no progress for `payload_timeout_s`, so it is killed and its payload done by another."""
    crew, held = Crew(payload_timeout_s=2.0), blocking(0)
    with crew.pool:
        crew.pool.put(held)
        crew.drive(lambda: bool(crew.taken))
        stopped = crew.taken[0][1]
        os.kill(stopped, signal.SIGSTOP)
        unblock(held)
        crew.finish()
        assert stopped not in worker_pids()
    assert crew.saved == [0]
    assert crew.pool.deaths == 1
    assert_files(tmp_path, [0])


def test_pool_replaces_workers_when_those_that_idle_are_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the stopped ones holds the queue's lock: nobody takes a payload, so all are replaced; no death counts."""
    monkeypatch.setattr(pool_module, "STARVED_AFTER_S", 1.0)
    crew = Crew()
    with crew.pool:
        crew.drive(lambda: crew.ready == 2)
        stopped = worker_pids()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for payload in payloads(tmp_path, 5):
            crew.pool.put(payload)
        crew.finish()
        assert not set(stopped) & set(worker_pids())
    assert crew.saved == crew.numbers == list(range(5))
    assert crew.pool.deaths == 0
    assert_files(tmp_path, list(range(5)))


def test_pool_finishes_everything_when_one_idle_worker_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not it holds the lock: the other one or the next generation does the work, and closing is bounded."""
    monkeypatch.setattr(pool_module, "STARVED_AFTER_S", 1.0)
    monkeypatch.setattr(pool_module, "CLOSE_TIMEOUT_S", 1.0)
    crew = Crew()
    with crew.pool:
        crew.drive(lambda: crew.ready == 2)
        os.kill(worker_pids()[0], signal.SIGSTOP)
        for payload in payloads(tmp_path, 5):
            crew.pool.put(payload)
        crew.finish()
    assert crew.saved == crew.numbers == list(range(5))
    assert worker_pids() == []


def test_pool_gives_a_payload_up_when_its_worker_dies_twice(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """It is taken to be the cause; the others are done."""
    crew, poison = Crew(), blocking(0)
    with crew.pool:
        crew.pool.put(poison)
        for payload in payloads(tmp_path, 6, first=1):
            crew.pool.put(payload)
        for time_taken in (1, 2):
            crew.drive(lambda times=time_taken: len(_pids_of(crew, 0)) == times)
            os.kill(_pids_of(crew, 0)[-1], signal.SIGKILL)
        crew.finish()
    assert crew.numbers == list(range(7))
    assert crew.saved == list(range(1, 7))
    assert [finished.stats for finished in crew.finished if finished.payload.number == 0] == [None]
    assert crew.pool.deaths == 2


def test_payload_is_not_blamed_when_other_workers_die(tmp_path: Path, blocking: Callable[[int], Payload]) -> None:
    """Its worker is dismissed with the others each time, and that does not count against it."""
    crew, held = Crew(), blocking(0)
    with crew.pool:
        crew.pool.put(held)
        for generation in (1, 2, 3):
            crew.drive(lambda times=generation: len(crew.taken) == times and crew.ready == 2 * times)
            (idle,) = set(worker_pids()) - {crew.taken[-1][1]}
            os.kill(idle, signal.SIGKILL)
        unblock(held)
        crew.finish()
    assert crew.saved == crew.numbers == [0]
    assert crew.pool.deaths == 3


def _pids_of(crew: Crew, number: int) -> list[int]:
    return [pid for taken, pid in crew.taken if taken == number]


def test_pool_goes_on_when_workers_are_killed_before_they_are_ready(tmp_path: Path) -> None:
    """Killed from outside again and again, which is no reason to think that the next ones cannot start."""
    crew = Crew()
    with crew.pool:
        for payload in payloads(tmp_path, 3):
            crew.pool.put(payload)
        for generation in range(1, 7):
            for pid in worker_pids():
                os.kill(pid, signal.SIGKILL)
            crew.drive(lambda dead=generation: crew.pool.deaths >= dead and len(worker_pids()) == 2)
        crew.finish()
    assert crew.saved == crew.numbers == [0, 1, 2]


class Unloadable:
    """Rules that no new process can load."""

    def __reduce__(self) -> tuple[type[int], tuple[str]]:
        return int, ("not a number",)


def test_pool_gives_up_when_no_worker_can_start(tmp_path: Path) -> None:
    """Every payload comes out without stats, those put in later as well; nothing hangs."""
    crew = Crew(rules=cast(OutputRules, Unloadable()))
    with crew.pool:
        for payload in payloads(tmp_path, 3):
            crew.pool.put(payload)
        crew.finish()
        assert crew.pool.is_given_up
        crew.pool.put(payloads(tmp_path, 1, first=3)[0])
        crew.finish()
    assert crew.numbers == [0, 1, 2, 3]
    assert [finished.stats for finished in crew.finished] == [None] * 4


class LoadableOnce:
    """Rules that the second of two workers cannot load."""

    def __init__(self) -> None:
        self.loads = 0

    def __reduce__(self) -> tuple[type, tuple[str, ...]]:
        self.loads += 1
        return (int, ("not a number",)) if self.loads == 2 else (OutputRules, ())


def test_pool_goes_on_with_fewer_workers_when_some_end_at_their_start(tmp_path: Path) -> None:
    """With as many as before, each start would cost the others their work, for ever."""
    crew = Crew(rules=cast(OutputRules, LoadableOnce()))
    with crew.pool:
        crew.drive(lambda: crew.pool.deaths > 0)
        for payload in payloads(tmp_path, 6):
            crew.pool.put(payload)
        crew.finish()
        assert len(worker_pids()) == 1
    assert crew.saved == crew.numbers == list(range(6))
    assert_files(tmp_path, list(range(6)))


def refuse_processes(monkeypatch: pytest.MonkeyPatch, granted: Callable[[int], bool]) -> None:
    """Let the system refuse to start a process (EAGAIN), counted from 1, as a limit on processes does."""
    tries, start = itertools.count(1), multiprocessing.util.spawnv_passfds

    def limited(*arguments: Any) -> int:
        if not granted(next(tries)):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return start(*arguments)

    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", limited)


def test_pool_goes_on_with_fewer_workers_when_the_system_grants_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning tells how many there are, and why."""
    refuse_processes(monkeypatch, granted=lambda number: number == 1)
    crew = Crew(count=3)
    with crew.pool:
        for payload in payloads(tmp_path, 6):
            crew.pool.put(payload)
        crew.finish()
        assert len(worker_pids()) == 1
    assert crew.saved == list(range(6))
    assert f"Only 1 of 3 workers could be started ({os.strerror(errno.EAGAIN)})" in caplog.text


def test_pool_tries_again_later_when_the_system_grants_no_process_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs end, and with them what kept ours from starting."""
    monkeypatch.setattr(pool_module, "RESTART_PAUSE_S", 0.1)
    refuse_processes(monkeypatch, granted=lambda number: number > 2)
    crew = Crew()
    with crew.pool:
        for payload in payloads(tmp_path, 3):
            crew.pool.put(payload)
        crew.finish()
    assert crew.saved == [0, 1, 2]


def test_pool_gives_up_when_the_system_grants_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few tries; every payload comes out without stats."""
    monkeypatch.setattr(pool_module, "RESTART_PAUSE_S", 0.1)
    refuse_processes(monkeypatch, granted=lambda _number: False)
    crew = Crew()
    with crew.pool:
        for payload in payloads(tmp_path, 3):
            crew.pool.put(payload)
        crew.finish()
        assert crew.pool.is_given_up
    assert [finished.stats for finished in crew.finished] == [None] * 3


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


def test_pool_goes_on_when_a_worker_cannot_even_be_killed(
    tmp_path: Path,
    blocking: Callable[[int], Payload],
    freeze: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As in a system call on a dead file server: it is complained of once, left behind, and waited for by nobody."""
    monkeypatch.setattr(pool_module, "UNKILLABLE_AFTER_S", 0.5)
    monkeypatch.setattr(generation_module, "GONE_WITHIN_S", 0.1)
    crew, held = Crew(payload_timeout_s=1.0), blocking(0)
    with crew.pool:
        crew.pool.put(held)
        crew.drive(lambda: bool(crew.taken))
        frozen = crew.taken[0][1]
        freeze(frozen)
        unblock(held)
        crew.finish()
    assert crew.saved == [0]
    assert caplog.text.count("made no progress for 1 s") == 1
    assert caplog.text.count("cannot be killed") == 1
    assert frozen not in worker_pids()


@pytest.mark.parametrize("error", [None, RuntimeError("broken")])
def test_pool_leaves_nothing_behind_when_it_closes(
    tmp_path: Path, blocking: Callable[[int], Payload], error: RuntimeError | None
) -> None:
    """No process and no thread; after an error of the run not even a busy worker is waited for."""
    threads_before = set(threading.enumerate())
    crew = Crew()
    with contextlib.suppress(RuntimeError), crew.pool:
        for payload in payloads(tmp_path, 4, first=1):
            crew.pool.put(payload)
        crew.finish()
        if error is not None:
            crew.pool.put(blocking(0))
            crew.drive(lambda: len(crew.taken) == 5)
            raise error
    assert worker_pids() == []
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(LIMIT_S)
        assert not thread.is_alive(), thread.name


def test_pool_blames_no_worker_for_a_standstill_of_its_own_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A slow disk, or a machine that slept: the clocks have gone on, but nobody has heard what the workers did."""
    monkeypatch.setattr(pool_module, "STARVED_AFTER_S", 0.2)
    monkeypatch.setattr(standstill, "LONGEST_PAUSE_S", 0.1)
    crew = Crew(payload_timeout_s=0.2)
    with crew.pool:
        crew.drive(lambda: crew.ready == 2)
        before = worker_pids()
        crew.pool.put(payloads(tmp_path, 1)[0])
        began = time.monotonic()
        while not (tmp_path / "report 0.csv").exists() or time.monotonic() - began < 0.3:
            assert time.monotonic() - began < LIMIT_S
            time.sleep(0.01)
        assert list(crew.pool.check()) == []
        crew.finish()
        assert worker_pids() == before
    assert crew.saved == [0]
    assert "replaced" not in caplog.text


def test_pool_gives_back_its_descriptors_when_it_closes(tmp_path: Path) -> None:
    """Also those of the locks and of a queue that was given up: a program may call `sfr.run()` a thousand times."""
    threads_before, descriptors_before = set(threading.enumerate()), psutil.Process().num_fds()
    crew = Crew()
    with crew.pool:
        crew.drive(lambda: crew.ready == 2)
        os.kill(worker_pids()[0], signal.SIGKILL)
        crew.pool.put(payloads(tmp_path, 1)[0])
        crew.finish()
    for thread in set(threading.enumerate()) - threads_before:
        thread.join(LIMIT_S)
    del crew.pool
    assert psutil.Process().num_fds() <= descriptors_before


def test_pool_leaves_the_program_its_resource_tracker(tmp_path: Path) -> None:
    """`sfr.run()` may be called by a program that uses multiprocessing for itself, before and after."""
    context = multiprocessing.get_context("spawn")
    before, descriptor = context.Lock(), resource_tracker.getfd()
    crew = Crew()
    with crew.pool:
        crew.pool.put(payloads(tmp_path, 1)[0])
        crew.finish()
    assert resource_tracker.getfd() == descriptor
    with before, context.Lock():
        pass


def test_pool_closes_soon_when_a_worker_was_killed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead one may have held the queue's lock, so the other would wait for its end as long as it is let."""
    monkeypatch.setattr(pool_module, "CLOSE_TIMEOUT_S", 4 * LIMIT_S)
    crew = Crew()
    with crew.pool:
        crew.drive(lambda: crew.ready == 2)
        for pid in worker_pids():
            os.kill(pid, signal.SIGSTOP)
        os.kill(worker_pids()[0], signal.SIGKILL)
        began = time.monotonic()
    assert time.monotonic() - began < LIMIT_S
    assert worker_pids() == []
