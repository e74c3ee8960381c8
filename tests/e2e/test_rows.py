"""What a row of the list may request: other filters, a workbook, nothing before an age; and `sfr.table`."""

from __future__ import annotations

import csv
import os
import re
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text()


@pytest.fixture
def listed(org, job):
    """Configures rows of the report Open Pipeline: file name → columns."""

    def configure(rows, **sections):
        job.configure(org.url, {"sid": {"value": org.sid}}, [], **{"route": "auto", **sections})
        names = sorted({key for row in rows.values() for key in row} - {"report_id"})
        with (job.directory / "list.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["report_type", "report_file_name", "report_id", *names])
            for name, row in rows.items():
                report_id = row.get("report_id", org.report("Open Pipeline").id)
                writer.writerow(["SFDC", name, report_id, *(row.get(key, "") for key in names)])
        return job

    return configure


def run(job, *arguments):
    """Run the list."""
    return job.run_here("list.csv", *arguments)


def stages(path):
    """The values of the column Stage."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["Stage"] for row in csv.DictReader(file)}


def test_one_report_with_other_filters_in_two_rows_by_both_routes(listed):
    """Two files each; both routes return the same bytes, and only the export's message says that nothing proves it."""
    job = listed(
        {
            "won": {"filters": "1=Closed Won; scope=organization", "route": "auto"},
            "lost": {"filters": "1=Closed Lost", "route": "analytics"},
            "won classic": {"filters": "1=Closed Won; scope=organization", "route": "classic"},
            "lost classic": {"filters": "1=Closed Lost", "route": "classic"},
        }
    )
    ended = run(job)

    assert ended.code == 0, ended.stdout
    reports = job.reports()
    assert {name: report["route"] for name, report in reports.items()} == {
        "won": "analytics",
        "lost": "analytics",
        "won classic": "classic",
        "lost classic": "classic",
    }
    for name, stage in (("won", "Closed Won"), ("lost", "Closed Lost")):
        assert stages(job.file(name)) == {stage}
        assert job.file(name).read_bytes() == job.file(f"{name} classic").read_bytes()
        assert reports[name]["message"] is None
        assert "Nothing proves" in reports[f"{name} classic"]["message"]


def test_resume_knows_rows_by_their_filters(org, listed):
    """A row with another value is fetched; the others are skipped."""
    rows = {"won": {"filters": "1=Closed Won"}, "all": {}}
    assert run(listed(rows)).code == 0
    org.requests.clear()

    ended = run(job := listed({**rows, "won": {"filters": "1=Closed Lost"}}), "--resume")

    assert ended.code == 0
    assert {name: one["status"] for name, one in job.reports().items()} == {"won": "saved", "all": "skipped"}
    assert stages(job.file("won")) == {"Closed Lost"}


def test_young_reports_are_skipped_with_their_age(org, listed):
    """No request at all, not even a log-in; the file counts, and so does `--report`."""
    job = listed({"a": {}, "b": {"max_age_h": "0"}}, fetch={"max_age_h": 24})
    assert run(job).code == 0
    org.requests.clear()

    ended = run(job, "--only", "a")
    assert ended.code == 0
    assert not org.requests.records()
    report = job.reports()["a"]
    assert (report["status"], report["rows"], report["valid"]) == ("skipped", 5_600, True)
    assert re.fullmatch(
        r"Fetched \d+ (s|min) ago, at \d{4}-\d\d-\d\d \d\d:\d\d; fetched again from 24 h on \(`max_age_h`\)\.",
        report["message"],
    )

    run(job)
    assert {name: one["status"] for name, one in job.reports().items()} == {"a": "skipped", "b": "unchanged"}
    job.file("a").write_bytes(b"changed by somebody")
    run(job, "--only", "a")
    assert job.reports()["a"]["status"] == "saved"
    job.run_here("-r", f"SFDC,a,{org.report('Open Pipeline').id},{job.output}")
    assert job.reports()["a"]["status"] == "unchanged"


def test_missing_delivery_of_a_young_report_is_made(org, listed, tmp_path):
    """Without a log-in; the row is still `skipped`, with its age."""
    share = tmp_path / "share"
    share.mkdir()
    job = listed(
        {"a": {"max_age_h": "24", "deliver": "share"}}, destinations={"share": {"folder": {"path": str(share)}}}
    )
    assert run(job, "--no-deliver").code == 0
    org.requests.clear()

    ended = run(job)

    report = job.reports()["a"]
    assert (ended.code, report["status"]) == (0, "skipped")
    assert "Fetched" in report["message"]
    assert report["delivered"]
    assert (share / "a.csv").read_bytes() == job.file("a").read_bytes()
    assert not org.requests.records()


def test_old_reports_are_fetched_again(listed):
    """An age of a few milliseconds is over at once."""
    job = listed({"a": {"max_age_h": "0.000001"}})
    run(job)
    run(job)

    assert job.reports()["a"]["status"] == "unchanged"


def test_workbooks_and_joined_reports_come_by_their_own_route(org, listed):
    """With any `output.format`; the summary says what is known."""
    rows = {
        "book": {"route": "excel", "filters": "1=Closed Won"},
        "joined": {"route": "excel", "report_id": org.report("Joined Overview").id},
        "flat": {"filters": "1=Closed Won"},
    }
    job = listed(rows)
    ended = run(job)

    assert ended.code == 0, ended.stdout
    reports = job.reports()
    assert reports["book"]["rows"] == reports["flat"]["rows"]
    assert (reports["joined"]["rows"], reports["joined"]["columns"]) == (None, None)
    for name in ("book", "joined"):
        path = Path(reports[name]["path"])
        assert path.name == f"{name}.xlsx"
        assert path.stat().st_size == reports[name]["size_bytes"]
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


def test_org_that_ignores_filters_gets_no_file(org, listed):
    """`invalid` by every route, in one attempt, with exit code 5; the earlier files stay."""
    rows = {route: {"filters": "1=Closed Won", "route": route} for route in ("analytics", "classic", "excel")}
    job = listed(rows)
    assert run(job).code == 0
    before = {path.name: path.read_bytes() for path in job.output.iterdir() if path.stem in rows}
    org.change(ignored=("filters",))

    ended = run(job)

    assert ended.code == 5
    assert {name: (one["error"], one["attempt_count"]) for name, one in job.reports().items()} == dict.fromkeys(
        rows, ("invalid", 1)
    )
    assert all("did not apply" in one["message"] for one in job.reports().values())
    assert {path.name: path.read_bytes() for path in job.output.iterdir() if path.stem in rows} == before


def test_wrong_rows_end_with_2_before_anything_is_requested(org, listed):
    """All of them at once."""
    rows = {
        "a": {"filters": "0=x"},
        "b": {"filters": "date=2026-01-01"},
        "c": {"filters": "1=x", "optional_export_params": "?export=1&pv0=y"},
        "d": {"route": "excel", "format": "csv"},
        "e": {"max_age_h": "soon"},
    }
    ended = run(listed(rows))

    assert ended.code == 2
    columns = [line.split(": ")[2] for line in ended.stderr.splitlines()]
    assert columns == ["filters", "filters", "filters", "format", "max_age_h"]
    assert not org.requests.records()


def test_filters_of_a_yaml_item_may_be_a_mapping(org, job):
    """With numbers as keys."""
    job.for_org(org, "Open Pipeline")
    config = job.directory / "sfr.yaml"
    config.write_text(
        config.read_text().replace(
            "report_file_name:", "filters: {1: Closed Won, scope: organization}\n    report_file_name:"
        )
    )

    assert job.run_here().code == 0
    assert stages(job.file("Open Pipeline")) == {"Closed Won"}


@pytest.fixture
def script(org, job):
    """Runs a script beside a configuration that has everything a run may leave behind."""
    pytest.importorskip("pyarrow")
    job.for_org(org, "Awkward Cells", output={"directory": "output", "format": "csv.gz"}, guards={"min_rows": 100_000})
    job.environ["PYTHONPATH"] = str(CHECKOUT)

    def execute(text):
        (job.directory / "script.py").write_text(textwrap.dedent(text))
        ended = job.start_command([sys.executable, "-W", "error", "script.py"]).end()
        job.assert_clean(ended)
        return ended

    return execute


def test_table_returns_the_rows_of_one_report_and_leaves_nothing_behind(org, job, script):
    """Typed or as text, filtered, by id or address; no file, summary or history; errors are exceptions."""
    report_id = org.report("Open Pipeline").id
    ended = script(
        f"""
        import sfr
        from sfr.errors import SfrError, UsageError

        won = sfr.table("sfr.yaml", "{report_id}", filters="1=Closed Won")
        print(set(won.column("Stage").to_pylist()), won.schema.field("Amount").type)
        text = sfr.table("sfr.yaml", "{org.url}/{report_id}", route="classic", types="text")
        print(text.num_rows, text.schema.field("Amount").type)
        print(sfr.table("sfr.yaml", "{report_id}", route=None, filters={{1: "Closed Won"}}).num_rows == won.num_rows)
        for arguments in ({{"filters": "9=x"}}, {{"filters": "x"}}, {{"route": "excel"}}, {{"types": "auto"}}):
            try:
                sfr.table("sfr.yaml", "{report_id}", **arguments)
            except SfrError as error:
                print(type(error).__name__, isinstance(error, UsageError), str(error)[:30])
        """
    )

    assert ended.code == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[:2] == ["{'Closed Won'} double", "5600 string"]
    assert lines[2] == "True"
    assert lines[3] == "SfrError False The report has 2 filters, but "
    assert [line.split()[1] for line in lines[4:]] == ["True"] * 3
    assert sorted(os.listdir(job.directory)) == ["logs", "script.py", "sfr.yaml"]


def test_example_of_the_readme_runs(org, job, script):
    """As it is in the README, against the embedded org."""
    example = next(text for text in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "sfr.table(" in text)
    ended = script(example.replace("conf/prod.yaml", "sfr.yaml"))

    assert ended.code == 0, ended.stderr
    assert ended.stdout.startswith("956 ")
