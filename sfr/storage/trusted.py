"""Opens SFR's own files safely, so that another user who can write to their directory cannot substitute them.

    create_new        a new file under a fixed name: never one that is there already
    create_private    temporary files, spool files, probes: a new file with a random part in its name
    open_own          a file under a predictable name: must be a regular file of ours with a single hard link
    open_or_create    the same, created if missing: log, history
    open_lock         the same, private: whoever can open a file can hold its lock
    open_report       a report file, which may be a link and belong to anyone: must be regular, and never blocks
    secure_directory  `.sfr`: a real directory of ours that no other user may write to

"Ours" means owned by the user running SFR, by root, or by whomever the file system makes the owner of files that we
create there (SMB, exFAT, NFS that maps all users to one). Does not check the content, and does not protect the
directories above: those, and files named in the configuration, may involve symbolic links.

Raises OSError; `UntrustedFileError` if there is something else than a file of ours, which is then left untouched.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress

from sfr.storage.errors import UntrustedFileError
from sfr.storage.unsupported import SET_MODE, attempt

#: Files are private: history and cleanup records name an org's reports.
PRIVATE_MODE = 0o600
DIRECTORY_MODE = 0o750
LOG_MODE = 0o640
#: After this many random names that exist already, it is no accident.
MAX_ATTEMPTS = 8

#: Whether files belong to users and have permissions, as on POSIX.
_HAS_OWNERS = sys.platform != "win32"
#: Windows has only O_BINARY, without which files would be opened as text.
_COMMON = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_CREATE = _COMMON | _NO_LINK | os.O_CREAT | os.O_EXCL
#: Without these, opening a pipe would block until its other end is opened.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_OPEN = _COMMON | _NO_LINK | _NO_WAIT
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISREG, "a regular file"),
)
_REMEDY = "Find out who created it and who may write to its directory, then remove it."


def random_part() -> str:
    """An unpredictable part of a file's name."""
    return os.urandom(8).hex()


def create_private(start: str) -> tuple[int, str]:
    """Create a private file; returns its descriptor (read and write) and path: `start`, a random part, `.part`."""
    path = start
    for _ in range(MAX_ATTEMPTS):
        path = f"{start}{random_part()}.part"
        try:
            return _create(path, os.O_RDWR, PRIVATE_MODE), path
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def open_own(path: str, flags: int = os.O_RDONLY, *, max_bytes: int | None = None, most_links: int = 1) -> int:
    """Open an existing file of ours. Raises FileNotFoundError, UntrustedFileError, OSError."""
    try:
        descriptor = os.open(path, flags | _OPEN)
    except OSError as error:
        raise _explained(error, path) from error
    try:
        check_own(os.fstat(descriptor), path, max_bytes, most_links)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_or_create(path: str, flags: int, mode: int = PRIVATE_MODE) -> int:
    """Open a file of ours under a fixed name; created with these permissions if it is missing."""
    for _ in range(MAX_ATTEMPTS):
        try:
            return open_own(path, flags)
        except FileNotFoundError:
            pass
        try:
            return _create(path, flags, mode)
        except FileExistsError:  # created by another process in between: check it like any existing file
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def open_lock(path: str) -> int:
    """Open a lock file of ours for reading and writing, created if missing, and make it private."""
    descriptor = open_or_create(path, os.O_RDWR, PRIVATE_MODE)
    if os.fstat(descriptor).st_uid == _own_uid():
        with suppress(OSError):
            _set_mode(descriptor, path, PRIVATE_MODE)
    return descriptor


def read_own(path: str, max_bytes: int) -> bytes:
    """The content of a file of ours that no other user may write to."""
    with open(open_own(path, max_bytes=max_bytes), "rb", buffering=0) as file:
        check_unwritable(os.fstat(file.fileno()), path, os.path.dirname(path) or ".")
        return file.read(max_bytes)


def open_report(path: str) -> int:
    """Open a regular file of any owner for reading; links are followed, a pipe is an error."""
    descriptor = os.open(path, os.O_RDONLY | _COMMON | _NO_WAIT)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _untrusted(f"it is {_kind(status)}, but a report file was expected", path)
    return descriptor


def check_own(status: os.stat_result, path: str, max_bytes: int | None = None, most_links: int = 1) -> None:
    """Raise UntrustedFileError unless this is the status of a regular file of ours with (usually) one hard link."""
    if not stat.S_ISREG(status.st_mode):
        raise _untrusted(f"it is {_kind(status)}, but SFR keeps a regular file there", path)
    if not is_ours(status, os.path.dirname(path) or "."):
        raise _untrusted(f"it belongs to {_user(status.st_uid)}, not to {_user(_own_uid())}, who runs SFR", path)
    if status.st_nlink > most_links:
        raise _untrusted("it is a hard link, with other names elsewhere", path)
    if max_bytes is not None and status.st_size > max_bytes:
        raise _untrusted(f"it has {status.st_size:,} bytes, more than the limit of {max_bytes:,}", path)


def is_ours(status: os.stat_result, directory: str) -> bool:
    """Whether it belongs to us, to root, or to the owner that the file system gives our files in this directory."""
    return status.st_uid in (_own_uid(), 0) or status.st_uid == _file_system(directory)[0]


def make_directories(path: str, mode: int = DIRECTORY_MODE) -> None:
    """Make the directory and those above it that are missing, with these permissions whatever the umask."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path.rstrip("/"))
    if above and above != path:
        make_directories(above, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return
    if _HAS_OWNERS:
        descriptor = _open_directory(path)
        try:
            _set_mode(descriptor, path, mode)
        finally:
            os.close(descriptor)


def secure_directory(path: str) -> None:
    """Make `path` a directory of ours that no other user may write to, or raise UntrustedFileError.

    Write permission of others is removed. If the file system does not support permissions, it is used as it is.
    """
    try:
        make_directories(path)
    except FileExistsError as error:
        raise _explained(error, path, is_directory=True) from error
    if not _HAS_OWNERS:
        return
    descriptor = _open_directory(path)
    try:
        status = os.fstat(descriptor)
        if not is_ours(status, path):
            raise _untrusted(f"it belongs to {_user(status.st_uid)}, not to {_user(_own_uid())}, who runs SFR", path)
        if status.st_mode & _OTHERS_MAY_WRITE:
            _set_mode(descriptor, path, stat.S_IMODE(status.st_mode) & ~(_OTHERS_MAY_WRITE | stat.S_IRWXO))
            check_unwritable(os.fstat(descriptor), path, path)
    finally:
        os.close(descriptor)


def check_unwritable(status: os.stat_result, path: str, directory: str) -> None:
    """Raise UntrustedFileError if others may write to the file or directory, on a file system with real permissions.

    directory: on the same file system, where SFR may create files.
    """
    if status.st_mode & _OTHERS_MAY_WRITE and _HAS_OWNERS and _file_system(directory)[1]:
        mode = stat.S_IMODE(status.st_mode)
        raise UntrustedFileError(
            errno.EPERM, f"others may write to it (mode {mode:04o})", path, f"Run chmod go-w {path}."
        )


def create_new(path: str, mode: int) -> int:
    """Create a file with these permissions; returns its descriptor. Raises FileExistsError if the name is taken."""
    return _create(path, os.O_RDWR, mode)


def _create(path: str, flags: int, mode: int) -> int:
    descriptor = os.open(path, flags | _CREATE, mode)
    try:
        _set_mode(descriptor, path, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _set_mode(descriptor: int, path: str, mode: int) -> None:
    """Set the requested permissions regardless of the umask; keeps setgid and sticky bits."""
    status = os.fstat(descriptor)
    if stat.S_IMODE(status.st_mode) & 0o777 != mode & 0o777 and sys.platform != "win32":
        wanted = mode | (status.st_mode & (stat.S_ISGID | stat.S_ISVTX))
        attempt(SET_MODE, path, lambda: os.fchmod(descriptor, wanted))


def _open_directory(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _COMMON | _NO_LINK)
    except OSError as error:
        raise _explained(error, path, is_directory=True) from error


def _file_system(directory: str) -> tuple[int, bool]:
    """The owner of files that we create in this directory, and whether it has real permissions; checked by a probe."""
    try:
        descriptor, path = create_private(os.path.join(directory, ".sfr-probe-"))
    except OSError:
        return _own_uid(), True
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
        os.unlink(path)
    return status.st_uid, not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _explained(error: OSError, path: str, *, is_directory: bool = False) -> OSError:
    """The error of a failed open, explained if the kind of file is the reason."""
    try:
        status = os.lstat(path)
        if not is_directory:
            check_own(status, path)
        elif not stat.S_ISDIR(status.st_mode):
            return _untrusted(f"it is {_kind(status)}, where SFR keeps a directory of its own", path)
    except UntrustedFileError as reason:
        return reason
    except OSError:
        pass
    return error


def _untrusted(reason: str, path: str) -> UntrustedFileError:
    return UntrustedFileError(errno.EPERM, reason, path, _REMEDY)


def _kind(status: os.stat_result) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "a device")


def _own_uid() -> int:
    uid = 0
    if sys.platform != "win32":
        uid = os.geteuid()
    return uid


def _user(uid: int) -> str:
    if sys.platform != "win32":
        import pwd

        with suppress(KeyError):
            return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    return f"uid {uid}"
