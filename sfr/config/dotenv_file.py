"""Reads a `.env` file; changes no environment, so that workers do not inherit its secrets."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

from sfr.config.file_trust import ForeignFileError, read_trusted
from sfr.errors import ConfigurationError
from sfr.wording import shown

DEFAULT_ENV_FILE = ".env"
LARGEST_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a `.env` file holds."""

    values: Mapping[str, str]
    #: What was read; None if there is no default `.env`.
    path: str | None = None
    #: Sentences about lines that could not be understood.
    warnings: tuple[str, ...] = ()


def read_env_file(path: str | None) -> EnvFile:
    """Read the file at `path`, or `.env` of the working directory, which alone may be missing.

    Values are taken literally: no `$` is interpolated; quote values that hold ` #` or spaces at an end. A name without
    `=` has no value. Raises ConfigurationError for a file that is missing, unreadable, not UTF-8, or that another
    user could have written.
    """
    read_from = DEFAULT_ENV_FILE if path is None else path
    label = shown(read_from, 300)
    try:
        raw = read_trusted(read_from, LARGEST_FILE_BYTES)
    except FileNotFoundError as error:
        if path is None:
            return EnvFile({})
        raise ConfigurationError(f"{label}: there is no such file; expected the file that --env-file names") from error
    except ForeignFileError as error:
        raise ConfigurationError(f"{label}: cannot be trusted: {error.strerror}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"{label}: cannot be read: {reason}; expected lines of NAME=value") from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"{label}: is larger than {LARGEST_FILE_BYTES:,} bytes; expected lines of NAME=value")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{label}:{line}: is not UTF-8 text; save it as UTF-8") from error
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text)))
    warnings = tuple(
        f"{label}:{binding.original.line}: is ignored; expected NAME=value, with closed quotes"
        for binding in bindings
        if binding.error
    )
    values = {binding.key: binding.value for binding in bindings if binding.key and binding.value is not None}
    return EnvFile(values, read_from, warnings)
