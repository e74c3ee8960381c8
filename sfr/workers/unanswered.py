"""The payloads that the pool answers for: which wait, which lie in the queue, which are at work, and whose fault a
worker's end is.

Knows nothing of processes. Main thread only.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.model import Payload
    from sfr.workers.processing import Proof

#: A payload whose own worker ended so often is taken to be the cause.
STRIKES = 2


@dataclass(slots=True)
class Entry:
    """One payload, and what it has been through."""

    payload: Payload
    proof: Proof | None = None
    strikes: int = 0
    was_taken: bool = False


class Unanswered:
    """Payloads by number, from `put` until `forget`, `strike` or `take_back` gives them out."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        #: A heap of (bytes received, negative; number). The largest goes first: a large one at the end would keep one
        #: worker busy while the others have nothing left to do.
        self._backlog: list[tuple[int, int]] = []
        self._queued: set[int] = set()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def queued(self) -> int:
        """Payloads in the queue that no worker has taken yet."""
        return len(self._queued)

    @property
    def waiting(self) -> int:
        """Payloads that no worker has taken yet, in the queue or before it."""
        return len(self._backlog) + len(self._queued)

    def put(self, payload: Payload) -> None:
        """Answer for one more; it waits its turn."""
        self._entries[payload.number] = Entry(payload)
        heapq.heappush(self._backlog, _turn(payload))

    def next_for_queue(self) -> Entry | None:
        """The largest that waits, counted as queued from now on; None if none waits."""
        if not self._backlog:
            return None
        _, number = heapq.heappop(self._backlog)
        self._queued.add(number)
        return self._entries[number]

    def payload(self, number: int) -> Payload | None:
        """The payload of that number, if it is still unanswered."""
        entry = self._entries.get(number)
        return None if entry is None else entry.payload

    def note_taken(self, number: int, *, from_queue: bool) -> bool:
        """A worker has it; `from_queue`: from the queue of today, not from one given up. True the first time."""
        if from_queue:
            self._queued.discard(number)
        entry = self._entries.get(number)
        if entry is None or entry.was_taken:
            return False
        entry.was_taken = True
        return True

    def note_proof(self, number: int, proof: Proof) -> None:
        """Another worker may finish from here."""
        if entry := self._entries.get(number):
            entry.proof = proof

    def forget(self, number: int) -> Payload | None:
        """Stop answering for this one; None if that was so already."""
        self._queued.discard(number)
        entry = self._entries.pop(number, None)
        return None if entry is None else entry.payload

    def strike(self, number: int) -> Payload | None:
        """Its own worker died or stuck on it: the payload, no longer answered for, if that was once too often."""
        entry = self._entries.get(number)
        if entry is None:
            return None
        entry.strikes += 1
        return self.forget(number) if entry.strikes >= STRIKES else None

    def take_back(self) -> list[Payload]:
        """Stop answering for all of them."""
        payloads = [entry.payload for entry in self._entries.values()]
        self._entries.clear()
        self._backlog.clear()
        self._queued.clear()
        return payloads

    def requeue(self) -> None:
        """The queue is given up: all wait again."""
        self._queued.clear()
        self._backlog = sorted(_turn(entry.payload) for entry in self._entries.values())


def _turn(payload: Payload) -> tuple[int, int]:
    return -payload.received_bytes, payload.number
