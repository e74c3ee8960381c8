"""Log-ins that fail for a moment are tried again; those that concern the credentials are not."""

from __future__ import annotations

import json
import sys

import pytest

from tests.bodies import DATA, FOOTER
from tests.certificates import make_key, pem_of
from tests.e2e.conftest import row
from tests.raw_server import RawServer, Reply, response

TOKEN = "00D5g0000000RAW!NOT.REAL_token_0123456789"
CLIENT = {"client_credentials": {"client_id": "the-client", "client_secret": "canary-secret"}}
SOAP = {"soap": {"username": "user@example.com", "password": "canary-password"}}
#: A log-in is tried no more often than this.
LOG_IN_ATTEMPTS = 5


def oauth(error, description="", status=400):
    """An OAuth error."""
    return response(status, json.dumps({"error": error, "error_description": description}).encode())


def soap_fault(code):
    """A SOAP fault."""
    return response(
        500,
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{code}: so it is</faultstring></e:Fault></e:Body></e:Envelope>"
        .encode(),
    )  # fmt: skip


TRANSIENT = {
    "unknown_error": (CLIENT, oauth("unknown_error", "retry your request")),
    "empty 400": (CLIENT, response(400)),
    "being processed": (CLIENT, oauth("invalid_grant", "token request is already being processed")),
    "temporarily_unavailable": (CLIENT, oauth("temporarily_unavailable")),
    "maintenance page": (CLIENT, response(200, b"<html><title>Salesforce</title>Down for maintenance.</html>")),
    "gateway": (CLIENT, response(404, b"upstream connect error or disconnect/reset before headers")),
    "SOAP": (SOAP, soap_fault("REQUEST_RUNNING_TOO_LONG")),
    "SOAP, another code": (SOAP, soap_fault("API_CURRENTLY_DISABLED")),
}
FINAL = {
    "invalid_grant": (CLIENT, oauth("invalid_grant", "authentication failure")),
    "invalid_client": (CLIENT, oauth("invalid_client", "invalid client credentials", 401)),
    "app": (CLIENT, oauth("OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org")),
    "SOAP": (SOAP, soap_fault("INVALID_LOGIN")),
    "SOAP, locked": (SOAP, soap_fault("PASSWORD_LOCKOUT")),
}


class Org:
    """Gives a bad answer to the first log-ins, and a report to who is logged in."""

    def __init__(self, bad, how_often):
        self.bad, self.how_often, self.log_ins = bad, how_often, 0

    def answer(self, request):
        """Any request's answer."""
        if request.method == "POST":
            self.log_ins += 1
            return Reply([self.bad if self.log_ins <= self.how_often else self._session(request)], "keep")
        if request.target == "/services/data/":
            return Reply([response(200, b'[{"version": "64.0"}]')], "keep")
        if request.target.endswith("/limits"):
            return Reply([response(200, b"{}")], "keep")
        return Reply([response(200, DATA + FOOTER, Content_Type="text/csv")], "keep")

    @staticmethod
    def _session(request):
        if "oauth2" in request.target:
            return response(200, json.dumps({"access_token": TOKEN}).encode())
        return response(
            200,
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><loginResponse><result>'
            f"<sessionId>{TOKEN}</sessionId></result></loginResponse></e:Body></e:Envelope>".encode(),
        )


def prepare(job, server, auth):
    """A run of one report against the server."""
    job.configure(server.url, auth, [row("A", "00O5g0000000001")], fetch={"attempts": 20})


@pytest.mark.parametrize("kind", TRANSIENT)
def test_report_is_saved_when_a_log_in_is_refused_for_a_moment(job, kind):
    """The night is not lost: the next attempt is fine."""
    auth, bad = TRANSIENT[kind]
    org = Org(bad, 1)
    with RawServer(org.answer) as server:
        prepare(job, server, auth)
        ended = job.run_here()

    assert ended.code == 0, ended.stderr
    assert org.log_ins == 2
    assert job.file("A").read_bytes() == DATA


@pytest.mark.parametrize("kind", TRANSIENT)
def test_run_ends_with_5_as_server_when_that_refusal_persists(job, kind):
    """Five attempts; a timer tries again after 5, and not after 3."""
    auth, bad = TRANSIENT[kind]
    org = Org(bad, 99)
    with RawServer(org.answer) as server:
        prepare(job, server, auth)
        ended = job.run_here()

    assert (ended.code, job.errors()) == (5, {"server"})
    assert org.log_ins == LOG_IN_ATTEMPTS


@pytest.mark.parametrize("kind", ["unknown_error", "SOAP"])
@pytest.mark.parametrize("command", [["--check"], ["--list-reports"]])
def test_command_ends_with_5_when_the_log_in_is_refused_for_a_moment(job, kind, command):
    """One attempt; the message says that it passes."""
    auth, bad = TRANSIENT[kind]
    org = Org(bad, 99)
    with RawServer(org.answer) as server:
        prepare(job, server, auth)
        ended = job.run_here(*command)

    assert (ended.code, org.log_ins) == (5, 1)
    assert "could not complete the log-in" in ended.stderr


@pytest.mark.parametrize("kind", FINAL)
def test_run_ends_with_3_after_one_log_in_when_it_concerns_the_credentials(job, kind):
    """Accounts get locked by repeated failures."""
    auth, bad = FINAL[kind]
    org = Org(bad, 99)
    with RawServer(org.answer) as server:
        prepare(job, server, auth)
        ended = job.run_here()

    assert (ended.code, job.errors(), org.log_ins) == (3, {"auth"}, 1)
    assert "canary" not in ended.stderr + job.log_text()


def test_expired_assertion_points_to_the_clock(job):
    """A jwt user has no token file."""
    key = job.directory / "key.pem"
    key.write_bytes(pem_of(make_key()))
    key.chmod(0o600)
    auth = {"jwt": {"client_id": "c", "username": "u", "private_key_file": str(key)}}
    with RawServer(Org(oauth("invalid_grant", "expired authorization code"), 99).answer) as server:
        prepare(job, server, auth)
        ended = job.run()

    assert ended.code == 3
    assert "timedatectl" in ended.stderr
    assert "token_file" not in ended.stderr


def test_secret_that_is_escaped_in_a_refusal_is_not_shown(job):
    """Escaped twice, by numbers, percent signs twice, and in base64 with others."""
    auth = {"client_credentials": {"client_id": "c", "client_secret": "canary+p&ss/w0rd"}}
    said = (
        "canary\\\\u002bp\\\\u0026ss/w0rd canary&#43;p&#x26;ss&#x2F;w0rd canary%252Bp%2526ss%252Fw0rd "
        "dXNlcjpjYW5hcnkrcCZzcy93MHJk 63616e6172792b702673732f77307264"
    )
    with RawServer(Org(oauth("invalid_client", said), 99).answer) as server:
        prepare(job, server, auth)
        ended = job.run()

    assert ended.code == 3
    assert "*** *** *** *** ***" in " ".join(ended.stderr.split())
    for text in (ended.stderr, job.log_text(), json.dumps(job.summary())):
        assert not any(piece in text for piece in ("canary", "p%2526", "Y2FuYX", "hbmFye", "63616e"))


def test_secret_of_a_sid_command_is_warned_of_and_leaves_the_workers(job):
    """The value is on the command's line all the same: the warning says what is better."""
    (job.directory / "vault.py").write_text(
        f"import sys; sys.exit('no') if 'canary' not in sys.argv[1] else print('{TOKEN}')"
    )
    job.environ["VAULTTOKEN"] = "canary-vault-token"
    auth = {"sid": {"command": [sys.executable, "vault.py", "${VAULTTOKEN}"]}}
    with RawServer(Org(b"", 0).answer) as server:
        prepare(job, server, auth)
        ended = job.run()

    assert ended.code == 0, ended.stderr
    assert "salesforce.auth.sid.command[2]" in ended.stderr
    assert "standard input" in ended.stderr
    assert "canary" not in ended.stderr + job.log_text()


def test_failing_sid_command_is_named_by_its_key(job):
    """Users look for it in the configuration."""
    with RawServer(Org(b"", 0).answer) as server:
        prepare(job, server, {"sid": {"command": [sys.executable, "-c", "raise SystemExit(9)"]}})
        ended = job.run()

    assert ended.code == 3
    assert "`salesforce.auth.sid.command`" in ended.stderr
