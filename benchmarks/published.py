"""Writes what was found: `results.json` for programs, `results.md` and `results.svg` for people."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.plot import draw
from benchmarks.results import RowResult
from benchmarks.table import machine_lines, row_text


def write(directory: Path, machine: dict[str, str], rows: list[RowResult], *, scale: float, rounds: int) -> None:
    """Replace the three files in `directory`, which is made if missing."""
    directory.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).date().isoformat()
    facts = {"date": today, "scale": scale, "rounds": rounds, "machine": machine}
    as_json = json.dumps({**facts, "rows": [_described(row) for row in rows]}, indent=1, ensure_ascii=False)
    (directory / "results.json").write_text(as_json + "\n", encoding="utf-8")
    heading = f"# Results of {today}\n\nMade by `scripts/bench`; do not edit.\n\n{machine_lines(machine)}\n"
    shown = "![Times and targets](results.svg)\n"
    texts = [heading, shown, *(row_text(row) for row in rows)]
    (directory / "results.md").write_text("\n".join(texts), encoding="utf-8")
    (directory / "results.svg").write_text(draw(rows), encoding="utf-8")


def _described(row: RowResult) -> dict[str, object]:
    described = asdict(row)
    described["figures"] = [{**asdict(figure), "median": figure.median} for figure in row.figures]
    described["targets"] = [{**asdict(target), "met": target.is_met} for target in row.targets]
    return described
