"""What the channels are told, and how they may tell it."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.redaction import Secret
from sfr.results import RunStats


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; secrets are masked already."""

    run: RunStats
    #: The summary table.
    summary_text: str
    #: The JSON summary; None if none was written.
    json_path: str | None


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How a channel reaches the world: within which time, and by the same proxy and trust as Salesforce."""

    timeout_s: float
    #: As `salesforce.proxy`.
    proxy: Secret | str | None = None
    #: As `salesforce.ca_bundle`.
    ca_bundle: str | None = None


class NotifyError(Exception):
    """Telling failed. The text says how, and holds no secret."""
