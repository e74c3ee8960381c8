"""Renders results as text for a terminal, which is Markdown too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.results import RowResult


def machine_lines(machine: dict[str, str]) -> str:
    """One paragraph."""
    return "; ".join(f"{label} {value}" for label, value in machine.items()) + "."


def row_text(row: RowResult) -> str:
    """A heading, the figures, the targets and the notes of one row."""
    parts = [f"## {row.name}: {row.title}"]
    if row.figures:
        cells = [
            (figure.name, f"{min(figure.values):.3g}", f"{figure.median:.3g}", f"{max(figure.values):.3g}", figure.unit)
            for figure in row.figures
        ]
        parts.append(_table(("measured", "min", "median", "max", "unit"), cells))
    if row.targets:
        targets = [
            (
                target.what,
                f"{target.found:.2f} {target.unit}",
                f"{'≤' if target.at_most else '≥'} {target.limit:g} {target.unit}",
                "met" if target.is_met else "MISSED",
            )
            for target in row.targets
        ]
        parts.append(_table(("target", "found", "promised", ""), targets))
    parts += [f"- {note}" for note in row.notes]
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if column in {0, len(header) - 1} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join(padded) + " |"

    rule = "|".join(
        "-" * (width + 2) if column in {0, len(header) - 1} else "-" * (width + 1) + ":"
        for column, width in enumerate(widths)
    )
    return "\n".join([line(header), f"|{rule}|", *(line(cells) for cells in lines[1:])])
