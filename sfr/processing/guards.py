"""Checks whether a new report may replace the old one: its row count and columns against the guards of its list row.

Compares with the last good run in the history; without one, guards that need it pass. Accesses no files.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.errors import REMEDIES, ErrorKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfr.model import Baseline, Guards

#: Maximum number of labels listed in a message, per kind of change.
MAX_LABELS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the guards: without an error, the report may be put in place."""

    error: ErrorKind | None = None
    #: The guards that failed and what to do, or a warning about a report that passed; may be empty.
    message: str = ""


def check(guards: Guards, baseline: Baseline | None, *, rows: int | None, header: tuple[str, ...] | None) -> Verdict:
    """Check a new report against its guards; the message names every guard that failed.

    rows, header: None for a workbook in which they are unknown; guards that need them pass.
    """
    if rows == 0 and guards.may_be_empty == "false":
        sentence = "The report has no rows, but `may_be_empty: false` requires some."
        return Verdict(ErrorKind.EMPTY, f"{sentence} {REMEDIES[ErrorKind.EMPTY]}")
    failed = [] if rows is None else [*_row_guards(guards, baseline, rows)]
    failed += [] if header is None else _column_guard(guards, baseline, header)
    if failed:
        return Verdict(ErrorKind.GUARD, " ".join([*failed, REMEDIES[ErrorKind.GUARD]]))
    if rows == 0 and guards.may_be_empty == "warn" and baseline is not None and baseline.rows:
        return Verdict(message=f"The report has no rows; the last good run had {baseline.rows:,}.")
    return Verdict()


def _row_guards(guards: Guards, baseline: Baseline | None, rows: int) -> list[str]:
    failed = []
    if guards.min_rows is not None and rows < guards.min_rows:
        failed.append(f"The report has {rows:,} rows, fewer than `min_rows` ({guards.min_rows:,}).")
    before = baseline.rows if baseline is not None else None
    if guards.max_drop_pct is not None and before:
        drop_pct = (before - rows) / before * 100
        if drop_pct > guards.max_drop_pct:
            failed.append(
                f"The report has {rows:,} rows, {drop_pct:.1f} % fewer than the last good run ({before:,});"
                f" `max_drop_pct` allows {guards.max_drop_pct:g} %."
            )
    return failed


def _column_guard(guards: Guards, baseline: Baseline | None, header: tuple[str, ...]) -> list[str]:
    before = baseline.header if baseline is not None else None
    if guards.columns != "same" or before is None or tuple(before) == header:
        return []
    return [f"The columns changed, but `columns: same` requires the same ones: {_column_changes(before, header)}."]


def _column_changes(before: Sequence[str], after: Sequence[str]) -> str:
    removed, added = _missing(before, after), _missing(after, before)
    renamed = []
    for old, new in zip(before, after, strict=False) if len(before) == len(after) else ():
        if old in removed and new in added:
            removed.remove(old)
            added.remove(new)
            renamed.append(f"{_quoted(old)} to {_quoted(new)}")
    changes = [
        ("renamed", renamed),
        ("added", [_quoted(label) for label in added]),
        ("removed", [_quoted(label) for label in removed]),
    ]
    named = [f"{change} {_listed(labels)}" for change, labels in changes if labels]
    if not named:
        moved = [_quoted(new) for old, new in zip(before, after, strict=True) if old != new]
        named = [f"reordered {_listed(moved)}"]
    return "; ".join(named)


def _missing(labels: Sequence[str], others: Sequence[str]) -> list[str]:
    """Labels that `others` lacks, repeated ones counted."""
    left = list(others)
    missing = []
    for label in labels:
        if label in left:
            left.remove(label)
        else:
            missing.append(label)
    return missing


def _quoted(label: str) -> str:
    return f"`{label[:60]}`"


def _listed(labels: Sequence[str]) -> str:
    more = len(labels) - MAX_LABELS_NAMED
    return ", ".join(labels[:MAX_LABELS_NAMED]) + (f" and {more} more" if more > 0 else "")
