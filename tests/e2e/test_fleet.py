"""`sfr fleet` as a user has it: many orgs, one process each, one summary."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from sfr.cli import main
from sfr.emulator import Emulator
from tests.fleets import CHECKOUT, Fleet
from tests.sfr_program import still_running
from tests.waiting import wait_until

SLOW = "Open Pipeline"
#: No server answers there.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def fleet(tmp_path: Path, org: Emulator) -> Iterator[Fleet]:
    """A fleet without orgs."""
    made = Fleet(tmp_path, org)
    yield made
    made.close()


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All processes below this one."""
    return psutil.Process(process.pid).children(recursive=True)


def runs_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The runs of orgs below a fleet."""
    return [child for child in psutil.Process(process.pid).children() if "--under-fleet" in child.cmdline()]


def stalled(fleet: Fleet, *names: str, options: dict | None = None, **sections: object) -> subprocess.Popen[str]:
    """Start a fleet whose orgs all wait for a report that stalls."""
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    for name in names:
        fleet.add(name, SLOW, **sections)
    fleet.write(**(options or {}))
    process = fleet.start()
    assert fleet.org.requests.wait_for(lambda log: len(log.records("export")) >= len(names), timeout_s=60)
    return process


def test_fleet_runs_every_org_and_sums_them_up(fleet):
    """Files, records, three summaries and a table; the exit code says that all is well."""
    for name in ("acme", "beta"):
        fleet.add(name, "Deals by Stage", "Lapsed Contracts", summary=[{"format": "json"}, {"format": "html"}])

    code, stdout, _ = fleet.run()

    assert code == 0
    assert (fleet.out("acme") / "Deals by Stage.csv").exists()
    rows = fleet.rows()
    assert list(rows) == ["acme", "beta"]
    assert rows["acme"]["saved"] == 2
    assert rows["acme"]["exit_code"] == rows["acme"]["failed"] == 0
    assert rows["acme"]["summary"] == str(fleet.out("acme") / "summary_report.html")
    assert fleet.summary()["fleet"]["saved"] == 4
    assert fleet.record("acme")["date"] == fleet.record("acme")["finished"][:10]
    with (fleet.output / "summary.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["acme", "beta"]
    assert "All 2 orgs are up to date" in (fleet.output / "summary.html").read_text()
    assert 'sfr_fleet_orgs{fleet="fleet",status="good"} 2' in (fleet.output / "summary.prom").read_text()
    assert "Exit code 0." in stdout


def test_glob_names_orgs_after_their_files(fleet):
    """In the order of the names."""
    for name in ("b", "a"):
        fleet.add(name)
    for file in fleet.directory.glob("?.yaml"):
        (fleet.directory / "orgs").mkdir(exist_ok=True)
        file.rename(fleet.directory / "orgs" / file.name)
    fleet.orgs = [{"glob": "orgs/*.yaml"}]

    code, _, _ = fleet.run()

    assert code == 0
    assert list(fleet.rows()) == ["a", "b"]


def test_children_run_the_same_installation_whatever_the_working_directory(fleet):
    """A package named sfr in the working directory is not it."""
    (fleet.directory / "sfr").mkdir()
    (fleet.directory / "sfr" / "__init__.py").write_text("raise SystemExit(99)")
    (fleet.directory / "sfr" / "__main__.py").write_text("raise SystemExit(99)")
    fleet.add("acme")

    code, _, _ = fleet.run()

    assert code == 0


def test_org_that_cannot_be_reached_gets_another_attempt(fleet):
    """5 is tried again, other orgs are not held up, and the fleet ends with 4."""
    fleet.add("up")
    fleet.add("down", domain=NOBODY)

    code, stdout, _ = fleet.run()

    assert code == 4
    rows = fleet.rows()
    assert (rows["down"]["exit_code"], rows["down"]["attempts"], rows["down"]["failed"]) == (5, 2, 1)
    assert (rows["up"]["exit_code"], rows["up"]["attempts"]) == (0, 1)
    assert "1 of 2 orgs failed" in stdout


def test_fleet_ends_with_5_when_no_org_has_a_report(fleet):
    """As a run does."""
    fleet.add("down", domain=NOBODY)
    fleet.write(attempts=1)

    assert fleet.run()[0] == 5


def test_report_that_failed_counts_for_its_org_only(fleet):
    """Code 4 is not tried again."""
    fleet.org.set_rules({"report": "Lapsed Contracts", "action": "status", "code": 404})
    fleet.add("acme", "Deals by Stage", "Lapsed Contracts")
    fleet.add("beta")

    code, _, _ = fleet.run()

    assert code == 4
    assert fleet.codes() == [4, 0]
    assert fleet.rows()["acme"]["attempts"] == 1


def test_only_runs_the_orgs_that_match(fleet):
    """By name; no match is a usage error."""
    fleet.add("acme")
    fleet.add("beta")

    assert fleet.run("--only", "a*")[0] == 0
    assert list(fleet.rows()) == ["acme"]
    code, _, stderr = fleet.run("--only", "x*")
    assert code == 2
    assert "no org's name matches 'x*'; the orgs are `acme`, `beta`" in stderr


def test_only_suggests_the_name_that_is_meant(fleet):
    """Of a fleet with many orgs not all are listed."""
    for number in range(12):
        fleet.add(f"org{number:02}")

    assert "did you mean `org07`?" in fleet.run("--only", "Org-07")[2]
    assert fleet.run("--only", "zebra")[2].endswith("`org08`, `org09` and 2 more\n")


def test_check_prints_the_plan_and_starts_nothing(fleet):
    """With the durations of the last runs, longest first."""
    fleet.add("acme")
    fleet.add("beta", "Deals by Stage", "Lapsed Contracts")
    fleet.run()
    for name, seconds in (("acme", 5.0), ("beta", 50.0)):
        record = fleet.output / "orgs" / f"{name}.json"
        document = json.loads(record.read_text())
        document["runs"][-1]["seconds"] = seconds
        record.write_text(json.dumps(document))
    fleet.org.requests.clear()

    code, stdout, _ = fleet.run("--check")

    assert code == 0
    lines = stdout.splitlines()
    assert [line.split()[:3] for line in lines[2:4]] == [["beta", "2", "50.0"], ["acme", "1", "5.0"]]
    assert "2 orgs, 3 reports" in stdout
    assert not fleet.org.requests.records()


def test_all_problems_of_all_orgs_are_reported_before_anything_starts(fleet):
    """Wrong configurations, and what two orgs must not share."""
    fleet.add("acme")
    fleet.add("beta", output={"directory": str(fleet.out("acme"))})
    fleet.add("gamma", fetch={"threads": 0})
    fleet.add("delta", logging={"file": {"path": str(fleet.directory / "logs" / "acme.log")}})

    code, _, stderr = fleet.run()

    assert code == 2
    assert "'beta' and the org 'acme' have the same output directory" in stderr
    assert "'beta' and the org 'acme' have the same report file" in stderr
    assert "'delta' and the org 'acme' have the same log file" in stderr
    assert "gamma.yaml" in stderr
    assert "fetch.threads" in stderr
    assert not fleet.output.exists()
    assert not fleet.org.requests.records()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "dask"}, "`dask.scheduler` is missing"),
        ({"dask": {"scheduler": "tcp://cluster.example:8786"}}, "expected `tls://`"),
        ({"orgs": [{"glob": "nothing/*.yaml"}]}, "no file matches"),
        ({"orgs": [{"name": "a", "config": "acme.yaml"}, {"name": "A", "config": "b.yaml"}]}, "is used twice"),
        ({"orgs": [{"name": "../a", "config": "acme.yaml"}]}, "a name without slashes"),
        ({"orgs": [{"name": "a"}]}, "`config` is missing"),
        ({"orgs": [{"name": "a", "config": "acme.yaml", "glob": "*.yaml"}]}, "found both"),
        ({"orgs": []}, "orgs"),
        ({"at_onec": 4}, "did you mean `at_once`?"),
        ({"at_once": 0}, "an integer from 1 to 1,000"),
    ],
)
def test_wrong_fleet_is_a_usage_error_that_names_it(fleet, options, said, monkeypatch, capsys):
    """Exit code 2, and nothing is started."""
    fleet.add("acme")
    fleet.write(**options)
    monkeypatch.chdir(fleet.directory)

    code = main(["fleet", "fleet.yaml"])
    stderr = capsys.readouterr().err

    assert code == 2
    assert said in stderr
    assert "fleet.yaml" in stderr or "engine" in stderr


def test_resume_skips_what_is_there(fleet):
    """Each org is run with `--resume`."""
    fleet.add("acme")
    fleet.run()

    assert fleet.run("--resume")[0] == 0
    assert fleet.rows()["acme"]["skipped"] == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_stop_signal_reaches_all_orgs(fleet, number, code):
    """Each ends in its own grace, with its summary."""
    process = stalled(fleet, "a", "b")
    family = family_of(process)

    process.send_signal(number)
    fleet.end()

    assert process.returncode == code
    assert fleet.codes() == [code, code]
    assert json.loads((fleet.out("a") / "summary_report.json").read_text())["run"]["exit_code"] == code
    assert not still_running(family, 5)


def test_orgs_that_were_not_started_are_rows_without_a_code_after_a_stop(fleet):
    """Two orgs, one at a time."""
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    for name in ("a", "b"):
        fleet.add(name, SLOW)
    fleet.write(at_once=1)
    process = fleet.start()
    assert fleet.org.requests.wait_for(lambda log: log.records("export"), timeout_s=60)

    process.send_signal(signal.SIGTERM)
    fleet.end()

    assert fleet.codes() == [143, None]
    assert "stopped before this org was run" in fleet.rows()["b"]["message"]


def test_org_that_was_to_be_tried_again_keeps_its_result_when_the_fleet_is_stopped_before(fleet):
    """It did run: its attempt is what the summary and its record show."""
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    fleet.add("a", domain="http://127.0.0.1:9")
    fleet.add("b", SLOW)
    fleet.write(at_once=1)
    process = fleet.start()
    assert fleet.org.requests.wait_for(lambda log: log.records("export"), timeout_s=60)

    process.send_signal(signal.SIGTERM)
    fleet.end()

    assert fleet.codes() == [5, 143]
    assert fleet.rows()["a"]["attempts"] == 1
    assert fleet.record("a")["exit_code"] == 5


def test_runs_end_when_their_fleet_is_killed(fleet):
    """Within two seconds after their own grace, workers included, each with its summary."""
    process = stalled(fleet, "a", "b")
    family = family_of(process)

    process.kill()
    fleet.end(10)

    assert not still_running(family, 1 + 2 + 1)
    assert json.loads((fleet.out("a") / "summary_report.json").read_text())["run"]["exit_code"] == 143


def test_run_that_is_killed_is_tried_again_with_resume(fleet):
    """What it had saved is not saved again; it is fetched again only if the kill cut off its record."""
    fleet.org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    fleet.add("a", "Deals by Stage", SLOW, fetch={"threads": 1})
    process = fleet.start()
    assert fleet.org.requests.wait_for(lambda log: len(log.records("export")) == 2, timeout_s=60)
    wait_until((fleet.out("a") / "Deals by Stage.csv").exists)
    fleet.org.set_rules()
    (run,) = runs_of(process)

    run.kill()
    _, stderr = fleet.end()

    assert process.returncode == 0
    row = fleet.rows()["a"]
    assert (row["attempts"], row["exit_code"]) == (2, 0)
    assert (row["saved"], row["skipped"] + row["unchanged"]) == (1, 1)
    assert "it will be tried again" in stderr


def test_org_whose_run_was_killed_has_no_code_after_its_last_attempt(fleet):
    """Nor any numbers; the message says why."""
    process = stalled(fleet, "a", options={"attempts": 1})
    (run,) = runs_of(process)

    run.kill()
    fleet.end()

    assert process.returncode == 5
    assert (fleet.rows()["a"]["exit_code"], fleet.rows()["a"]["saved"]) == (None, None)
    assert "ended by a signal" in fleet.rows()["a"]["message"]


def test_org_whose_run_was_killed_while_the_fleet_stops_has_no_code(fleet):
    """The fleet did not send that signal."""
    process = stalled(fleet, "a", fetch={"stop_grace_s": 60})
    (run,) = runs_of(process)

    process.send_signal(signal.SIGTERM)
    for line in process.stderr:
        if "is being stopped" in line:
            break
    run.kill()
    fleet.end()

    assert process.returncode == 143
    assert fleet.rows()["a"]["exit_code"] is None
    assert "ended by a signal" in fleet.rows()["a"]["message"]


@pytest.mark.parametrize("file", ["orgs/acme.json", "summary.csv", "summary.json"])
def test_file_of_the_fleet_that_cannot_be_written_turns_0_into_4(fleet, file):
    """A directory is in its place; the other files are there."""
    fleet.add("acme")
    (fleet.output / file / "mine").mkdir(parents=True)

    code, stdout, stderr = fleet.run()

    assert code == 4
    assert "could not be written" in stderr
    assert "Exit code 4 (a record or a summary could not be written)." in " ".join(stdout.split())
    assert (fleet.output / "summary.html").exists()
    assert file == "summary.json" or fleet.summary()["fleet"]["exit_code"] == 4


def test_record_that_cannot_be_written_turns_0_into_4_with_the_index_engine(fleet):
    """Nothing else would show it: the summary may find the record of the day before."""
    fleet.add("acme")
    fleet.write(engine="index")
    (fleet.output / "orgs" / "acme.json" / "mine").mkdir(parents=True)

    assert fleet.run(environ={"JOB_COMPLETION_INDEX": "0"})[0] == 4


def test_second_fleet_in_the_same_directory_ends_with_6(fleet):
    """The lock of its output directory."""
    process = stalled(fleet, "a")
    second = Fleet(fleet.directory, fleet.org)

    code, _, stderr = second.run()

    assert code == 6
    assert "another `output`" in stderr
    process.send_signal(signal.SIGTERM)
    fleet.end()


@pytest.mark.parametrize(("index", "code"), [("0", 0), ("1", 5)])
def test_index_runs_the_org_of_its_number_and_ends_with_its_code(fleet, index, code):
    """One attempt; its record is the only file of the fleet."""
    fleet.add("up")
    fleet.add("down", domain=NOBODY)
    fleet.write(engine="index")

    assert fleet.run(environ={"JOB_COMPLETION_INDEX": index})[0] == code
    name = ("up", "down")[int(index)]
    assert fleet.record(name)["exit_code"] == code
    assert fleet.record(name)["attempts"] == 1
    assert [path.name for path in fleet.output.rglob("*") if path.is_file()] == [f"{name}.json"]


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        ((), {}, "JOB_COMPLETION_INDEX is not set"),
        ((), {"JOB_COMPLETION_INDEX": "2"}, "a number from 0 to 1"),
        ((), {"JOB_COMPLETION_INDEX": "-1"}, "a number from 0 to 1"),
        (("--only", "up"), {"JOB_COMPLETION_INDEX": "0"}, "--only"),
    ],
)
def test_index_without_an_org_is_a_usage_error(fleet, arguments, environ, said, monkeypatch, capsys):
    """It says which numbers there are."""
    fleet.add("up")
    fleet.add("down", domain=NOBODY)

    fleet.write()
    monkeypatch.chdir(fleet.directory)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    code = main(["fleet", "fleet.yaml", "--engine", "index", *arguments])
    stderr = capsys.readouterr().err

    assert code == 2
    assert said in stderr


def test_index_checks_the_process_own_org_only(fleet):
    """Another org's configuration is another process's business; a Slurm array counts by its own variable."""
    fleet.add("up")
    fleet.add("wrong", fetch={"threads": 0})
    fleet.write(engine="index", index={"variable": "SLURM_ARRAY_TASK_ID"})

    assert fleet.run(environ={"SLURM_ARRAY_TASK_ID": "0"})[0] == 0
    assert fleet.run(environ={"SLURM_ARRAY_TASK_ID": "1"})[0] == 2


def test_summary_sums_up_what_the_processes_of_the_index_engine_left(fleet):
    """An org without a record, or with one older than a day, is a row without a code."""
    for name in ("a", "b", "c"):
        fleet.add(name)
    fleet.write(engine="index")
    for index in ("0", "1"):
        fleet.run(environ={"JOB_COMPLETION_INDEX": index})
    old = fleet.record("b")
    old["finished"] = (datetime.now().astimezone() - timedelta(hours=25)).isoformat()
    (fleet.output / "orgs" / "b.json").write_text(json.dumps(old))

    code, _, _ = fleet.run("--summary")

    assert code == 4
    assert fleet.codes() == [0, None, None]
    assert "too old" in fleet.rows()["b"]["message"]
    assert "no record" in fleet.rows()["c"]["message"]


def test_fleet_notifies_once_for_all_orgs(fleet):
    """The command gets the fleet's JSON summary and its exit code."""
    notified = fleet.directory / "notified"
    script = f"import os,sys; open({str(notified)!r}, 'a').write(os.environ['SFR_EXIT_CODE'] + ' ' + sys.argv[1])"
    for name in ("a", "b"):
        fleet.add(name)
    fleet.write(notify={"command": [sys.executable, "-c", script]})

    fleet.run()

    assert notified.read_text() == f"0 {fleet.output / 'summary.json'}"


def test_summary_of_the_index_engine_notifies_for_all_orgs(fleet):
    """Those of single orgs notify nobody of the fleet. The program does not see the secrets of other channels."""
    notified = fleet.directory / "notified"
    script = (
        f"import os,sys; open({str(notified)!r}, 'a').write(os.environ['SFR_EXIT_CODE'] + os.environ.get('HOOK', '.'))"
    )
    fleet.add("a")
    hook = "${HOOK}"
    fleet.write(engine="index", notify={"command": [sys.executable, "-c", script], "webhook": hook})
    environ = {"JOB_COMPLETION_INDEX": "0", "HOOK": "http://127.0.0.1:9/hook"}

    assert fleet.run(environ=environ)[0] == 0
    assert not notified.exists()
    assert fleet.run("--summary", environ=environ)[0] == 0
    assert notified.read_text() == "0."


@pytest.mark.parametrize("output", ["acme.yaml", "acme.yaml/fleet", "/proc/fleet"])
def test_fleet_starts_nothing_when_its_output_directory_cannot_be_used(fleet, output):
    """5, as a run ends whose output directory cannot be used; the message names it."""
    fleet.add("acme")
    fleet.write(output=output)

    code, _, stderr = fleet.run()

    assert code == 5
    assert f"The output directory {fleet.directory / output} cannot be used" in stderr
    assert "Nothing was started." in stderr
    assert not fleet.org.requests.records()


def test_glob_that_matches_a_dangling_link_is_an_error(fleet):
    """Not a fleet with an org less; a directory is no configuration."""
    fleet.add("acme")
    (fleet.directory / "beta.yaml").symlink_to("nowhere")
    (fleet.directory / "gamma.yaml").mkdir()
    fleet.orgs = [{"glob": "[abg]*.yaml"}]
    fleet.write()

    code, _, stderr = fleet.run("--check")

    assert code == 2
    assert f"{fleet.directory / 'beta.yaml'}: cannot be read" in stderr
    assert "gamma" not in stderr


def test_schema_of_a_fleet_is_printed(fleet):
    """It takes the example of the documents and refuses an unknown key."""
    from jsonschema import Draft202012Validator

    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "sfr.py"), "schema", "--fleet"], capture_output=True, text=True, check=True
    )
    validator = Draft202012Validator(json.loads(done.stdout))

    assert validator.is_valid({"orgs": [{"name": "acme", "config": "a.yaml", "env_file": None}, {"glob": "*.yaml"}]})
    assert validator.is_valid({"orgs": [{"glob": "*.yaml"}], "at_once": "${N}", "engine": "index"})
    assert not validator.is_valid({"orgs": [{"name": "acme"}]})
    assert not validator.is_valid({"orgs": [{"glob": "*.yaml"}], "at_onec": 4})
    assert not validator.is_valid({})


def test_plain_run_imports_nothing_of_the_fleet(fleet):
    """Nor does it look at leases where there are none."""
    config = fleet.add("acme")
    code = (
        "import sys; from sfr.cli import main; code = main(['--config', sys.argv[1]]);"
        "known = [m for m in sys.modules if m.startswith(('sfr.fleet', 'sfr.storage.lease'))];"
        "print('\\n' + ' '.join(sorted(known)) + '|', code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        cwd=fleet.directory,
    )

    assert done.stdout.splitlines()[-1] == "| 0"
