"""What a configuration file says, references filled in, before it is compared with any option."""

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
    #: As the file has it; quotes of YAML do not show.
    written: str
    #: The same with references filled in. May hold a secret.
    text: str = field(repr=False)
    #: What it stands for: a text if it was quoted, holds more than a reference, or looks like nothing else.
    value: ScalarValue = field(repr=False)
    #: Whether one reference is all of it: only then may a text stand for a number, a boolean or null.
    is_reference: bool = False
    #: Values of variables that went in, by name.
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Values of credential files that went in, by path.
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


class Branch(dict[str, object]):
    """A mapping of the file, and where it stands: `conf/prod.yaml:12: reports.items[0]`."""

    __slots__ = ("place",)

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


@dataclass(slots=True)
class Findings:
    """What comes to light while options are read; the context of pydantic's validation."""

    #: Values of options that are secrets.
    secrets: list[Scalar] = field(default_factory=list)
    #: Program and arguments, which every user of the machine can read.
    arguments: list[Scalar] = field(default_factory=list)
    #: Names of files that hold a secret.
    secret_files: list[Scalar] = field(default_factory=list)
    #: Names of other files that have to be there.
    files: list[Scalar] = field(default_factory=list)
    #: Sentences for the log.
    warnings: list[str] = field(default_factory=list)
    #: Whether the run starts the embedded org, which brings what other orgs have to be given; None = not known.
    is_embedded_org: bool | None = None
