"""`--list-reports` as a program, and what it prints as the report list of another run."""

import contextlib
import io

import pytest

from sfr.cli import main
from sfr.commands.connection import Connection
from sfr.emulator import Emulator
from sfr.redaction import Secret
from sfr.salesforce import catalogue
from sfr.salesforce.catalogue import all_reports, describe_reports
from sfr.salesforce.http.transport import TransportOptions, open_transport
from sfr.salesforce.session import Session
from tests.connector_exchange import report


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Runs the program against an org; returns its exit code and its stdout."""
    monkeypatch.chdir(tmp_path)

    def run(org, *arguments):
        (tmp_path / "sfr.yaml").write_text(
            f"salesforce:\n  domain: {org.url}\n  auth: {{sid: {{value: '{org.sid}'}}}}\n"
            "logging: {file: {path: null}}\nreports: {list: null}\n"
        )
        (tmp_path / "sfr.yaml").chmod(0o600)
        stdout = io.StringIO()
        with contextlib.redirect_stdout(stdout):
            code = main(["--config", "sfr.yaml", *arguments])
        return code, stdout.getvalue()

    return run


def test_list_holds_every_report_and_is_a_valid_list(program, tmp_path):
    """All pages of the query; what it prints is read back as it is."""
    with Emulator({"org": {"query_batch_rows": 4}}) as org:
        org.add_report("Slash / brace {x}", rows=1)
        code, text = program(org, "--list-reports")
        assert code == 0
        (tmp_path / "reports.csv").write_text(text)

        code, checked = program(org, "reports.csv", "--check", "--offline")

    assert code == 0
    assert "Slash _ brace _x_" in checked
    for entry in org_names(text):
        assert entry in text
    assert "xlsx,excel" in next(line for line in text.splitlines() if ",Joined Overview," in line)
    assert "Salaries" not in text


def org_names(text):
    """The reports that the embedded org starts with and that can be fetched."""
    return ("Open Pipeline", "Accounts by City", "All Cases", "Leads of the Year", "Lapsed Contracts", "Awkward Cells")


def test_list_is_of_matching_folders_only(program):
    """`--folder` is a shell pattern."""
    with Emulator() as org:
        code, text = program(org, "--list-reports", "--folder", "Serv*")

    assert code == 0
    assert "All Cases" in text
    assert "Open Pipeline" not in text


def test_list_of_no_folder_is_a_usage_error(program, capsys):
    """It names the folders that there are."""
    with Emulator() as org:
        code, text = program(org, "--list-reports", "--folder", "Nothing*")

    assert (code, text) == (2, "")
    assert "'Operations'" in capsys.readouterr().err


def test_list_ends_with_3_when_the_session_is_refused(program):
    """Nothing is printed on stdout."""
    with Emulator() as org:
        org.end_sessions()
        assert program(org, "--list-reports") == (3, "")


def test_list_ends_with_5_when_the_org_does_not_answer_the_query(program):
    """A list that lacks its second half is no list."""
    with Emulator({"rules": [{"path": "*/query*", "action": "status", "code": 403}]}) as org:
        assert program(org, "--list-reports") == (5, "")


def test_catalogue_knows_that_parameters_which_choose_rows_have_one_route_only():
    """`auto` has nothing to fall back on, and `analytics` would end as `invalid`."""
    params = "?export=1&enc=UTF-8&pv0=x&scope=mine"
    with Emulator() as org, contextlib.closing(open_transport(TransportOptions())) as transport:
        connection = Connection(transport, Session(Secret(org.sid), org.url, 1), "64.0")
        report_id = org.report("All Cases").id
        auto, forced = describe_reports(
            connection, [report(report_id, export_params=params, route=route) for route in ("auto", "analytics")]
        )

    assert (auto.route, auto.problem) == ("classic", "")
    assert forced.route == "analytics"
    assert "pv0, scope" in forced.problem


def test_catalogue_describes_the_reports_of_a_list_in_its_order(monkeypatch):
    """Ids are queried in groups; a report that the org does not show, a joined one and a query are distinguished."""
    monkeypatch.setattr(catalogue, "IDS_PER_QUERY", 2)
    names = ["All Cases", "Joined Overview", "Open Pipeline", "Salaries"]
    with Emulator() as org, contextlib.closing(open_transport(TransportOptions())) as transport:
        connection = Connection(transport, Session(Secret(org.sid), org.url, 1), "64.0")
        listed = [report(org.report(name).id) for name in names]
        facts = describe_reports(
            connection, [*listed, report(soql="SELECT Id FROM Account"), report(listed[0].report_id, route="analytics")]
        )
        found = {entry.name: entry for entry in all_reports(connection)}

    assert [one.entry.name if one.entry else None for one in facts] == [*names[:3], None, None, names[0]]
    assert facts[0].entry == found["All Cases"]
    assert facts[0].entry.folder == "Service & Support"
    assert [one.route for one in facts[-2:]] == ["bulk", "analytics"]
    assert facts[0].route == "classic, else analytics"
    assert [bool(one.problem) for one in facts] == [False, True, False, True, False, False]


def test_check_counts_ready_reports_and_says_that_queries_are_not_checked(program, capsys):
    """The last line is the result; times are those of the machine's time zone. What would fail is a warning, too."""
    with Emulator() as org:
        ids = [org.report(name).id for name in ("All Cases", "Joined Overview")]
        rows = [*(f"SFDC,r{number},{one},," for number, one in enumerate(ids)), "SOQL,q,,,,SELECT Id FROM Account"]
        with open("list.csv", "w", encoding="utf-8") as file:
            header = "report_type,report_file_name,report_id,report_path,optional_export_params,soql"
            file.write("\n".join([header, *rows, ""]))
        code, printed = program(org, "list.csv", "--check")

    lines = printed.strip().splitlines()
    assert code == 0
    assert lines[-1] == "3 reports: 2 ready, 1 with a problem. Nothing was downloaded."
    assert "ready (query not checked)" in lines[-2]
    assert "1 report would fail in a run" in capsys.readouterr().err
    assert "Last run in Salesforce" in printed
    assert "+0000" not in printed


def test_list_names_the_filters_of_each_report(program):
    """By number, field, operator and value; the list is still one that can be used."""
    custom = {
        "name": "Filtered",
        "rows": 10,
        "filters": [{"column": "STATUS", "operator": "notEqual", "value": "Closed"}],
        "start_date": "2025-01-01",
        "end_date": "2025-12-31",
    }
    rule = {"path": "*/describe", "report": "Accounts by City", "action": "status", "code": 404}
    with Emulator({"reports": [custom], "rules": [rule]}) as org:
        code, text = program(org, "--list-reports", "--filters")
        in_folder = program(org, "--list-reports", "--filters", "--folder", "Custom*")[1]
        described = org.requests.count("analytics")

    assert code == 0
    line = (
        "# filters of Filtered: 1: Status (STATUS) notEqual 'Closed'; date: CREATED_DATEONLY:2025-01-01..2025-12-31; "
        "scope: organization"
    )
    assert line in text.splitlines()
    assert line in in_folder.splitlines()
    assert "# filters of Accounts by City: unknown: " in text
    assert "# filters of Lapsed Contracts: none by number; date: CREATED_DATE:all time; scope: organization" in text
    assert described == len([line for line in text.splitlines() if line.startswith("SFDC,")]) + 1


def test_filters_are_for_the_list_only(program):
    """A misplaced option is a usage error."""
    with Emulator() as org, pytest.raises(SystemExit) as ended:
        program(org, "--filters")

    assert ended.value.code == 2


def test_check_takes_joined_reports_by_their_workbook(program):
    """`--check` says which route gets one, and that others do not."""
    with Emulator() as org:
        joined = org.report("Joined Overview").id
        with open("list.csv", "w", encoding="utf-8") as file:
            file.write("report_type,report_file_name,report_id,route,filters\n")
            file.write(f"SFDC,book,{joined},excel,\nSFDC,flat,{joined},,\nSFDC,unproved,{joined},excel,1=x\n")
            file.write(f"SFDC,won,{org.report('Open Pipeline').id},,1=Closed Won\n")
        code, printed = program(org, "list.csv", "--check")

    book, flat, unproved, won = printed.strip().splitlines()[-5:-1]
    assert code == 0
    assert book.split()[-2:] == ["excel", "ready"]
    assert "`route: excel` gets its workbook" in flat
    assert "filters of a joined report" in unproved
    assert won.split()[-2:] == ["analytics", "ready"]
