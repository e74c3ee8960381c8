"""How a configuration option is declared: a dataclass field that carries its documentation and its limits.

The loader checks values against these declarations and docs/configuration.md is checked against them, so an option
is written down once. The type hint says what is expected: `str`, `int`, `float`, `bool`, `Secret`, each optionally
`| None`, `tuple[str, ...]`, or another dataclass of options (a nested mapping).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

#: Key of the declaration in `dataclasses.Field.metadata`.
DECLARATION = "sfr.option"

#: Largest size that any option takes.
LARGEST_BYTES = 2**60


@dataclasses.dataclass(frozen=True, slots=True)
class Declaration:
    """What is known of an option beside its type and default."""

    doc: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    #: Words allowed beside the type, such as `auto` for a number.
    words: tuple[str, ...] = ()
    #: `module:NAME` of a registry whose keys are the choices; read only when a configuration is loaded.
    registry: str | None = None
    #: A file or directory: made absolute when a configuration is loaded.
    is_path: bool = False
    #: A file that holds a secret: it has to exist, and a warning is given if others may read it.
    is_secret_file: bool = False
    #: Program and arguments, which every user of the machine can read: what references bring into it is a secret.
    is_command_line: bool = False
    #: Returns what is expected, for a value that the type alone cannot judge; None if the value is right.
    check: Callable[[Any], str | None] | None = None


def option(
    doc: str,
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] | None = None,
    words: tuple[str, ...] = (),
    registry: str | None = None,
    is_path: bool = False,
    is_secret_file: bool = False,
    is_command_line: bool = False,
    check: Callable[[Any], str | None] | None = None,
) -> Any:
    """Declare an option; without a default it is required.

    doc: one or two sentences for docs/configuration.md, units included.
    """
    declaration = Declaration(
        doc,
        minimum=minimum,
        maximum=maximum,
        choices=choices,
        words=words,
        registry=registry,
        is_path=is_path or is_secret_file,
        is_secret_file=is_secret_file,
        is_command_line=is_command_line,
        check=check,
    )
    metadata = {DECLARATION: declaration}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    if default is not dataclasses.MISSING:
        return dataclasses.field(default=default, metadata=metadata)
    return dataclasses.field(metadata=metadata)
