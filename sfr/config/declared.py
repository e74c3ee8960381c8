"""Looks up what a settings dataclass declares: its options, their key paths, defaults and item types."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from sfr.config.fields import DECLARATION, Declaration


def declared_options(settings: type) -> dict[str, tuple[Any, Declaration, dataclasses.Field[Any]]]:
    """The options of a settings dataclass: name → (type hint, declaration, field)."""
    hints = typing.get_type_hints(settings)
    return {
        field.name: (hints[field.name], field.metadata[DECLARATION], field)
        for field in dataclasses.fields(settings)
        if DECLARATION in field.metadata
    }


def option_paths(settings: type, path: str = "") -> typing.Iterator[str]:
    """The key paths of all options below a settings dataclass, those of registries left out."""
    for name, (hint, _, _) in declared_options(settings).items():
        key_path = f"{path}.{name}" if path else name
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from option_paths(hint, key_path)
        else:
            yield key_path


def default_of(field: dataclasses.Field[Any]) -> Any:
    """An option's default; dataclasses.MISSING if it is required."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def item_hint(hint: Any) -> Any:
    """X for `tuple[X, ...]` and `tuple[X, ...] | None`, else None."""
    for part in (hint, *typing.get_args(hint)):
        if typing.get_origin(part) is tuple:
            return typing.get_args(part)[0]
    return None
