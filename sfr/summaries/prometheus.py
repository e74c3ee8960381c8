"""The run as metrics for node_exporter's textfile collector: gauges in base units, without timestamps.

No label contains a report's name: a time series for each report would use too much memory in Prometheus. The JSON
summary has the figures of each report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from sfr.errors import ExitCode
from sfr.escaping.invisible import escape_invisible
from sfr.model import Status
from sfr.results import DeliveryStatus, RunStats
from sfr.summaries.background import Background

#: All escapes that the text format defines for label values.
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Sample = tuple[Mapping[str, str], float]


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:  # noqa: ARG001 - registry
    """The `.prom` file, in the Prometheus text format."""
    labels = {"config": background.config_name, "org": urlsplit(run.domain).hostname or run.domain}
    finished_s = run.finished_at.timestamp()
    is_success = run.exit_code == ExitCode.SUCCESS and not run.is_partial
    last_success_at = run.finished_at if is_success else background.last_success_at
    metrics: list[tuple[str, str, Iterable[Sample]]] = [
        ("sfr_last_run_timestamp_seconds", "When the last run ended.", [(labels, finished_s)]),
        (
            "sfr_last_success_timestamp_seconds",
            "When the last run of the whole list without failed reports ended.",
            [] if last_success_at is None else [(labels, last_success_at.timestamp())],
        ),
        ("sfr_run_duration_seconds", "How long the last run took.", [(labels, run.duration_s)]),
        (
            "sfr_reports",
            "Reports of the last run, by status.",
            [({**labels, "status": status.value}, run.totals.by_status[status]) for status in Status],
        ),
        ("sfr_report_bytes", "Size of all valid report files of the last run.", [(labels, run.size_bytes)]),
        ("sfr_report_rows", "Rows of all valid reports of the last run.", [(labels, run.rows)]),
        (
            "sfr_deliveries",
            "Deliveries of the last run to destinations, by status.",
            [({**labels, "status": status.value}, run.totals.deliveries[status]) for status in DeliveryStatus],
        ),
        ("sfr_retries", "Retried requests of the last run.", [(labels, run.retries)]),
        ("sfr_worker_deaths", "Worker processes of the last run that died.", [(labels, run.worker_deaths)]),
        ("sfr_exit_code", "Exit code of the last run.", [(labels, int(run.exit_code))]),
    ]
    yield metrics_text(metrics)


def metrics_text(metrics: Iterable[tuple[str, str, Iterable[Sample]]]) -> bytes:
    """(name, meaning, samples) of gauges in the Prometheus text format."""
    return "".join(_metric(*metric) for metric in metrics).encode("utf-8", "backslashreplace")


def _metric(name: str, meaning: str, samples: Iterable[Sample]) -> str:
    lines = [f"{name}{_labels(labels)} {_number(number)}\n" for labels, number in samples]
    return f"# HELP {name} {meaning}\n# TYPE {name} gauge\n{''.join(lines)}" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escaped(value: str) -> str:
    """Invisible characters are escaped first: the format has only three escapes, and parsers reject any other."""
    return escape_invisible(value, keep_lines=True).translate(_LABEL_ESCAPES)


def _number(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.3f}"
