"""Checks existence and permissions of secret files and other trusted files, without opening them."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Iterator

from sfr.config.file_tree import FileTree
from sfr.config.odd_values import doubt_about_value
from sfr.config.problems import Problems
from sfr.config.references import argument_secrets
from sfr.config.secret_values import SECRET_NAME
from sfr.config.settings import Config
from sfr.options.path_text import absolute_path
from sfr.options.tree import Findings, Scalar
from sfr.storage.user_files import HAS_OWNERS, distrust, warning_of_writers, who_else_may
from sfr.wording import listed, quoted

#: Longer names of files in the working directory, and longer paths, are taken for a pasted secret if nothing is there.
_MAX_NAME = 40
_MAX_PATH = 200


def check_files(findings: Findings, problems: Problems, may_be_missing: Collection[str] = ()) -> None:
    """Add a problem for every required file that is not readable, and for every secret file that others can write.

    may_be_missing: key paths whose file need not exist yet.
    """
    for name in (*findings.files, *findings.secret_files):
        is_later = name.path in may_be_missing and not os.path.lexists(absolute_path(name.text))
        if not is_later and not problems.is_bad(name.path):
            is_secret = name in findings.secret_files
            if is_secret and _may_be_content(name):
                problems.add(name.path, "there is no such file; expected the path of a file, not what the file holds")
            else:
                _check_file(name.path, absolute_path(name.text), problems, is_secret=is_secret)


def _may_be_content(name: Scalar) -> bool:
    """Whether a key or token itself seems to be given where its file is expected: no message may show it."""
    text = name.text
    is_one_word = "/" not in text and (len(text) > _MAX_NAME or any(map(SECRET_NAME.search, name.variables)))
    return (is_one_word or len(text) > _MAX_PATH or text.startswith("-----BEGIN")) and not os.path.lexists(
        absolute_path(text)
    )


def _check_file(path: str, file: str, problems: Problems, *, is_secret: bool) -> None:
    reason = None
    try:
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            reason = "is a directory"
        elif not os.access(file, os.R_OK):
            reason = "is not readable by this user"
        elif is_secret and (why := distrust(status)):
            problems.add(path, f"the file {quoted(file, 300)} cannot be trusted: {why}")
            return
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    if reason:
        problems.add(path, f"the file {quoted(file, 300)} {reason}; expected a readable file")


def warn_of_readable_files(file: FileTree, findings: Findings) -> Iterator[str]:
    """Warnings about readable secret files: key and token files, credentials."""
    lent = file.references.environ.get("CREDENTIALS_DIRECTORY")
    for name in findings.secret_files:
        if not file.problems.is_bad(name.path):
            yield from warn_if_readable(absolute_path(name.text), f"{name.path}: ", lent)
    for credential in sorted({path for scalar in file.scalars.values() for path in scalar.credentials}):
        yield from warn_if_readable(credential, "", lent)


def warn_of_literal_secrets(file: FileTree, findings: Findings) -> Iterator[str]:
    """Warnings about literal secrets in the configuration: pasted wrongly, or readable by others."""
    literal = [scalar for scalar in findings.secrets if scalar.text and scalar.text == scalar.written]
    for scalar in literal:
        doubt = doubt_about_value(scalar.text)
        if doubt:
            yield f"{scalar.path}: the value {doubt}"
    if literal and not findings.is_embedded_org:
        keys = listed(scalar.path for scalar in literal)
        yield from warn_if_readable(file.problems.file, f"{keys}: the configuration contains a secret; ")


def warn_if_readable(file: str, before: str, credentials_directory: str | None = None) -> Iterator[str]:
    """A warning if users other than the owner can read a file with secrets; none if that is unknown.

    Group permissions do not count if root shares the file through our group, nor in
    credentials_directory: systemd grants a unit's user access to these files by an ACL, which shows as permissions
    of the group (mode 0440).
    """
    if not HAS_OWNERS:
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
    """Whether root shares the file via our group (`root:sfr` 0640, Kubernetes secrets): 0600 would deny us access."""
    if sys.platform == "win32":
        return False
    else:  # noqa: RET505 - what type checkers leave out for Windows
        return status.st_uid == 0 != os.geteuid() and status.st_gid in (os.getegid(), *os.getgroups())


def warn_of_shown_secrets(findings: Findings) -> Iterator[str]:
    """Warnings about secrets in the arguments of configured programs."""
    for argument in findings.arguments:
        for name in argument_secrets(argument):
            yield (
                f"{argument.path}: `${{{name}}}` puts a secret into a program's arguments, which every user of this "
                "machine can read while it runs; have the program read it from standard input or from a file "
                "that only this user can read, such as ['sh', '-c', './program < secret-file']"
            )


def warn_of_writable_files(config: Config, config_file: str) -> Iterator[str]:
    """Warnings about files that control SFR, contain no secret, and are writable by another user."""
    yield from warn_if_writable(config_file)
    if config.salesforce.ca_bundle not in (None, "system"):
        yield from warn_if_writable(config.salesforce.ca_bundle, "salesforce.ca_bundle: ")
    if config.reports.list is not None:
        yield from warn_if_writable(config.reports.list, "reports.list: ")


def warn_if_writable(file: str, before: str = "") -> Iterator[str]:
    """A warning if another user can write the file."""
    warning = warning_of_writers(file)
    if warning:
        yield f"{before}{quoted(file, 300)} {warning}"
