"""The options of `salesforce` and `reports`: org, authentication and reports to fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from sfr.config.report_columns import COLUMNS, LIST_COLUMNS
from sfr.options.section import Section
from sfr.options.tree import Branch, Scalar
from sfr.options.types import ExactlyOne, LocalPath, ProxyUrl, ReadableFile, Text, WrittenText
from sfr.salesforce.auth import METHODS
from sfr.salesforce.domains import EMULATOR, normalize_domain
from sfr.salesforce.versions import check_api_version

Route = Literal["auto", "classic", "analytics"]
ROUTES: tuple[str, ...] = get_args(Route)


def _own_domain(text: str, info: ValidationInfo) -> str:
    domain, warning = normalize_domain(text)
    if info.context is not None:
        info.context.is_embedded_org = domain == EMULATOR
        info.context.warnings += [f"salesforce.domain: {warning}"] if warning else []
    return domain


class Salesforce(Section):
    """`salesforce`: the org and how to log in."""

    # Validated before `auth`: the embedded org supplies settings that are required for other orgs.
    domain: Annotated[Text, AfterValidator(_own_domain)] = Field(
        description="The org's My Domain URL, `https://acme.my.salesforce.com`; `http://` only for loopback hosts; "
        "`emulator` starts the embedded org.",
    )
    #: The settings of the one configured method.
    auth: Annotated[Any, ExactlyOne({name: method.settings for name, method in METHODS.items()})] = Field(
        description="Authentication: exactly one of the methods below."
    )
    api_version: Annotated[WrittenText, AfterValidator(check_api_version)] = Field(
        default="latest",
        description='API version, such as "64.0"; `latest` queries the org and falls back to 64.0.',
    )
    route: Route = Field(
        default="auto",
        description="How to fetch reports: `classic` exports as the browser does, `analytics` uses the Reports API, "
        "`auto` exports and falls back to the API.",
    )
    ca_bundle: Literal["system"] | ReadableFile | None = Field(
        default=None,
        description="PEM file of the certificate authorities to trust, or `system` for the operating system's; null = "
        "those bundled with requests.",
    )
    proxy: ProxyUrl | Literal["env"] | None = Field(
        default=None,
        description="URL of an HTTP proxy, or `env` for HTTPS_PROXY and NO_PROXY; null = no proxy, regardless of the "
        "environment.",
    )

    @property
    def auth_method(self) -> str:
        """Key under `auth`."""
        return next((name for name, method in METHODS.items() if type(self.auth) is method.settings), "")

    @property
    def is_emulator(self) -> bool:
        """Whether the run starts the embedded org."""
        return self.domain == EMULATOR


@dataclass(frozen=True, slots=True)
class ReportItem:
    """One of `reports.items`: the report list's column names as keys, cells as text."""

    cells: Mapping[str, str]
    #: Its location, for messages: `conf/prod.yaml:12: reports.items[0]`.
    place: str = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Pydantic's hook: a mapping of strings, interpreted by the report list."""
        cell = core_schema.no_info_before_validator_function(_cell, core_schema.str_schema(strict=True))
        names = core_schema.no_info_before_validator_function(_joined_names, cell)
        cells = {
            column: core_schema.typed_dict_field(names if column in LIST_COLUMNS else cell, required=False)
            for column in COLUMNS
        }
        mapping = core_schema.typed_dict_schema(cells, extra_behavior="forbid")
        return core_schema.no_info_wrap_validator_function(cls._made, mapping)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Pydantic's hook: cells can also be numbers and booleans."""
        cell = {"type": ["string", "number", "boolean", "null"]}
        properties: dict[str, Any] = dict.fromkeys(COLUMNS, cell)
        properties |= {key: {"type": [*cell["type"], "array"], "items": cell} for key in LIST_COLUMNS}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    @classmethod
    def _made(cls, value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> ReportItem:
        if isinstance(value, ReportItem):
            return value
        return cls(check(value), value.place if isinstance(value, Branch) else "")


def _joined_names(value: Any) -> Any:
    """The names of a list as one cell, separated by blanks."""
    if isinstance(value, list) and all(isinstance(each, Scalar) for each in value):
        return " ".join(each.text for each in value)
    return value


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value.text if isinstance(value, Scalar) else value


class Reports(Section):
    """`reports`: the reports to fetch."""

    list: LocalPath | None = Field(
        default="input/reports.csv", description="Report list, a CSV file; null = only `items`."
    )
    items: tuple[ReportItem, ...] = Field(
        default=(),
        description="Reports defined inline, added to the list: mappings with the report list's column names as keys.",
    )
