"""The options of `destinations` and `deliveries`: where report files go besides their own directory."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from sfr.destinations import KINDS
from sfr.options.section import Section
from sfr.options.tree import Scalar
from sfr.options.types import ExactlyOne, Seconds, sentence
from sfr.redaction import Secret

#: In a report list: no destination.
NO_DESTINATION = "none"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")


@dataclass(frozen=True, slots=True)
class NamedDestinations:
    """Metadata of a mapping: names chosen by the user, each with the settings of exactly one kind."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: the validation."""
        one = handler.generate_schema(Annotated[Any, ExactlyOne({name: kind.settings for name, kind in KINDS.items()})])
        name = core_schema.no_info_after_validator_function(_good_name, core_schema.str_schema())
        return core_schema.dict_schema(name, core_schema.no_info_wrap_validator_function(_checked, one))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's hook: any names of this form."""
        declared = handler(schema)
        one = {**declared["additionalProperties"], "description": "A destination: exactly one of the kinds below."}
        return {
            **declared,
            "additionalProperties": one,
            "propertyNames": {"pattern": f"^{_NAME.pattern}$", "not": {"const": NO_DESTINATION}},
        }


def _good_name(name: str) -> str:
    if name.casefold() == NO_DESTINATION:
        raise sentence("`none` means no destination in report lists; expected another name")
    if not _NAME.fullmatch(name):
        raise sentence("is not a name for a destination; expected letters, digits, - and _")
    return name


def _checked(value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, Scalar):
        raise sentence(f"expected a mapping with exactly one of the kinds {', '.join(KINDS)}; found a scalar")
    settings = check(value)
    missing = KINDS[kind_of(settings)].missing_extra()
    if missing:
        raise sentence(missing)
    return settings


def kind_of(settings: object) -> str:
    """The kind of a destination with these settings."""
    return next(name for name, kind in KINDS.items() if type(settings) is kind.settings)


Destinations = Annotated[dict[str, Any], NamedDestinations()]


class Deliveries(Section):
    """`deliveries`: threads, attempts and time limits of the deliveries to destinations."""

    threads: int = Field(default=2, ge=1, le=32, description="Number of delivery threads.")
    attempts: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Maximum attempts per delivery, with the delays of `fetch.backoff`; only transient errors are "
        "retried: network, time-out, a busy server, a locked database.",
    )
    connect_timeout_s: Seconds = Field(default=10.0, description="Seconds to connect to a destination.")
    idle_timeout_s: Seconds = Field(
        default=60.0, description="Seconds without progress, after which an attempt has timed out."
    )
    timeout_s: Seconds = Field(default=900.0, description="Seconds for one attempt, from start to end.")


def settings_digest(settings: Section) -> bytes:
    """Identifies a destination in the history: its kind and settings, without secrets."""
    known = {name: value for name, value in settings if not isinstance(value, Secret)}
    text = json.dumps([kind_of(settings), known], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
