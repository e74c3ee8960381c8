"""Tracks the payloads that the pool has accepted and not finished: backlog, queued, in progress, crashes.

Does not deal with processes. Main thread only.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.model import Payload
    from sfr.processing.staging import Proof
    from sfr.workers.messages import Key

#: A payload that has crashed this many workers is taken to be the cause, and is given up.
MAX_CRASHES = 2


@dataclass(slots=True)
class Entry:
    """One payload and its state."""

    payload: Payload
    proof: Proof | None = None
    crashes: int = 0
    was_taken: bool = False


class PendingPayloads:
    """Payloads by key, from `put` until `remove`, `record_crash` or `withdraw_all` returns them."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        #: A heap of (bytes received, negated; key). The largest goes first: a large one at the end would keep one
        #: worker busy while the others are idle.
        self._backlog: list[tuple[int, Key]] = []
        self._queued: set[Key] = set()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def queued(self) -> int:
        """Payloads in the queue that no worker has taken yet."""
        return len(self._queued)

    @property
    def waiting(self) -> int:
        """Payloads that no worker has taken yet, in the backlog or the queue."""
        return len(self._backlog) + len(self._queued)

    def put(self, payload: Payload) -> None:
        """Add a payload to the backlog."""
        self._entries[payload.key] = Entry(payload)
        heapq.heappush(self._backlog, _priority(payload))

    def next_for_queue(self) -> Entry | None:
        """Move the largest payload of the backlog to the queue and return it; None if the backlog is empty."""
        if not self._backlog:
            return None
        _, key = heapq.heappop(self._backlog)
        self._queued.add(key)
        return self._entries[key]

    def payload(self, key: Key) -> Payload | None:
        """The payload with this key, if it is still pending."""
        entry = self._entries.get(key)
        return None if entry is None else entry.payload

    def mark_taken(self, key: Key, *, from_queue: bool) -> bool:
        """A worker took it, from the current queue (`from_queue`) or from an abandoned one. True the first time."""
        if from_queue:
            self._queued.discard(key)
        entry = self._entries.get(key)
        if entry is None or entry.was_taken:
            return False
        entry.was_taken = True
        return True

    def save_proof(self, key: Key, proof: Proof) -> None:
        """Keep the proof, from which another worker can finish the payload."""
        if entry := self._entries.get(key):
            entry.proof = proof

    def remove(self, key: Key) -> Payload | None:
        """Remove and return a payload; None if it is not pending."""
        self._queued.discard(key)
        entry = self._entries.pop(key, None)
        return None if entry is None else entry.payload

    def record_crash(self, key: Key) -> Payload | None:
        """Count a worker that crashed or hung on it; after `MAX_CRASHES` remove and return the payload."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.crashes += 1
        return self.remove(key) if entry.crashes >= MAX_CRASHES else None

    def withdraw_all(self) -> list[Payload]:
        """Remove and return all payloads."""
        payloads = [entry.payload for entry in self._entries.values()]
        self._entries.clear()
        self._backlog.clear()
        self._queued.clear()
        return payloads

    def requeue(self) -> None:
        """Move everything back to the backlog, after the queue was abandoned."""
        self._queued.clear()
        self._backlog = sorted(_priority(entry.payload) for entry in self._entries.values())


def _priority(payload: Payload) -> tuple[int, Key]:
    return -payload.received_bytes, payload.key
