"""Builds the `factMap` and the groupings of a report run from its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sfr.emulator.analytics.metadata import ROW_COUNT
from sfr.emulator.analytics.run_plan import RunPlan
from sfr.emulator.catalogue.cells import EMPTY, Cell, currency_cell, number_cell
from sfr.emulator.catalogue.columns import Column, cell_sort_key
from sfr.emulator.catalogue.ids import numbered_id
from sfr.emulator.catalogue.reports import Report

_TOTAL = "T"


@dataclass(slots=True)
class _Group:
    """A node of a grouping tree: its key (`0_1`), its cell, its rows, its children."""

    key: str
    cell: Cell
    column: Column | None
    rows: list[int]
    children: list[_Group] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """The group as JSON."""
        value = self.cell.raw if self.column is None else _value(self.column, self.cell)
        return {
            "groupings": [child.facts() for child in self.children],
            "key": self.key,
            "label": self.cell.label,
            "value": value,
        }

    def nodes(self) -> list[_Group]:
        """Itself and all nodes below it."""
        return [self, *(node for child in self.children for node in child.nodes())]


def fact_map(plan: RunPlan, rows: Sequence[int], *, details: bool, limit: int) -> dict[str, Any]:
    """`factMap`, `groupingsDown`, `groupingsAcross` and `allData`. limit: maximum of detail rows in the response."""
    shown = set(rows[:limit]) if plan.down else None
    down, across = _tree(plan.down, rows), _tree(plan.across, rows)
    facts: dict[str, Any] = {}
    if not plan.down:
        facts["T!T"] = _entry(plan, rows, rows[:limit] if details else [])
    else:
        for node in down.nodes():
            mine = set(node.rows)
            for other in across.nodes():
                common = node.rows if other is across else [row for row in other.rows if row in mine]
                is_leaf = not node.children and not other.children and node is not down
                listed = [row for row in common if shown and row in shown] if details and is_leaf else []
                facts[f"{node.key}!{other.key}"] = _entry(plan, common, listed)
    return {
        "allData": len(rows) <= limit or not details,
        "factMap": facts,
        "groupingsAcross": {"groupings": [child.facts() for child in across.children]},
        "groupingsDown": {"groupings": [child.facts() for child in down.children]},
    }


def _tree(columns: tuple[Column, ...], rows: Sequence[int]) -> _Group:
    root = _Group(_TOTAL, EMPTY, None, list(rows) if columns else [])
    _grow(root, columns, "")
    return root


def _grow(group: _Group, columns: tuple[Column, ...], prefix: str) -> None:
    """Split a group by the first of the columns, in ascending order of its cells."""
    if not columns:
        return
    column = columns[0]
    parts: dict[Cell, list[int]] = {}
    for row in group.rows:
        parts.setdefault(column.cell(row), []).append(row)
    ordered = sorted(parts, key=lambda cell: (cell_sort_key(cell, column.data_type), cell.label))
    for number, cell in enumerate(ordered):
        child = _Group(f"{prefix}{number}", cell, column, parts[cell])
        _grow(child, columns[1:], f"{prefix}{number}_")
        group.children.append(child)


def _entry(plan: RunPlan, rows: Sequence[int], listed: Sequence[int]) -> dict[str, Any]:
    aggregates = [_aggregate(plan, name, rows) for name in plan.metadata["aggregates"] or []]
    return {"aggregates": aggregates, "rows": [{"dataCells": _data_cells(plan, row)} for row in listed]}


def _aggregate(plan: RunPlan, name: str, rows: Sequence[int]) -> dict[str, Any]:
    if name == ROW_COUNT:
        cell = number_cell(len(rows))
        return {"label": cell.label, "value": cell.raw}
    column = plan.report.table.column(name.removeprefix("s!"))
    numbers = [raw for raw in map(column.raw, rows) if isinstance(raw, (int, float))]
    total = currency_cell(round(sum(numbers), 2)) if column.data_type == "currency" else number_cell(int(sum(numbers)))
    return {"label": total.label, "value": total.raw}


def _data_cells(plan: RunPlan, row: int) -> list[dict[str, Any]]:
    return [_data_cell(plan.report, column, row) for column in plan.details]


def _data_cell(report: Report, column: Column, row: int) -> dict[str, Any]:
    cell = column.cell(row)
    if column.is_record_name:
        return {"label": cell.label, "value": numbered_id(report.table.key_prefix, row)}
    return {"label": cell.label, "value": _value(column, cell)}


def _value(column: Column, cell: Cell) -> Any:
    if cell.raw is None:
        return None
    if column.data_type == "currency":
        return {"amount": cell.raw, "currency": None}
    if column.data_type == "datetime":
        return str(cell.raw).replace(".000+0000", "Z")
    return cell.raw
