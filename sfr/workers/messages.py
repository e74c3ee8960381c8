"""The messages of a worker to the main process, by its own pipe: small values, so that each is written in one piece."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.model import Processed
    from sfr.processing.staging import Proof
    from sfr.storage.unsupported import LeftOut

Key = tuple[int, int]
"""`Payload.key`."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker is up and about to wait on the queue."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The worker got this payload from the queue."""

    key: Key


@dataclass(frozen=True, slots=True)
class Progressed:
    """The worker is not stuck: it got on with its payload."""

    key: Key


@dataclass(frozen=True, slots=True)
class Proved:
    """The payload is a whole report; the worker is about to put it in place. Another worker can finish from here."""

    key: Key
    proof: Proof


@dataclass(frozen=True, slots=True)
class Done:
    """What the worker made of the payload."""

    key: Key
    processed: Processed


@dataclass(frozen=True, slots=True)
class Logged:
    """A log record, for the main process to write."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Lacked:
    """What the file system of a report does not support, and was left out."""

    left_out: tuple[LeftOut, ...]


WorkerMessage = Ready | Taken | Progressed | Proved | Done | Logged | Lacked
