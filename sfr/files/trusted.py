"""Opens every file that SFR makes or finds, so that nobody who may write to its directory can put another in its place.

    make            temporaries, spool files, probes: new, under a name with a random part
    open_found      what a run has left under a name that others can guess: a regular file of ours with one name
    open_or_make    the same, made if missing: log, history
    open_lock       the same, and nobody else's to open: who may open a file may hold its lock
    open_report     a report file, which may be a link and anybody's: regular, and never waited for
    own_directory   `.sfr`: a real directory of ours that nobody else may write to

"Ours" is what belongs to the user running SFR, to root, or to whomever the file system makes the owner of files that we
make there (SMB, exFAT, NFS that maps all users to one). Does not look at what a file holds, and does not guard the
directories above: they, and files that the user names in the configuration, may pass symbolic links.

Raises OSError; `UntrustedFileError` where there is something else than a file of ours, which is then left untouched.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from sfr.files.errors import UntrustedFileError
from sfr.files.unsupported import SET_MODE, attempt

#: Files are private: history and notes name an org's reports.
PRIVATE_MODE = 0o600
DIRECTORY_MODE = 0o750
LOG_MODE = 0o640
#: A random name that is taken is no accident by then.
LARGEST_ATTEMPTS = 8

#: Windows has none but O_BINARY, without which files would be text there.
_COMMON = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_MADE = _COMMON | _NO_LINK | os.O_CREAT | os.O_EXCL
#: Opening a pipe would else wait for its other end.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FOUND = _COMMON | _NO_LINK | _NO_WAIT
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISREG, "a regular file"),
)
_REMEDY = "Find out who put it there and who may write to its directory, then remove it."


def random_part() -> str:
    """What nobody can guess, as part of a file's name."""
    return os.urandom(8).hex()


def make(start: str, ending: str = ".part") -> tuple[int, str]:
    """A new private file, open for reading and writing, and its path: `start`, a random part, `ending`."""
    path = start
    for _ in range(LARGEST_ATTEMPTS):
        path = f"{start}{random_part()}{ending}"
        try:
            return _made(path, os.O_RDWR, PRIVATE_MODE), path
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def open_found(path: str, flags: int = os.O_RDONLY, *, largest_bytes: int | None = None) -> int:
    """Open a file of ours that is there. Raises FileNotFoundError, UntrustedFileError, OSError."""
    try:
        descriptor = os.open(path, flags | _FOUND)
    except OSError as error:
        raise _explained(error, path) from error
    try:
        check_found(os.fstat(descriptor), path, largest_bytes)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_or_make(path: str, flags: int, mode: int = PRIVATE_MODE) -> int:
    """Open a file of ours under a name that stays the same; made with these permissions if it is missing."""
    for _ in range(LARGEST_ATTEMPTS):
        try:
            return open_found(path, flags)
        except FileNotFoundError:
            pass
        try:
            return _made(path, flags, mode)
        except FileExistsError:  # made by another in between: to be looked at like any that is found
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def open_lock(path: str) -> int:
    """Open a lock file of ours, made if it is missing, to be read and written; it is private then."""
    descriptor = open_or_make(path, os.O_RDWR, PRIVATE_MODE)
    if os.fstat(descriptor).st_uid == _own_uid():
        with suppress(OSError):
            _give_mode(descriptor, path, PRIVATE_MODE)
    return descriptor


def read_found(path: str, largest_bytes: int) -> bytes:
    """What a file of ours holds that nobody else may write to."""
    with open(open_found(path, largest_bytes=largest_bytes), "rb", buffering=0) as file:
        check_unwritable(os.fstat(file.fileno()), path, os.path.dirname(path) or ".")
        return file.read(largest_bytes)


def open_report(path: str) -> int:
    """Open a regular file for reading, whoever owns it; links are followed, a pipe is an error."""
    descriptor = os.open(path, os.O_RDONLY | _COMMON | _NO_WAIT)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _untrusted(f"it is {_kind(status)}, where a report file was expected", path)
    return descriptor


def check_found(status: os.stat_result, path: str, largest_bytes: int | None = None) -> None:
    """Raise UntrustedFileError unless this is the status of a regular file of ours with one name."""
    if not stat.S_ISREG(status.st_mode):
        raise _untrusted(f"it is {_kind(status)}, where SFR keeps a regular file", path)
    if not is_ours(status, os.path.dirname(path) or "."):
        raise _untrusted(f"it belongs to {_user(status.st_uid)}, not to {_user(_own_uid())}, who runs SFR", path)
    if status.st_nlink > 1:
        raise _untrusted("it is a hard link to a file that has other names too", path)
    if largest_bytes is not None and status.st_size > largest_bytes:
        raise _untrusted(f"it has {status.st_size:,} bytes, where {largest_bytes:,} are the most", path)


def is_ours(status: os.stat_result, directory: str) -> bool:
    """Whether it belongs to us, root, or to whom the file system gives what we make in this directory."""
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
    if os.name != "nt":
        descriptor = _open_directory(path)
        try:
            _give_mode(descriptor, path, mode)
        finally:
            os.close(descriptor)


def own_directory(path: str) -> None:
    """Make `path` a directory that is ours and that nobody else may write to, or raise UntrustedFileError.

    One that others may write to loses that permission. Where the file system takes no permissions it is used as it is.
    """
    try:
        make_directories(path)
    except FileExistsError as error:
        raise _explained(error, path, is_directory=True) from error
    if os.name == "nt":
        return
    descriptor = _open_directory(path)
    try:
        status = os.fstat(descriptor)
        if not is_ours(status, path):
            raise _untrusted(f"it belongs to {_user(status.st_uid)}, not to {_user(_own_uid())}, who runs SFR", path)
        if status.st_mode & _OTHERS_MAY_WRITE:
            _give_mode(descriptor, path, stat.S_IMODE(status.st_mode) & ~(_OTHERS_MAY_WRITE | stat.S_IRWXO))
            check_unwritable(os.fstat(descriptor), path, path)
    finally:
        os.close(descriptor)


def check_unwritable(status: os.stat_result, path: str, directory: str) -> None:
    """Raise UntrustedFileError if others may write to what lies at `path`, by permissions that mean something.

    directory: of the same file system, where we may make files.
    """
    if status.st_mode & _OTHERS_MAY_WRITE and os.name != "nt" and _file_system(directory)[1]:
        mode = stat.S_IMODE(status.st_mode)
        raise UntrustedFileError(
            errno.EPERM, f"others may write to it (mode {mode:04o})", path, f"Run chmod go-w {path}."
        )


def _made(path: str, flags: int, mode: int) -> int:
    descriptor = os.open(path, flags | _MADE, mode)
    try:
        _give_mode(descriptor, path, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _give_mode(descriptor: int, path: str, mode: int) -> None:
    """Permissions as asked for, where the umask took some; the group that a directory hands on stays."""
    status = os.fstat(descriptor)
    if stat.S_IMODE(status.st_mode) & 0o777 != mode & 0o777 and hasattr(os, "fchmod"):
        wanted = mode | (status.st_mode & (stat.S_ISGID | stat.S_ISVTX))
        attempt(SET_MODE, path, lambda: os.fchmod(descriptor, wanted))


def _open_directory(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | _COMMON | _NO_LINK)
    except OSError as error:
        raise _explained(error, path, is_directory=True) from error


def _file_system(directory: str) -> tuple[int, bool]:
    """Who owns what we make in this directory, and whether permissions mean anything there; found out by a file."""
    try:
        descriptor, path = make(os.path.join(directory, ".sfr-probe-"))
    except OSError:
        return _own_uid(), True
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
        os.unlink(path)
    return status.st_uid, not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def _explained(error: OSError, path: str, *, is_directory: bool = False) -> OSError:
    """An error of opening, in words where what lies there is the reason."""
    try:
        status = os.lstat(path)
        if not is_directory:
            check_found(status, path)
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
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _user(uid: int) -> str:
    try:
        import pwd

        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except (ImportError, KeyError):
        return f"uid {uid}"
