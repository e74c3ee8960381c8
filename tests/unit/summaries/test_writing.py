from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sfr.config.output_settings import SummaryTarget
from sfr.redaction import Redactor
from sfr.results import RunStats
from sfr.summaries import FORMATS, Background, redact_run, write_summaries

ALL = ("json", "csv", "html", "prometheus")


def targets(tmp_path: Path, *formats: str) -> list[tuple[SummaryTarget, str]]:
    """Each format with its default path."""
    return [(SummaryTarget(format=name), str(tmp_path / "new" / f"summary_report.{name}")) for name in formats]


def whole(run: RunStats) -> RunStats:
    """The run with its reports as plain values."""
    return replace(run, reports=tuple(run.reports))


def exit_code(path: str) -> int:
    """As in the JSON summary."""
    code: int = json.loads(Path(path).read_text())["run"]["exit_code"]
    return code


def test_all_summaries_are_written(tmp_path: Path, run: RunStats) -> None:
    """Every format, its directory made, with its permissions."""
    wanted = targets(tmp_path, *ALL)
    written = write_summaries(run, wanted, Redactor(), Background(), mode=0o640)

    assert written.failures == ()
    assert whole(written.run) == run
    modes = {Path(path).suffix: Path(path).stat().st_mode & 0o777 for _, path in wanted}
    assert modes == {".json": 0o640, ".csv": 0o640, ".html": 0o640, ".prometheus": 0o644}


def test_json_is_written_last(tmp_path: Path, run: RunStats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its presence says that the run has ended, whatever the order in the configuration."""
    order: list[str] = []
    monkeypatch.setattr("sfr.storage.atomic.write_blocks_atomically", lambda path, *_, **__: order.append(path))
    wanted = targets(tmp_path, *ALL)
    write_summaries(run, wanted, Redactor(), Background())

    assert order[-1] == wanted[0][1]


@pytest.mark.parametrize(("before", "after"), [(0, 4), (4, 4), (5, 5), (143, 143)])
def test_exit_code_is_true_when_a_summary_cannot_be_written(
    tmp_path: Path, run: RunStats, before: int, after: int
) -> None:
    """A failure turns 0 into 4 and nothing else, and the JSON says so."""
    (tmp_path / "file").write_text("")
    wanted = [*targets(tmp_path, "json", "html"), (SummaryTarget(format="csv"), str(tmp_path / "file" / "x.csv"))]
    written = write_summaries(replace(run, exit_code=before), wanted, Redactor(), Background())

    assert exit_code(wanted[0][1]) == written.run.exit_code == after
    assert len(written.failures) == 1
    assert "csv summary could not be written" in written.failures[0]
    assert written.run.notes[-1] == written.failures[0]


def test_earlier_summaries_are_rewritten_when_the_last_one_fails(tmp_path: Path, run: RunStats) -> None:
    """Two JSON summaries of which the second fails: the first has 4 too."""
    (tmp_path / "file").write_text("")
    wanted = [
        *targets(tmp_path, "json", "prometheus"),
        (SummaryTarget(format="json"), str(tmp_path / "file" / "x.json")),
    ]
    write_summaries(replace(run, exit_code=0), wanted, Redactor(), Background())

    assert exit_code(wanted[0][1]) == 4
    assert "sfr_exit_code" in Path(wanted[1][1]).read_text()
    assert Path(wanted[1][1]).read_text().strip().endswith(" 4")


def test_bug_in_one_format_costs_only_that_summary(
    tmp_path: Path, run: RunStats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are written, and the failure is reported."""

    def fail(*_: object) -> bytes:
        raise KeyError("s3cr3t-value")

    monkeypatch.setitem(FORMATS, "html", replace(FORMATS["html"], render=fail))
    wanted = targets(tmp_path, *ALL)
    written = write_summaries(run, wanted, Redactor(), Background())

    assert len(written.failures) == 1
    assert "s3cr3t" not in written.failures[0]
    assert Path(wanted[0][1]).exists()


def test_secrets_are_masked_in_every_format(tmp_path: Path, run: RunStats) -> None:
    """A secret in a message, a note or the domain reaches no summary; names and paths stay true."""
    redactor = Redactor()
    redactor.add("s3cr3t-<value>", "Leads")
    stats = replace(run.reports[7], message="It said s3cr3t-<value>.")
    leaky = replace(run, reports=(stats,), notes=("s3cr3t-<value>",), domain="https://s3cr3t-<value>.my.salesforce.com")
    wanted = targets(tmp_path, *ALL)
    write_summaries(leaky, wanted, redactor, Background())

    for _, path in wanted:
        assert "s3cr3t" not in Path(path).read_text()
    assert json.loads(Path(wanted[0][1]).read_text())["reports"][0]["path"] == stats.report.path
    assert whole(redact_run(run, Redactor())) == run
