"""Options, and what they refuse: usage errors fetch nothing and show no traceback."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sfr.version import __version__

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = ("Awkward Cells", "Deals by Stage", "Lapsed Contracts")
HEADER = "report_type,report_file_name,report_id,report_path,optional_export_params\n"


@pytest.fixture
def configured(org, job):
    """A job of three small reports."""
    job.for_org(org, *NAMES)
    return job


@pytest.fixture
def listed(org, job):
    """A job whose reports come from a list."""
    job.for_org(org, *NAMES)
    _edit(job, "  list: null\n  items:", "  list: absent.csv\nspare:")
    path = job.directory / "sfr.yaml"
    head, _, rest = path.read_text().partition("spare:")
    path.write_text(f"{head}fetch:{rest.partition('fetch:')[2]}")
    return job


def _edit(job, old, new):
    path = job.directory / "sfr.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_go_to_stdout(job, option):
    """Exit 0, nothing on stderr, no configuration needed."""
    ended = job.run(option)

    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == f"sfr {__version__}\n" if option == "--version" else "--list-reports" in ended.stdout


def _run_bare(job, *arguments):
    """Run the program with these arguments only: not even `--config` comes before them."""
    return job.start_command([sys.executable, str(CHECKOUT / "sfr.py"), *arguments]).end()


def test_schema_prints_the_file_beside_the_configurations(job):
    """As it is; no configuration needed."""
    ended = _run_bare(job, "schema")

    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == (CHECKOUT / "conf" / "sfr.schema.json").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--config", "sfr.yaml", "schema"),
        ("--config", "sfr.yaml", "schema"),
        ("./schema", "--config", "sfr.yaml"),
        ("run", "schema", "--config", "sfr.yaml"),
    ],
)
def test_name_of_a_command_is_a_report_list_unless_it_comes_first(listed, arguments):
    """`run` is the same as no command; `./schema` is the list of that name."""
    (listed.directory / "schema").write_text(f"{HEADER}SOQL,x\n")

    ended = _run_bare(listed, *arguments)

    assert ended.code == 2
    assert "schema:2: " in ended.stderr


def test_command_that_does_not_come_first_is_explained(configured):
    """Unless there is a list of that name."""
    ended = _run_bare(configured, "--config", "sfr.yaml", "doctor")

    assert ended.code == 2
    assert "give the command first: sfr doctor --config FILE" in ended.stderr


def test_command_refuses_options_that_it_does_not_have(job):
    """Exit 2, with its own usage."""
    ended = _run_bare(job, "schema", "--threads", "4")

    assert ended.code == 2
    assert ended.stderr.startswith("usage: sfr schema")


def test_module_is_the_same_program(job):
    """`python -m sfr`."""
    job.environ["PYTHONPATH"] = str(CHECKOUT)

    ended = job.start_command([sys.executable, "-m", "sfr", "--version"]).end()

    assert (ended.code, ended.stdout) == (0, f"sfr {__version__}\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("route: classic", "route: [", "sfr.yaml"),
        ("route: classic", "rout: classic", "salesforce.rout"),
        ("route: classic", "route: browser", "salesforce.route"),
        ("attempts: 2", "attempts: many", "fetch.attempts"),
        ("attempts: 2", "attempts: -1", "fetch.attempts"),
        ("route: classic", "api_version: ${SFR_NO_SUCH_NAME}", "SFR_NO_SUCH_NAME"),
        ("http://127.0.0.1", "http://acme.my.salesforce.com", "salesforce.domain"),
        ("  auth:\n    sid:", "  auth:\n    password: {}\n    sid:", "salesforce.auth"),
        ("report_type: SFDC", "report_type: XLS", "report_type"),
        ("report_file_name: Awkward Cells", "report_file_name: ../x", "report_file_name"),
        ("report_file_name: Awkward Cells", "report_file_name: deals by stage", "Deals by Stage"),
        ("report_file_name: Awkward Cells", "report_file_nme: x", "report_file_nme"),
    ],
)
def test_wrong_configuration_ends_with_2(configured, org, old, new, message):
    """The message names the key; nothing is requested, nothing written."""
    _edit(configured, old, new)

    ended = configured.run_here()

    assert ended.code == 2
    assert message in ended.stderr
    assert ended.stdout == ""
    assert not org.requests.records()
    assert not configured.output.exists()


def test_all_problems_are_reported_at_once(configured):
    """Three mistakes, one run."""
    _edit(configured, "route: classic", "rout: classic")
    _edit(configured, "attempts: 2", "attempts: many")
    _edit(configured, "count: 1", "cout: 1")

    stderr = configured.run().stderr

    assert all(key in stderr for key in ("salesforce.rout", "fetch.attempts", "workers.cout"))


def test_bad_rows_of_a_list_are_all_reported(listed, org):
    """File, line and column of each; nothing is fetched."""
    known = org.report("Awkward Cells").id
    (listed.directory / "list.csv").write_text(
        f"{HEADER}SFDC,Good,{known},,\n# a comment\n\nSFDC,Bad Id,00Oxx,,\nSFDC,..,{known},,\nTXT,X,{known},,\n"
    )

    ended = listed.run("list.csv")

    assert ended.code == 2
    for line, column in ((5, "report_id"), (6, "report_file_name"), (7, "report_type")):
        messages = [text for text in ended.stderr.splitlines() if column in text]
        assert any("list.csv" in text and str(line) in text for text in messages), ended.stderr
    assert not org.requests.records()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "No Such*"), "No Such"),
        (("--env-file", "absent.env"), "absent.env"),
        (("absent.csv",), "absent.csv"),
        (("--config", "absent.yaml"), "absent.yaml"),
        (("--report", "SFDC,only-two"), "--report"),
        (("--threads", "0"), "--threads"),
        (("--threads", "x"), "--threads"),
        (("--log-level", "LOUD"), "--log-level"),
        (("--no-such-option",), "--no-such-option"),
        (("--offline",), "--check"),
        (("--check", "--history"), "--history"),
    ],
)
def test_wrong_usage_ends_with_2(configured, org, arguments, message):
    """The message names the option or the file."""
    ended = configured.run_here(*arguments)

    assert ended.code == 2, ended.stderr
    assert message in ended.stderr
    assert not org.requests.records()
    assert not configured.output.exists()


def test_empty_list_ends_with_2(listed, org):
    """A header and nothing else selects no report."""
    (listed.directory / "list.csv").write_text(HEADER)

    assert listed.run("list.csv").code == 2
    assert not org.requests.records()


def test_missing_header_is_reported(listed):
    """A first cell SFDC is a row, not a header."""
    (listed.directory / "list.csv").write_text("SFDC,x,00O5g000007Lk2TEAS,,\n")

    ended = listed.run("list.csv")

    assert ended.code == 2
    assert "header" in ended.stderr


def test_list_on_the_command_line_replaces_the_configured_one(listed, org):
    """Paths and parameters of its rows count; paths are relative to the working directory."""
    known = org.report("Deals by Stage").id
    (listed.directory / "list.csv").write_text(
        f"{HEADER}SFDC,Elsewhere,{known[:15]},deep/er,?export=1&enc=UTF-8&xf=csv&isdtp=p1&pv0=a\n"
    )

    ended = listed.run("list.csv")

    assert ended.code == 0, ended.stderr
    expected = b"".join(org.expected_csv("Deals by Stage"))
    assert (listed.directory / "deep" / "er" / "Elsewhere.csv").read_bytes() == expected
    (record,) = org.requests.records("export")
    assert record.request.target.endswith("?export=1&enc=UTF-8&xf=csv&isdtp=p1&pv0=a")
    assert list(listed.reports()) == ["Elsewhere"]


def test_only_selects_by_name_and_id(configured, org):
    """Shell patterns; repeatable."""
    ended = configured.run("--only", "Awk*", "--only", org.report("Lapsed Contracts").id)

    assert ended.code == 0
    assert list(configured.reports()) == ["Awkward Cells", "Lapsed Contracts"]
    assert org.requests.count("export") == 2


def test_report_option_replaces_the_list_and_path_the_directory(configured, org, expected):
    """`-r` twice, all saved under `-p`."""
    first, second = org.report("Awkward Cells").id, org.report("Deals by Stage").id

    ended = configured.run("-r", f"SFDC,One,{first},ignored", "-r", f'SFDC,"Two, too",{second},', "-p", "there")

    assert ended.code == 0, ended.stderr
    there = configured.directory / "there"
    assert (there / "One.csv").read_bytes() == expected("Awkward Cells")
    assert (there / "Two, too.csv").read_bytes() == expected("Deals by Stage")
    assert not (configured.directory / "ignored").exists()
    assert configured.summary()["run"]["workers"] in (1, 2)


def test_threads_and_workers_override_the_configuration(configured):
    """The summary contains what was used."""
    assert configured.run("-t", "2", "-w", "2").code == 0

    run = configured.summary()["run"]
    assert (run["threads"], run["workers"]) == (2, 2)


def test_environment_file_is_read_and_the_environment_wins(configured, org):
    """`${NAME}`: the environment before the file."""
    _edit(configured, f"domain: {org.url}", "domain: ${SFDC_DOMAIN}")
    (configured.directory / "my.env").write_text("SFDC_DOMAIN=http://127.0.0.1:9\n")
    configured.environ["SFDC_DOMAIN"] = org.url

    assert configured.run("--env-file", "my.env").code == 0
    del configured.environ["SFDC_DOMAIN"]
    (configured.directory / "my.env").write_text(f"SFDC_DOMAIN={org.url}\n")
    assert configured.run("--env-file", "my.env").code == 0


def test_check_logs_in_and_downloads_nothing(configured, org):
    """Every report is printed; no file is made, no log either."""
    ended = configured.run("--check")

    assert ended.code == 0, ended.stderr
    assert all(name in ended.stdout for name in NAMES)
    assert org.url in ended.stdout
    assert "Last run in Salesforce" in ended.stdout
    assert not re.search(r"\d\d-\d\dT\d\d:", ended.stdout)
    assert ended.stdout.splitlines()[-1] == "3 reports: 3 ready. Nothing was downloaded."
    assert org.requests.count("export") == 0
    assert org.requests.count("limits") == 1
    assert {path.name for path in configured.directory.iterdir()} == {"sfr.yaml"}


def test_check_offline_requests_nothing(configured, org):
    """Validation only."""
    ended = configured.run("--check", "--offline")

    assert ended.code == 0
    assert all(name in ended.stdout for name in NAMES)
    assert "list of 3 reports are valid" in ended.stdout.splitlines()[-1]
    assert not org.requests.records()


def test_check_ends_with_3_when_the_log_in_is_refused(configured, org):
    """The same check as a run makes."""
    org.end_sessions()

    ended = configured.run("--check")

    assert ended.code == 3
    assert ended.stderr


@pytest.mark.parametrize("command", ["--check", "--list-reports"])
def test_command_ends_with_5_when_the_org_cannot_be_reached(configured, org, command):
    """The code of a run that saves nothing; stdout stays empty."""
    org.stop()

    ended = configured.run(command)

    assert ended.code == 5
    assert ended.stdout == ""
    assert ended.stderr


def test_history_shows_runs_and_one_report(configured, org):
    """Newest first, with exit codes; by name what became of a report."""
    assert "no runs" in configured.run("--history").stdout
    assert configured.run().code == 0
    org.set_rules({"report": "Deals by Stage", "action": "status", "code": 404})
    assert configured.run().code == 4
    org.requests.clear()

    runs, of_one = configured.run("--history"), configured.run("--history", "Deals by Stage")

    assert (runs.code, of_one.code) == (0, 0)
    assert len(runs.stdout.strip().splitlines()) == 4
    assert "not_found" in of_one.stdout
    assert "saved" in of_one.stdout
    assert not org.requests.records()


def test_listed_reports_are_a_report_list(listed, org):
    """What it prints can be run as it is."""
    printed = listed.run("--list-reports", "--folder", org.report("Deals by Stage").folder)

    assert printed.code == 0, printed.stderr
    rows = list(csv.reader(io.StringIO(printed.stdout, newline="")))
    assert ",".join(rows[0][:5]) == HEADER.strip()
    (listed.directory / "list.csv").write_text(printed.stdout)
    checked = listed.run("list.csv", "--check", "--offline")
    assert checked.code == 0, checked.stderr
    assert "Deals by Stage" in checked.stdout
    assert org.requests.count("export") == 0


def test_log_levels_are_set_for_console_and_file(configured):
    """`--log-level`, `--file-log-level`; stdout stays the table."""
    ended = configured.run("--log-level", "debug", "--file-log-level", "ERROR")

    assert ended.code == 0
    assert "INFO" in ended.stderr
    assert "INFO" not in ended.stdout
    assert configured.log_text() == ""


def test_progress_shows_only_where_requested(configured):
    """No terminal, no progress; `--progress` writes it to stderr, its end also of the shortest run."""
    assert configured.run().stderr == ""
    assert "3 of 3 reports" in configured.run("--progress").stderr.splitlines()[-1]


def test_progress_counts_only_what_is_fetched_when_resumed(configured, org):
    """Reports that `--resume` skips were never under way."""
    org.set_rules({"report": "Deals by Stage", "attempts": 1, "action": "status", "code": 404})
    assert configured.run().code == 4

    resumed = configured.run("--resume", "--progress")

    assert resumed.code == 0, resumed.stdout
    assert "1 of 1 report," in resumed.stderr.splitlines()[-1]
    assert configured.log_text().count("skipped, already fetched") == 2


def test_output_is_not_cut_when_it_goes_through_a_pipe(job, org):
    """Names, run ids and paths are whole where no terminal has a width, whatever `COLUMNS` says."""
    name = f"Deals {'by stage and owner ' * 8}by Stage"
    job.for_org(org, "Deals by Stage")
    _edit(job, "report_file_name: Deals by Stage", f"report_file_name: {name}")
    job.environ["COLUMNS"] = "60"

    ran, runs, of_one, checked = job.run(), job.run("--history"), job.run("--history", name), job.run("--check")

    assert name in ran.stdout
    assert job.summary()["run"]["id"] in runs.stdout
    assert name in of_one.stdout
    assert name in checked.stdout
    assert f"{job.output}/{name}.csv" in job.run("--check", "--offline").stdout


def test_report_without_a_place_to_go_has_its_end_in_the_log(configured):
    """Every report has one line that says how it ended, also one that was never requested."""
    (configured.output).mkdir()
    (configured.output / "file").write_text("")
    _edit(
        configured,
        "report_file_name: Deals by Stage",
        f"report_path: {configured.output}/file/x\n    report_file_name: Deals by Stage",
    )

    assert configured.run().code == 4
    assert "Deals by Stage: failed after 0 attempts: disk" in configured.log_text()


@pytest.mark.parametrize("form", ["csv.gz", "csv.zst", "jsonl"])
def test_format_names_the_file(configured, form):
    """`output.format` is the ending."""
    if form == "csv.zst":
        pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
    with (configured.directory / "sfr.yaml").open("a") as file:
        file.write(f"output: {{format: {form}}}\n")

    ended = configured.run()

    assert ended.code == 0, ended.stderr
    for name, report in configured.reports().items():
        path = configured.output / f"{name}.{form}"
        assert report["path"] == str(path)
        assert report["size_bytes"] == path.stat().st_size


def test_dates_are_filled_in(job, org):
    """In names, paths and parameters."""
    known = org.report("Awkward Cells").id
    job.configure(
        org.url,
        {"sid": {"value": org.sid}},
        [
            {
                "report_type": "SFDC",
                "report_file_name": "cells {run_date:%Y}",
                "report_id": known,
                "report_path": "out/{run_date-1y:%Y}",
            }
        ],
        timezone="UTC",
    )

    assert job.run().code == 0

    (file,) = (job.directory / "out").glob("*/cells *.csv")
    assert int(file.stem.split()[1]) == int(file.parent.name) + 1


def test_closed_stdout_does_no_harm(configured):
    """`sfr … | head -0`: the run is done, no traceback."""
    process = subprocess.Popen(
        configured.command(),
        cwd=configured.directory,
        env=configured.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 0
    assert stderr == ""
    assert set(configured.reports()) == set(NAMES)


def test_missing_package_is_named_with_what_to_do_about_it(configured):
    """A Python without the requirements, such as the system's own, is the usual first mistake: no traceback."""
    command = [sys.executable, "-S", str(CHECKOUT / "sfr.py"), "--config", "sfr.yaml", "--check", "--offline"]
    ended = configured.start_command(command).end()

    assert ended.code == 2
    assert "is not installed for" in ended.stderr
    assert "scripts/setup .venv" in ended.stderr
    assert "Traceback" not in ended.stderr
