"""Every way in which the classic export can go wrong ends as the error that the contract names for it."""

from __future__ import annotations

import socket

import pytest

REPORT = "Deals by Stage"
OLD = "of an earlier run\n"


def _fault(action, **options):
    return {"report": REPORT, "action": action, **options}


#: id: (error, attempts, rule)
FAILURES = {
    "no-access": ("forbidden", 1, _fault("html", page="insufficient_privileges")),
    "deleted": ("not_found", 1, _fault("html", page="url_no_longer_exists")),
    "status-404": ("not_found", 1, _fault("status", code=404)),
    "lightning": ("not_csv", 1, _fault("html", page="lightning")),
    "other-page": ("not_csv", 1, _fault("html", page="other", blank_lines=200)),
    "empty": ("empty", 2, _fault("empty")),
    "no-footer": ("truncated", 2, _fault("cut_content", at="before_footer")),
    "half-footer": ("truncated", 2, _fault("cut_content", at="in_footer")),
    "in-row": ("truncated", 2, _fault("cut_content", at="in_row")),
    "in-quotes": ("truncated", 2, _fault("cut_content", at="in_quotes")),
    "gzip-cut": ("truncated", 2, _fault("cut_gzip")),
    "gzip-cut-length": ("truncated", 2, _fault("cut_gzip", framing="length")),
    "gzip-crc": ("truncated", 2, _fault("spoilt_gzip", kind="bad_crc")),
    "gzip-no-trailer": ("truncated", 2, _fault("spoilt_gzip", kind="no_trailer")),
    "short-length": ("truncated", 2, _fault("short_length")),
    "unended-chunks": ("truncated", 2, _fault("close")),
    "status-500": ("server", 2, _fault("status", code=500)),
    "status-503": ("server", 2, _fault("status", code=503, retry_after=0)),
    "status-420": ("server", 2, _fault("status", code=420)),
    "status-429": ("rate_limited", 2, _fault("status", code=429, retry_after=0)),
    "request-limit": ("rate_limited", 2, _fault("status", code=403, error_code="REQUEST_LIMIT_EXCEEDED")),
    "long-retry-after": ("rate_limited", 1, _fault("status", code=429, retry_after=100_000)),
    "closed": ("network", 2, _fault("refuse", how="close")),
    "reset": ("network", 2, _fault("refuse", how="reset")),
    "loop": ("network", None, _fault("redirect", to="loop")),
    "other-host": ("network", 1, _fault("redirect", to="other_host")),
    "stall": ("timeout", 2, _fault("stall")),
    "silence": ("timeout", 2, _fault("delay", seconds=600)),
}


@pytest.mark.parametrize("name", FAILURES)
def test_bad_answer_ends_as_its_error_and_keeps_the_old_file(org, job, expected, name):
    """Exit 4, the other report saved, the file of the earlier run untouched, no temporary file left."""
    error, attempts, rule = FAILURES[name]
    org.set_rules(rule)
    fetch = {"timeout_s": 2} if error == "timeout" else {}
    job.for_org(org, REPORT, "Awkward Cells", fetch=fetch)
    job.output.mkdir()
    job.file(REPORT).write_text(OLD)

    ended = job.run()

    assert ended.code == 4, ended.stderr
    failed = job.reports()[REPORT]
    assert (failed["status"], failed["error"]) == ("failed", error), failed
    assert attempts in (None, failed["attempt_count"])
    assert failed["message"]
    assert f"{REPORT}: {error}" in ended.stdout
    assert job.file(REPORT).read_text() == OLD
    assert job.file("Awkward Cells").read_bytes() == expected("Awkward Cells")
    assert not list(job.output.glob(".sfr-*"))


@pytest.mark.parametrize("name", [name for name, (_, attempts, _) in FAILURES.items() if attempts == 2])
def test_report_is_saved_when_a_later_attempt_brings_it(org, job, expected, name):
    """What is retried is mended by an answer that is right."""
    error, _, rule = FAILURES[name]
    org.set_rules({**rule, "attempts": 1})
    job.for_org(org, REPORT, fetch={"timeout_s": 2} if error == "timeout" else {})

    ended = job.run()

    assert ended.code == 0, ended.stdout
    assert job.reports()[REPORT]["attempt_count"] == 2
    assert job.file(REPORT).read_bytes() == expected(REPORT)


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "html", "page": "session_lost"},
        {"action": "html", "page": "login"},
        {"action": "redirect", "to": "login"},
        {"action": "redirect", "to": "login_other_host"},
        {"action": "status", "code": 401},
    ],
    ids=["session-lost", "login-page", "redirect", "redirect-other-host", "status-401"],
)
def test_login_page_for_ever_ends_with_3(org, job, rule):
    """One renewal, then every report is `auth`; the run does not go on asking."""
    org.set_rules({"report": "*", **rule})
    known = org.credentials
    auth = {"client_credentials": {"client_id": known.client_id, "client_secret": known.client_secret}}
    job.for_org(org, REPORT, "Awkward Cells", "Lapsed Contracts", auth=auth)

    ended = job.run()

    assert ended.code == 3
    assert job.errors() == {"auth"}
    assert org.requests.count("login") == 2
    assert org.requests.count("export") <= 6


@pytest.mark.parametrize("rule", [{"action": "html", "page": "challenge"}, {"action": "redirect", "to": "challenge"}])
def test_challenge_stops_a_classic_run(org, job, rule):
    """It concerns the session: the reports not yet asked end so too, without a request."""
    org.set_rules({"report": "*", **rule})
    job.for_org(org)

    ended = job.run("--threads", "1")

    assert ended.code == 3
    assert job.errors() == {"challenge"}
    assert len(job.reports()) == len(org.reports)
    assert org.requests.count("export") == 1


def test_unreachable_org_ends_with_5_and_every_report_network(org, job):
    """Nothing listens: the run ends soon, with one row per report."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        job.for_org(org, REPORT, "Awkward Cells")
        path = job.directory / "sfr.yaml"
        path.write_text(path.read_text().replace(org.url, f"http://127.0.0.1:{closed.getsockname()[1]}"))

        ended = job.run()

    assert ended.code == 5
    assert job.errors() == {"network"}
    assert len(job.reports()) == 2
    assert job.summary()["run"]["exit_code"] == 5


def test_run_ends_with_5_when_every_report_fails(org, job):
    """None saved."""
    org.set_rules({"report": "*", "action": "status", "code": 404})
    job.for_org(org, REPORT, "Awkward Cells")

    assert job.run().code == 5
    assert job.errors() == {"not_found"}


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
    job.for_org(org, "Formulas", REPORT, logging={"console": {"level": "DEBUG"}})

    ended = job.run()

    assert ended.code == 4
    assert job.file("Formulas").read_bytes() == expected("Formulas")
    assert b"\"=cmd|' /C calc'!A0\"" in expected("Formulas")
    assert r"no \x1b[31mred\x1b]0;title\x07\u202e" in ended.stderr
    texts = [ended.stdout, ended.stderr, job.log_text(), *(path.read_text() for path in job.output.glob("summary*"))]
    assert not {character for text in texts for character in text} & set(escape) - set("[31mred]0;title")


def test_directory_in_the_way_is_a_disk_error(org, job):
    """A destination that cannot be replaced fails its report only."""
    job.for_org(org, REPORT, "Awkward Cells")
    job.file(REPORT).mkdir(parents=True)

    ended = job.run()

    assert ended.code == 4
    assert job.reports()[REPORT]["error"] == "disk"


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
