"""The fault matrix, rows 1 to 22, continued: faults of the network and the org that concern a whole run.

`test_fault_matrix.py` has those of single reports.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from sfr.emulator import Emulator
from tests.bodies import DATA, FOOTER
from tests.certificates import serve_with_certificate
from tests.e2e.conftest import row
from tests.ports import refusing_port
from tests.raw_server import RawServer, Reply, always, response
from tests.waiting import wait_until

SMALL = ("Awkward Cells", "Lapsed Contracts", "Deals by Stage")
PATIENCE_S = 30
SID = "00D5g0000000RAW!NOT.REAL"


def _rows(count):
    return [row(f"Report {number}", f"00O{number:012d}") for number in range(count)]


def _attempts(job):
    return sum(report["attempt_count"] for report in job.reports().values())


# Rows 1 and 2: nobody listens


def test_report_is_saved_when_the_org_comes_back_while_it_is_tried(org, job, expected):
    """Row 1: connections are refused until two attempts have failed, then the org is there: exit 0."""
    job.for_org(org, *SMALL, fetch={"attempts": 1000, "retry_budget": 100_000, "backoff": {"first_s": 0.1, "max_s": 1}})
    with refusing_port() as port:
        job.replace_domain(f"http://127.0.0.1:{port}")
        running = job.start()
        wait_until(lambda: all(f"{name}, attempt 2: network" in job.log_text() for name in SMALL))

    with Emulator(port=port):
        ended = running.end()

    job.assert_clean(ended)
    assert ended.code == 0, ended.stdout
    assert all(report["attempt_count"] > 2 for report in job.reports().values())
    assert all(job.file(name).read_bytes() == expected(name) for name in SMALL)


def test_unreachable_org_ends_with_5_within_the_retry_budget(job):
    """Row 2: every report is `network`; all tries together are no more than reports and retry budget."""
    with refusing_port() as port:
        domain = f"http://127.0.0.1:{port}"
        job.configure(domain, {"sid": {"value": SID}}, _rows(10), fetch={"attempts": 20, "retry_budget": 5})
        ended = job.run_here()

    assert ended.code == 5
    assert job.errors() == {"network"}
    assert _attempts(job) == 15
    assert job.summary()["run"]["exit_code"] == 5


def test_log_in_is_given_up_when_retry_after_is_too_long(org, job):
    """Row 12: a Retry-After of a day ends the log-in at once, as it would end a report."""
    known = org.credentials
    auth = {"client_credentials": {"client_id": known.client_id, "client_secret": known.client_secret}}
    org.set_rules({"path": "/services/oauth2/token", "action": "status", "code": 503, "retry_after": 86400})
    job.for_org(org, *SMALL, auth=auth)

    ended = job.run_here()

    assert (ended.code, job.errors()) == (5, {"server"})
    assert org.requests.count("login") == 1


# Rows 10 and 22: the session is refused


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
    """One renewal, then every report is `auth`; the run sends no more requests."""
    org.set_rules({"report": "*", **rule})
    known = org.credentials
    auth = {"client_credentials": {"client_id": known.client_id, "client_secret": known.client_secret}}
    job.for_org(org, *SMALL, auth=auth)

    ended = job.run_here()

    assert ended.code == 3
    assert job.errors() == {"auth"}
    assert org.requests.count("login") == 2
    assert org.requests.count("export") <= 6


# Rows 13 and 14: an org that is down, an org that is busy


def test_org_that_is_down_gets_no_more_requests_than_the_retry_budget_allows(org, job):
    """Row 13: 500 for everything. The budget is the run's: exactly reports + budget exports, then exit 5."""
    org.set_rules({"path": "*", "action": "status", "code": 500})
    job.for_org(org, fetch={"attempts": 20, "retry_budget": 7, "threads": 8})

    ended = job.run_here()

    assert (ended.code, job.errors()) == (5, {"server"})
    assert org.requests.count("export") == _attempts(job) == len(org.reports) + 7
    assert any("fetch.retry_budget" in report["message"] for report in job.reports().values())


class BusyOrg:
    """Refuses the first exports of eight reports, all in flight at once; then it works, and counts who is in flight."""

    THREADS, MIDDLE = 8, 40
    #: While four are held for this long, a fifth would come if it could.
    LOOK_S = 0.5

    def __init__(self) -> None:
        self.refused = 0
        self.most_after_refusal = 0
        self.served = 0
        self._in_flight = 0
        self._lock = threading.Lock()
        self._eight = threading.Barrier(self.THREADS, timeout=PATIENCE_S)
        self._four = threading.Barrier(self.THREADS // 2, timeout=PATIENCE_S)
        self._eight_again = threading.Barrier(self.THREADS, timeout=PATIENCE_S)
        self._asked: set[int] = set()

    def __call__(self, request) -> Reply:
        if not request.target.startswith("/00O"):
            return Reply([response(200, b'[{"version": "64.0"}]', Content_Type="application/json")], "keep")
        number = int(request.target[4:16])
        with self._lock:
            self._in_flight += 1
            is_first = number not in self._asked
            self._asked.add(number)
            if self.refused and self.served < self.THREADS // 2:
                self.most_after_refusal = max(self.most_after_refusal, self._in_flight)
        is_refused = is_first and number < self.THREADS
        if is_refused:
            self._eight.wait()
        elif number < self.THREADS:
            self._eight_again.wait()
        elif number < self.THREADS + self.THREADS // 2:
            self._four.wait()
            threading.Event().wait(self.LOOK_S)
        return self._reply(is_refused)

    def _reply(self, is_refused: bool) -> Reply:
        """Counted before it is sent: SFR never has fewer in flight than are counted here."""
        with self._lock:
            self._in_flight -= 1
            self.refused += is_refused
            self.served += not is_refused
        if is_refused:
            fault = b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}]'
            return Reply([response(403, fault, Content_Type="application/json")], "keep")
        return Reply([response(200, DATA + FOOTER, Content_Type="text/csv")], "keep")


def test_concurrency_falls_when_the_org_is_busy_and_comes_back(job):
    """Row 14: eight at once are refused; then four at once, never more; after some successes eight again; exit 0."""
    busy = BusyOrg()
    with RawServer(busy) as server:
        fetch = {"threads": BusyOrg.THREADS, "attempts": 20}
        job.configure(server.url, {"sid": {"value": SID}}, _rows(BusyOrg.THREADS + BusyOrg.MIDDLE), fetch=fetch)
        ended = job.run_here()

    assert ended.code == 0, ended.stdout
    assert (busy.refused, busy.most_after_refusal) == (BusyOrg.THREADS, BusyOrg.THREADS // 2)
    assert sorted({report["attempt_count"] for report in job.reports().values()}) == [1, 2]


def test_all_reports_are_saved_when_the_org_takes_fewer_at_once_than_there_are_threads(job):
    """Row 14: REQUEST_LIMIT_EXCEEDED above two at once costs attempts, no report."""
    with Emulator({"org": {"concurrency_limit": 2}}) as org:
        names = [f"Part {number}" for number in range(20)]
        for name in names:
            org.add_report(name, rows=500)
        job.for_org(org, *names, fetch={"threads": 8, "attempts": 1000, "retry_budget": 100_000})

        ended = job.run_here()

        assert ended.code == 0, ended.stdout
        assert any(record.status == 403 for record in org.requests.records("export"))
        assert all(job.file(name).read_bytes() == b"".join(org.expected_csv(name)) for name in names)


# Rows 18 and 19: no network, no names


def _in_namespace(job, *, is_dns_silent):
    """The command line of the program where nothing but itself can be reached, and DNS fails at once or is silent."""
    prepare = """
import fcntl, os, socket, struct, subprocess, sys
resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(resolver, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
resolver.bind(("127.0.0.1", 53))
resolver.set_inheritable(True)
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
os.execv(sys.argv[2], sys.argv[2:])
"""
    (job.directory / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    silent = [sys.executable, "-c", prepare, "resolv.conf"] if is_dns_silent else []
    return ["unshare", "--net", "--mount", *silent, *job.command()]


@pytest.fixture
def offline(job):
    """A job whose org has a name that does not resolve."""
    try:
        allowed = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if allowed.returncode:
        pytest.skip("needs the right to make network and mount namespaces (root)")
    job.configure("https://acme.my.salesforce.com", {"sid": {"value": SID}}, _rows(3), fetch={"attempts": 1})
    return job


def test_run_without_a_network_ends_with_5(offline):
    """Row 19: every report is `network`, and the message is about the name."""
    ended = offline.start_command(_in_namespace(offline, is_dns_silent=False)).end()

    offline.assert_clean(ended)
    assert (ended.code, offline.errors()) == (5, {"network"})
    assert all("acme.my.salesforce.com" in report["message"] for report in offline.reports().values())


def test_run_ends_with_5_when_dns_is_silent(offline):
    """Row 18: each look-up takes what RES_OPTIONS allows, here a second, where the resolver's own limit is twenty."""
    offline.environ["RES_OPTIONS"] = "timeout:1 attempts:1"

    ended = offline.start_command(_in_namespace(offline, is_dns_silent=True)).end()

    offline.assert_clean(ended)
    assert (ended.code, offline.errors()) == (5, {"network"})
    # Three look-ups, one after the other; at twenty seconds each they would take a minute.
    assert offline.summary()["run"]["seconds"] < 40


def test_deadline_ends_a_run_that_hangs_in_dns(offline):
    """Row 18: a look-up cannot be interrupted, but it does not hold up the end of the run."""
    offline.configure("https://acme.my.salesforce.com", {"sid": {"value": SID}}, _rows(3), fetch={"deadline_s": 0.5})

    ended = offline.start_command(_in_namespace(offline, is_dns_silent=True)).end()

    offline.assert_clean(ended)
    assert (ended.code, offline.errors()) == (5, {"timeout"})
    assert offline.summary()["run"]["seconds"] < 20


# Row 20: TLS


@pytest.mark.parametrize(
    ("certificate", "is_trusted", "says"),
    [
        ({}, False, "self-signed"),
        ({"host": "other.example.com"}, True, "not for"),
        ({"expired_days_ago": 3}, True, "has expired"),
    ],
    ids=["self-signed", "wrong-host", "expired"],
)
def test_bad_certificate_ends_with_5_and_nothing_is_sent(job, certificate, is_trusted, says):
    """Row 20: each report is tried once, verified; no request arrives."""
    context, bundle = serve_with_certificate(job.directory, **certificate)
    with RawServer(always(response(200, DATA + FOOTER)), tls=context) as server:
        job.configure(server.url, {"sid": {"value": SID}}, _rows(3), ca_bundle=str(bundle) if is_trusted else None)
        ended = job.run_here()

    assert (ended.code, job.errors(), _attempts(job)) == (5, {"network"}, 3)
    assert all(says in report["message"] for report in job.reports().values())
    assert server.received == []
    assert server.connections == 2 + 3


def test_server_without_tls_gets_nothing_when_https_is_configured(org, job):
    """Row 20: no fall-back to plain HTTP."""
    job.for_org(org, *SMALL)
    job.replace_domain(org.url.replace("http:", "https:"))

    ended = job.run_here()

    assert (ended.code, job.errors()) == (5, {"network"})
    assert org.requests.records() == ()


# Row 21: redirects away


def test_redirect_from_https_to_http_is_not_followed(job):
    """Row 21: the other server sees no connection, the reports beside are saved."""
    with Emulator(tls=True) as org, RawServer(always(response(200, DATA + FOOTER))) as other:
        org.set_rules({"report": "Deals by Stage", "action": "redirect", "to": other.url, "keep_path": True})
        job.for_org(org, *SMALL, ca_bundle=org.ca_file)

        ended = job.run_here()

    assert ended.code == 4
    failed = job.reports()["Deals by Stage"]
    assert (failed["error"], failed["attempt_count"], failed["http_status"]) == ("network", 1, 302)
    assert other.connections == 0
