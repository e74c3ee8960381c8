"""Records of orgs, and what each summary makes of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sfr.fleet.child import command, environment, read_outcome
from sfr.fleet.columns import COLUMNS
from sfr.fleet.notices import webhook_document
from sfr.fleet.page import html_blocks
from sfr.fleet.records import KEPT_RUNS, expected_s, read_result, record_path, write_record
from sfr.fleet.summaries import csv_blocks, json_blocks, prometheus_blocks, write_summaries
from sfr.fleet.values import FleetResult, Org, OrgResult, Totals

NOW = datetime.now().astimezone()
GOOD = OrgResult("acme", 0, Totals(1, 2, 3, 0, 50, 60), 7.5, 1, "node", "/out/summary.html", "2026-01-01T00:00:00")
LOST = OrgResult("=beta", None, None, 1.0, 2, "node", message="<b>lost</b>\x1b[31m")


def fleet(*orgs: OrgResult, code: int = 4) -> FleetResult:
    """A fleet of these orgs."""
    return FleetResult("nightly", "id", NOW, NOW, 9.0, code, "1.0", "local", 4, orgs)


@pytest.mark.parametrize("result", [GOOD, replace(LOST, name="beta"), replace(GOOD, exit_code=4, undelivered=2)])
def test_record_is_read_as_it_was_written(tmp_path, result):
    """With the totals, or without."""
    write_record(str(tmp_path), result, NOW, ".sfr-")

    assert read_result(str(tmp_path), result.name, NOW) == result


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        "{",
        '{"finished": 1}',
        '{"finished": "2026-01-01"}',
        '{"finished": "NOW", "attempts": "x"}',
        '{"finished": "NOW", "name": "acme", "exit_code": 0, "attempts": 1, "undelivered": 0, "seconds": NaN}',
        '{"finished": "NOW", "name": "acme", "exit_code": 0, "attempts": true, "undelivered": 0, "seconds": 1}',
        '{"finished": "NOW", "name": "beta", "exit_code": 0, "attempts": 1, "undelivered": 0, "seconds": 1}',
    ],
)
def test_damaged_record_is_an_org_without_a_code(tmp_path, damage):
    """It ends no summary."""
    path = tmp_path / "orgs" / "acme.json"
    path.parent.mkdir()
    path.write_text(damage.replace("NOW", NOW.isoformat()))

    result = read_result(str(tmp_path), "acme", NOW)

    assert result.exit_code is None
    assert result.message
    assert expected_s(str(tmp_path), "acme") is None


def test_record_keeps_the_durations_of_the_last_runs(tmp_path):
    """Runs that fetched nothing do not count while there are others."""
    for number in range(KEPT_RUNS + 5):
        write_record(str(tmp_path), replace(GOOD, seconds=float(number)), NOW, ".sfr-")
    write_record(str(tmp_path), replace(GOOD, exit_code=3, seconds=0.5), NOW, ".sfr-")

    runs = json.loads((tmp_path / "orgs" / "acme.json").read_text())["runs"]
    assert len(runs) == KEPT_RUNS
    assert expected_s(str(tmp_path), "acme") == KEPT_RUNS + 4


def test_record_older_than_a_day_is_no_result(tmp_path):
    """A clock that was set back does not make it so."""
    write_record(str(tmp_path), GOOD, NOW - timedelta(hours=25), ".sfr-")
    assert read_result(str(tmp_path), "acme", NOW).exit_code is None
    write_record(str(tmp_path), GOOD, NOW - timedelta(hours=23), ".sfr-")
    assert read_result(str(tmp_path), "acme", NOW).exit_code == 0


def test_record_that_another_user_could_have_written_is_not_read(tmp_path):
    """It is opened like every file of SFR."""
    write_record(str(tmp_path), GOOD, NOW, ".sfr-")
    path = tmp_path / "orgs" / "acme.json"
    target = tmp_path / "elsewhere"
    path.rename(target)
    path.symlink_to(target)

    assert read_result(str(tmp_path), "acme", NOW).exit_code is None
    assert record_path(str(tmp_path), "acme") == str(path)


def test_json_summary_has_a_fleet_and_its_orgs():
    """Unknown values are null."""
    document = json.loads(b"".join(json_blocks(fleet(GOOD, LOST))))

    assert (document["fleet"]["orgs"], document["fleet"]["orgs_failed"], document["fleet"]["rows"]) == (2, 1, 50)
    assert tuple(document["orgs"][0]) == COLUMNS
    assert document["orgs"][1]["exit_code"] is None
    assert document["orgs"][1]["saved"] is None


def test_csv_summary_marks_formulas_and_shows_no_control_characters():
    """It is meant for spreadsheets."""
    text = b"".join(csv_blocks(fleet(GOOD, LOST))).decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    assert rows[1]["name"] == "'=beta"
    assert rows[1]["exit_code"] == ""
    assert "\x1b" not in text


def test_page_escapes_what_an_org_said():
    """No markup of a message, no control character, no script."""
    page = b"".join(html_blocks(fleet(GOOD, LOST))).decode()

    assert "<b>lost" not in page
    assert "\x1b" not in page
    assert "<script" not in page
    assert "1 of 2 orgs failed" in page


@pytest.mark.parametrize(("summary", "is_named"), [("/out/summary.html", True), ("", False)])
def test_page_points_to_the_pages_of_failed_orgs_if_there_are_any(summary, is_named):
    """Without a scheduler no org has a page."""
    page = b"".join(html_blocks(fleet(GOOD, replace(LOST, summary=summary)))).decode()

    assert ("The page of each org" in page) is is_named


def test_metrics_are_gauges_by_fleet():
    """No time series per org."""
    text = b"".join(prometheus_blocks(fleet(GOOD, LOST))).decode()

    assert 'sfr_fleet_orgs{fleet="nightly",status="failed"} 1' in text
    assert "acme" not in text


def test_summary_that_cannot_be_written_turns_0_into_4(tmp_path):
    """The JSON is written last, with the final code."""
    (tmp_path / "summary.csv").mkdir()

    written = write_summaries(fleet(GOOD, code=0), str(tmp_path), ".sfr-")

    assert written.exit_code == 4
    assert json.loads((tmp_path / "summary.json").read_text())["fleet"]["exit_code"] == 4


def test_webhook_gets_one_message_for_all_orgs():
    """With those that failed."""
    document = json.loads(webhook_document(fleet(GOOD, LOST)))

    assert document["text"].startswith("SFR, fleet nightly: 1 of 2 orgs failed")
    assert [org["name"] for org in document["failed"]] == ["=beta"]


def test_command_line_of_an_org_names_its_configuration_and_no_secret():
    """The interpreter and the installation are the fleet's own."""
    argv = command(Org("acme", "/conf/acme.yaml", "/conf/acme.env"), 4, is_resume=True)

    assert argv[1:4] == ["-P", "-m", "sfr"]
    assert argv[argv.index("--config") + 1] == "/conf/acme.yaml"
    assert argv[argv.index("--env-file") + 1] == "/conf/acme.env"
    assert argv[-1] == "--resume"
    assert environment({"PYTHONPATH": "/x"})["PYTHONPATH"].endswith(":/x")


@pytest.mark.parametrize(("code", "message"), [(0, ""), (4, ""), (5, "No space left"), (143, "")])
def test_run_that_saved_nothing_is_explained_by_what_it_printed(code, message):
    """Its own summary may not have been written, for the same reason."""
    result = read_outcome(Org("acme", ""), code, f'{{"exit_code": {code}}}'.encode(), b"No space left\n", "node")

    assert result.message == message
    assert result.totals is not None


@pytest.mark.parametrize("stdout", [b"", b"no JSON\n", b"[1]\n", b'{"exit_code": 4}\n', b'{"saved": "x"}\n'])
def test_process_that_reports_no_totals_is_explained_by_what_it_printed(stdout):
    """Its code is kept."""
    result = read_outcome(Org("acme", ""), 2, stdout, b"sfr: conf.yaml:3: wrong\n", "node")

    assert (result.exit_code, result.totals, result.message) == (2, None, "sfr: conf.yaml:3: wrong")
