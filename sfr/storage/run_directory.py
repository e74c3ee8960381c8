"""Manages `<output.directory>/.sfr`: the lock, and the removal of temporary files that killed runs left behind.

Each run records there the directories in which it creates temporary files; a later run sweeps them.
"""

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
from sfr.storage.atomic import ignore_unsupported, write_atomically
from sfr.storage.locking import try_lock
from sfr.storage.trusted import PRIVATE_MODE, is_ours, open_lock, open_own, read_own, secure_directory
from sfr.storage.unsupported import UnsupportedFeature

log = logging.getLogger(__name__)

#: Of a cleanup record: it lists the directories of one run's reports.
MAX_RECORD_BYTES = 16 * 1024 * 1024
MAX_HOLDER_BYTES = 200


def temporary_prefix(run_id: str) -> str:
    """Start of the names of all temporary files of a run."""
    return f".sfr-{run_id}-"


class RunDirectory:
    """Context manager: holds the lock inside the block, and removes this run's temporary files at the end.

    Raises `RunActiveError` if another run holds the lock, OSError if the directory is not ours or the lock cannot be
    created. Failing to record or remove is only a warning; temporary files that cannot be removed stay recorded for the
    next run. on_unsupported: as in `AtomicFile`.
    """

    def __init__(
        self,
        output_directory: str,
        run_id: str,
        on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = ignore_unsupported,
    ) -> None:
        self.path = Path(output_directory, ".sfr")
        self._run_id = run_id
        self._on_unsupported = on_unsupported
        self._lock: int | None = None
        self._directories: list[str] = []

    @property
    def _record_path(self) -> Path:
        return self.path / f"run-{self._run_id}"

    @property
    def is_locked(self) -> bool:
        """Whether this run holds the lock."""
        return self._lock is not None

    def __enter__(self) -> RunDirectory:
        secure_directory(str(self.path))
        self._lock = _lock(str(self.path / "lock"))
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if _remove_temporaries(self._run_id, self._directories):
            _remove_record(self._record_path)
        if self._lock is not None:
            # Releases the lock, even on an error; the file stays, since removing it would race with the next run.
            with suppress(OSError):
                os.close(self._lock)

    def record_directories(self, directories: Iterable[str]) -> None:
        """Record where this run will create temporary files, before it does, so that a later run can sweep them."""
        self._directories = sorted({*self._directories, *directories})
        path, record = str(self._record_path), json.dumps(self._directories).encode()
        try:
            # A torn record would hide leftovers.
            write_atomically(
                path,
                record,
                PRIVATE_MODE,
                temporary_prefix=f"{self._record_path.name}-",
                on_unsupported=self._on_unsupported,
            )
        except OSError as error:  # other disks may have room for the reports
            log.warning(
                "Cannot write the cleanup record %s (%s): if this run is killed, its temporary files will stay.",
                path,
                error.strerror or error,
            )

    def sweep(self) -> None:
        """Remove the temporary files of runs that left a cleanup record: while we hold the lock, none of them is alive.

        A file that is not one of our records is left alone, with a warning, and its content is not acted upon. So is a
        directory that cannot be read: the next run tries again.
        """
        for record in self._records():
            if record.suffix == ".part":
                _remove_temporary(str(record))
                continue
            try:
                directories = [str(path) for path in json.loads(read_own(str(record), MAX_RECORD_BYTES))]
            except (OSError, ValueError, TypeError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                log.warning("Cannot remove the temporary files recorded in %s (%s).", record, reason)
                if isinstance(error, OSError):
                    continue  # it may be readable later; a damaged record never will
            else:
                log.info("Removing the temporary files of the interrupted %s.", record.name)
                if not _remove_temporaries(record.name.removeprefix("run-"), directories):
                    continue
            _remove_record(record)

    def _records(self) -> list[Path]:
        try:
            return list(self.path.glob("run-*"))
        except OSError as error:
            log.warning("Cannot search %s for temporary files (%s).", self.path, error.strerror)
            return []


def _remove_record(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("Cannot remove the cleanup record %s (%s).", path, error.strerror)


def _remove_temporaries(run_id: str, directories: Iterable[str]) -> bool:
    """Remove a run's temporary files; returns False if any is left, for a later run."""
    prefix, is_clean = temporary_prefix(run_id), True
    for directory in directories:
        try:
            names = os.listdir(directory)
        # ValueError: an impossible name in a damaged record
        except (FileNotFoundError, NotADirectoryError, ValueError):
            continue
        except OSError as error:
            log.warning("Cannot search %s for temporary files (%s).", directory, error.strerror)
            is_clean = False
            continue
        for name in names:
            if name.startswith(prefix) and name.endswith(".part"):
                is_clean &= _remove_temporary(os.path.join(directory, name))
    return is_clean


def _remove_temporary(path: str) -> bool:
    """Remove a file of ours; anything else is left alone. Returns False if ours cannot be removed."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or not is_ours(status, os.path.dirname(path)):
            log.warning("%s is named like a temporary file, but is not a file of this user; it was not removed.", path)
            return True
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        log.warning("Cannot remove the temporary file %s (%s); the next run will try again.", path, error.strerror)
        return False
    log.debug("Removed the temporary file %s.", path)
    return True


def _lock(path: str) -> int:
    """Create and lock the lock file; returns its descriptor."""
    descriptor = open_lock(path)
    try:
        if not _try_lock(descriptor, path):
            raise RunActiveError(
                f"Another run ({_holder(path)}) is using {os.path.dirname(os.path.dirname(path)) or '.'}. "
                "Wait until it has finished, or use another `output.directory` for this configuration."
            )
    except BaseException:
        os.close(descriptor)
        raise
    with suppress(OSError):  # a full disk: the holder is only informative
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"process %d" % os.getpid())
    return descriptor


def _try_lock(descriptor: int, path: str) -> bool:
    try:
        return try_lock(descriptor, path)
    except ImportError:
        log.warning(
            "This system has no file locks: make sure that only one run at a time uses %s.", os.path.dirname(path)
        )
        return True


def _holder(path: str) -> str:
    """What the run that holds the lock wrote into the file."""
    try:
        with open(open_own(path), "rb") as file:
            return file.read(MAX_HOLDER_BYTES).strip().decode(errors="replace") or "unknown"
    except OSError:
        return "unknown"
