"""Log-in method `refresh_token`: a token that a person once authorised, exchanged for an access token at every log-in.

Salesforce may give a new refresh token each time and forget the old one. So the token file is read anew and written
back under a lock (`<token_file>.lock`), before the new session is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sfr.auth.grants import Grant, LogInContext
from sfr.auth.oauth import TOKEN_PATH, request_grant
from sfr.auth.token_shapes import checked_pasted_token, token_in_file
from sfr.config.fields import option
from sfr.config.file_trust import read_trusted
from sfr.errors import LogInError
from sfr.network.exchange import interruption
from sfr.redaction import Secret
from sfr.wording import quoted

#: Longest wait for another program's log-in with the same token, seconds.
LOCK_TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.1
LARGEST_FILE_BYTES = 65_536
#: Only the owner may read a token.
TOKEN_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class RefreshTokenSettings:
    """`salesforce.auth.refresh_token`."""

    client_id: str = option("The app's consumer key.")
    token_file: str = option(
        "File that holds the refresh token. A new token is written back to it, so its directory has to be writable.",
        is_secret_file=True,
    )
    client_secret: Secret | None = option("The app's consumer secret, if it asks for one.", default=None)


def log_in(settings: RefreshTokenSettings, context: LogInContext) -> Grant:
    """Exchange the refresh token and keep a new one. Raises LogInError, ReportError."""
    path = Path(os.path.realpath(settings.token_file))
    _check_writable(path)
    with _locked(path, lambda: context.transport.is_aborted):
        name = f"The token file {quoted(str(path), 300)}"
        token = checked_pasted_token(token_in_file(_read(path), name), name, is_refresh_token=True).reveal()
        context.redactor.add(token, settings.client_secret)
        form = {"grant_type": "refresh_token", "client_id": settings.client_id, "refresh_token": token}
        if settings.client_secret:
            form["client_secret"] = settings.client_secret.reveal()
        grant, answer = request_grant(context, context.domain + TOKEN_PATH, form, method="refresh_token")
        new_token = answer.get("refresh_token")
        if isinstance(new_token, str) and new_token not in ("", token):
            _keep(path, f"{new_token}\n")
    return grant


def _check_writable(path: Path) -> None:
    """A new token that cannot be stored would be the last log-in: so this comes before the request."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise LogInError(
            f"The directory of the token file {quoted(str(path), 300)} is not writable (or not there), so a new "
            "refresh token could not be stored. Put the file into a directory that the user running SFR may write to."
        )


def _read(path: Path) -> bytes:
    try:
        return read_trusted(str(path), LARGEST_FILE_BYTES)[:LARGEST_FILE_BYTES]
    except OSError as error:
        raise LogInError(
            f"The refresh token cannot be read from {quoted(str(path), 300)}: {error.strerror}. "
            "Check `salesforce.auth.refresh_token.token_file`."
        ) from error


def _keep(path: Path, content: str) -> None:
    from sfr.files.atomic import write_atomically

    try:
        write_atomically(str(path), content.encode(), TOKEN_FILE_MODE)
    except OSError as error:
        raise LogInError(
            f"Salesforce gave a new refresh token, which cannot be stored in {quoted(str(path), 300)} "
            f"({error.strerror}); the old one may be void now. Mend the directory, authorise the app again and write "
            "the new token to the file."
        ) from error


@contextmanager
def _locked(path: Path, is_stopped: Callable[[], bool], timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold `<token_file>.lock`; it stays behind empty, for removing a lock file races with the next holder."""
    from sfr.files.trusted import open_lock

    lock_path = f"{path}.lock"
    try:
        descriptor = open_lock(lock_path)
    except OSError as error:
        raise LogInError(
            f"The lock {quoted(lock_path, 300)} cannot be made: {error.strerror}. Put the token file into a directory "
            "that the user running SFR may write to."
        ) from error
    try:
        end_clock_s = time.monotonic() + timeout_s
        while not _try_lock(descriptor, lock_path):
            if is_stopped():
                raise interruption()
            if time.monotonic() >= end_clock_s:
                raise LogInError(
                    f"Another program has held {quoted(lock_path, 300)} for {timeout_s:g} s; it logs in with the same "
                    "token. Wait for it, or give each program a token of its own."
                )
            time.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, path: str) -> bool:
    from sfr.files.locking import try_lock

    try:
        return try_lock(descriptor, path)
    except OSError as error:
        raise LogInError(
            f"The token file cannot be locked by {quoted(path, 300)}: {error.strerror}. Keep it on a local disk."
        ) from error
