"""The offline check on one machine of several, and what the fleet makes of the answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sfr.fleet.machine_check import MachineReport, check_request, differences, hashes, read_report
from sfr.fleet.values import Org

CHECKOUT = Path(__file__).parents[3]


def check(directory: Path, orgs: list[Org]) -> MachineReport:
    """What the check answers in this directory, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sfr.fleet.machine_check"],
        input=check_request(orgs, str(directory / "fleet")),
        capture_output=True,
        text=True,
        check=True,
        cwd=directory,
        env={"PYTHONPATH": str(CHECKOUT)},
    )
    return read_report("one", orgs, done.stdout)


def configure(directory: Path, reports: object) -> Org:
    """An org with a secret in its configuration."""
    path = directory / "acme.yaml"
    org = {"domain": "https://acme.my.salesforce.com", "auth": {"sid": {"value": "00Dsecret"}}}
    path.write_text(yaml.safe_dump({"salesforce": org, "reports": reports}))
    return Org("acme", str(path))


def test_answer_holds_the_plan_and_hashes_of_configuration_and_list(tmp_path):
    """A list is found from the working directory; no content travels."""
    rows = "report_type,report_file_name,report_id,report_path\\nSFDC,Deals,00O000000000001,\\n"
    (tmp_path / "reports.csv").write_text(rows.replace("\\n", "\n"))
    org = configure(tmp_path, {"list": "reports.csv"})

    report = check(tmp_path, [org])

    assert report.problems == []
    assert [(planned.org, planned.reports, planned.stop_grace_s) for planned in report.planned] == [(org, 1, 30.0)]
    assert len(report.hashes) == 2
    assert report.hashes[org.config] == hashes([org.config])[org.config]


def test_answer_holds_all_problems_and_no_secret(tmp_path):
    """The list is missing."""
    report = check(tmp_path, [configure(tmp_path, {"list": "missing.csv"}), Org("beta", str(tmp_path / "beta.yaml"))])

    assert any("missing.csv" in problem for problem in report.problems)
    assert any("beta.yaml" in problem for problem in report.problems)
    assert "secret" not in " ".join(report.problems)


def test_files_that_differ_between_machines_are_named_with_both():
    """Each is compared with the first machine that has it."""
    reports = [
        MachineReport("one", hashes={"a.yaml": "1"}),
        MachineReport("two", hashes={"a.yaml": "1", "b.csv": "2"}),
        MachineReport("three", hashes={"a.yaml": "9", "b.csv": "8"}),
    ]

    assert [problem.partition(";")[0] for problem in differences(reports)] == [
        "a.yaml: not the same on one and on three",
        "b.csv: not the same on two and on three",
    ]


@pytest.mark.parametrize("answer", ["", "[]", "{}", json.dumps({"problems": [], "planned": [[1]], "hashes": {}})])
def test_damaged_answer_is_an_error(answer):
    """Such as that of another version."""
    with pytest.raises(ValueError):  # noqa: PT011 - any, JSON's too
        read_report("one", [Org("acme", "acme.yaml")], answer)
