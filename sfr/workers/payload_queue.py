"""The one `multiprocessing.Queue` that all workers of a generation read."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import sys
import threading
import time
from multiprocessing.queues import Queue

from sfr.threads import no_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    from sfr.model import Payload
    from sfr.processing.staging import Proof

#: A feeder thread that is given up ends well within this.
FEEDER_GRACE_S = 5.0
FEEDER_TICK_S = 0.01
#: What a pipe holds, as Linux makes it.
PIPE_BYTES = 65_536


class PayloadQueue(Queue):  # type: ignore[type-arg]  # not subscriptable at run time in the versions supported
    """A `multiprocessing.Queue` that can be abandoned while its feeder thread still holds items."""

    def __init__(self) -> None:
        try:
            super().__init__(ctx=multiprocessing.get_context("spawn"))
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):  # its pipe's
                raise
            # Its semaphores', whose error names no file.
            raise OSError(error.errno, f"{error.strerror} for semaphores (`/dev/shm` has to be writable)") from error

    def start_feeder(self) -> None:
        """Start the thread that moves items into the pipe. OSError where the system grants no thread.

        `put` would start it; but if that failed, the items after it would wait for a feeder that never comes.
        """
        try:
            self._start_thread()  # type: ignore[attr-defined]  # no public way
        except RuntimeError as error:
            self._thread: threading.Thread | None = None
            raise no_thread() from error

    def put_payload(self, payload: Payload, proof: Proof | None) -> None:
        """Hand a payload to the worker that takes it first, with an earlier worker's proof if there is one."""
        self.put((payload, proof))

    def put_end(self) -> None:
        """Let one worker end when everything before has been taken."""
        self.put(None)

    def abandon(self) -> None:
        """Give the queue up; call it when all its readers are gone.

        An idle feeder thread ends by `close()`. One that is blocked in a full pipe is freed by reading the pipe
        empty, on POSIX with a descriptor of our own: closing the pipe would race with the thread, which closes it too.
        """
        self.cancel_join_thread()
        reader = self._reader  # type: ignore[attr-defined]  # no public way, here and below
        if self._thread is None:
            reader.close()
            return
        with _draining(reader) as drain:
            self.close()
            deadline = time.monotonic() + FEEDER_GRACE_S
            while self._thread.is_alive() and time.monotonic() < deadline:
                drain()
                self._thread.join(timeout=FEEDER_TICK_S)

    @staticmethod
    def _on_queue_feeder_error(e: BaseException, obj: object) -> None:
        """Ignore an item that could not be sent: the pool puts it into the next queue."""


@contextlib.contextmanager
def _draining(reader: Connection) -> Iterator[Callable[[], None]]:
    """A function that drains the pipe without waiting for more."""
    if sys.platform == "win32":  # whose pipes are no descriptors, and keep messages apart
        yield lambda: _take_messages(reader)
    else:
        descriptor = os.dup(reader.fileno())
        os.set_blocking(descriptor, False)
        try:
            yield lambda: _take_bytes(descriptor)
        finally:
            os.close(descriptor)


def _take_messages(reader: Connection) -> None:
    with contextlib.suppress(OSError, EOFError):  # the feeder has closed it meanwhile
        while reader.poll():
            reader.recv_bytes()


def _take_bytes(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, PIPE_BYTES):
            pass
