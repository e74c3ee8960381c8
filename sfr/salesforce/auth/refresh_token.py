"""Log-in method `refresh_token`: a token that a person once authorised, exchanged for an access token at every log-in.

Salesforce may issue a new refresh token each time and invalidate the old one. So the token file is read at every
log-in, and written back before the new session is used, both under a lock (`<token_file>.lock`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from sfr.errors import LogInError
from sfr.options.section import Section
from sfr.options.types import SecretFile, SecretText, Text
from sfr.salesforce.auth.grants import Grant, LogInContext
from sfr.salesforce.auth.oauth import TOKEN_PATH, request_grant
from sfr.salesforce.auth.secret_file import read_secret_file
from sfr.salesforce.auth.token_shapes import checked_pasted_token, token_in_file
from sfr.salesforce.http.live_sockets import interruption
from sfr.wording import quoted

#: Longest wait for another program's log-in with the same token, seconds.
LOCK_TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.1
#: Only the owner may read a token.
TOKEN_FILE_MODE = 0o600


class RefreshTokenSettings(Section):
    """`salesforce.auth.refresh_token`."""

    client_id: Text = Field(description="The app's consumer key.")
    token_file: SecretFile = Field(
        description="File containing the refresh token. New tokens are written back to it, so its directory must be "
        "writable.",
    )
    client_secret: SecretText | None = Field(default=None, description="The app's consumer secret, if it requires one.")


def log_in(settings: RefreshTokenSettings, context: LogInContext) -> Grant:
    """Exchange the refresh token; store a new one if Salesforce returns it. Raises LogInError, ReportError."""
    path = Path(os.path.realpath(settings.token_file))
    check_writable(path)
    with token_lock(path, lambda: context.transport.is_aborted):
        name = f"The token file {quoted(str(path), 300)}"
        content = read_secret_file(str(path), "refresh token", "salesforce.auth.refresh_token.token_file")
        token = checked_pasted_token(token_in_file(content, name), name, is_refresh_token=True).reveal()
        context.redactor.add(token)
        form = {"grant_type": "refresh_token", "client_id": settings.client_id, "refresh_token": token}
        if settings.client_secret:
            form["client_secret"] = settings.client_secret.reveal()
        grant, answer = request_grant(context, context.domain + TOKEN_PATH, form, method="refresh_token")
        new_token = answer.get("refresh_token")
        if isinstance(new_token, str) and new_token not in ("", token):
            keep_token(path, new_token)
    return grant


def check_writable(path: Path) -> None:
    """Checked before the request: if a new token could not be stored, no further log-in would be possible."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise LogInError(
            f"The directory of the token file {quoted(str(path), 300)} is not writable (or does not exist), so a "
            "new refresh token could not be stored. Put the file in a directory that the user running SFR may write to."
        )


def keep_token(path: Path, token: str) -> None:
    """Store a refresh token in place of the old one, readable by its owner only. Raises LogInError."""
    from sfr.storage.atomic import write_atomically

    try:
        write_atomically(str(path), f"{token}\n".encode(), TOKEN_FILE_MODE)
    except OSError as error:
        raise LogInError(
            f"Salesforce issued a new refresh token, which cannot be stored in {quoted(str(path), 300)} "
            f"({error.strerror}); the old one may no longer be valid. Fix the directory, authorise the app again and "
            "write the new token to the file."
        ) from error


@contextmanager
def token_lock(path: Path, is_stopped: Callable[[], bool], timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """Hold `<token_file>.lock`; the empty file is left, since removing a lock file races with the next holder."""
    from sfr.storage.trusted import open_lock

    lock_path = f"{path}.lock"
    try:
        descriptor = open_lock(lock_path)
    except OSError as error:
        raise LogInError(
            f"The lock {quoted(lock_path, 300)} cannot be created: {error.strerror}. Put the token file in a "
            "directory that the user running SFR may write to."
        ) from error
    try:
        end_clock_s = time.monotonic() + timeout_s
        while not _try_lock(descriptor, lock_path):
            if is_stopped():
                raise interruption()
            if time.monotonic() >= end_clock_s:
                raise LogInError(
                    f"Another program has held {quoted(lock_path, 300)} for {timeout_s:g} s; it logs in with the same "
                    "token. Wait for it to finish, or give each program its own token."
                )
            time.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, path: str) -> bool:
    from sfr.storage.locking import try_lock

    try:
        return try_lock(descriptor, path)
    except OSError as error:
        raise LogInError(
            f"The token file cannot be locked with {quoted(path, 300)}: {error.strerror}. Keep it on a local disk."
        ) from error
