"""Reads a `.env` file without changing the environment, so workers do not inherit its secrets."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.config.text_file import NotTextError, decode_text
from sfr.errors import ConfigurationError
from sfr.options.path_text import expand_path
from sfr.storage.user_files import ForeignFileError, read_trusted
from sfr.wording import quoted, shown

if TYPE_CHECKING:
    from dotenv.parser import Binding

    from sfr.config.dotenv_lines import IgnoredLine

DEFAULT_ENV_FILE = ".env"
MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The contents of a `.env` file."""

    values: Mapping[str, str]
    #: The file read; None if there is no default `.env`.
    path: str | None = None
    #: Warnings about lines that could not be parsed.
    warnings: tuple[str, ...] = ()
    #: Lines that set no variable.
    ignored: tuple[IgnoredLine, ...] = ()

    def hint_about(self, name: str) -> str:
        """A hint about a variable that the file does not define: empty, or ` (… is ignored: …)`."""
        label = shown(self.path or DEFAULT_ENV_FILE, 300)
        naming = [line for line in self.ignored if line.names(name)]
        if naming:
            return f" ({label}:{naming[0].line} names it, but is ignored: {naming[0].reason}; expected {name}=value)"
        if self.ignored:
            lines = ", ".join(str(line.line) for line in self.ignored[:10])
            return f" (ignored in {label}: line {lines})"
        return ""


def read_env_file(path: str | None, *, may_be_missing: bool = False) -> EnvFile:
    r"""Read the file at `path`, or `.env` of the working directory, which may be missing.

    No `$` is interpolated; values without quotes are taken literally, less ` #` and what follows, and blanks around.
    In double quotes python-dotenv decodes escapes such as `\n`, in single quotes only `\'` and `\\`. A name without
    `=` has no value. Raises ConfigurationError for a file that is missing, unreadable, not UTF-8, or that another user
    could have written.
    """
    read_from = DEFAULT_ENV_FILE if path is None else _expand(path)
    label = shown(read_from, 300)
    try:
        raw = read_trusted(read_from, MAX_FILE_BYTES)
        if len(raw) > MAX_FILE_BYTES:
            raise ValueError(f"it is larger than {MAX_FILE_BYTES:,} bytes")
        text = decode_text(raw)
    except FileNotFoundError as error:
        if path is None or may_be_missing:
            return EnvFile({})
        raise ConfigurationError(f"{label}: there is no such file; expected the file that --env-file names") from error
    except NotTextError as error:
        raise ConfigurationError(f"{label}:{error.line}: {error}; expected lines of NAME=value") from error
    except ForeignFileError as error:
        raise ConfigurationError(f"{label}: cannot be trusted: {error.strerror}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(f"{label}: cannot be read: {reason}; expected lines of NAME=value") from error
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text)))
    values = {binding.key: binding.value for binding in bindings if binding.key and binding.value is not None}
    failed = {_line_of(binding) for binding in bindings if binding.error}
    ignored = tuple(_ignored(bindings)) if failed or any(map(_is_doubtful, bindings)) else ()
    warnings = tuple(
        f"{label}:{line.line}: is ignored: {line.reason}; expected NAME=value, with closed quotes"
        for line in ignored
        if line.line in failed
    )
    return EnvFile(values, read_from, warnings, ignored)


def read_env_files(config: str, env_file: str | None) -> tuple[EnvFile, ...]:
    """The files that references are looked up in, the first one first; see `read_env_file`.

    Without an `env_file`: `.env.NAME`, where NAME is the configuration file's name without its ending, then `.env`;
    both in the working directory, and either may be missing.
    """
    if env_file is not None:
        return (read_env_file(env_file),)
    own = own_env_file(config)
    files = (read_env_file(own, may_be_missing=True), read_env_file(None))
    return tuple(file for file in files if file.path is not None)


def own_env_file(config: str) -> str:
    """`.env.NAME` of a configuration file."""
    return f"{DEFAULT_ENV_FILE}.{os.path.splitext(os.path.basename(config))[0]}"


def _expand(path: str) -> str:
    try:
        return expand_path(path)
    except ValueError as error:
        raise ConfigurationError(f"--env-file: expected {error}; found {quoted(path, 300)}") from error


def _line_of(binding: Binding) -> int:
    """The first line of a binding that is not empty."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", blank))


def _is_doubtful(binding: Binding) -> bool:
    """Whether a binding sets no variable that `${NAME}` can refer to, or spans several lines."""
    if not binding.key:
        return False
    return binding.value is None or "\n" in binding.value or not (binding.key.isascii() and binding.key.isidentifier())


def _ignored(bindings: Iterable[Binding]) -> Iterable[IgnoredLine]:
    from sfr.config.dotenv_lines import IDENTIFIER, IgnoredLine, reason_of  # most files have no such line

    for binding in bindings:
        text = binding.original.string
        line = _line_of(binding)
        if binding.error or (binding.key and (binding.value is None or not IDENTIFIER.fullmatch(binding.key))):
            yield IgnoredLine(line, reason_of(text), text)
        elif binding.value and "\n" in binding.value:
            # Lines that look like variables, but are inside the quotes of one.
            for number, within in enumerate(text.lstrip().splitlines()):
                match = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", within)
                if number and match:
                    yield IgnoredLine(line + number, f"it is inside the quotes opened in line {line}", match[1])
