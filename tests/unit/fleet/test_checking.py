"""The offline check of all orgs: what two of them must not share."""

from __future__ import annotations

import os

import pytest
import yaml

from sfr.errors import ConfigurationError
from sfr.fleet.checking import check_orgs
from sfr.fleet.values import Org

ID = "00O5g000007Lk2TEAS"


def add(directory, name, **sections):
    """An org with one report; `sections` replace its configuration's."""
    config = {
        "salesforce": {"domain": "emulator", "auth": {"sid": {"value": "x"}}},
        "reports": {"list": None, "items": [{"report_type": "SFDC", "report_file_name": "r", "report_id": ID}]},
        "output": {"directory": str(directory / name)},
        "logging": {"file": {"path": str(directory / f"{name}.log")}},
        **sections,
    }
    path = directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return Org(name, str(path))


def problems(directory, *orgs):
    """What the check says; empty if all is well."""
    try:
        check_orgs(orgs, {}, str(directory / "fleet"))
    except ConfigurationError as error:
        return error.problems
    return ()


def test_orgs_of_their_own_pass_and_their_reports_are_counted(tmp_path):
    """In list order."""
    checked = check_orgs([add(tmp_path, "a"), add(tmp_path, "b")], {}, str(tmp_path / "fleet"))

    assert [(one.org.name, one.reports, one.expected_s) for one in checked.planned] == [("a", 1, None), ("b", 1, None)]


@pytest.mark.parametrize(
    ("kind", "sections"),
    [
        ("output directory", lambda at: {"output": {"directory": f"{at}/a"}}),
        ("log file", lambda at: {"logging": {"file": {"path": f"{at}/a.log"}}}),
        ("history", lambda at: {"history": {"path": f"{at}/a/.sfr/history.sqlite3"}}),
        ("summary", lambda at: {"summary": [{"format": "json", "path": f"{at}/sum.json"}]}),
        (
            "report file",
            lambda at: {
                "reports": {
                    "list": None,
                    "items": [
                        {"report_type": "SFDC", "report_file_name": "r", "report_id": ID, "report_path": f"{at}/a"}
                    ],
                }
            },
        ),
        (
            "target of a delivery",
            lambda at: {
                "output": {"directory": f"{at}/b", "deliver": ["db"]},
                "destinations": {"db": {"sqlite": {"path": f"{at}/shared.db"}}},
            },
        ),
    ],
)
def test_orgs_that_share_something_are_a_problem_that_names_both(tmp_path, kind, sections):
    """Each kind is named, once per pair of orgs."""
    common = sections(tmp_path) if kind in ("summary", "target of a delivery") else {}
    if "output" in common:
        common["output"] = {**common["output"], "directory": str(tmp_path / "a")}
    found = problems(tmp_path, add(tmp_path, "a", **common), add(tmp_path, "b", **sections(tmp_path)))

    assert any(f"'b' and the org 'a' have the same {kind}" in text for text in found)
    assert all("b.yaml" in text for text in found)


def test_links_are_followed(tmp_path):
    """Two names of one directory."""
    (tmp_path / "a").mkdir()
    os.symlink(tmp_path / "a", tmp_path / "link")

    found = problems(tmp_path, add(tmp_path, "a"), add(tmp_path, "b", output={"directory": str(tmp_path / "link")}))

    assert any("output directory" in text for text in found)


def test_org_in_the_output_directory_of_the_fleet_is_a_problem(tmp_path):
    """Both keep a lock there."""
    found = problems(tmp_path, add(tmp_path, "a", output={"directory": str(tmp_path / "fleet")}))

    assert any("'a' and the fleet itself have the same output directory" in text for text in found)


def test_report_list_may_be_shared(tmp_path):
    """It is only read."""
    rows = tmp_path / "reports.csv"
    rows.write_text(f"report_type,report_file_name,report_id,report_path\nSFDC,r,{ID},\n")

    found = problems(tmp_path, *(add(tmp_path, name, reports={"list": str(rows)}) for name in ("a", "b")))

    assert found == ()


def test_problems_of_all_orgs_are_reported_at_once(tmp_path):
    """Invalid ones, and shared things of the others."""
    wrong = add(tmp_path, "wrong", fetch={"threads": 0})
    missing = Org("missing", str(tmp_path / "missing.yaml"))
    twin = add(tmp_path, "twin", output={"directory": str(tmp_path / "a")})

    text = "\n".join(problems(tmp_path, wrong, missing, add(tmp_path, "a"), twin))

    assert all(part in text for part in ("fetch.threads", "missing.yaml", "the same output directory"))
