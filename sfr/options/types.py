"""The types of options, each with its limits: what sections declare beside `int`, `float`, `bool` and `Literal`.

A check raises ValueError whose text is what was expected. Marks say how a section reads the option (see `section`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, InstanceOf, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from sfr.odd_characters import describe_character, odd_character
from sfr.options.path_text import absolute_path
from sfr.options.urls import check_notify_url, check_proxy_url, check_secure_url
from sfr.redaction import Secret
from sfr.wording import listed

#: Longest duration that any option takes: a year. Keeps typing errors, and overflows of system calls, out.
LONGEST_S = 366 * 86400.0
#: Largest size that any option takes.
LARGEST_BYTES = 2**60

#: Types of errors whose message is a whole sentence already.
OWN_SENTENCE = "sfr_sentence"
#: Type of the error of a secret that is empty.
EMPTY = "sfr_empty"


class Mark(Enum):
    """How an option is read, or what follows from it."""

    #: A text that looks like a number may stand without quotes.
    AS_WRITTEN = 1
    #: Names a file that has to be there.
    FILE = 2
    #: The same; it holds a secret, so others should not read it, and must not write it.
    SECRET_FILE = 3
    #: Program and arguments: what references bring into them is a secret, and every user of the machine can read it.
    COMMAND_LINE = 4


def sentence(text: str) -> PydanticCustomError:
    """The error of an option that no form "expected … found …" fits."""
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
    """A check of what a secret holds."""

    def checked(secret: Secret) -> Secret:
        check(secret.reveal())
        return secret

    return AfterValidator(checked)


Text = Annotated[str, Field(min_length=1), AfterValidator(_visible)]
#: A text that looks like a number: `64.0`.
WrittenText = Annotated[Text, Mark.AS_WRITTEN, WithJsonSchema({"type": ["string", "number"], "minLength": 1})]
#: A file or directory; absolute once loaded.
LocalPath = Annotated[str, Field(min_length=1), AfterValidator(absolute_path)]
ReadableFile = Annotated[LocalPath, Mark.FILE]
SecretFile = Annotated[LocalPath, Mark.SECRET_FILE]
SecureUrl = Annotated[Text, AfterValidator(check_secure_url)]

_AS_WRITTEN = {"type": ["string", "number", "boolean"]}
_SECRET = {**_AS_WRITTEN, "writeOnly": True}
SecretText = Annotated[InstanceOf[Secret], AfterValidator(_not_empty), WithJsonSchema({**_SECRET, "minLength": 1})]
#: A secret that may be left empty.
OptionalSecretText = Annotated[InstanceOf[Secret], WithJsonSchema({**_SECRET, "default": ""})]
ProxyUrl = Annotated[SecretText, _revealed(check_proxy_url)]
NotifyUrl = Annotated[SecretText, _revealed(check_notify_url)]

#: Texts, at least one; numbers and booleans in it are taken as they are written.
Texts = Annotated[tuple[Annotated[str, WithJsonSchema(_AS_WRITTEN)], ...], Field(min_length=1)]
#: Program and arguments, without a shell.
CommandLine = Annotated[Texts, Mark.COMMAND_LINE]

#: A duration; not zero.
Seconds = Annotated[float, Field(ge=0.001, le=LONGEST_S)]
#: A duration; zero switches off.
SecondsOrZero = Annotated[float, Field(ge=0.0, le=LONGEST_S)]


@dataclass(frozen=True, slots=True)
class NameIn:
    """One of some names, without regard to case: metadata of a `str`. A new entry of a registry is a new choice."""

    names: Collection[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: the checks."""
        return core_schema.no_info_after_validator_function(self._name, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's hook: the names of today."""
        return {"type": "string", "enum": list(self.names)}

    def _name(self, text: str) -> str:
        for name in self.names:
            if name.casefold() == text.casefold():
                return name
        raise PydanticCustomError("sfr_name", "unknown name")


@dataclass(frozen=True, slots=True)
class ExactlyOne:
    """A mapping with exactly one key, which names an entry of a registry; becomes what the entry's section makes of it.

    A new entry is a new alternative, from the next start on.
    """

    #: Name → section.
    registry: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: the checks."""
        fields = {
            name: core_schema.typed_dict_field(handler.generate_schema(section), required=False)
            for name, section in self.registry.items()
        }
        mapping = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        return core_schema.no_info_wrap_validator_function(self._choose, mapping)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's hook: one of the alternatives, and no second one."""
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
                raise sentence(f"expected exactly one of {listed(self.registry)}; found {found}")
            value = {name: {} if settings is None else settings for name, settings in value.items()}
        (made,) = check(value).values()
        return made
