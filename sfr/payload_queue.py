"""The one `multiprocessing.Queue` that all workers of a generation read."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.queues import Queue
from typing import TYPE_CHECKING, Any

from sfr.spawning import no_thread

if TYPE_CHECKING:
    from sfr.model import Payload
    from sfr.processing import Proof

#: An idle feeder thread ends well within this.
FEEDER_GRACE_S = 0.1


class PayloadQueue(Queue):  # type: ignore[type-arg]  # not subscriptable at run time in the versions supported
    """A `multiprocessing.Queue` that can be abandoned while its feeder thread still holds items."""

    def __init__(self) -> None:
        super().__init__(ctx=multiprocessing.get_context("spawn"))

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
        """Hand a payload to whichever worker takes it first, with what an earlier worker proved of it."""
        self.put((payload, proof))

    def put_end(self) -> None:
        """Let one worker end when everything before has been taken."""
        self.put(None)

    def abandon(self) -> None:
        """Give the queue up; call it when all its readers are gone.

        An idle feeder thread ends by `close()`; one that is blocked in a full pipe is freed by closing the
        reading end, which fails its write with EPIPE.
        """
        self.cancel_join_thread()
        self.close()
        feeder = self._thread
        if feeder is not None:
            feeder.join(timeout=FEEDER_GRACE_S)
        if feeder is None or feeder.is_alive():
            self._reader.close()  # type: ignore[attr-defined]  # as above

    @staticmethod
    def _on_queue_feeder_error(e: BaseException, obj: Any) -> None:
        """Say nothing of items that an abandoned queue could not send: the pool puts them into the next queue."""
