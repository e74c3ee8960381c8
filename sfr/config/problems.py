"""Collects all problems of a configuration file, to report them together."""

from __future__ import annotations

from sfr.errors import ConfigurationError
from sfr.redaction import Redactor
from sfr.wording import shown


class Problems:
    """The problems of one file, each with its line, if known, and key path."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[tuple[int, str]] = []
        #: Key paths that have a problem: rules skip them.
        self.bad_paths: set[str] = set()
        #: Key path → line.
        self.lines: dict[str, int] = {}

    def add(self, path: str, text: str, line: int | None = None) -> None:
        """Note a problem of a key path ("" for the whole file); the line defaults to the path's own or its parent's."""
        self.bad_paths.add(path)
        line = self._line_of(path) if line is None else line
        where = f"{shown(self.file, 300)}:{line}" if line else shown(self.file, 300)
        self._found.append((line, f"{where}: {shown(path, 300)}: {text}" if path else f"{where}: {text}"))

    def is_bad(self, *paths: str) -> bool:
        """Whether any of these key paths, or one below or above it, has a problem."""
        return any(
            bad == path or bad.startswith((f"{path}.", f"{path}[")) or path.startswith(f"{bad}.")
            for bad in self.bad_paths
            for path in paths
        )

    def raise_any(self, redactor: Redactor | None = None) -> None:
        """Raise ConfigurationError if there are problems: in line order, each once, secrets masked."""
        texts = dict.fromkeys(text for _, text in sorted(self._found, key=lambda found: found[0]))
        if texts:
            raise ConfigurationError(*(redactor.redact(text) if redactor else text for text in texts))

    def _line_of(self, path: str) -> int:
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return self.lines.get(path, 0)
