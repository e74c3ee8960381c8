"""Writes the files of a set-up, each whole or not at all. Existing files are kept, unless `--force` is given."""

from __future__ import annotations

import contextlib
import os

from sfr.commands.setup.answers import SCHEMA_PATH, Answers, SetupFiles
from sfr.config.dotenv_file import read_env_file
from sfr.errors import UsageError
from sfr.storage.atomic import write_atomically, write_new
from sfr.storage.trusted import make_directories
from sfr.wording import quoted

SECRET_MODE = 0o600
FILE_MODE = 0o640


def write_file(path: str, text: str, mode: int = FILE_MODE, *, force: bool) -> bool:
    """Write a file; False if it exists and is kept. Raises UsageError if it cannot be written."""
    data = text.encode()
    try:
        if os.path.dirname(path):
            make_directories(os.path.dirname(path))
        if force:
            write_atomically(path, data, mode)
            return True
        with contextlib.suppress(FileExistsError):
            write_new(path, data, mode)
            return True
    except OSError as error:
        raise UsageError(f"{quoted(path, 300)} cannot be written: {error.strerror}.") from error
    return False


def check_places(files: SetupFiles) -> None:
    """Raise UsageError if a file of the set-up could not be written in the end. Writes nothing."""
    for path in (files.config, files.list, files.env):
        place = os.path.dirname(path)
        if not os.path.lexists(place):
            place = ""
        elif not os.path.isdir(place):
            raise UsageError(f"{quoted(place)} is not a directory; {quoted(path)} has to be written there.")
        if not os.access(place or ".", os.W_OK | os.X_OK):
            raise UsageError(
                f"{quoted(path)} cannot be written: the directory {quoted(os.path.abspath(place), 300)} is read-only "
                "for this user. Run sfr init in a directory of your own."
            )


def write_set_up(answers: Answers, list_text: str | None, *, force: bool) -> tuple[list[str], list[str]]:
    """Write the files, the configuration last; returns those written and those kept. list_text: None = none.

    Raises UsageError.
    """
    from sfr.config.json_schema import schema_text

    files = answers.files
    if not force:
        _check_kept_secrets(answers)
    contents = [
        (files.env, answers.env_text(), SECRET_MODE),
        (SCHEMA_PATH, schema_text(), FILE_MODE),
        *([(files.list, list_text, FILE_MODE)] if list_text is not None else []),
        (files.config, answers.config_text(), FILE_MODE),
    ]
    written: list[str] = []
    kept: list[str] = []
    for path, text, mode in contents:
        (written if write_file(path, text, mode, force=force) else kept).append(path)
    return written, kept


def _check_kept_secrets(answers: Answers) -> None:
    """Raise UsageError if an existing file of secrets, which is kept, lacks those of this log-in."""
    path = answers.files.env
    if not os.path.lexists(path):
        return
    found = read_env_file(path, may_be_missing=True).values
    lacking = [name for name, secret in answers.secrets.items() if found.get(name) != secret.reveal()]
    if lacking:
        raise UsageError(
            f"{quoted(path)} exists and is kept, but does not contain the {', '.join(lacking)} of this log-in. Remove "
            "it, or run the same command with --force, which overwrites the files; --name makes another set-up."
        )
