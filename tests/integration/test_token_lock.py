"""The lock of the shared queue, between real processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from sfr.workers.token_lock import TokenLock

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX only")

LIMIT_S = 30.0
PROCESSES = 3
TURNS = 200


def add_ones(lock: TokenLock, file: Path) -> None:
    """Add one to the number in a file, in two steps that anyone else's would spoil."""
    for _ in range(TURNS):
        with lock:
            file.write_text(str(int(file.read_text()) + 1))


def take_for_ever(lock: TokenLock, pipe: Connection) -> None:
    """Take the lock, say so, and keep it."""
    lock.acquire()
    pipe.send("taken")
    signal.pause()


def test_lock_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    """No turn of several processes at one number is lost."""
    file = tmp_path / "number"
    file.write_text("0")
    context = multiprocessing.get_context("spawn")
    lock = TokenLock()
    processes = [context.Process(target=add_ones, args=(lock, file), daemon=True) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(LIMIT_S)
        assert process.exitcode == 0
    assert file.read_text() == str(PROCESSES * TURNS)


def test_lock_is_lost_when_its_holder_is_killed() -> None:
    """As multiprocessing's own is: that is why a queue does not outlive the death of a worker."""
    context = multiprocessing.get_context("spawn")
    lock = TokenLock()
    receiving, sending = context.Pipe(duplex=False)
    holder = context.Process(target=take_for_ever, args=(lock, sending), daemon=True)
    holder.start()
    assert receiving.poll(LIMIT_S)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(LIMIT_S)
    waiting = threading.Thread(target=lock.acquire, daemon=True)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    lock.release()
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()
