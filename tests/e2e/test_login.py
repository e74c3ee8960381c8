"""`sfr login`: a browser's consent becomes a stored refresh token, and nothing else does."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sfr.emulator import Emulator
from tests.e2e.conftest import CHECKOUT, PATIENCE_S, Ended, Job, row

ADDRESS = re.compile(r"http\S+/services/oauth2/authorize\S+")


@pytest.fixture
def job(job: Job, org: Emulator) -> Job:
    """A set-up that lacks only its token."""
    auth = {"refresh_token": {"client_id": org.credentials.client_id, "token_file": "state/token"}}
    job.configure(org.url, auth, [row("Open Pipeline", org.report("Open Pipeline").id)])
    return job


class LogIn:
    """The program while it waits for a browser."""

    def __init__(self, job: Job, *options: str, **variables: str) -> None:
        import sys

        command = [sys.executable, str(CHECKOUT / "sfr.py"), "login", "--config", "sfr.yaml", *options]
        self.process = subprocess.Popen(
            command,
            cwd=job.directory,
            env={**job.environ, "BROWSER": "true", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        job._started.append(self.process)
        self.said = ""

    def address(self) -> str:
        """The address for the browser, once it is printed."""
        assert self.process.stdout
        while not (found := ADDRESS.search(self.said)):
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        return found[0]

    def end(self, line: str | None = None) -> Ended:
        """Type a line, if any, and wait for the end."""
        stdout, stderr = self.process.communicate(line, timeout=PATIENCE_S)
        assert "Traceback" not in stderr
        return Ended(self.process.returncode, self.said + stdout, stderr)


def get(url: str) -> tuple[int, str]:
    """Status and text of a page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def state_of(address: str) -> str:
    """The state in the address."""
    return parse_qs(urlsplit(address).query)["state"][0]


def consented(address: str) -> str:
    """The address where the browser ends after consent, without opening it."""

    class Keep(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Follow nothing."""

    import html
    from urllib.parse import urlencode, urljoin

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Keep)
    page = opener.open(address, timeout=20).read().decode()
    fields = {html.unescape(k): html.unescape(v) for k, v in re.findall(r'name="([^"]*)" value="([^"]*)"', page)}
    with pytest.raises(urllib.error.HTTPError) as redirected:
        opener.open(urljoin(address, "/services/oauth2/authorize"), urlencode(fields).encode(), timeout=20)
    with redirected.value:
        return str(redirected.value.headers["Location"])


def test_consent_in_the_browser_stores_the_token(
    job: Job, consenting_browser: Callable[[], str], free_port: int
) -> None:
    """Readable by its owner only, never printed, and good for a run."""
    ended = LogIn(job, "--port", str(free_port), BROWSER=consenting_browser()).end()
    assert ended.code == 0, ended.stderr
    assert f"http://localhost:{free_port}/callback" in ended.stdout
    token = job.directory / "state" / "token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().strip() not in ended.stdout + ended.stderr
    assert job.run().code == 0


def test_listener_waits_on_after_requests_that_are_not_the_answer(job: Job, free_port: int) -> None:
    """Another state is answered with 400, another path with 404; a connection without a request holds up nothing."""
    log_in = LogIn(job, "--port", str(free_port))
    address = log_in.address()
    silent = socket.create_connection(("127.0.0.1", free_port))
    assert get(f"http://127.0.0.1:{free_port}/callback?code=stolen&state=another")[0] == 400
    assert get(f"http://127.0.0.1:{free_port}/favicon.ico")[0] == 404
    status, page = get(consented(address))
    assert (status, "You can close this window" in page) == (200, True)
    assert log_in.end().code == 0
    silent.close()


def test_answer_is_refused_once_the_listener_has_ended(job: Job, free_port: int) -> None:
    """It takes one answer and closes."""
    log_in = LogIn(job, "--port", str(free_port))
    get(consented(log_in.address()))
    assert log_in.end().code == 0
    with pytest.raises(urllib.error.URLError):
        get(f"http://127.0.0.1:{free_port}/callback?code=x&state=y")


def test_refusal_in_the_browser_ends_with_3(job: Job, free_port: int) -> None:
    """The page and the terminal say so."""
    log_in = LogIn(job, "--port", str(free_port))
    address = log_in.address()
    state = state_of(address)
    query = f"error=access_denied&error_description=end-user+denied+authorization&state={state}"
    status, page = get(f"http://localhost:{free_port}/callback?{query}")
    assert status == 400
    assert "refused" in page
    ended = log_in.end()
    assert ended.code == 3
    assert "Allow" in ended.stderr
    assert not (job.directory / "state" / "token").exists()


def test_port_that_is_taken_is_refused_by_name(job: Job) -> None:
    """With exit code 2 and the option."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = LogIn(job, "--port", str(taken.getsockname()[1])).end()
    assert ended.code == 2
    assert "--port" in ended.stderr


def test_address_can_be_pasted_from_another_machine(job: Job) -> None:
    """Without a listener."""
    log_in = LogIn(job, "--no-browser")
    ended = log_in.end(consented(log_in.address()) + "\n")
    assert ended.code == 0, ended.stderr
    assert job.run().code == 0


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("http://localhost:1717/callback?code=abc&state=another", "another"),
        ("http://localhost:1717/callback?code=abc", "another"),
        ("https://elsewhere.example/callback?code=abc&state=STATE", "address where the browser ended"),
        ("http://localhost:1717/callback?state=STATE", "no authorization code"),
        ("http://localhost:1717/callback?error=access_denied&error_description=end-user+denied&state=STATE", "Allow"),
        ("anything", "address where the browser ended"),
        ("http://localhost:1717/callback?code=wrong&state=STATE", "authorization code"),
    ],
)
def test_wrong_address_is_refused_with_3(job: Job, pasted: str, reason: str) -> None:
    """Each with what is wrong about it."""
    log_in = LogIn(job, "--no-browser")
    ended = log_in.end(pasted.replace("STATE", state_of(log_in.address())) + "\n")
    assert ended.code == 3
    assert reason in ended.stderr
    assert not (job.directory / "state" / "token").exists()


def test_app_without_the_scope_for_refresh_tokens_is_explained(job: Job, org: Emulator) -> None:
    """The log-in itself was accepted."""
    org.change(scopes=("api", "web"))
    log_in = LogIn(job, "--no-browser")
    ended = log_in.end(consented(log_in.address()) + "\n")
    assert ended.code == 3
    assert "offline_access" in ended.stderr


def test_token_endpoint_that_redirects_gets_nothing(job: Job, org: Emulator) -> None:
    """A redirect to another host is a refusal, and never followed."""
    org.set_rules({"path": "/services/oauth2/token", "action": "redirect", "to": "other_host"})
    log_in = LogIn(job, "--no-browser")
    assert log_in.end(consented(log_in.address()) + "\n").code == 3


def test_other_methods_need_no_log_in_by_a_person(job: Job, org: Emulator) -> None:
    """Exit code 2 says which method the configuration uses."""
    job.for_org(org, "Open Pipeline")
    ended = LogIn(job).end()
    assert ended.code == 2
    assert "`sid`" in ended.stderr


def test_token_is_replaced_by_another_log_in(job: Job) -> None:
    """The old one is gone, and no temporary file is left."""
    log_in = LogIn(job, "--no-browser")
    assert log_in.end(consented(log_in.address()) + "\n").code == 0
    first = (job.directory / "state" / "token").read_text()
    log_in = LogIn(job, "--no-browser")
    assert log_in.end(consented(log_in.address()) + "\n").code == 0
    assert (job.directory / "state" / "token").read_text() != first
    assert {path.name for path in Path(job.directory / "state").iterdir()} == {"token", "token.lock"}
