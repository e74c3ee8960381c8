"""`<output.directory>/.sfr`: the lock, the note of where a run puts temporaries, the sweep of what dead runs left."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from sfr.errors import RunActiveError
from sfr.files.atomic import not_noted, write_atomically
from sfr.files.locking import try_lock
from sfr.files.trusted import PRIVATE_MODE, is_ours, open_found, open_lock, own_directory, read_found
from sfr.files.unsupported import LeftOut

log = logging.getLogger(__name__)

#: Of a note: it names the directories of one run's reports.
LARGEST_NOTE_BYTES = 16 * 1024 * 1024
LARGEST_HOLDER_BYTES = 200


def temporary_prefix(run_id: str) -> str:
    """How the name of every temporary file of a run begins."""
    return f".sfr-{run_id}-"


class RunDirectory:
    """Context manager: holds the lock while inside, removes this run's temporaries at the end.

    Raises `RunActiveError` if another run holds the lock, OSError if the directory is not ours or the lock cannot be
    made. What cannot be noted or removed is a warning; temporaries that cannot be removed stay noted, for the next run
    to remove. on_left_out: as `AtomicFile` has it.
    """

    def __init__(
        self, output_directory: str, run_id: str, on_left_out: Callable[[tuple[LeftOut, ...]], None] = not_noted
    ) -> None:
        self.path = Path(output_directory, ".sfr")
        self._run_id = run_id
        self._on_left_out = on_left_out
        self._lock: int | None = None
        self._noted: list[str] = []

    @property
    def _note_path(self) -> Path:
        return self.path / f"run-{self._run_id}"

    @property
    def is_locked(self) -> bool:
        """Whether this run holds the lock."""
        return self._lock is not None

    def __enter__(self) -> RunDirectory:
        own_directory(str(self.path))
        self._lock = _lock(str(self.path / "lock"))
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if _remove_temporaries(self._run_id, self._noted):
            _remove_note(self._note_path)
        if self._lock is not None:
            # Which frees the lock, whatever it says; the file stays, since removing it would race with the next run.
            with suppress(OSError):
                os.close(self._lock)

    def note(self, directories: Iterable[str]) -> None:
        """Write down where this run puts temporaries, before it puts any: what a later run may sweep."""
        self._noted = sorted({*self._noted, *directories})
        path, note = str(self._note_path), json.dumps(self._noted).encode()
        try:
            # A torn note would hide leftovers.
            write_atomically(
                path,
                note,
                PRIVATE_MODE,
                temporary_prefix=f"{self._note_path.name}-",
                on_left_out=self._on_left_out,
            )
        except OSError as error:  # other disks may have room for the reports
            log.warning(
                "The note %s cannot be written (%s): if this run is killed, nothing removes its temporary files.",
                path,
                error.strerror or error,
            )

    def sweep(self) -> None:
        """Remove the temporaries of runs that left a note: with the lock held, none of them is alive.

        What is no note of ours is left where it is, with a warning, and nothing is removed on its word.
        """
        for note in self.path.glob("run-*"):
            if note.suffix == ".part":
                _remove_temporary(str(note))
                continue
            try:
                directories = [str(path) for path in json.loads(read_found(str(note), LARGEST_NOTE_BYTES))]
            except (OSError, ValueError, TypeError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                log.warning("The leftovers noted in %s could not be swept (%s).", note, reason)
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
    """Whether there is no file of ours under that name any more; anything else is left to whoever put it there."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or not is_ours(status, os.path.dirname(path)):
            log.warning("%s has the name of a temporary file, but is not a file of this user; it was left there.", path)
            return True
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        log.warning("The temporary file %s could not be removed (%s); the next run tries again.", path, error.strerror)
        return False
    log.debug("Removed the temporary file %s.", path)
    return True


def _lock(path: str) -> int:
    """The descriptor of the locked file."""
    descriptor = open_lock(path)
    try:
        if not _try_lock(descriptor, path):
            raise RunActiveError(
                f"Another run ({_holder(path)}) is using {os.path.dirname(os.path.dirname(path)) or '.'}. "
                "Wait for it, or give this configuration an `output.directory` of its own."
            )
    except BaseException:
        os.close(descriptor)
        raise
    with suppress(OSError):  # a full disk: who holds the lock is good to know, no more
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"process %d" % os.getpid())
    return descriptor


def _try_lock(descriptor: int, path: str) -> bool:
    try:
        return try_lock(descriptor, path)
    except ImportError:
        log.warning("This system has no file locks: take care that only one run uses %s.", os.path.dirname(path))
        return True


def _holder(path: str) -> str:
    """What the run that holds the lock wrote into it."""
    try:
        with open(open_found(path), "rb") as file:
            return file.read(LARGEST_HOLDER_BYTES).strip().decode(errors="replace") or "unknown"
    except OSError:
        return "unknown"
