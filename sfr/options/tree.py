"""The contents of a configuration file, with references resolved, before validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

ScalarValue: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Scalar:
    """One scalar that is not null."""

    #: Key path of the option: `summary[0].path`.
    path: str
    #: As written in the file, without YAML quotes.
    written: str
    #: The same with references resolved. May contain a secret.
    text: str = field(repr=False)
    #: The parsed value: a string if it was quoted, contains more than a reference, or has no other form.
    value: ScalarValue = field(repr=False)
    #: Whether it is a single reference: only then can a string become a number, a boolean or null.
    is_reference: bool = False
    #: Values of variables used, by name.
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Values of credential files used, by path.
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


class Branch(dict[str, object]):
    """A mapping of the file, and its location: `conf/prod.yaml:12: reports.items[0]`."""

    __slots__ = ("place",)

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


@dataclass(slots=True)
class Findings:
    """What is noted while options are read; the context of pydantic's validation."""

    #: Values of options that are secrets.
    secrets: list[Scalar] = field(default_factory=list)
    #: Program and arguments, readable by every user of the machine.
    arguments: list[Scalar] = field(default_factory=list)
    #: Names of secret files.
    secret_files: list[Scalar] = field(default_factory=list)
    #: Names of other required files.
    files: list[Scalar] = field(default_factory=list)
    #: Warnings for the log.
    warnings: list[str] = field(default_factory=list)
    #: Whether the run starts the embedded org, which supplies settings required for other orgs; None = unknown.
    is_embedded_org: bool | None = None
