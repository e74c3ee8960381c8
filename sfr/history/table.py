"""`--history`: the last runs as a table, or what they did for one report."""

from __future__ import annotations

from sfr.history.history import History
from sfr.history.past import PastReport, PastRun
from sfr.terminal.figures import UNKNOWN, count, counted, duration, local_time, seconds, size
from sfr.terminal.rendering import Column, paragraph, table_text
from sfr.wording import did_you_mean

#: How many runs, or how many rows of one report.
MAX_ROWS = 40

_RUN_COLUMNS = (
    Column("Started"),
    Column("Took", is_number=True, is_optional=True),
    Column("Exit", is_number=True),
    Column("Saved", is_number=True),
    Column("Unchanged", is_number=True, is_optional=True),
    Column("Skipped", is_number=True, is_optional=True),
    Column("Failed", is_number=True),
    Column("Rows", is_number=True, is_optional=True),
    Column("Size", is_number=True, is_optional=True),
    Column("Run", is_cut=True),
)
_REPORT_COLUMNS = (
    Column("Started"),
    Column("Status"),
    Column("Error"),
    Column("Rows", is_number=True, is_optional=True),
    Column("Change", is_number=True, is_optional=True),
    Column("Size", is_number=True, is_optional=True),
    Column("Seconds", is_number=True, is_optional=True),
    Column("Attempts", is_number=True, is_optional=True),
    Column("Report", is_cut=True),
)


def render_history(
    history: History, name: str | None, *, width: int | None, encoding: str | None = "utf-8", limit: int = MAX_ROWS
) -> str:
    """The table, newest first, ending with one newline.

    name: a report's name, id or shell pattern; None shows runs. width: of the terminal, in columns; None cuts nothing.
    encoding: of the stream it will go to; what it cannot show becomes ASCII.
    """
    lines = _runs(history, width, encoding, limit) if name is None else _reports(history, name, width, encoding, limit)
    return "\n".join([*lines, ""])


def _runs(history: History, width: int | None, encoding: str | None, limit: int) -> list[str]:
    runs = history.runs(limit)
    if not runs:
        return ["There are no runs in the history yet."]
    return [table_text(_RUN_COLUMNS, map(_run_cells, runs), width, encoding)]


def _run_cells(run: PastRun) -> tuple[str, ...]:
    exit_code = "cut off" if run.exit_code is None else str(run.exit_code)
    counts = (count(number) for number in (run.saved, run.unchanged, run.skipped, run.failed, run.rows))
    return (
        local_time(run.started_at),
        duration(run.duration_s),
        exit_code,
        *counts,
        size(run.size_bytes),
        run.run_id,
    )


def _reports(history: History, name: str, width: int | None, encoding: str | None, limit: int) -> list[str]:
    found = history.recent(name, limit)
    if not found:
        near = did_you_mean(name, history.names()) or "."
        return [*paragraph(f"No report in the history has the name or id {name}{near}", width, encoding)]
    # One more row would show the oldest row's change as well; it is left unknown.
    rows = [_report_cells(one, _before(one, found[place + 1 :])) for place, one in enumerate(found)]
    lines = [table_text(_REPORT_COLUMNS, rows, width, encoding)]
    newest_failure = next((one for one in found if one.message), None)
    if newest_failure is not None:
        text = f"{local_time(newest_failure.started_at)}, {newest_failure.name}: {newest_failure.message}"
        lines += ["", *paragraph(text, width, encoding)]
    if len(found) == limit:
        lines += ["", f"The newest {counted(limit, 'row')} are shown."]
    return lines


def _before(one: PastReport, older: tuple[PastReport, ...]) -> int | None:
    """Rows of the run before that of the same report, where they are known."""
    return next((past.rows for past in older if past.report_id == one.report_id and past.rows is not None), None)


def _report_cells(one: PastReport, rows_before: int | None) -> tuple[str, ...]:
    return (
        local_time(one.started_at),
        "cut off" if one.status is None else one.status.value,
        "" if one.error is None else one.error.value,
        count(one.rows),
        _change(one.rows, rows_before),
        size(one.size_bytes),
        seconds(one.duration_s),
        str(one.attempt_count),
        one.name,
    )


def _change(rows: int | None, before: int | None) -> str:
    if rows is None or not before:
        return UNKNOWN
    return f"{100 * (rows - before) / before:+.1f} %"
