"""Answers that concern the session, the file or the data of a report; faults of network and org: `test_fault_*.py`."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import row
from tests.raw_server import RawServer, Reply, response

REPORT = "Deals by Stage"
OLD = "of an earlier run\n"


@pytest.mark.parametrize("rule", [{"action": "html", "page": "challenge"}, {"action": "redirect", "to": "challenge"}])
def test_challenge_stops_a_classic_run(org, job, rule):
    """It concerns the session: the reports not yet requested end so too, without a request."""
    org.set_rules({"report": "*", **rule})
    job.for_org(org)

    ended = job.run_here("--threads", "1")

    assert ended.code == 3
    assert job.errors() == {"challenge"}
    assert len(job.reports()) == len(org.reports)
    assert org.requests.count("export") == 1


@pytest.mark.parametrize("route", ["auto", "classic"])
@pytest.mark.parametrize(("page", "says"), [("change_password", "password has expired"), ("login_flow", "log-in flow")])
def test_interstitial_page_stops_the_run(org, job, page, says, route):
    """No session and no other route helps: one request, then every report is `auth`."""
    org.set_rules({"report": "*", "action": "html", "page": page})
    job.for_org(org, route=route)

    ended = job.run_here("--threads", "1")

    assert ended.code == 3
    assert job.errors() == {"auth"}
    assert len(job.reports()) == len(org.reports)
    assert all(says in report["message"] for report in job.reports().values())
    assert org.requests.count("export") == 1
    assert org.requests.count("analytics") == 0


@pytest.mark.parametrize("arguments", [[], ["--check"]])
@pytest.mark.parametrize("page", ["change_password", "login_flow"])
def test_interstitial_page_fails_the_check(org, job, page, arguments):
    """`/limits` answers with it: nothing is requested, and `--check` reports it as well."""
    org.set_rules({"path": "*/limits", "action": "html", "page": page})
    job.for_org(org)

    ended = job.run_here(*arguments)

    assert ended.code == 3
    assert "The session does not work" in ended.stderr
    assert org.requests.count("export") == 0


@pytest.mark.parametrize("arguments", ["--check", "--list-reports"])
def test_interstitial_page_that_comes_after_the_check_ends_a_command_with_3(org, job, arguments):
    """`/limits` let the session pass, the catalogue of reports does not: the command says so as a run would."""
    org.set_rules({"path": "*/query*", "action": "html", "page": "login_flow"})
    job.for_org(org)

    ended = job.run_here(arguments)

    assert ended.code == 3
    assert "log-in flow" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["--check"], ["--list-reports"]])
def test_org_that_has_moved_to_another_name_ends_with_3_whatever_the_command(job, arguments):
    """The message says which domain to set."""
    moved = response(301, Location="https://other.my.salesforce.com/services/data/v64.0/limits")
    versions = response(200, b'[{"version": "64.0"}]')
    with RawServer(lambda request: Reply([moved if "limits" in request.target else versions], "keep")) as server:
        job.configure(server.url, {"sid": {"value": "00D5g0000000RAW!NOT.REAL"}}, [row("A", "00O5g0000000001")])
        ended = job.run_here(*arguments)

    assert ended.code == 3
    assert "Set `salesforce.domain` to https://other.my.salesforce.com" in ended.stderr


def test_footer_variants_leave_the_same_file(org, job, expected):
    """Other languages, no last line end, four lines: the footer goes, the rows stay."""
    names = ("Deals by Stage", "Awkward Cells", "Lapsed Contracts", "Awkward Single Column")
    variants = ("german", "no_final_lf", "four_lines", "strange_names")
    org.set_rules(
        *({"report": name, "action": "answer", "footer": form} for name, form in zip(names, variants, strict=True))
    )
    job.for_org(org, *names)

    ended = job.run()

    assert ended.code == 0, ended.stdout
    assert {name for name in names if job.file(name).read_bytes() != expected(name)} == set()


def test_cells_stay_as_they_are_and_no_terminal_acts_on_what_the_org_says(org, job, expected):
    """Formulas and escape sequences are data in a file, byte for byte; in messages and summaries they do nothing."""
    escape = "\x1b[31mred\x1b]0;title\x07\u202e"
    org.add_records(
        "Formulas", ("Id", "Text"), (("1", "=cmd|' /C calc'!A0"), ("2", "+1"), ("3", escape), ("4", "@x\t-1"))
    )
    org.set_rules({"report": REPORT, "action": "status", "code": 404, "error_code": "ODD", "message": f"no {escape}"})
    job.for_org(org, "Formulas", REPORT, summary=None, logging={"console": {"level": "DEBUG"}})

    ended = job.run()

    assert ended.code == 4
    assert job.file("Formulas").read_bytes() == expected("Formulas")
    assert b"\"=cmd|' /C calc'!A0\"" in expected("Formulas")
    assert r"no \x1b[31mred\x1b]0;title\x07\u202e" in ended.stderr
    texts = [ended.stdout, ended.stderr, job.log_text(), *(path.read_text() for path in job.output.glob("summary*"))]
    assert not {character for text in texts for character in text} & set(escape) - set("[31mred]0;title")


def test_names_mention_nobody_and_run_nothing_where_they_are_shown(org, job):
    """The journal's priorities, a spreadsheet's formulas, characters that nobody sees: shown, and not acted on."""
    names = ("<0>EMERGENCY reboot now", "x;=cmd|calc", "Sales")
    message = "<1>no \u200b\u00ad\u3164 such report\n<0>EMERGENCY"
    for name in names:
        org.add_records(name, ("Id", "Text"), (("1", "x"),))
    refusal = {"action": "status", "code": 404, "error_code": "ODD", "message": message}
    org.set_rules(*({"report": name, **refusal} for name in names[:2]))
    job.for_org(org, *names, summary=None, logging={"console": {"level": "DEBUG"}})

    ended = job.run()

    texts = [ended.stdout, ended.stderr, job.log_text(), (job.output / "summary_report.csv").read_text()]
    assert ended.code == 4
    assert "\n\\x3c0>EMERGENCY reboot now, x;=cmd|calc: not_found\n" in ended.stdout
    assert not [line for text in texts[:2] for line in text.splitlines() if re.match(r"\s*<\d", line)]
    assert not {character for text in texts for character in text} & set("\u200b\u00ad\u3164")
    assert "x;'=cmd|calc" in texts[-1]
    assert list(job.reports()) == list(names)


def test_guard_keeps_the_old_file(org, job):
    """Fewer rows than `min_rows`: the report fails without another attempt."""
    job.for_org(org, REPORT, "Awkward Cells", guards={"min_rows": 100})
    job.output.mkdir()
    job.file("Awkward Cells").write_text(OLD)

    assert job.run().code == 4

    failed = job.reports()["Awkward Cells"]
    assert (failed["error"], failed["attempt_count"]) == ("guard", 1)
    assert job.file("Awkward Cells").read_text() == OLD


def test_report_without_rows_is_empty_where_rows_are_demanded(org, job):
    """`may_be_empty: false`."""
    job.for_org(org, "Lapsed Contracts", guards={"may_be_empty": False})

    assert job.run().code == 5
    assert job.errors() == {"empty"}
