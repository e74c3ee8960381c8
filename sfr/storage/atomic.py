"""Puts files in place whole: written beside the destination, synced, renamed, and the directory synced.

A reader of the destination sees the whole old or the whole new file, and after a power cut finds one of them. On any
failure the temporary file is removed and the destination is as it was. A destination that is a symbolic link is
itself replaced; what it points to is left alone. Does not make directories and does not lock.

Every failure is an OSError; nothing is tried again, since a failed sync says nothing about a second one.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

COMPARED_AT_A_TIME_BYTES = 256 * 1024
#: Errors by which a file system says that it cannot do a thing, as against failing at it.
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
#: Windows knows none of the last two; there files would be text without the first.
_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def write_atomically(path: str, data: bytes, mode: int = 0o640, *, temporary_prefix: str = ".sfr-") -> None:
    """Make `data` the content of the file at `path`, with these permissions.

    temporary_prefix: start of the temporary file's name, by which leftovers of a killed run are recognised.
    Raises OSError; `path` is then as it was.
    """
    write_blocks_atomically(path, [data], mode, temporary_prefix=temporary_prefix, expected_bytes=len(data))


def write_blocks_atomically(
    path: str, blocks: Iterable[bytes], mode: int, *, temporary_prefix: str, expected_bytes: int | None = None
) -> None:
    """The same for data that is made while it is written. Raises what making it raises, too."""
    directory = os.path.dirname(path) or "."
    temporary_path = f"{directory}/{temporary_prefix}{os.getpid()}-{os.urandom(6).hex()}.part"
    with AtomicFile(temporary_path, mode=mode, expected_bytes=expected_bytes) as file:
        for block in blocks:
            file.write(block)
        file.replace(path)


class AtomicFile:
    """A temporary file that becomes the file at a destination, or nothing.

        with AtomicFile(temporary_path, mode=0o640) as file:
            file.write(block)
            file.replace(path)

    temporary_path: in the directory of the destination; a leftover of that name is replaced.
    mode: permissions at the end; until then only the owner may read.
    expected_bytes: if known, the space is asked for at once, so that a full disk shows early.
    adopt: the file at `temporary_path` is there already, and is gone on with.

    Leaving the block without `replace` removes the temporary file.
    """

    def __init__(
        self, temporary_path: str, *, mode: int, expected_bytes: int | None = None, adopt: bool = False
    ) -> None:
        self.temporary_path = temporary_path
        self._mode = mode
        self._expected_bytes = expected_bytes
        self._adopt = adopt
        self._descriptor = -1

    def __enter__(self) -> AtomicFile:
        if self._adopt:
            self._descriptor = os.open(self.temporary_path, _FLAGS)
            return self
        remove_quietly(self.temporary_path)
        self._descriptor = os.open(self.temporary_path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
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
        """Append all of `block`: a single `os.write` may take only a part of it, without an error."""
        written = os.write(self._descriptor, block)
        while written < len(block):
            written += os.write(self._descriptor, memoryview(block)[written:])

    @property
    def size_bytes(self) -> int:
        """Size of the temporary file now."""
        return os.fstat(self._descriptor).st_size

    def append(self, block: bytes) -> None:
        """Write at the end of a file that was gone on with."""
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self.write(block)

    def truncate(self, size_bytes: int) -> None:
        """Cut off what stands behind `size_bytes`."""
        if self.size_bytes > size_bytes:
            os.ftruncate(self._descriptor, size_bytes)

    def starts_as(self, path: str, size_bytes: int, on_progress: Callable[[], None]) -> bool:
        """Whether the first `size_bytes` are all that a regular file at `path` holds; False if it cannot be read."""
        try:
            there = os.stat(path)
            if not stat.S_ISREG(there.st_mode) or there.st_size != size_bytes:
                return False
            other = open(path, "rb", buffering=0)  # noqa: SIM115 - pathlib costs a worker 2 MB
        except OSError:
            return False
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with other:
            while size_bytes:
                block = os.read(self._descriptor, min(size_bytes, COMPARED_AT_A_TIME_BYTES))
                if not block or other.read(len(block)) != block:
                    return False
                size_bytes -= len(block)
                on_progress()
        return True

    def replace(self, path: str) -> str:
        """Make the file the one at `path`; return a warning, empty if all went well.

        A directory that cannot be synced afterwards is worth a warning only: the new file is in place.
        """
        if hasattr(os, "fchmod"):
            os.fchmod(self._descriptor, self._mode)
        os.fsync(self._descriptor)
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
            os.replace(self.temporary_path, path)
        except BaseException:
            remove_quietly(self.temporary_path)
            raise
        try:
            sync_directory(os.path.dirname(path) or ".")
        except OSError as error:
            return f"The file is in place, but its directory could not be synced ({error.strerror})."
        return ""

    def _reserve(self) -> None:
        if not self._expected_bytes or not hasattr(os, "posix_fallocate"):
            return
        try:
            os.posix_fallocate(self._descriptor, 0, self._expected_bytes)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise

    def _discard(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):  # nor must this hide why
            os.close(descriptor)
        remove_quietly(self.temporary_path)


def remove_quietly(path: str | None) -> None:
    """Remove a temporary file, if one is named; what cannot be removed is swept at the end of the run, or of the next.

    Not being able to remove it must not hide why it is removed.
    """
    if path is not None:
        try:
            os.unlink(path)
        except OSError:
            pass


def sync_directory(directory: str) -> None:
    """Make the names in `directory` survive a power cut, where the file system can; raises OSError where it fails."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)
