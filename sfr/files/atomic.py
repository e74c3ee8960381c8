"""Puts files in place whole: written beside the destination, synced, renamed, and the directory synced.

A reader of the destination sees the whole old or the whole new file, and after a power cut finds one of them. On any
failure the temporary file is removed and the destination is as it was. A destination that is a symbolic link is
itself replaced; what it points to is left alone. Does not make directories and does not lock.

Every failure is an OSError; nothing is tried again, since a failed sync says nothing about a second one.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from sfr.files.trusted import make, open_found, open_report
from sfr.files.unsupported import RENAME, RESERVE, SET_MODE, SYNC_DIRECTORY, SYNC_FILE, TRUNCATE, LeftOut, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

COMPARED_AT_A_TIME_BYTES = 256 * 1024


def not_noted(left_out: tuple[LeftOut, ...]) -> None:
    """For callers to whom it does not matter what the file system does not support."""


def write_atomically(
    path: str,
    data: bytes,
    mode: int = 0o640,
    *,
    temporary_prefix: str = ".sfr-",
    on_left_out: Callable[[tuple[LeftOut, ...]], None] = not_noted,
) -> None:
    """Make `data` the content of the file at `path`, with these permissions.

    temporary_prefix: start of the temporary file's name, by which leftovers of a killed run are recognised.
    on_left_out: as `AtomicFile` has it.
    Raises OSError; `path` is then as it was.
    """
    write_blocks_atomically(
        path, [data], mode, temporary_prefix=temporary_prefix, expected_bytes=len(data), on_left_out=on_left_out
    )


def write_blocks_atomically(
    path: str,
    blocks: Iterable[bytes],
    mode: int,
    *,
    temporary_prefix: str,
    expected_bytes: int | None = None,
    on_left_out: Callable[[tuple[LeftOut, ...]], None] = not_noted,
) -> None:
    """The same for data that is made while it is written. Raises what making it raises, too."""
    start = os.path.join(os.path.dirname(path) or ".", temporary_prefix)
    with AtomicFile(start, mode=mode, expected_bytes=expected_bytes, on_left_out=on_left_out) as file:
        for block in blocks:
            file.write(block)
        file.replace(path)


class AtomicFile:
    """A temporary file that becomes the file at a destination, or nothing.

        with AtomicFile(f"{directory}/.sfr-", mode=0o640) as file:
            file.write(block)
            file.replace(path)

    start: of the temporary file's path, in the directory of the destination; a random part and `.part` follow.
    mode: permissions at the end; until then only the owner may read.
    expected_bytes: if known, the space is reserved at once, so that a full disk shows early.
    adopt: `start` is the whole path of a temporary file of ours that is there already, and is continued.
    on_left_out: called once the file is in place, if its file system does not support permissions or syncing.

    Leaving the block without `replace` removes the temporary file.
    """

    def __init__(
        self,
        start: str,
        *,
        mode: int,
        expected_bytes: int | None = None,
        adopt: bool = False,
        on_left_out: Callable[[tuple[LeftOut, ...]], None] = not_noted,
    ) -> None:
        #: Where the file lies until it is in place; the whole of it is known inside the block.
        self.temporary_path = start
        self._mode = mode
        self._expected_bytes = expected_bytes
        self._adopt = adopt
        self._on_left_out = on_left_out
        self._descriptor = -1

    def __enter__(self) -> AtomicFile:
        if self._adopt:
            self._descriptor = open_found(self.temporary_path, os.O_RDWR)
            return self
        self._descriptor, self.temporary_path = make(self.temporary_path)
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
            attempt(TRUNCATE, self.temporary_path, lambda: os.ftruncate(self._descriptor, size_bytes))

    def starts_as(self, path: str, size_bytes: int, on_progress: Callable[[], None]) -> bool:
        """Whether the first `size_bytes` are all that a regular file at `path` holds; False if it cannot be read."""
        try:
            other = open(open_report(path), "rb", buffering=0)  # noqa: SIM115 - pathlib costs a worker 2 MB
        except OSError:
            return False
        with other:
            if os.fstat(other.fileno()).st_size != size_bytes:
                return False
            os.lseek(self._descriptor, 0, os.SEEK_SET)
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
        left_out = [
            attempt(SET_MODE, path, self._set_mode),
            attempt(SYNC_FILE, path, lambda: os.fsync(self._descriptor)),
        ]
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.close(descriptor)
            attempt(RENAME, path, lambda: os.replace(self.temporary_path, path))
        except BaseException:
            remove_quietly(self.temporary_path)
            raise
        warning = ""
        try:
            left_out.append(sync_directory(os.path.dirname(path) or "."))
        except OSError as error:
            warning = f"The file is in place, but its directory could not be synced ({error.strerror})."
        if found := tuple(each for each in left_out if each is not None):
            self._on_left_out(found)
        return warning

    def _set_mode(self) -> None:
        if hasattr(os, "fchmod") and stat.S_IMODE(os.fstat(self._descriptor).st_mode) != self._mode:
            os.fchmod(self._descriptor, self._mode)

    def _reserve(self) -> None:
        size_bytes = self._expected_bytes
        if size_bytes and hasattr(os, "posix_fallocate"):
            attempt(RESERVE, self.temporary_path, lambda: os.posix_fallocate(self._descriptor, 0, size_bytes))

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


def sync_directory(directory: str) -> LeftOut | None:
    """Make the names in `directory` survive a power cut.

    Returns what was left out where the file system does not support that; raises OSError where it fails.
    """
    return attempt(SYNC_DIRECTORY, os.path.join(directory, ""), lambda: _sync(directory)) if os.name != "nt" else None


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
