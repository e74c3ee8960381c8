"""The lines of the live display: one for each report in flight, one for the run. Imports rich."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sfr.progress.snapshot import Phase, ReportProgress, Snapshot
from sfr.terminal.figures import count, counted, duration, size
from sfr.terminal.rendering import layout
from sfr.terminal.text import printable

#: Wider lines are hard to follow from one end to the other.
_MAX_WIDTH = 110
#: Minimum width in columns for the bar, and for rates and full phase names.
_WIDTH_FOR_BAR = 60
_WIDTH_FOR_ALL = 76
_BAR_WIDTH = 16
#: Maximum number of reports listed; others are only counted.
_MAX_REPORTS = 12
_SHORT = {Phase.WAITING: "waiting", Phase.DOWNLOADING: "receiving", Phase.WRITING: "writing"}
_STYLES = {Phase.WAITING: "yellow", Phase.DOWNLOADING: "cyan", Phase.WRITING: "green"}
#: Reports being downloaded are listed before those received.
_ORDER = {Phase.WAITING: 0, Phase.DOWNLOADING: 0, Phase.WRITING: 1}


def live_lines(snapshot: Snapshot, columns: int, most_lines: int, *, encoding: str, color: bool) -> Sequence[str]:
    """The snapshot in at most `most_lines` lines, none wider than `columns`."""
    width = min(columns, _MAX_WIDTH)
    room = min(most_lines - 1, _MAX_REPORTS)
    listed, others = _split(snapshot.reports, room)
    table = Table.grid(expand=True, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(ratio=1, no_wrap=True)
    is_wide = width >= _WIDTH_FOR_ALL
    for head in ("size", "rate", "phase") if is_wide else ("size", "phase"):
        table.add_column(justify="left" if head == "phase" else "right", no_wrap=True)
    for report in listed:
        table.add_row(*_cells(report, encoding, is_wide=is_wide))
    parts: list[Table | Text] = [table] if listed else []
    if others and room > 0:
        parts.append(Text(_others(others), no_wrap=True, overflow="ellipsis"))
    return layout(Group(*parts, _run_line(snapshot, width)), width, encoding, color=color).splitlines()


def _split(reports: Sequence[ReportProgress], room: int) -> tuple[list[ReportProgress], list[ReportProgress]]:
    """The reports that are listed, in order, and those that are only counted."""
    if len(reports) <= room:
        return list(reports), []
    places = sorted(range(len(reports)), key=lambda place: _ORDER[reports[place].phase])
    shown = set(places[: max(0, room - 1)])
    split: tuple[list[ReportProgress], list[ReportProgress]] = ([], [])
    for place, report in enumerate(reports):
        split[place not in shown].append(report)
    return split


def _cells(report: ReportProgress, encoding: str, *, is_wide: bool) -> list[Text]:
    received = Text(size(report.received_bytes) if report.received_bytes else "")
    name = Text(printable(report.name, encoding), overflow="ellipsis")
    style = _STYLES[report.phase]
    if not is_wide:
        return [name, received, Text(f"{_SHORT[report.phase]:9}", style)]
    has_rate = report.bytes_per_s is not None and report.received_bytes
    rate = f"{size(report.bytes_per_s)}/s" if has_rate else ""
    phase = Text.assemble((f"{report.phase:22}", style), f" {duration(report.phase_s):>12}")
    return [name, received, Text(f"{rate:>10}"), phase]


def _others(others: Sequence[ReportProgress]) -> str:
    counts = ((sum(each.phase is phase for each in others), _SHORT[phase]) for phase in Phase)
    return f"and {len(others):,} more: {', '.join(f'{number:,} {word}' for number, word in counts if number)}"


def _run_line(snapshot: Snapshot, width: int) -> Table | Text:
    """The progress of the run; on a narrow display the least important parts are left out."""
    failed = f" ({snapshot.failed:,} failed)" if snapshot.failed else ""
    about = f" of ~{size(snapshot.expected_total_bytes)}" if snapshot.expected_total_bytes else ""
    parts = {
        "done": f"{snapshot.done:,} of {counted(snapshot.total, 'report')}{failed}",
        "delivering": f"{snapshot.delivering:,} being delivered" if snapshot.delivering else "",
        "bytes": f"{size(snapshot.received_bytes)}{about}",
        "elapsed": f"{duration(snapshot.elapsed_s)} elapsed",
        "to go": snapshot.time_to_go,
    }
    has_bar = width >= _WIDTH_FOR_BAR
    room = width - (_BAR_WIDTH + 2) * has_bar
    for change in (
        {"elapsed": ""},
        {"delivering": ""},
        {"bytes": size(snapshot.received_bytes)},
        {"done": f"{count(snapshot.done)}/{count(snapshot.total)}{failed}"},
        {"to go": snapshot.time_to_go.removeprefix("about ")},
        {"bytes": ""},
    ):
        if cell_len(" · ".join(filter(None, parts.values()))) <= room:
            break
        parts |= change
    text = Text(" · ".join(filter(None, parts.values())), "bold", no_wrap=True, overflow="ellipsis")
    if not has_bar:
        return text
    line = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    line.add_row(ProgressBar(total=1.0, completed=snapshot.fraction, width=_BAR_WIDTH), text)
    return line
