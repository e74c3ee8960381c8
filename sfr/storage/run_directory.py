"""Manages `<output.directory>/.sfr`: the lock, and the removal of temporary files that killed runs left behind.

Each run records there the directories in which it creates temporary files; a later run sweeps them.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from sfr.errors import RunActiveError
from sfr.storage.atomic import ignore_unsupported, write_atomically
from sfr.storage.locking import try_lock
from sfr.storage.trusted import PRIVATE_MODE, is_ours, open_lock, open_own, read_own, secure_directory
from sfr.storage.unsupported import UnsupportedFeature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.storage.lease import Lease, LeaseWatch

log = logging.getLogger(__name__)

#: Of a cleanup record: it lists the directories of one run's reports.
MAX_RECORD_BYTES = 16 * 1024 * 1024
MAX_HOLDER_BYTES = 200
#: A run of a fleet waits this long for the lease.
LEASE_TIMEOUT_S = 120.0
#: Interval between two looks at a lease that is held.
LOOK_INTERVAL_S = 1.0


def temporary_prefix(run_id: str) -> str:
    """Start of the names of all temporary files of a run."""
    return f".sfr-{run_id}-"


class RunDirectory:
    """Context manager: holds the lock inside the block, and removes this run's temporary files at the end.

    Raises `RunActiveError` if another run holds the lock or a lease, OSError if the directory is not ours or the lock
    cannot be created. A lease that may be abandoned is watched until that is known. Failing to record or remove is only
    a warning; temporary files that cannot be removed stay recorded for the next run. on_unsupported: as in
    `AtomicFile`.

    in_fleet: take the lease too, and wait for it. option: the key of the directory, for messages.
    """

    def __init__(
        self,
        output_directory: str,
        run_id: str,
        on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = ignore_unsupported,
        *,
        in_fleet: bool = False,
        option: str = "output.directory",
    ) -> None:
        self.path = Path(output_directory, ".sfr")
        #: Held inside the block by a run of a fleet.
        self.lease: Lease | None = None
        self._in_fleet = in_fleet
        self._option = option
        self._watch: LeaseWatch | None = None
        self._give_up_clock_s = time.monotonic() + LEASE_TIMEOUT_S
        self._run_id = run_id
        self._on_unsupported = on_unsupported
        self._lock: int | None = None
        self._directories: list[str] = []

    @property
    def _record_path(self) -> Path:
        return self.path / f"run-{self._run_id}"

    @property
    def is_locked(self) -> bool:
        """Whether this run holds the directory."""
        return self._lock is not None

    def __enter__(self) -> RunDirectory:
        while not self.try_hold():
            time.sleep(LOOK_INTERVAL_S)
        return self

    def try_hold(self) -> bool:
        """Take lock and lease, without waiting; False: try again later. Raises like the block itself."""
        secure_directory(str(self.path))
        path = str(self.path / "lock")
        descriptor = open_lock(path)
        try:
            has_lock = _try_lock(descriptor, path)
            is_held = self._take_lease(has_lock=has_lock) if self._in_fleet else self._has_no_live_lease(has_lock)
            if not is_held:
                os.close(descriptor)
                return False
        except BaseException:
            os.close(descriptor)
            raise
        if has_lock:
            with suppress(OSError):  # a full disk: the holder is only informative
                os.ftruncate(descriptor, 0)
                os.write(descriptor, b"process %d" % os.getpid())
        else:
            log.warning("Another process holds the lock %s, but has lost its lease; going on.", path)
        self._lock = descriptor
        return True

    def _has_no_live_lease(self, has_lock: bool) -> bool:
        """For a run that takes no lease. One that is abandoned is ended, so that its holder notices."""
        if not has_lock:
            raise self._active()
        if not any(name.startswith("lease.") for name in os.listdir(self.path)):
            return True
        from sfr.storage.lease import LeaseState, LeaseWatch  # most runs meet no lease

        self._watch = self._watch or LeaseWatch(str(self.path))
        state = self._watch.look(has_lock=has_lock)
        if state is LeaseState.LIVE:
            raise self._active("on another machine")
        if state is LeaseState.LOST:
            lease = self._watch.take(has_lock=has_lock)
            if lease is None:
                raise self._active("on another machine")
            lease.release()
        return state is not LeaseState.UNKNOWN

    def _take_lease(self, *, has_lock: bool) -> bool:
        from sfr.storage.lease import NO_LINKS, LeaseState, LeaseWatch

        self._watch = self._watch or LeaseWatch(str(self.path))
        state = self._watch.look(has_lock=has_lock)
        if state is LeaseState.LOST or (state is LeaseState.FREE and has_lock):
            try:
                self.lease = self._watch.take(has_lock=has_lock)
            except OSError as error:
                if error.errno not in NO_LINKS or not has_lock:
                    raise
                log.warning(
                    "The file system of %s has no hard links, so there can be no lease: only one machine may use it.",
                    self.path,
                )
                return True
        if self.lease is None and time.monotonic() > self._give_up_clock_s:
            raise self._active("or one on another machine" if has_lock else None)
        return self.lease is not None

    def _active(self, where: str | None = None) -> RunActiveError:
        holder = where or _holder(str(self.path / "lock"))
        return RunActiveError(
            f"Another run ({holder}) is using {self.path.parent}. "
            f"Wait until it has finished, or use another `{self._option}` for this configuration."
        )

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if _remove_temporaries(self._run_id, self._directories):
            _remove_record(self._record_path)
        if self.lease is not None:
            self.lease.release()
        if self._lock is not None:
            # Releases the lock, even on an error; the file stays, since removing it would race with the next run.
            with suppress(OSError):
                os.close(self._lock)

    def may_publish(self) -> bool:
        """Whether this run still holds the directory, read again if it has a lease."""
        return self.lease is None or self.lease.is_current()

    def record_directories(self, directories: Iterable[str]) -> None:
        """Record where this run will create temporary files, before it does, so that a later run can sweep them."""
        self._directories = sorted({*self._directories, *directories})
        path, record = str(self._record_path), json.dumps(self._directories).encode()
        try:
            # A partial record would hide leftovers.
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
            # Not by `glob`: since Python 3.13 it passes over errors.
            return [self.path / name for name in os.listdir(self.path) if name.startswith("run-")]
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
