"""The summary as JSON: a `run` object and a list of reports. For scripts; its presence marks the end of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, chosen, row


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:  # noqa: ARG001 - registry
    """The JSON file; unknown values are null."""
    names = chosen(columns)
    yield b'{\n "run": ' + _encoded(run_facts(run), 1) + b',\n "reports": ['
    for place, stats in enumerate(run.reports):
        values: dict[str, object] = {**row(stats, names)}
        if "delivered" in names:
            values["deliveries"] = stats.deliveries
        yield (b",\n  " if place else b"\n  ") + _encoded(values, 2)
    yield b"\n ]\n}\n" if run.reports else b"]\n}\n"


def _encoded(values: Mapping[str, object], level: int) -> bytes:
    """An object of the document, indented by `level`."""
    text = json.dumps(values, ensure_ascii=False, indent=1).replace("\n", f"\n{' ' * level}")
    # Lone surrogates (undecodable bytes of a path) become JSON escapes.
    return text.encode("utf-8", "backslashreplace")


def run_facts(run: RunStats) -> dict[str, Value]:
    """The `run` object."""
    return {
        "id": run.id,
        "started": run.started,
        "finished": run.finished,
        "seconds": run.seconds,
        "exit_code": int(run.exit_code),
        "domain": run.domain,
        "version": run.version,
        "threads": run.threads,
        "workers": run.workers,
        "saved": run.saved,
        "unchanged": run.unchanged,
        "skipped": run.skipped,
        "failed": run.failed,
        "rows": run.rows,
        "size_bytes": run.size_bytes,
    }
