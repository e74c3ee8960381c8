"""The answer of a report run, reduced to texts while it is parsed: objects per cell would cost ten times the memory.

Does not know slices; says what came, and refuses what cannot be what was asked for.
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
    """A row: the texts to write, and its key in each of the columns that slices may be cut by."""

    texts: tuple[str, ...]
    keys: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What the cells of a row are: the data type of each, how many are written, and which are keys."""

    data_types: tuple[str, ...]
    #: The first so many cells are written; those behind were added as keys only.
    written: int
    key_positions: tuple[int, ...] = ()

    def row(self, cells: list[object]) -> Row:
        """The row of these cells. Raises `ReportError` if they are not as many as the columns."""
        if len(cells) != len(self.data_types):
            raise ReportError(
                ErrorKind.TRUNCATED,
                f"A row has {len(cells)} cells where {len(self.data_types)} columns were asked for.",
                remedy=ODD_ANSWER_REMEDY,
                permanent=True,
            )
        texts = tuple(
            [cell_text(*_parts(cell), data_type) for cell, data_type in zip(cells[: self.written], self.data_types)]  # noqa: B905 - keys stay behind
        )
        return Row(texts, tuple([_key(cells[position], self.data_types[position]) for position in self.key_positions]))


class _Cell(NamedTuple):
    label: object
    value: object


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """The answer of one run."""

    #: Of an asynchronous run: `New`, `Running`, `Success`, `Error`; empty for a synchronous one.
    status: str
    #: What Salesforce says of an asynchronous run that failed.
    status_message: str
    #: True if these are all rows of what was asked for.
    is_complete: bool
    has_details: bool
    #: Rows that Salesforce counted, those beyond the limit included; None where it did not count.
    row_count: int | None
    detail_columns: tuple[str, ...]
    #: `T!T`, `0_1!T` … → rows.
    facts: Mapping[str, list[Row]]
    groupings_down: list[object]
    groupings_across: list[object]


def parse_answer(body: bytes, shape: Shape) -> RunAnswer:
    """The JSON of a run. Raises `ReportError`: `truncated` for what is no JSON."""

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
            "The answer of a report run was to be JSON, but is none or ends too early.",
            remedy=ODD_ANSWER_REMEDY,
        ) from error
    return _answer(mapping(document))


def _answer(document: Mapping[str, object]) -> RunAnswer:
    attributes, metadata = mapping(document.get("attributes")), mapping(document.get("reportMetadata"))
    facts = {
        str(key): [row for row in items(mapping(fact).get("rows")) if isinstance(row, Row)]
        for key, fact in mapping(document.get("factMap")).items()
    }
    return RunAnswer(
        status=str(attributes.get("status") or document.get("status") or ""),
        status_message=str(document.get("errorMessage") or attributes.get("errorMessage") or ""),
        is_complete=document.get("allData") is True,
        has_details=document.get("hasDetailRows") is not False,
        row_count=_row_count(document, metadata),
        detail_columns=tuple(str(name) for name in items(metadata.get("detailColumns"))),
        facts=facts,
        groupings_down=items(mapping(document.get("groupingsDown")).get("groupings")),
        groupings_across=items(mapping(document.get("groupingsAcross")).get("groupings")),
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
    """What a filter compares: an id's value, but a text's label, for the value of a name column is its record's id."""
    label, value = _parts(cell)
    if value is None:
        return None
    found = str(value if data_type == ID else label)
    return found or None
