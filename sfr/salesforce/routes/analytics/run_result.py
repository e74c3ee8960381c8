"""Parses the JSON of a report run straight into texts: an object per cell would take ten times the memory.

Independent of slices; rejects results that do not match the request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.salesforce.routes.analytics.cells import cell_text
from sfr.salesforce.routes.analytics.description import ID, items, mapping


class Row(NamedTuple):
    """A row: the texts to write, and its values in the candidate key columns."""

    texts: tuple[str, ...]
    keys: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """The layout of a row: the data type of each cell, how many are written, and which are keys."""

    data_types: tuple[str, ...]
    #: Number of leading cells that are written; the others were added as keys only.
    written: int
    key_positions: tuple[int, ...] = ()

    def row(self, cells: list[object]) -> Row:
        """The row of these cells. Raises `ReportError` if their number differs from that of the columns."""
        if len(cells) != len(self.data_types):
            raise ReportError(
                ErrorKind.TRUNCATED,
                f"A row has {len(cells)} cells, but {len(self.data_types)} columns were requested.",
                remedy=ODD_ANSWER_REMEDY,
                permanent=True,
            )
        texts = tuple(
            [cell_text(*_parts(cell), data_type) for cell, data_type in zip(cells[: self.written], self.data_types)]  # noqa: B905
        )
        return Row(texts, tuple([_key(cells[position], self.data_types[position]) for position in self.key_positions]))


class _Cell(NamedTuple):
    label: object
    value: object


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of one report run."""

    #: Of an asynchronous run: `New`, `Running`, `Success`, `Error`; empty for a synchronous one.
    status: str
    #: Salesforce's message about a failed asynchronous run.
    status_message: str
    #: True if it contains all requested rows.
    is_complete: bool
    has_details: bool
    #: Salesforce's row count, including rows beyond the limit; None if it did not count.
    row_count: int | None
    detail_columns: tuple[str, ...]
    #: `T!T`, `0_1!T` … → rows.
    facts: Mapping[str, list[Row]]
    groupings_down: list[object]
    groupings_across: list[object]
    #: `reportMetadata` as Salesforce ran the report.
    metadata: Mapping[str, object]


def parse_run_result(body: bytes, shape: Shape) -> RunResult:
    """Parse the JSON of a run. Raises `ReportError` `truncated` if it is not JSON."""

    def reduce(found: dict[str, Any]) -> object:
        if "label" in found and "value" in found and "groupings" not in found and "key" not in found:
            return _Cell(found["label"], found["value"])
        cells = found.get("dataCells")
        return shape.row(cells) if isinstance(cells, list) else found

    try:
        document = json.loads(body, object_hook=reduce, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ReportError(
            ErrorKind.TRUNCATED,
            "Expected JSON from a report run, but the response is not JSON or is cut off.",
            remedy=ODD_ANSWER_REMEDY,
        ) from error
    return _result(mapping(document))


def _result(document: Mapping[str, object]) -> RunResult:
    attributes, metadata = mapping(document.get("attributes")), mapping(document.get("reportMetadata"))
    facts = {
        str(key): [row for row in items(mapping(fact).get("rows")) if isinstance(row, Row)]
        for key, fact in mapping(document.get("factMap")).items()
    }
    return RunResult(
        status=str(attributes.get("status") or document.get("status") or ""),
        status_message=str(document.get("errorMessage") or attributes.get("errorMessage") or ""),
        is_complete=document.get("allData") is True,
        has_details=document.get("hasDetailRows") is not False,
        row_count=_row_count(document, metadata),
        detail_columns=tuple(str(name) for name in items(metadata.get("detailColumns"))),
        facts=facts,
        groupings_down=items(mapping(document.get("groupingsDown")).get("groupings")),
        groupings_across=items(mapping(document.get("groupingsAcross")).get("groupings")),
        metadata=metadata,
    )


def _row_count(document: Mapping[str, object], metadata: Mapping[str, object]) -> int | None:
    names = items(metadata.get("aggregates"))
    aggregates = items(mapping(mapping(document.get("factMap")).get("T!T")).get("aggregates"))
    if "RowCount" not in names or len(names) != len(aggregates):
        return None
    _, value = _parts(aggregates[names.index("RowCount")])
    return int(value) if isinstance(value, int | Decimal) else None


def _parts(cell: object) -> tuple[object, object]:
    """Label and value of a cell; either may be missing."""
    if isinstance(cell, _Cell):
        return cell
    facts = mapping(cell)
    label = facts.get("label")
    return label, facts.get("value", label)


def _key(cell: object, data_type: str) -> str | None:
    """The text that a filter compares: the value of an id, but the label of a text (a name has an id as its value)."""
    label, value = _parts(cell)
    if value is None:
        return None
    found = str(value if data_type == ID else label)
    return found or None
