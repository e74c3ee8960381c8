"""Reads the file with a log-in method's secret: a key, a session id or a token."""

from __future__ import annotations

from sfr.errors import LogInError
from sfr.storage.user_files import read_trusted
from sfr.wording import quoted

#: No key or token is nearly as long; a larger file is some other file.
MAX_SECRET_BYTES = 65_536


def read_secret_file(path: str, what: str, key: str) -> bytes:
    """The content of the file. what: the secret, for messages. key: the option that names the file.

    Raises LogInError if it cannot be read or trusted, or is too large; see `read_trusted`.
    """
    name = quoted(path, 300)
    try:
        content = read_trusted(path, MAX_SECRET_BYTES)
    except OSError as error:
        raise LogInError(f"The {what} cannot be read from {name}: {error.strerror}. Check `{key}`.") from error
    if len(content) > MAX_SECRET_BYTES:
        raise LogInError(f"{name} is too large for a {what}. Check `{key}`.")
    return content
