"""Warns once per run about features that file systems do not support, however many files that affects."""

from __future__ import annotations

import logging

from sfr.storage.unsupported import LIMITATIONS, UnsupportedFeature

log = logging.getLogger(__name__)


class UnsupportedWarning:
    """Called with unsupported features: logs the first ones as a warning, new ones after that at INFO."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, unsupported: tuple[UnsupportedFeature, ...]) -> None:
        """Log the features that have not been logged yet. Main thread only."""
        new = [each for each in unsupported if each.operation not in self._known]
        level = logging.INFO if self._known else logging.WARNING
        text = sentence(new)
        if text:
            self._known.update(each.operation for each in new)
            log.log(level, "%s", text)


def sentence(unsupported: list[UnsupportedFeature]) -> str:
    """What one file system does not support, and the consequences; empty if there are none."""
    entries = {
        each.operation: (each, limitation)
        for each in unsupported
        for limitation in LIMITATIONS
        if limitation.operation == each.operation and limitation.is_optional and limitation.remedy
    }
    if not entries:
        return ""
    meanings = " and ".join(f"{limitation.meaning} ({each.reason})" for each, limitation in entries.values())
    remedies = " ".join(limitation.remedy for _, limitation in entries.values())
    return f"The file system of {unsupported[0].directory} {meanings}; SFR continues without. {remedies}"
