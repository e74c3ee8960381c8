"""Resolves `${NAME}`, `${NAME:-default}` and `${cred:NAME}` in the configuration; `$${` is a literal `${`.

The process environment takes precedence over `.env`; credentials are files in $CREDENTIALS_DIRECTORY (systemd's
LoadCredential=). Resolved values are not searched for further references.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sfr.options.tree import Scalar
from sfr.storage.user_files import ForeignFileError, read_trusted, without_final_line_end
from sfr.wording import did_you_mean, quoted, shown

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}|(?P<broken>\$\{)")
_NAME = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_CREDENTIAL = "cred:"
MAX_CREDENTIAL_BYTES = 1_000_000


class BrokenReferenceError(ValueError):
    """A reference that cannot be resolved; its text says what is expected."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A string with its references resolved."""

    text: str
    #: Whether the string as written was a single reference.
    is_reference: bool = False
    #: Values used from the environment or `.env`: name → value.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: Values used from credential files: path → value.
    credentials: Mapping[str, str] = field(default_factory=dict)


def _no_hint(_name: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class References:
    """The sources of reference values."""

    environ: Mapping[str, str]
    dotenv: Mapping[str, str]
    #: A hint from the `.env` file about a variable that neither defines; may be empty.
    hint_about: Callable[[str], str] = _no_hint

    def fill(self, text: str) -> Filled:
        """Resolve a string; raises BrokenReferenceError for the first reference that is malformed or undefined."""
        if "${" not in text:
            return Filled(text)
        parts: list[str] = []
        variables: dict[str, str] = {}
        credentials: dict[str, str] = {}
        end = 0
        only_reference = False
        for match in _REFERENCE.finditer(text):
            parts.append(text[end : match.start()])
            end = match.end()
            if match[0] == "$${":
                parts.append("${")
                continue
            only_reference = match[0] == text
            if match["broken"]:
                raise BrokenReferenceError(
                    "malformed reference; expected `${NAME}`, `${NAME:-default}` without braces inside, "
                    "or `$${` for a literal `${`"
                )
            parts.append(self._value(match["inside"], variables, credentials))
        parts.append(text[end:])
        return Filled("".join(parts), only_reference, variables, credentials)

    def _value(self, inside: str, variables: dict[str, str], credentials: dict[str, str]) -> str:
        if inside.startswith(_CREDENTIAL):
            path = self._credential_path(inside.removeprefix(_CREDENTIAL))
            credentials[str(path)] = _read_credential(path)
            return credentials[str(path)]
        match = _NAME.fullmatch(inside)
        if match is None:
            raise BrokenReferenceError(
                f"malformed reference `${{{shown(inside)}}}`; expected `${{NAME}}`, `${{NAME:-default}}` "
                "or `${cred:NAME}`, or `$${` for a literal `${`"
            )
        name: str = match["name"]
        default: str | None = match["default"]
        value = self.environ[name] if name in self.environ else self.dotenv.get(name)
        if default is not None and not value:
            return default
        if value is None:
            hint = self.hint_about(name)
            near = "" if "names it" in hint else did_you_mean(name, {*self.environ, *self.dotenv})
            raise BrokenReferenceError(
                f"`${{{name}}}` is defined neither in the environment nor in the .env file{hint}{near or '; define it'}"
                f"{'' if near else f', or give a default: `${{{name}:-…}}`'}"
            )
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise BrokenReferenceError(f"the value of `${{{name}}}` is not UTF-8 text; set it again as UTF-8")
        variables[name] = value
        return value

    def _credential_path(self, name: str) -> Path:
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        label = f"`${{cred:{shown(name)}}}`"
        if name in ("", ".", "..") or "/" in name or not name.isprintable():
            raise BrokenReferenceError(f"{label}: expected the name of one file in $CREDENTIALS_DIRECTORY, without `/`")
        if not directory:
            raise BrokenReferenceError(
                f"{label}: $CREDENTIALS_DIRECTORY is not set; systemd sets it for units with LoadCredential="
            )
        return Path(directory, name)


def argument_secrets(scalar: Scalar) -> Mapping[str, str]:
    """The values that references put into a program's argument, by variable name or `cred:NAME`.

    Absolute paths that exist, such as `${HOME}`, are left out: they may locate a secret, but are none.
    """
    credentials = {f"{_CREDENTIAL}{Path(path).name}": value for path, value in scalar.credentials.items()}
    inserted = {**scalar.variables, **credentials}
    return {name: value for name, value in inserted.items() if value and not _is_existing_path(value)}


def _is_existing_path(text: str) -> bool:
    try:
        return os.path.isabs(text) and os.path.exists(text)
    except ValueError:  # a NUL character
        return False


def _read_credential(path: Path) -> str:
    label = f"`${{cred:{shown(path.name)}}}`: the file {quoted(str(path), 300)}"
    try:
        raw = read_trusted(str(path), MAX_CREDENTIAL_BYTES)
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise BrokenReferenceError(f"{label} is UTF-16 text, as PowerShell's `>` writes it; save it as UTF-8")
        text = raw.decode("utf-8-sig")
    except ForeignFileError as error:
        raise BrokenReferenceError(f"{label} cannot be trusted: {error.strerror}") from error
    except OSError as error:
        name = shown(path.name)
        installed = name.removeprefix("sfdc_")
        raise BrokenReferenceError(
            f"{label} cannot be read: {error.strerror}; expected LoadCredential={name}:… in the unit"
            + (f", or with SFR's own unit a file {installed} in /etc/sfr/credentials/NAME" if installed != name else "")
        ) from error
    except UnicodeDecodeError as error:
        raise BrokenReferenceError(f"{label} is not UTF-8 text; save it as UTF-8") from error
    if len(raw) > MAX_CREDENTIAL_BYTES:
        raise BrokenReferenceError(f"{label} is larger than {MAX_CREDENTIAL_BYTES:,} bytes; expected one value")
    value = without_final_line_end(text)
    return value if "\n" in value.rstrip("\r\n") else _as_one_value(value.rstrip("\r\n"), label)


def _as_one_value(value: str, label: str) -> str:
    """A single-line value; raises BrokenReferenceError if it was pasted with quotes around it."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise BrokenReferenceError(f"{label} contains quotes around the value, which would be part of it; remove them")
    return value
