"""Messages that a worker sends to the main process through its own pipe: small, so that each write is atomic."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.model import Processed
    from sfr.processing.staging import Proof
    from sfr.storage.unsupported import UnsupportedFeature

Key = tuple[int, int]
"""`Payload.key`."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has started and waits on the queue."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The worker took this payload from the queue."""

    key: Key


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The worker is making progress with its payload."""

    key: Key


@dataclass(frozen=True, slots=True)
class Proved:
    """The payload is a complete report, about to be put in place. Another worker can finish it from here."""

    key: Key
    proof: Proof


@dataclass(frozen=True, slots=True)
class Done:
    """The result of processing the payload."""

    key: Key
    processed: Processed


@dataclass(frozen=True, slots=True)
class Logged:
    """A log record for the main process to write."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Features that the file system of a report does not support and that were skipped."""

    features: tuple[UnsupportedFeature, ...]


WorkerMessage = Ready | Taken | Heartbeat | Proved | Done | Logged | Unsupported
