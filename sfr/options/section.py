"""The base of all configuration sections: a frozen pydantic model that reads the scalars of a YAML file."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from sfr.options.tree import Findings, Scalar
from sfr.options.types import Mark
from sfr.redaction import Secret


class Section(BaseModel):
    """Options that belong together: each is declared once, as a field with description, limits and default.

    Unknown keys and values of another type are errors: the only values converted are those written in the YAML as
    `${NAME}` alone. An empty section has its defaults. Choices are case-insensitive.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, hide_input_in_errors=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Any:
        """Convert the file's value for the option's type."""
        return _reading_of(cls, info.field_name or "").read(value, info.context)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the values of one option are read: by its type and its marks."""

    #: The accepted types, except words.
    bases: frozenset[Any]
    marks: frozenset[Mark]
    #: Accepted words, such as `auto`: casefolded → as declared.
    words: Mapping[str, str]
    default: Any

    def read(self, value: Any, findings: Findings | None) -> Any:
        """The value for pydantic to validate."""
        if isinstance(value, Scalar):
            return self._read_scalar(value, findings)
        if isinstance(value, list):
            scalars = [item for item in value if isinstance(item, Scalar)]
            if findings is not None and Mark.COMMAND_LINE in self.marks:
                findings.arguments += scalars
            return tuple(item.text if isinstance(item, Scalar) else item for item in value)
        if isinstance(value, str):
            return self._word(value) or value
        if value is None and type(None) not in self.bases and isinstance(self.default, Section | tuple | dict):
            return self.default
        return value

    def _read_scalar(self, scalar: Scalar, findings: Findings | None) -> Any:
        if scalar.is_reference and not scalar.text and type(None) in self.bases:
            return None
        word = self._word(scalar.text)
        if word is not None:
            return word
        if findings is not None:
            self._note(scalar, findings)
        if Secret in self.bases:
            return Secret(scalar.text)
        is_text = scalar.is_reference or Mark.AS_WRITTEN in self.marks
        return scalar.text if is_text and str in self.bases else scalar.value

    def _note(self, scalar: Scalar, findings: Findings) -> None:
        if Secret in self.bases:
            findings.secrets.append(scalar)
        if Mark.FILE in self.marks:
            findings.files.append(scalar)
        if Mark.SECRET_FILE in self.marks:
            findings.secret_files.append(scalar)

    def _word(self, text: str) -> str | None:
        """The word matching a string; case-insensitive if only words are accepted."""
        word = self.words.get(text.casefold())
        return word if word == text or not self.bases else None


@cache
def _reading_of(section: type[Section], name: str) -> _Reading:
    field = section.model_fields[name]
    parts = list(_parts(field.annotation, tuple(field.metadata)))
    words = [word for base, _ in parts if get_origin(base) is Literal for word in get_args(base)]
    return _Reading(
        frozenset(base for base, _ in parts if get_origin(base) is not Literal),
        frozenset(mark for _, metadata in parts for mark in metadata if isinstance(mark, Mark)),
        {word.casefold(): word for word in words},
        None if field.is_required() else field.get_default(call_default_factory=True),
    )


def _parts(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The members of a union, each with its annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *more = get_args(annotation)
        yield from _parts(base, (*metadata, *more))
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _parts(part, metadata)
    else:
        yield annotation, metadata
