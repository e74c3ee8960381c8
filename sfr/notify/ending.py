"""What the channels are told."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.model import RunStats


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; secrets are masked already."""

    run: RunStats
    #: The summary table.
    summary_text: str
    #: The JSON summary; None if none was written.
    json_path: str | None


class NotifyError(Exception):
    """Telling failed. The text says how, and holds no secret."""
