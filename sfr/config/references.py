"""Fills `${NAME}`, `${NAME:-default}` and `${cred:NAME}` into texts of the configuration; `$${` is a literal `${`.

Reads the process environment before `.env`, and files of $CREDENTIALS_DIRECTORY (systemd's LoadCredential=). Fills in
once: what comes from outside is never looked through for references again.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sfr.config.file_trust import ForeignFileError, read_trusted
from sfr.wording import did_you_mean, quoted, shown

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}|(?P<broken>\$\{)")
_NAME = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_CREDENTIAL = "cred:"
LARGEST_CREDENTIAL_BYTES = 1_000_000


class BrokenReferenceError(ValueError):
    """A reference that cannot be filled in; its text says what is expected."""


def without_final_line_end(text: str) -> str:
    """The text less one final line end (LF or CRLF), as files and commands give it."""
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its references filled in."""

    text: str
    #: Whether the text as written was one reference and nothing else.
    is_reference: bool = False
    #: Environment or `.env` names whose values went in.
    variables: frozenset[str] = frozenset()
    #: Values of credential files that went in: path → value.
    credentials: Mapping[str, str] = field(default_factory=dict)


def _no_hint(_name: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class References:
    """Where references get their values."""

    environ: Mapping[str, str]
    dotenv: Mapping[str, str]
    #: What the `.env` file has to do with a variable that neither defines; empty if nothing.
    hint_about: Callable[[str], str] = _no_hint

    def fill(self, text: str) -> Filled:
        """Fill a text in; raises BrokenReferenceError for the first reference that is malformed or undefined."""
        if "${" not in text:
            return Filled(text)
        parts: list[str] = []
        variables: set[str] = set()
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
        return Filled("".join(parts), only_reference, frozenset(variables), credentials)

    def brought_into(self, text: str) -> Mapping[str, str]:
        """What references bring into an argument of a program, by the name of the variable or `cred:NAME`.

        Without absolute paths of what is there, such as `${HOME}`: they say where a secret is, and are none. Raises
        BrokenReferenceError like `fill`.
        """
        filled = self.fill(text)
        brought = {name: self.environ.get(name, self.dotenv.get(name, "")) for name in filled.variables}
        brought |= {f"{_CREDENTIAL}{Path(path).name}": value for path, value in filled.credentials.items()}
        return {name: value for name, value in brought.items() if value and not _is_existing_path(value)}

    def _value(self, inside: str, variables: set[str], credentials: dict[str, str]) -> str:
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
            raise BrokenReferenceError(f"the value of `${{{name}}}` is not UTF-8 text; set it anew as UTF-8")
        variables.add(name)
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


def _is_existing_path(text: str) -> bool:
    try:
        return os.path.isabs(text) and os.path.exists(text)
    except ValueError:  # a NUL character
        return False


def _read_credential(path: Path) -> str:
    label = f"`${{cred:{shown(path.name)}}}`: the file {quoted(str(path), 300)}"
    try:
        raw = read_trusted(str(path), LARGEST_CREDENTIAL_BYTES)
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise BrokenReferenceError(f"{label} is UTF-16 text, as PowerShell's `>` writes it; save it as UTF-8")
        text = raw.decode("utf-8-sig")
    except ForeignFileError as error:
        raise BrokenReferenceError(f"{label} cannot be trusted: {error.strerror}") from error
    except OSError as error:
        raise BrokenReferenceError(
            f"{label} cannot be read: {error.strerror}; expected LoadCredential={shown(path.name)}:… in the unit"
        ) from error
    except UnicodeDecodeError as error:
        raise BrokenReferenceError(f"{label} is not UTF-8 text; save it as UTF-8") from error
    if len(raw) > LARGEST_CREDENTIAL_BYTES:
        raise BrokenReferenceError(f"{label} is larger than {LARGEST_CREDENTIAL_BYTES:,} bytes; expected one value")
    value = without_final_line_end(text)
    return value if "\n" in value.rstrip("\r\n") else _as_one_value(value.rstrip("\r\n"), label)


def _as_one_value(value: str, label: str) -> str:
    """A value of one line, which may have been pasted with quotes that would be sent along."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise BrokenReferenceError(f"{label} holds its value in quotes, which would be part of it; remove them")
    return value
