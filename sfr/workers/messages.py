"""What a worker tells the main process, by its own pipe: small values, so that a message is written in one piece."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.files.unsupported import LeftOut
    from sfr.model import ReportStats
    from sfr.workers.processing import Proof


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker is up and about to wait on the queue."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The worker got this payload from the queue."""

    number: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """The worker is not stuck: it got on with its payload."""

    number: int


@dataclass(frozen=True, slots=True)
class Proved:
    """The payload is a whole report; the worker is about to put it in place. Another worker can finish from here."""

    number: int
    proof: Proof


@dataclass(frozen=True, slots=True)
class Done:
    """How the payload's report ended, as far as the worker can say; a failure may be asked again."""

    number: int
    stats: ReportStats


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
