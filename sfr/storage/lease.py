"""The lease of an output directory: at most one run of a fleet writes there, on whichever machine.

A lock of one machine means nothing to another, so each holder has a generation, the file `lease.N`:

    taken      by an exclusive link() of `lease.N+1`: of two takers one wins, and each knows which
    renewed    by rewriting a counter in the file
    lost       once `lease.N+1` exists, or `lease.N` does not: the next holder removes it
    released   by a mark in the file, which stays, so that generations are never used twice

A taker never compares clocks of two machines: it needs 90 s of its own monotonic clock without a change of the file.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import platform
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from sfr.storage.atomic import remove_quietly, sync_directory
from sfr.storage.lease_claim import LeaseClaim, lease_path
from sfr.storage.trusted import create_private, open_own

log = logging.getLogger(__name__)

#: A holder that has not renewed its lease for this long has lost it to whoever takes it.
SILENCE_S = 90.0
#: A holder that has not renewed its lease for this long renews it before it publishes anything.
DOUBT_S = 45.0
RECORD_BYTES = 512
#: A name of a temporary file that the next run in this directory removes.
_TEMPORARY_START = "run-lease-"
#: While a lease is being taken, its file has a second name.
_MAX_LINKS = 2
#: What a file system without hard links answers.
NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK})
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def suspended_clock() -> float:
    """A clock that also counts the time during which the machine was suspended, where there is one."""
    clock_s = time.monotonic()
    if sys.platform == "linux":
        clock_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    return clock_s


def boot_id() -> str:
    """Identifies the running kernel; empty if it is unknown, and then it equals no other."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The content of a lease's file."""

    token: str
    machine: str
    boot: str
    process: int
    #: Whether the holder has the lock of the directory as well.
    is_locked: bool
    counter: int = 0
    is_released: bool = False

    def encoded(self) -> bytes:
        """Of constant size, so that rewriting it needs no space."""
        values = [
            self.token,
            self.machine[:64],
            self.boot,
            self.process,
            self.is_locked,
            self.counter,
            self.is_released,
        ]
        return json.dumps(values).encode("ascii").ljust(RECORD_BYTES - 1) + b"\n"

    @classmethod
    def decoded(cls, raw: bytes) -> LeaseRecord | None:
        """None: not (or only half) written."""
        try:
            token, machine, boot, process, is_locked, counter, is_released = json.loads(raw)
        except (ValueError, TypeError):
            return None
        return cls(str(token), str(machine), str(boot), process, is_locked is True, counter, is_released is True)


class Lease:
    """A lease that this process took. Its methods may be called by several threads."""

    def __init__(
        self, claim: LeaseClaim, descriptor: int, record: LeaseRecord, clock: Callable[[], float] = suspended_clock
    ) -> None:
        self.claim = claim
        self._descriptor = descriptor
        self._record = record
        self._clock = clock
        self._renewed_clock_s = clock()

    def renew(self) -> bool:
        """Rewrite the counter; False if that fails, on a full disk say. Raises nothing."""
        self._record = replace(self._record, counter=self._record.counter + 1)
        began_s = self._clock()
        try:
            _write_record(self._descriptor, self._record)
        except OSError as error:
            log.warning("The lease of %s cannot be renewed (%s).", self.claim.directory, error.strerror)
            return False
        self._renewed_clock_s = began_s
        return True

    def is_current(self) -> bool:
        """Whether it still holds, read from disk. After a long silence (a suspended machine), it is renewed first."""
        if self._clock() - self._renewed_clock_s > DOUBT_S:
            self.renew()
        record = _read(self.claim.directory, self.claim.generation)[1]
        return record is not None and record.token == self._record.token and self.claim.is_current()

    def release(self) -> None:
        """Let the next run take it at once. Only the first call has an effect."""
        if self._descriptor < 0:
            return
        self._record = replace(self._record, is_released=True)
        with suppress(OSError):  # the next run waits longer
            _write_record(self._descriptor, self._record)
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):
            os.close(descriptor)


class LeaseState(Enum):
    """What a look at a directory's lease shows."""

    #: There is none, or it was released.
    FREE = 1
    #: Its holder has died, or was silent for too long.
    LOST = 2
    #: Its holder has renewed it since the last look.
    LIVE = 3
    #: Not known yet.
    UNKNOWN = 4


class LeaseWatch:
    """Watches the lease of a directory, to take it once that is allowed."""

    def __init__(
        self, directory: str, clock: Callable[[], float] = time.monotonic, boot: Callable[[], str] = boot_id
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._boot = boot()
        self._seen: tuple[int, bytes] | None = None
        self._seen_clock_s = 0.0

    def look(self, *, has_lock: bool) -> LeaseState:
        """Read the lease again. has_lock: whether the caller holds the lock of the directory."""
        generation = latest_generation(self._directory)
        if not generation:
            return LeaseState.FREE
        raw, record = _read(self._directory, generation)
        now_s, before, seen = self._clock(), self._seen, (generation, raw)
        if seen != before:
            self._seen, self._seen_clock_s = seen, now_s
        if record is not None and record.is_released:
            return LeaseState.FREE
        if has_lock and record is not None and record.is_locked and record.boot == self._boot != "":
            return LeaseState.LOST  # the kernel frees a lock only with its process
        if seen != before:
            return LeaseState.UNKNOWN if before is None else LeaseState.LIVE
        return LeaseState.LOST if now_s - self._seen_clock_s >= SILENCE_S else LeaseState.UNKNOWN

    def take(self, *, has_lock: bool) -> Lease | None:
        """Take the next generation after a look that allowed it; None if another process was faster.

        Raises OSError; if the file system has no links, too.
        """
        former = self._seen[0] if self._seen is not None else 0
        claim = LeaseClaim(self._directory, former + 1)
        record = LeaseRecord(secrets.token_hex(8), platform.node(), self._boot, os.getpid(), has_lock)
        descriptor, temporary = create_private(os.path.join(self._directory, _TEMPORARY_START))
        try:
            _write_record(descriptor, record)
            is_taken = _link(descriptor, temporary, lease_path(self._directory, claim.generation))
            # One that was suspended for a whole run may have linked a generation that is gone.
            if is_taken and latest_generation(self._directory) > claim.generation:
                remove_quietly(lease_path(self._directory, claim.generation))
                is_taken = False
        except BaseException:
            os.close(descriptor)
            raise
        finally:
            remove_quietly(temporary)
        if not is_taken:
            os.close(descriptor)
            return None
        for generation in _generations(self._directory):
            if generation < claim.generation:
                remove_quietly(lease_path(self._directory, generation))
        with suppress(OSError):
            sync_directory(self._directory)
        return Lease(claim, descriptor, record)


def latest_generation(directory: str) -> int:
    """The highest generation in the directory; 0 if there is none."""
    return max(_generations(directory), default=0)


def _generations(directory: str) -> list[int]:
    numbers = (name.removeprefix("lease.") for name in os.listdir(directory) if name.startswith("lease."))
    return [int(number) for number in numbers if number.isascii() and number.isdigit()]


def _write_record(descriptor: int, record: LeaseRecord) -> None:
    """Write all of the record to the start of the file. Raises OSError."""
    content, done = record.encoded(), 0
    while done < len(content):  # of a short write the rest fails with the reason
        if sys.platform == "win32":
            os.lseek(descriptor, done, os.SEEK_SET)
            done += os.write(descriptor, content[done:])
        else:
            done += os.pwrite(descriptor, content[done:], done)
    os.fsync(descriptor)


def _link(descriptor: int, temporary: str, path: str) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # On NFS the answer to a request that succeeded may get lost, and its repetition fails.
        if os.fstat(descriptor).st_nlink == _MAX_LINKS:
            return True
        raise
    return True


def _read(directory: str, generation: int) -> tuple[bytes, LeaseRecord | None]:
    """The record, as it is and decoded; None if it is gone or cannot be read, so that nothing proves it ours."""
    try:
        descriptor = open_own(lease_path(directory, generation), most_links=_MAX_LINKS)
        try:
            raw = os.read(descriptor, RECORD_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return b"", None
    return raw, LeaseRecord.decoded(raw)
