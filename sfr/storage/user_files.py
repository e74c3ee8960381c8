"""Reads files that a user names: bounded, never waiting for ever, and secrets only where nobody else could write them.

Looks at the opened file, not at its name, so that it cannot be exchanged in between; symlinks are followed, since
Kubernetes and systemd hand out secrets through them. Windows has no owners of this kind: there nothing is checked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import sys
import time

#: Whether files belong to users and have permissions, as on POSIX.
HAS_OWNERS = sys.platform != "win32"
#: Longest wait for the content of a pipe in a file's place, seconds.
PIPE_TIMEOUT_S = 30.0
_PIECE_BYTES = 65_536
#: Not every system has all of them; Windows has O_BINARY alone, without which files would be text there.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY"))


class ForeignFileError(OSError):
    """Another user could have written the file; `strerror` names owner and mode and says what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EPERM, reason)


def read_trusted(path: str, limit_bytes: int) -> bytes:
    """The content of a file with secrets, as of `read_bounded`.

    Raises ForeignFileError where another user than this one or root owns it, or others may write it; OSError.
    """
    return _read_file(path, limit_bytes, is_secret=True)


def read_bounded(path: str, limit_bytes: int) -> bytes:
    """The file's content, at most `limit_bytes` of it and one byte more, so that a larger file shows.

    Raises OSError where it cannot be read, or is a pipe without a writer or without an end within 30 s.
    """
    return _read_file(path, limit_bytes, is_secret=False)


def _read_file(path: str, limit_bytes: int, *, is_secret: bool) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        reason = distrust(status) if is_secret else None
        if reason:
            raise ForeignFileError(reason)
        content = _read(descriptor, limit_bytes)
        if not content and stat.S_ISFIFO(status.st_mode):
            raise OSError(errno.EPIPE, "it is a named pipe that nothing is written to")
        return content
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit_bytes: int) -> bytes:
    end_clock_s = time.monotonic() + PIPE_TIMEOUT_S
    content = bytearray()
    while len(content) <= limit_bytes:
        try:
            piece = os.read(descriptor, min(_PIECE_BYTES, limit_bytes + 1 - len(content)))
        except BlockingIOError:
            left_s = end_clock_s - time.monotonic()
            if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
                reason = f"nothing more came within {PIPE_TIMEOUT_S:g} s"
                raise TimeoutError(errno.ETIMEDOUT, reason) from None
            continue
        if not piece:
            break
        content += piece
    return bytes(content)


def without_final_line_end(text: str) -> str:
    """The text less one final line end (LF or CRLF) of a file or a command's output."""
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def distrust(status: os.stat_result) -> str | None:
    """Why a file with secrets cannot be trusted, as the end of a sentence; None if it can.

    Devices may be written by all: `/dev/null` or a terminal contains nothing of another user.
    """
    if not HAS_OWNERS:
        return None
    owner = describe_owner(status.st_uid)
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in (0, _own_uid()):
        return (
            f"it belongs to {owner} and has mode {mode:04o}, so that user could have written anything into it; "
            f"expected a file of {_trusted_owners()}: run chown on it, then chmod 600"
        )
    writers = who_else_may(status, "write")
    if writers and not stat.S_ISCHR(status.st_mode):
        return f"it may be written by {writers} (owner {owner}, mode {mode:04o}): run chmod 600 on it"
    return None


def warning_of_writers(path: str) -> str | None:
    """A warning about a file without secrets that another user may write; None if there is none, or it is not there."""
    if not HAS_OWNERS:
        return None
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    mode = stat.S_IMODE(status.st_mode)
    writers = who_else_may(status, "write") if stat.S_ISREG(status.st_mode) else None
    if writers:
        return f"may be written by {writers} (owner {describe_owner(status.st_uid)}, mode {mode:04o}); run chmod go-w"
    if status.st_uid not in (0, _own_uid()):
        return (
            f"belongs to {describe_owner(status.st_uid)} and has mode {mode:04o}, who may change what SFR does; "
            f"run chown, so that it belongs to {_trusted_owners()}"
        )
    return None


def who_else_may(status: os.stat_result, what: str, *, group_counts: bool = True) -> str | None:
    """`its group`, `all users` or both, if they may `read` or `write` the file; None if neither may."""
    group_bit, others_bit = (stat.S_IRGRP, stat.S_IROTH) if what == "read" else (stat.S_IWGRP, stat.S_IWOTH)
    others = [("its group", group_bit)] if group_counts else []
    others.append(("all users", others_bit))
    names = [name for name, bit in others if status.st_mode & bit]
    return " and ".join(names) or None


def _trusted_owners() -> str:
    me = _own_uid()
    return describe_owner(me) if me == 0 else f"{describe_owner(me)}, who runs SFR, or of root"


def describe_owner(uid: int) -> str:
    """A user as messages name it: `mallory (uid 1001)`, or `uid 1001` where it has no name."""
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):
            return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    return f"uid {uid}"


def _own_uid() -> int:
    uid = 0
    if sys.platform != "win32":
        uid = os.geteuid()
    return uid
