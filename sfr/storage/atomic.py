"""Writes files atomically: to a temporary file beside the destination, synced, renamed, and the directory synced.

A reader of the destination sees either the old or the new file, complete, and so after a power cut. On any failure the
temporary file is removed and the destination is unchanged. A symbolic link at the destination is replaced itself; its
target is left alone. Does not create directories or take locks.

Every failure is an OSError. Nothing is retried: a second sync after a failed one proves nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress

from sfr.storage.trusted import create_new, create_private, open_own, open_report
from sfr.storage.unsupported import (
    RENAME,
    RESERVE,
    SET_MODE,
    SYNC_DIRECTORY,
    SYNC_FILE,
    TRUNCATE,
    UnsupportedFeature,
    attempt,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

COMPARE_BLOCK_BYTES = 256 * 1024


def ignore_unsupported(unsupported: tuple[UnsupportedFeature, ...]) -> None:
    """For callers that need not know what the file system does not support."""


def write_atomically(
    path: str,
    data: bytes,
    mode: int = 0o640,
    *,
    temporary_prefix: str = ".sfr-",
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = ignore_unsupported,
) -> None:
    """Write `data` to the file at `path`, with these permissions.

    temporary_prefix: start of the temporary file's name, by which leftovers of a killed run are recognised.
    on_unsupported: as in `AtomicFile`.
    Raises OSError; `path` is then unchanged.
    """
    write_blocks_atomically(
        path, [data], mode, temporary_prefix=temporary_prefix, expected_bytes=len(data), on_unsupported=on_unsupported
    )


def write_blocks_atomically(
    path: str,
    blocks: Iterable[bytes],
    mode: int,
    *,
    temporary_prefix: str,
    expected_bytes: int | None = None,
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = ignore_unsupported,
    before_rename: Callable[[], None] | None = None,
) -> None:
    """The same for data that is generated while it is written. Also raises what `blocks` and `before_rename` raise."""
    start = os.path.join(os.path.dirname(path) or ".", temporary_prefix)
    with AtomicFile(start, mode=mode, expected_bytes=expected_bytes, on_unsupported=on_unsupported) as file:
        for block in blocks:
            file.write(block)
        file.replace(path, before_rename)


def write_new(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file that is not there yet: whole from the moment it has its name, even if this process is killed.

    Raises FileExistsError if there is anything under this name, even a dangling link, and OSError; both name `path`.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    temporary_path = ""
    try:
        descriptor, temporary_path = create_private(os.path.join(os.path.dirname(path) or ".", ".sfr-"))
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            attempt(SET_MODE, path, lambda: _set_mode(descriptor, mode))
            os.fsync(descriptor)
        _give_new_name(temporary_path, path, mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        remove_quietly(temporary_path)


def _give_new_name(temporary_path: str, path: str, mode: int) -> None:
    """Give the file a name that must be free, which a rename would not look at."""
    try:
        os.link(temporary_path, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here: FAT, some network file systems
        os.close(create_new(path, mode))
        os.replace(temporary_path, path)


def _set_mode(descriptor: int, mode: int) -> None:
    if sys.platform != "win32" and stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)


class AtomicFile:
    """A temporary file that replaces its destination on success and is removed otherwise.

        with AtomicFile(f"{directory}/.sfr-", mode=0o640) as file:
            file.write(block)
            file.replace(path)

    start: of the temporary file's path, in the directory of the destination; a random part and `.part` follow.
    mode: final permissions; until then only the owner may read.
    expected_bytes: if known, the space is reserved first, so that a full disk shows early.
    adopt: `start` is the full path of an existing temporary file, which is continued.
    on_unsupported: called once the file is in place, if its file system does not support permissions or syncing.

    Leaving the block without `replace` removes the temporary file.
    """

    def __init__(
        self,
        start: str,
        *,
        mode: int,
        expected_bytes: int | None = None,
        adopt: bool = False,
        on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = ignore_unsupported,
    ) -> None:
        #: Path of the temporary file; complete only inside the block.
        self.temporary_path = start
        self._mode = mode
        self._expected_bytes = expected_bytes
        self._adopt = adopt
        self._on_unsupported = on_unsupported
        self._descriptor = -1

    def __enter__(self) -> AtomicFile:
        if self._adopt:
            self._descriptor = open_own(self.temporary_path, os.O_RDWR)
            return self
        self._descriptor, self.temporary_path = create_private(self.temporary_path)
        try:
            self._reserve()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._descriptor >= 0:
            self._discard()

    def write(self, block: bytes) -> None:
        """Append all of `block`: a single `os.write` may write only part of it, without an error."""
        written = os.write(self._descriptor, block)
        while written < len(block):
            written += os.write(self._descriptor, memoryview(block)[written:])

    @property
    def size_bytes(self) -> int:
        """Size of the temporary file now."""
        return os.fstat(self._descriptor).st_size

    def append(self, block: bytes) -> None:
        """Write at the end of an adopted file."""
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self.write(block)

    def truncate(self, size_bytes: int) -> None:
        """Cut the file to `size_bytes`."""
        if self.size_bytes > size_bytes:
            attempt(TRUNCATE, self.temporary_path, lambda: os.ftruncate(self._descriptor, size_bytes))

    def matches(self, path: str, size_bytes: int, on_progress: Callable[[], None]) -> bool:
        """Whether the file at `path` equals the first `size_bytes` of this one; False if it cannot be read."""
        try:
            other = open(open_report(path), "rb", buffering=0)  # noqa: SIM115 - pathlib costs a worker 2 MB
        except OSError:
            return False
        with other:
            if os.fstat(other.fileno()).st_size != size_bytes:
                return False
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            while size_bytes:
                block = os.read(self._descriptor, min(size_bytes, COMPARE_BLOCK_BYTES))
                if not block or other.read(len(block)) != block:
                    return False
                size_bytes -= len(block)
                on_progress()
        return True

    def replace(self, path: str, before_rename: Callable[[], None] | None = None) -> str:
        """Rename the file to `path`; return a warning, empty if all went well.

        before_rename: called directly before, when all else is done; what it raises prevents the rename.
        Failing to sync the directory afterwards is only a warning: the new file is in place.
        """
        unsupported = [
            attempt(SET_MODE, path, lambda: _set_mode(self._descriptor, self._mode)),
            attempt(SYNC_FILE, path, lambda: os.fsync(self._descriptor)),
        ]
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
            if before_rename is not None:
                before_rename()
            attempt(RENAME, path, lambda: os.replace(self.temporary_path, path))
        except BaseException:
            remove_quietly(self.temporary_path)
            raise
        warning = ""
        try:
            unsupported.append(sync_directory(os.path.dirname(path) or "."))
        except OSError as error:
            warning = f"The file is in place, but its directory could not be synced ({error.strerror})."
        if found := tuple(each for each in unsupported if each is not None):
            self._on_unsupported(found)
        return warning

    def _reserve(self) -> None:
        size_bytes = self._expected_bytes
        if size_bytes and sys.platform == "linux":
            attempt(RESERVE, self.temporary_path, lambda: os.posix_fallocate(self._descriptor, 0, size_bytes))

    def _discard(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # must not hide the original error
            os.close(descriptor)
        remove_quietly(self.temporary_path)


def remove_quietly(path: str | None) -> None:
    """Remove a temporary file, if `path` is not None; errors are ignored, so as not to hide why it is removed.

    A file that cannot be removed is swept at the end of this run or the next.
    """
    if path is not None:
        try:
            os.unlink(path)
        except OSError:
            pass


def sync_directory(directory: str) -> UnsupportedFeature | None:
    """Sync `directory`, so that its names survive a power cut.

    Returns the feature if the file system does not support it; raises OSError if it fails.
    """
    return (
        attempt(SYNC_DIRECTORY, os.path.join(directory, ""), lambda: _sync(directory))
        if sys.platform != "win32"
        else None
    )


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
