"""`<output.directory>/.sfr`: the lock, the note of where a run puts temporaries, the sweep of what dead runs left."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from sfr.errors import RunActiveError
from sfr.storage.atomic import write_atomically

log = logging.getLogger(__name__)

#: Of directories made; files are private because history tells what an org's reports are.
DIRECTORY_MODE = 0o750
PRIVATE_MODE = 0o600


def temporary_prefix(run_id: str) -> str:
    """How the name of every temporary file of a run begins."""
    return f".sfr-{run_id}-"


class RunDirectory:
    """Context manager: holds the lock while inside, sweeps at the start, removes this run's temporaries at the end.

    Raises `RunActiveError` if another run holds the lock, OSError if the directory or the lock cannot be made. What
    cannot be noted or removed is a warning; temporaries that cannot be removed stay noted, for the next run to remove.
    """

    def __init__(self, output_directory: str, run_id: str) -> None:
        self.path = Path(output_directory, ".sfr")
        self._run_id = run_id
        self._lock: IO[bytes] | None = None
        self._noted: list[str] = []

    @property
    def _note_path(self) -> Path:
        return self.path / f"run-{self._run_id}"

    def __enter__(self) -> RunDirectory:
        self.path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        self._lock = _lock(self.path / "lock")
        try:
            self._sweep_dead_runs()
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if _remove_temporaries(self._run_id, self._noted):
            _remove_note(self._note_path)
        if self._lock is not None:
            # Which frees the lock, whatever it says; the file stays, since removing it would race with the next run.
            with suppress(OSError):
                self._lock.close()

    def note(self, directories: Iterable[str]) -> None:
        """Write down where this run puts temporaries, before it puts any: what a later run may sweep."""
        self._noted = sorted({*self._noted, *directories})
        path, note = str(self._note_path), json.dumps(self._noted).encode()
        try:
            # A torn note would hide leftovers.
            write_atomically(path, note, PRIVATE_MODE, temporary_prefix=f"{self._note_path.name}-")
        except OSError as error:  # other disks may have room for the reports
            log.warning(
                "The note %s cannot be written (%s): if this run is killed, nothing removes its temporary files.",
                path,
                error.strerror or error,
            )

    def _sweep_dead_runs(self) -> None:
        """Remove the temporaries of runs that left a note: with the lock held, none of them is alive."""
        for note in self.path.glob("run-*"):
            if note.suffix == ".part":
                _remove_note(note)
                continue
            try:
                directories = [str(path) for path in json.loads(note.read_text())]
            except (OSError, ValueError, TypeError) as error:
                log.warning("The leftovers noted in %s could not be swept (%s).", note, error)
                if isinstance(error, OSError):
                    continue  # it may be read another time; a damaged note never will
            else:
                log.info("Run %s left a note of its temporary files; they are removed.", note.name)
                if not _remove_temporaries(note.name.removeprefix("run-"), directories):
                    continue
            _remove_note(note)


def _remove_note(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("The note %s could not be removed (%s).", path, error.strerror)


def _remove_temporaries(run_id: str, directories: Iterable[str]) -> bool:
    """Whether none is left; else a later run has to try again."""
    prefix, is_clean = temporary_prefix(run_id), True
    for directory in directories:
        try:
            names = os.listdir(directory)
        except (FileNotFoundError, ValueError):  # ValueError: a damaged note names what no directory can be called
            continue
        except OSError as error:
            log.warning("The directory %s could not be searched for temporary files (%s).", directory, error.strerror)
            is_clean = False
            continue
        for name in names:
            if name.startswith(prefix) and name.endswith(".part"):
                is_clean &= _remove_temporary(os.path.join(directory, name))
    return is_clean


def _remove_temporary(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError as error:
        log.warning("The temporary file %s could not be removed (%s); the next run tries again.", path, error.strerror)
        return False
    log.debug("Removed the temporary file %s.", path)
    return True


def _lock(path: Path) -> IO[bytes]:
    """The open, locked file. The kernel frees the lock with the process, so a stale lock cannot exist.

    Not covered: two hosts on one network file system (docs/operations.md).
    """
    try:
        import fcntl
    except ImportError:
        log.warning("This system has no file locks: take care that only one run uses %s.", path.parent)
        return path.open("a+b", buffering=0)
    file = path.open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = b""
        with file, suppress(OSError):
            file.seek(0)
            holder = file.read(200).strip()
        raise RunActiveError(
            f"Another run ({holder.decode(errors='replace') or 'unknown'}) is using {path.parent.parent}. "
            "Wait for it, or give this configuration an `output.directory` of its own."
        ) from None
    except BaseException:
        file.close()
        raise
    with suppress(OSError):  # a full disk: who holds the lock is good to know, no more
        file.truncate(0)
        file.write(b"process %d" % os.getpid())
    return file
