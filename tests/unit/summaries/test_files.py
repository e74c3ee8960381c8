"""The summaries that programs read: CSV, JSON, Prometheus."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime

import pytest

from sfr.results import RunStats
from sfr.summaries import FORMATS, Background
from sfr.summaries.columns import COLUMN_NAMES
from sfr.summaries.csv_summary import escaped

#: Programs read the summary by these names, in this order.
CONTRACT = [
    *("file_name", "report_id", "type", "valid", "created_date", "pull_date", "processing_time", "attempt_count"),
    *("file_size", "status", "error", "rows", "columns", "size_bytes", "sha256", "path", "route", "http_status"),
    "message",
    "delivered",
]
RUN_KEYS = [
    *("id", "started", "finished", "seconds", "exit_code", "domain", "version", "threads", "workers", "saved"),
    *("unchanged", "skipped", "failed", "rows", "size_bytes"),
]


def as_csv(run: RunStats, columns: tuple[str, ...] | None = None) -> list[dict[str, str]]:
    """The CSV summary, read back."""
    data = b"".join(FORMATS["csv"].render(run, columns, Background()))
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_columns_are_those_of_the_contract() -> None:
    """Names and order are fixed."""
    assert list(COLUMN_NAMES) == CONTRACT


def test_csv_has_a_row_for_each_report(run: RunStats) -> None:
    """Values as the contract words them; unknown is empty."""
    rows = as_csv(run)
    ok, bad = rows[0], rows[7]

    assert list(ok) == CONTRACT
    assert len(rows) == 40
    assert (ok["type"], ok["valid"], ok["status"], ok["error"]) == ("SFDC", "True", "saved", "")
    assert ok["file_size"] == f"{run.reports[0].size_bytes / 1_048_576:.1f}"
    assert ok["processing_time"] == f"{run.reports[0].processing_time_s:.3f}".rstrip("0")
    assert datetime.fromisoformat(ok["created_date"]).utcoffset() is not None
    assert (bad["valid"], bad["status"], bad["error"], bad["pull_date"], bad["sha256"]) == (
        "False", "failed", "truncated", "", "",
    )  # fmt: skip
    assert bad["path"] == run.reports[7].report.path


def test_csv_text_is_no_formula(run: RunStats) -> None:
    """A spreadsheet shows the cell instead of running it; numbers and other text stay as they are."""
    assert as_csv(run)[9]["file_name"] == "'=cmd|' /C calc'!A0"
    assert [escaped(value) for value in ("+1", "-1", "@x", "\tx", "a=b", -1, -1.5, None)] == [
        "'+1", "'-1", "'@x", "'\tx", "a=b", -1, -1.5, None,
    ]  # fmt: skip


def test_columns_are_picked_and_ordered(run: RunStats) -> None:
    """`columns` of the configuration decides, for CSV and JSON alike."""
    assert list(as_csv(run, ("rows", "file_name"))[0]) == ["rows", "file_name"]
    document = json.loads(b"".join(FORMATS["json"].render(run, ("rows", "file_name"), Background())))
    assert list(document["reports"][0]) == ["rows", "file_name"]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_json_is_laid_out_as_one_document(run: RunStats, count: int) -> None:
    """Written report by report, it is what the standard library writes of the whole."""
    data = b"".join(FORMATS["json"].render(replace(run, reports=run.reports[:count]), None, Background())).decode()

    assert data == json.dumps(json.loads(data), ensure_ascii=False, indent=1) + "\n"
    assert len(json.loads(data)["reports"]) == count


def test_json_is_as_the_contract_says(run: RunStats) -> None:
    """Keys in order; numbers and booleans as such; unknown is null; letters readable."""
    data = b"".join(FORMATS["json"].render(run, None, Background()))
    document = json.loads(data)

    assert list(document) == ["run", "reports"]
    assert list(document["run"]) == RUN_KEYS
    assert document["run"]["failed"] == 4
    assert document["run"]["rows"] == sum(each["rows"] for each in document["reports"] if each["valid"])
    assert list(document["reports"][0]) == [*CONTRACT, "deliveries"]
    assert document["reports"][0]["valid"] is True
    assert document["reports"][7]["rows"] is None
    assert "商談" in data.decode()


def test_summaries_are_written_when_a_name_is_no_text(run: RunStats) -> None:
    """An undecodable byte of a path becomes an escape, in every format."""
    report = replace(run.reports[0].report, directory="/srv/\udcff\x01")
    odd = replace(run, reports=(replace(run.reports[0], report=report),))
    for form in FORMATS.values():
        b"".join(form.render(odd, None, Background())).decode("utf-8")
    assert "\udcff" in json.loads(b"".join(FORMATS["json"].render(odd, None, Background())))["reports"][0]["path"]


def test_metrics_are_gauges_without_timestamps(run: RunStats, background: Background) -> None:
    """Every line is in the text format; the labels are configuration, org and status only."""
    lines = b"".join(FORMATS["prometheus"].render(run, None, background)).decode().splitlines()
    samples = [line for line in lines if not line.startswith("#")]

    assert all(
        re.fullmatch(r'sfr_[a-z_]+\{config="prod",org="[a-z.-]+"(,status="[a-z]+")?\} [0-9.]+', s) for s in samples
    )
    names = {line.split("{")[0] for line in samples}
    assert names >= {
        "sfr_last_run_timestamp_seconds", "sfr_last_success_timestamp_seconds", "sfr_run_duration_seconds",
        "sfr_reports", "sfr_report_bytes", "sfr_retries", "sfr_worker_deaths", "sfr_exit_code",
    }  # fmt: skip
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == names
    assert 'status="failed"} 4' in "\n".join(samples)


def test_last_success_is_this_run_when_it_succeeded(run: RunStats, background: Background) -> None:
    """A good run is its own last success; a bad or partial one has the last good one; with none there is no line."""

    def last_success(run: RunStats, background: Background) -> str | None:
        text = b"".join(FORMATS["prometheus"].render(run, None, background)).decode()
        found = re.search(r"^sfr_last_success_timestamp_seconds\{.*\} (.*)$", text, re.MULTILINE)
        return found and found[1]

    assert background.last_success_at is not None
    assert last_success(replace(run, exit_code=0), background) == f"{run.finished_at.timestamp():.3f}"
    assert last_success(replace(run, exit_code=0, is_partial=True), background) == last_success(run, background)
    assert last_success(run, background) == f"{background.last_success_at.timestamp():.3f}"
    assert last_success(run, Background()) is None


def test_labels_are_escaped(run: RunStats) -> None:
    """A quote, a backslash or a line end in a configuration's name breaks no metric."""
    text = b"".join(FORMATS["prometheus"].render(run, None, Background(config_name='a"b\\c\nd'))).decode()

    assert r'config="a\"b\\c\nd"' in text


def test_run_without_reports_is_rendered(run: RunStats) -> None:
    """A run that ended before its first report has a summary too, in every format."""
    empty = replace(run, reports=(), exit_code=3)
    for form in FORMATS.values():
        assert b"".join(form.render(empty, None, Background()))
    assert as_csv(empty) == []
    assert empty.saved == 0
