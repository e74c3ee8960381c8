"""The types of options with their limits, in addition to `int`, `float`, `bool` and `Literal`.

Checks raise ValueError whose text says what was expected. Marks control how a section reads an option (see `section`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, InstanceOf, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sfr.odd_characters import describe_character, odd_character
from sfr.options.path_text import absolute_path, absolute_path_with_dates
from sfr.options.urls import check_host, check_notify_url, check_proxy_url, check_secure_url
from sfr.redaction import Secret
from sfr.wording import listed

#: Longest duration of any option: a year. Catches typing errors, and prevents overflows in system calls.
MAX_DURATION_S = 366 * 86400.0
#: Largest size of any option.
MAX_SIZE_BYTES = 2**60

#: Error type whose message is already a complete sentence.
OWN_SENTENCE = "sfr_sentence"
#: The same, about the keys of a mapping: whatever is wrong below them is reported as well.
OWN_SENTENCE_OF_KEYS = "sfr_sentence_of_keys"
#: Error type of an empty secret.
EMPTY = "sfr_empty"


class Mark(Enum):
    """How an option is read and checked."""

    #: A string that looks like a number needs no quotes.
    AS_WRITTEN = 1
    #: Names a file that must exist.
    FILE = 2
    #: Names a secret file that must exist; others should not read it and must not write it.
    SECRET_FILE = 3
    #: Program and arguments: values from references are secrets, but readable by every user of the machine.
    COMMAND_LINE = 4


def sentence(text: str) -> PydanticCustomError:
    """An error that does not fit the form "expected … found …"."""
    return PydanticCustomError(OWN_SENTENCE, "{text}", {"text": text})


def _visible(text: str) -> str:
    odd = odd_character(text.replace("\n", ""))
    if odd is not None:
        raise ValueError(f"a string without invisible characters ({describe_character(odd)})")
    return text


def _not_empty(secret: Secret) -> Secret:
    if not secret:
        raise PydanticCustomError(EMPTY, "is empty")
    return secret


def _revealed(check: Callable[[str], object]) -> AfterValidator:
    """Validates the value of a secret."""

    def checked(secret: Secret) -> Secret:
        check(secret.reveal())
        return secret

    return AfterValidator(checked)


Text = Annotated[str, Field(min_length=1), AfterValidator(_visible)]
#: A string that looks like a number: `64.0`.
WrittenText = Annotated[Text, Mark.AS_WRITTEN, WithJsonSchema({"type": ["string", "number"], "minLength": 1})]
#: A file or directory; absolute once loaded.
LocalPath = Annotated[str, Field(min_length=1), AfterValidator(absolute_path)]
#: A directory whose path may hold dates such as `{run_date}`.
DatedPath = Annotated[str, Field(min_length=1), AfterValidator(absolute_path_with_dates)]
#: Start of the names of objects or remote files; may be empty, and may hold dates such as `{run_date}`.
RemotePrefix = Annotated[str, AfterValidator(_visible)]
ReadableFile = Annotated[LocalPath, Mark.FILE]
SecretFile = Annotated[LocalPath, Mark.SECRET_FILE]
#: A server, without port.
Host = Annotated[Text, AfterValidator(check_host)]
SecureUrl = Annotated[Text, AfterValidator(check_secure_url)]

_AS_WRITTEN = {"type": ["string", "number", "boolean"]}
_SECRET = {**_AS_WRITTEN, "writeOnly": True}
SecretText = Annotated[InstanceOf[Secret], AfterValidator(_not_empty), WithJsonSchema({**_SECRET, "minLength": 1})]
#: A secret that may be empty.
OptionalSecretText = Annotated[InstanceOf[Secret], WithJsonSchema({**_SECRET, "default": ""})]
ProxyUrl = Annotated[SecretText, _revealed(check_proxy_url)]
NotifyUrl = Annotated[SecretText, _revealed(check_notify_url)]

#: Strings, at least one; numbers and booleans are used as written.
Texts = Annotated[tuple[Annotated[str, WithJsonSchema(_AS_WRITTEN)], ...], Field(min_length=1)]
#: Program and arguments, without a shell.
CommandLine = Annotated[Texts, Mark.COMMAND_LINE]

#: A duration; not zero.
Seconds = Annotated[float, Field(ge=0.001, le=MAX_DURATION_S)]
#: A duration; zero disables.
SecondsOrZero = Annotated[float, Field(ge=0.0, le=MAX_DURATION_S)]


@dataclass(frozen=True, slots=True)
class NameIn:
    """A case-insensitive choice of names: metadata of a `str`. A new registry entry is a new choice."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: the validation."""
        return core_schema.no_info_after_validator_function(self._name, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's hook: the current names."""
        return {"type": "string", "enum": list(self.names)}

    def _name(self, text: str) -> str:
        for name in self.names:
            if name.casefold() == text.casefold():
                return name
        raise PydanticCustomError("sfr_name", "unknown name")


@dataclass(frozen=True, slots=True)
class ExactlyOne:
    """A mapping with exactly one key, which names an entry of a registry; becomes that entry's section.

    A new entry becomes a new alternative at the next start.
    """

    #: Name → section.
    registry: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: the validation."""
        fields = {
            name: core_schema.typed_dict_field(handler.generate_schema(section), required=False)
            for name, section in self.registry.items()
        }
        mapping = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        return core_schema.no_info_wrap_validator_function(self._choose, mapping)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's hook: exactly one of the alternatives."""
        return {**handler(schema), "minProperties": 1, "maxProperties": 1, "additionalProperties": False}

    def _choose(self, value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> Any:
        if type(value) in self.registry.values():
            return value
        if value is None:
            value = {}
        if isinstance(value, dict):
            chosen = [name for name in value if name in self.registry]
            if len(chosen) > 1 or not value:
                found = listed(chosen) or "none"
                text = f"expected exactly one of {listed(self.registry)}; found {found}"
                raise PydanticCustomError(OWN_SENTENCE_OF_KEYS, "{text}", {"text": text})
            value = {name: {} if settings is None else settings for name, settings in value.items()}
        (made,) = check(value).values()
        return made
