"""Looks at the files that hold secrets: they must be there, and should be nobody else's to read. Opens none of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from sfr.config.problems import Problems
from sfr.config.schema import SchemaReader
from sfr.wording import listed, quoted


def check_file(path: str, file: str, problems: Problems) -> None:
    """Note a problem of the key path if the file it names cannot be read."""
    reason = None
    try:
        if stat.S_ISDIR(os.stat(file).st_mode):
            reason = "is a directory"
        elif not os.access(file, os.R_OK):
            reason = "may not be read by this user"
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

    credentials_directory: systemd lends the files there to a unit's user by an access list, which shows as permissions
    of the group (mode 0440), so only everybody else's count.
    """
    if os.name != "posix":
        return
    is_lent = bool(credentials_directory) and os.path.dirname(os.path.abspath(file)) == os.path.abspath(
        credentials_directory or ""
    )
    mask = stat.S_IROTH if is_lent else stat.S_IRGRP | stat.S_IROTH
    try:
        mode = stat.S_IMODE(os.stat(file).st_mode)
    except OSError:
        return
    readers = [who for who, bit in (("its group", stat.S_IRGRP), ("all users", stat.S_IROTH)) if mode & bit & mask]
    if readers:
        who = " and ".join(readers)
        yield f"{before}{quoted(file, 300)} may be read by {who} (mode {mode:04o}); run chmod 600 on it"
