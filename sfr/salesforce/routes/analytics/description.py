"""Parses `…/describe`: a report's metadata, its columns, and the columns of its report type.

Source: salesforce-facts.md §3 and recorded responses. Missing parts are treated as empty, so that older API versions
and small responses work as long as nothing depends on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError

TABULAR, JOINED = "TABULAR", "MULTI_BLOCK"
#: The data type of a record's own id.
ID = "id"


def is_joined(report_format: str) -> bool:
    """Whether this is the format of joined reports: `MULTI_BLOCK` in the Reports API, `MultiBlock` in SOQL."""
    return report_format.replace("_", "").upper() == "MULTIBLOCK"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report or of its type."""

    name: str
    label: str
    data_type: str
    is_filterable: bool = True


@dataclass(frozen=True, slots=True)
class Description:
    """A parsed description of a report."""

    #: The report's metadata as received, to be sent back with changes.
    metadata: Mapping[str, object]
    #: The report's own columns, groupings included, by name.
    columns: Mapping[str, Column] = field(default_factory=dict)
    #: All columns of its report type, in order.
    type_columns: tuple[Column, ...] = ()
    #: Data type → filter operators.
    operators: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Whether the metadata differs from the saved report's.
    is_changed: bool = False

    @property
    def format(self) -> str:
        """`TABULAR`, `SUMMARY`, `MATRIX` or `MULTI_BLOCK`."""
        return str(self.metadata.get("reportFormat") or TABULAR)

    @property
    def type_name(self) -> str:
        """Label of the report type, for messages."""
        named = mapping(self.metadata.get("reportType"))
        return str(named.get("label") or named.get("type") or "unknown")

    @property
    def groupings(self) -> tuple[str, ...]:
        """Names of the grouping columns, row groupings first."""
        found = [*items(self.metadata.get("groupingsDown")), *items(self.metadata.get("groupingsAcross"))]
        return tuple(str(grouping["name"]) for grouping in map(mapping, found) if grouping.get("name"))

    @property
    def details(self) -> tuple[str, ...]:
        """Names of the detail columns."""
        return tuple(str(name) for name in items(self.metadata.get("detailColumns")))

    @property
    def exported(self) -> tuple[Column, ...]:
        """The columns of a details export: groupings first, then details."""
        names = dict.fromkeys((*self.groupings, *self.details))
        return tuple(self.column(name) for name in names)

    def column(self, name: str) -> Column:
        """The column with this name; an unknown one gets its name as its label."""
        by_type = {column.name: column for column in self.type_columns}
        return self.columns.get(name) or by_type.get(name) or Column(name, name, "string")


def parse_description(document: object) -> Description:
    """Parse the response of `describe`. Raises `ReportError` if it contains no report metadata."""
    top = mapping(document)
    metadata = top.get("reportMetadata")
    if not isinstance(metadata, dict):
        raise ReportError(
            ErrorKind.NOT_CSV,
            "Salesforce's description of the report has no `reportMetadata`.",
            remedy=ODD_ANSWER_REMEDY,
            permanent=True,
        )
    extended = mapping(top.get("reportExtendedMetadata"))
    type_metadata = mapping(top.get("reportTypeMetadata"))
    columns = {
        column.name: column
        for part in ("groupingColumnInfo", "detailColumnInfo")
        for column in _columns(mapping(extended.get(part)))
    }
    return Description(
        metadata=metadata,
        columns=columns,
        type_columns=tuple(
            column
            for category in items(type_metadata.get("categories"))
            for column in _columns(mapping(mapping(category).get("columns")))
        ),
        operators={
            str(data_type): frozenset(str(mapping(operator).get("name")) for operator in items(operators))
            for data_type, operators in mapping(type_metadata.get("dataTypeFilterOperatorMap")).items()
        },
    )


def _columns(by_name: Mapping[str, object]) -> Iterator[Column]:
    for name, described in by_name.items():
        facts = mapping(described)
        label = facts.get("label")
        yield Column(
            name=str(name),
            label=str(name) if label is None else str(label),
            data_type=str(facts.get("dataType") or "string"),
            is_filterable=facts.get("filterable") is not False,
        )


def mapping(value: object) -> Mapping[str, object]:
    """The JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """The JSON array, or an empty one for anything else."""
    return value if isinstance(value, list) else []
