"""No secret leaves the main process, whichever method logs in, however the org answers, and whatever breaks."""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Collection
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import psutil
import pytest

from sfr.cli import main
from sfr.salesforce.auth import METHODS
from sfr.salesforce.http.transport import Transport
from sfr.summaries import FORMATS
from tests.e2e.conftest import CHECKOUT, row
from tests.echoing_org import HELD, SESSION_LOST, SPELLINGS, EchoingOrg
from tests.raw_server import RawServer, always, response

SID = "Canary.Given_Sid-" + "ZyXwVuTsRq" * 8
PASSWORD = "Ca&nary<'p\"ss wörd%/+1"
SECURITY_TOKEN = "CanarySecurityTokenAbCdEf"
CLIENT_SECRET = "Canary&Client'Secret+0123/=<x>"
REFRESH_TOKEN = "5Aep861.Canary.Refresh_" + "AbCdEfGhIj" * 5
PING = "canary-ping-0123456789-abcdef"
WEBHOOK = "canary-hook-0123456789-abcdef"

#: What is put around `Transport.stream` to be the bug that shows all it knows.
BROKEN = """
import sys
from sfr.salesforce.http.transport import Transport
send = Transport.stream
def broken_send(self, request, deadline):
    if request.body:
        raise RuntimeError(f"{request.method} {request.url} {request.headers} {request.body}")
    return send(self, request, deadline)
Transport.stream = broken_send
from sfr.cli import main
from sfr.summaries import FORMATS
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


class Vault:
    """The credentials of every method, outside the project's directory; what the environment holds of them."""

    def __init__(self, directory: Path, org_url: str) -> None:
        self.directory, self.org_url = directory, org_url
        self.environ: dict[str, str] = {}
        #: What must be found nowhere.
        self.secrets: set[str] = set()

    def auth(self, method: str) -> dict[str, object]:
        """The settings of a method; a method without a case here fails the tests below."""
        return getattr(self, f"_{method}")()

    def _variable(self, name: str, secret: str) -> str:
        self.environ[name] = secret
        self.secrets.add(secret)
        return f"${{{name}}}"

    def _file(self, name: str, content: str) -> str:
        path = self.directory / name
        path.write_text(content)
        path.chmod(0o600)
        return str(path)

    def _sid(self) -> dict[str, object]:
        return {"value": self._variable("SFDC_SID", SID)}

    def _client(self) -> dict[str, object]:
        return {"client_id": "app", "client_secret": self._variable("SFDC_CLIENT_SECRET", CLIENT_SECRET)}

    _client_credentials = _client

    def _refresh_token(self) -> dict[str, object]:
        self.secrets.add(REFRESH_TOKEN)
        return {**self._client(), "token_file": self._file("refresh_token", f"{REFRESH_TOKEN}\n")}

    def _jwt(self) -> dict[str, object]:
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.secrets |= set(pem.splitlines()[1:-1])
        return {"client_id": "app", "username": "u@example.com", "private_key_file": self._file("jwt.key", pem)}

    def _soap(self) -> dict[str, object]:
        return {
            "username": "u@example.com",
            "password": self._variable("SFDC_PASSWORD", PASSWORD),
            "security_token": self._variable("SFDC_SECURITY_TOKEN", SECURITY_TOKEN),
        }

    def _sf_cli(self) -> dict[str, object]:
        """A Salesforce CLI that gives the session once, and then complains with it."""
        self.secrets.add(SID)
        answer = {"status": 0, "result": {"accessToken": SID, "instanceUrl": self.org_url}}
        refusal = {"status": 1, "message": " ".join(spell(SID) for spell in SPELLINGS.values())}
        program = self.directory / "sf"
        given = self.directory / "given"
        program.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\ngiven = pathlib.Path({str(given)!r})\n"
            "is_first = not given.exists()\n"
            "'display' in sys.argv and given.touch()\n"
            f"print({json.dumps(answer)!r} if is_first else {json.dumps(refusal)!r})\n"
            "sys.exit(not is_first)\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.environ["PATH"] = str(self.directory)
        return {"org": "demo"}

    def leaks_in(self, text: bytes, also: Collection[str]) -> set[str]:
        """Where the text holds a secret or its half, in any spelling."""
        folded = text.lower()
        return {
            f"{text[max(0, at - 60) : at]!r} {spelled}"
            for secret in self.secrets.union(also)
            for spelled in {spell(part) for spell in SPELLINGS.values() for part in _halves(secret)}
            if (at := folded.find(spelled.encode().lower())) >= 0
        }


def _halves(secret: str) -> set[str]:
    half = (len(secret) + 1) // 2
    return {secret, secret[:half], secret[-half:]}


@pytest.fixture
def elsewhere():
    """Another host: no request may reach it."""
    with RawServer(always(response())) as server:
        yield server


@pytest.fixture
def echoing(elsewhere):
    """The org that gives secrets away."""
    with EchoingOrg(elsewhere.url) as org:
        yield org


@pytest.fixture
def vault(tmp_path_factory, echoing):
    """Credentials for this org."""
    return Vault(tmp_path_factory.mktemp("vault"), echoing.url)


def _configure(job, vault, org, method, *, cases=(), **sections):
    """A job that logs in by this method and logs everything."""
    auth = vault.auth(method)
    job.environ |= vault.environ | {"PATH": f"{vault.environ.get('PATH', '')}:{job.environ['PATH']}"}
    reports = [
        row(
            re.sub(r"\W", "_", case),
            f"00O5g00000{number:05}",
            optional_export_params=f"?export=1&enc=UTF-8&xf=csv&case={quote(case)}",
            route="auto" if number % 2 and case != SESSION_LOST else "classic",
        )
        for number, case in enumerate(cases)
    ]
    fetch = {"attempts": 1, "threads": 2, "retry_budget": 5}
    logging = {"console": {"level": "DEBUG"}, "file": {"path": "logs/sfr.log", "level": "DEBUG"}}
    job.configure(org.url, {method: auth}, reports, fetch=fetch, logging=logging, **sections)


def _assert_no_leak(vault, texts, also=frozenset()):
    leaks = {name: found for name, text in texts.items() if (found := vault.leaks_in(text, also))}
    assert not leaks, "\n".join(f"{name}: {one}" for name, found in leaks.items() for one in sorted(found))


def _files(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def _processes(process):
    """Command line of the program, and command lines and environments of its children."""
    found = {"main": Path(f"/proc/{process.pid}/cmdline").read_bytes()}
    for child in process.children(recursive=True):
        for what in ("cmdline", "environ"):
            found[f"{what} of {child.pid}"] = Path(f"/proc/{child.pid}/{what}").read_bytes()
    return found


@pytest.mark.parametrize("method", METHODS)
def test_no_secret_is_found_anywhere_when_the_org_repeats_what_it_receives(job, vault, echoing, elsewhere, method):
    """Faults, pages, headers, redirects, a lost session, a refused renewal; with everything logged.

    Looked through: logs, streams, summaries of every format, history with its write-ahead log, the spool and the
    processes in mid-run, what notification services and programs receive, and every other file there is.
    """
    cases = [HELD, *echoing.answers, SESSION_LOST]
    program = (
        "import os, pathlib, sys; pathlib.Path('notified').write_text(f'{os.environ} {sys.argv}'); print(os.environ)"
    )
    with RawServer(always(response())) as service:
        vault.secrets |= {PING, WEBHOOK}
        vault.environ |= {"PING": f"{service.url}/{PING}", "WEBHOOK": f"{service.url}/{WEBHOOK}"}
        _configure(
            job, vault, echoing, method, cases=cases,
            summary=[{"format": name, "path": f"summaries/{name}"} for name in FORMATS],
            notify={"ping": "${PING}", "webhook": "${WEBHOOK}", "command": [sys.executable, "-c", program]},
        )  # fmt: skip
        vault.secrets |= {PING, WEBHOOK}
        started = job.start()
        while not (echoing.is_holding.wait(0.05) and list(job.output.glob(".sfr-*.part"))):
            assert started.process.poll() is None, started.end()
        in_mid_run = _files(job.directory) | _processes(psutil.Process(started.process.pid))
        echoing.may_end.set()
        ended = started.end()

        notified = {
            f"notified {request.target[-5:]}": str((request.headers, request.body)).encode()
            for request in service.received
        }
    assert ended.code == 3, ended.stderr
    assert set(cases[::2]) <= {
        dict(parse_qsl(urlsplit(request.target).query)).get("case") for request in echoing.server.received
    }
    assert [name for name in in_mid_run if name.endswith(".part")]
    assert sum(name.startswith("environ of") for name in in_mid_run) >= 1
    assert len(notified) == 3
    assert {f"summaries/{name}" for name in FORMATS} <= set(_files(job.directory))
    streams = {"stdout": ended.stdout.encode(), "stderr": ended.stderr.encode()}
    _assert_no_leak(vault, _files(job.directory) | in_mid_run | notified | streams, echoing.secrets)
    assert elsewhere.received == []


def test_no_secret_is_found_anywhere_when_a_run_itself_breaks(job, vault, echoing):
    """A traceback whose last line holds the request: on stderr and in the log file, masked, and printed once."""
    _configure(job, vault, echoing, "client_credentials", cases=["status line"])
    program = job.directory / "broken.py"
    program.write_text(BROKEN)
    job.environ["PYTHONPATH"] = str(CHECKOUT)

    ended = job.start_command([sys.executable, str(program), "--config", "sfr.yaml"]).end()

    texts = {"stderr": ended.stderr, "log": job.log_text()}
    assert ended.code == 1
    assert [text.count("Traceback") for text in texts.values()] == [1, 1]
    assert [text.count("RuntimeError: POST http") for text in texts.values()] == [1, 1]
    _assert_no_leak(vault, _files(job.directory) | {name: text.encode() for name, text in texts.items()})


@pytest.fixture
def check(job, monkeypatch, capsys):
    """Runs `--check` in this process; exit code and all that it printed."""

    def run_check():
        monkeypatch.chdir(job.directory)
        for name, value in job.environ.items():
            monkeypatch.setenv(name, value)
        code = main(["--config", "sfr.yaml", "--check"])
        streams = capsys.readouterr()
        return code, streams.out + streams.err

    return run_check


def test_password_of_the_env_file_reaches_the_org_as_it_is_written(job, vault, echoing, check):
    """`$`, `#`, quotes and blanks mean nothing; the security token follows the password."""
    _configure(job, vault, echoing, "soap", cases=["status line"])
    del job.environ["SFDC_PASSWORD"]
    (job.directory / ".env").write_text("SFDC_PASSWORD='pa${HOME}$1 #w\"o&rd '\n")
    (job.directory / ".env").chmod(0o600)

    code, printed = check()

    assert code == 0, printed
    assert 'pa${HOME}$1 #w"o&rd ' + SECURITY_TOKEN in echoing.secrets


@pytest.mark.parametrize("method", METHODS)
def test_no_secret_is_printed_when_a_check_itself_breaks(job, vault, echoing, check, monkeypatch, method):
    """Whatever the method is about to send, or has in its hands when asking for a report."""
    send = Transport.stream

    def broken_send(self, request, deadline):
        if request.body or "Authorization" in request.headers:
            raise RuntimeError(f"{request.method} {request.url} {request.headers} {request.body}")
        return send(self, request, deadline)

    monkeypatch.setattr(Transport, "stream", broken_send)
    _configure(job, vault, echoing, method, cases=["status line"])

    code, printed = check()

    assert code == 1
    assert printed.count("Traceback") == 1
    assert re.search("RuntimeError: (GET|POST) http", printed)
    assert not re.search("assertion=[^*]", printed)
    _assert_no_leak(vault, {"streams": printed.encode()})


@pytest.mark.parametrize("method", METHODS)
def test_no_secret_is_printed_when_a_check_is_refused(job, vault, echoing, check, method):
    """`--check` has no log file and no summary: what the org says goes to stderr alone."""
    echoing.refuses_all = True
    _configure(job, vault, echoing, method, cases=["status line"])

    code, printed = check()

    assert code == 3, printed
    _assert_no_leak(vault, {"streams": printed.encode()}, echoing.secrets)
