"""Says once per run what file systems do not support, however many files and workers that concerns."""

from __future__ import annotations

import logging

from sfr.files.unsupported import LIMITATIONS, LeftOut

log = logging.getLogger(__name__)


class LeftOutWarning:
    """Called with what was left out: the first time is a warning, what is new after that goes to the log at INFO."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, left_out: tuple[LeftOut, ...]) -> None:
        """Say what has not been said. Main thread only."""
        new = [each for each in left_out if each.operation not in self._known]
        level = logging.INFO if self._known else logging.WARNING
        text = sentence(new)
        if text:
            self._known.update(each.operation for each in new)
            log.log(level, "%s", text)


def sentence(left_out: list[LeftOut]) -> str:
    """What one file system does not support and what follows from that; empty where nothing does."""
    entries = {
        each.operation: (each, limitation)
        for each in left_out
        for limitation in LIMITATIONS
        if limitation.operation == each.operation and limitation.is_left_out and limitation.remedy
    }
    if not entries:
        return ""
    meanings = " and ".join(f"{limitation.meaning} ({each.reason})" for each, limitation in entries.values())
    remedies = " ".join(limitation.remedy for _, limitation in entries.values())
    return f"The file system of {left_out[0].directory} {meanings}: SFR does without. {remedies}"
