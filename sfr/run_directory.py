"""`<output.directory>/.sfr`: the lock, the note of where a run puts temporaries, the sweep of what dead runs left."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO

from sfr.errors import RunActiveError

log = logging.getLogger(__name__)

#: Of directories made; files are private because history tells what an org's reports are.
DIRECTORY_MODE = 0o750
PRIVATE_MODE = 0o600


def temporary_prefix(run_id: str) -> str:
    """How the name of every temporary file of a run begins."""
    return f".sfr-{run_id}-"


class RunDirectory:
    """Context manager: holds the lock while inside, sweeps at the start, removes this run's temporaries at the end.

    Raises `RunActiveError` if another run holds the lock, OSError if the directory or the lock cannot be made.
    """

    def __init__(self, output_directory: str, run_id: str) -> None:
        self.path = Path(output_directory, ".sfr")
        self._run_id = run_id
        self._lock: IO[str] | None = None
        self._noted: list[str] = []

    @property
    def _note_path(self) -> Path:
        return self.path / f"run-{self._run_id}"

    def __enter__(self) -> RunDirectory:
        self.path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        self._lock = _lock(self.path / "lock")
        self._sweep_dead_runs()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _remove_temporaries(self._run_id, self._noted)
        self._note_path.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()  # which frees it; the file stays, since removing it would race with the next run

    def note(self, directories: Iterable[str]) -> None:
        """Write down where this run puts temporaries, before it puts any: what a later run may sweep."""
        self._noted = sorted({*self._noted, *directories})
        # Replaced, not rewritten: a torn note would hide leftovers.
        temporary = self._note_path.with_suffix(".new")
        temporary.write_text(json.dumps(self._noted))
        temporary.replace(self._note_path)

    def _sweep_dead_runs(self) -> None:
        """Remove the temporaries of runs that left a note: with the lock held, none of them is alive."""
        for note in self.path.glob("run-*"):
            if note.suffix == ".new":
                note.unlink(missing_ok=True)
                continue
            try:
                directories = json.loads(note.read_text())
                removed = _remove_temporaries(note.name.removeprefix("run-"), [str(path) for path in directories])
                note.unlink(missing_ok=True)
            except (OSError, ValueError, TypeError) as error:
                log.warning("The leftovers noted in %s could not be swept (%s).", note, error)
                continue
            log.info("Run %s ended early; %d temporary files of it were removed.", note.name, removed)


def _remove_temporaries(run_id: str, directories: Iterable[str]) -> int:
    prefix, removed = temporary_prefix(run_id), 0
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            if name.startswith(prefix) and name.endswith(".part"):
                try:
                    os.unlink(os.path.join(directory, name))
                    removed += 1
                except OSError as error:
                    log.warning("The temporary file %s could not be removed (%s).", name, error.strerror)
    return removed


def _lock(path: Path) -> IO[str]:
    """The open, locked file. The kernel frees the lock with the process, so a stale lock cannot exist.

    Not covered: two hosts on one network file system (docs/operations.md).
    """
    try:
        import fcntl
    except ImportError:
        log.warning("This system has no file locks: take care that only one run uses %s.", path.parent)
        return path.open("a+")
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read(200).strip() or "unknown"
        file.close()
        raise RunActiveError(
            f"Another run ({holder}) is using {path.parent.parent}. "
            "Wait for it, or give this configuration an `output.directory` of its own."
        ) from None
    file.truncate(0)
    file.write(f"process {os.getpid()}")
    file.flush()
    return file
