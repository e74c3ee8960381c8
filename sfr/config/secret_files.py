"""Looks at the files that hold secrets: there, nobody else's to write, and better nobody else's to read. Opens none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from sfr.config.file_trust import distrust, warning_of_writers, who_else_may
from sfr.config.problems import Problems
from sfr.config.schema import SchemaReader
from sfr.config.settings import Config
from sfr.wording import listed, quoted


def check_file(path: str, file: str, problems: Problems, *, is_secret: bool = False) -> None:
    """Note a problem of the key path if the file it names cannot be read, or is a secret that others may write."""
    reason = None
    try:
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            reason = "is a directory"
        elif not os.access(file, os.R_OK):
            reason = "may not be read by this user"
        elif is_secret and (why := distrust(status)):
            problems.add(path, f"the file {quoted(file, 300)} cannot be trusted: {why}")
            return
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    if reason:
        problems.add(path, f"the file {quoted(file, 300)} {reason}; expected a readable file")


def warn_of_readable_files(reader: SchemaReader, config_file: str, *, is_demo: bool) -> Iterator[str]:
    """Warnings about the files that hold secrets: key and token files, credentials, the configuration itself."""
    for path, file in reader.secret_files:
        yield from warn_if_readable(file, f"{path}: ", reader.credentials_directory)
    for file in sorted(reader.credential_files):
        yield from warn_if_readable(file, "", reader.credentials_directory)
    if reader.literal_secrets and not is_demo:
        keys = listed(reader.literal_secrets)
        yield from warn_if_readable(config_file, f"{keys}: a secret stands in the configuration; ")


def warn_if_readable(file: str, before: str, credentials_directory: str | None = None) -> Iterator[str]:
    """A warning if others than the owner may read a file with secrets; none if it cannot be told.

    Only everybody else's permissions count where root hands a file out through our group, and in
    credentials_directory: systemd lends the files there to a unit's user by an access list, which shows as permissions
    of the group (mode 0440).
    """
    if os.name != "posix":
        return
    is_lent = bool(credentials_directory) and os.path.dirname(os.path.abspath(file)) == os.path.abspath(
        credentials_directory or ""
    )
    try:
        status = os.stat(file)
    except OSError:
        return
    readers = who_else_may(status, "read", group_counts=not is_lent and not _is_handed_to_us(status))
    if readers:
        mode = stat.S_IMODE(status.st_mode)
        yield f"{before}{quoted(file, 300)} may be read by {readers} (mode {mode:04o}); run chmod 600 on it"


def _is_handed_to_us(status: os.stat_result) -> bool:
    """Whether root gives us the file through our group (`root:sfr` 0640, secrets of Kubernetes): 0600 would take it."""
    return status.st_uid == 0 != os.geteuid() and status.st_gid in (os.getegid(), *os.getgroups())


def warn_of_shown_secrets(reader: SchemaReader) -> Iterator[str]:
    """Warnings about secrets that a configured program gets as arguments."""
    for path, name in reader.shown_secrets:
        yield (
            f"{path}: `${{{name}}}` brings a secret into a program's arguments, which every user of this machine can "
            "read while it runs; better let the program read it from its standard input or from a file that only this "
            "user may read, such as ['sh', '-c', './program < secret-file']"
        )


def warn_of_writable_files(config: Config, config_file: str) -> Iterator[str]:
    """Warnings about files that decide what SFR does, hold no secret, and are another user's to write."""
    yield from warn_if_writable(config_file)
    if config.salesforce.ca_bundle not in (None, "system"):
        yield from warn_if_writable(config.salesforce.ca_bundle, "salesforce.ca_bundle: ")
    if config.reports.list is not None:
        yield from warn_if_writable(config.reports.list, "reports.list: ")


def warn_if_writable(file: str, before: str = "") -> Iterator[str]:
    """A warning if another user may write the file."""
    warning = warning_of_writers(file)
    if warning:
        yield f"{before}{quoted(file, 300)} {warning}"
