"""Every log-in method against the embedded org, and what a run requests before its first report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfr.emulator import Emulator
from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.redaction import Redactor, Secret
from sfr.salesforce.auth.client_credentials import ClientCredentialsSettings
from sfr.salesforce.auth.grants import LogInContext
from sfr.salesforce.auth.jwt_bearer import JwtSettings
from sfr.salesforce.auth.refresh_token import RefreshTokenSettings
from sfr.salesforce.auth.sid import SidSettings
from sfr.salesforce.auth.soap import SoapSettings
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import Request, Transport, TransportOptions, open_transport
from sfr.salesforce.org_check import check, resolve_api_version
from sfr.salesforce.session import CurrentSession, Session
from sfr.salesforce.web_pages import classify_page

TOKEN_PATH = "/services/oauth2/token"


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org of its own for each test."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def transport() -> Iterator[Transport]:
    """One with the defaults."""
    opened = open_transport(TransportOptions())
    yield opened
    opened.close()


def soon() -> Deadline:
    """Long enough for a test."""
    return Deadline.after(20, "20 s")


def context_of(transport: Transport, org: Emulator) -> LogInContext:
    """What a run would give the method."""
    return LogInContext(transport, org.url, Redactor(), soon)


def sid_settings(org: Emulator, _: Path) -> SidSettings:
    """The constant session id."""
    return SidSettings(value=Secret(org.sid))


def jwt_settings(org: Emulator, _: Path) -> JwtSettings:
    """The org's own key."""
    return JwtSettings(
        client_id=org.credentials.client_id,
        username=org.credentials.username,
        private_key_file=org.private_key_file,
    )


def client_credentials_settings(org: Emulator, _: Path) -> ClientCredentialsSettings:
    """Key and secret."""
    return ClientCredentialsSettings(
        client_id=org.credentials.client_id, client_secret=Secret(org.credentials.client_secret)
    )


def refresh_token_settings(org: Emulator, directory: Path) -> RefreshTokenSettings:
    """A file with the token the org knows."""
    file = directory / "refresh_token"
    file.write_text(org.credentials.refresh_token + "\n")
    return RefreshTokenSettings(
        client_id=org.credentials.client_id, token_file=str(file), client_secret=Secret(org.credentials.client_secret)
    )


def soap_settings(org: Emulator, _: Path) -> SoapSettings:
    """User name, password, security token."""
    known = org.credentials
    return SoapSettings(
        username=known.username, password=Secret(known.password), security_token=Secret(known.security_token)
    )


SETTINGS: dict[str, Callable[[Emulator, Path], Any]] = {
    "sid": sid_settings,
    "jwt": jwt_settings,
    "client_credentials": client_credentials_settings,
    "refresh_token": refresh_token_settings,
    "soap": soap_settings,
}


def current_session(transport: Transport, org: Emulator, method: str, directory: Path) -> CurrentSession:
    """Not logged in yet."""
    return CurrentSession.for_method(method, SETTINGS[method](org, directory), context_of(transport, org))


def export(transport: Transport, session: Session, report_id: str) -> bytes:
    """A classic export, as received."""
    request = Request("GET", f"{session.instance_url}/{report_id}?export=1", session.cookie_headers())
    with transport.stream(request, soon()) as answer:
        assert answer.status == 200
        return b"".join(answer.chunks())


@pytest.mark.parametrize("method", SETTINGS)
def test_method_gives_a_session_that_exports_and_calls(
    transport: Transport, org: Emulator, tmp_path: Path, method: str
) -> None:
    """Log-in, versions, limits, export: in the contract's order, one log-in (none for sid)."""
    session = current_session(transport, org, method, tmp_path).log_in()
    version, warning = resolve_api_version(transport, session, "latest", soon())
    assert (version, warning) == ("67.0", None)
    assert check(transport, session, version, soon()) is None
    assert export(transport, session, org.report("Accounts by City").id)
    routes = [record.route for record in org.requests.records()]
    assert routes == [*([] if method == "sid" else ["login"]), "versions", "limits", "export"]


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("client_credentials", ClientCredentialsSettings(client_id="wrong", client_secret=Secret("wrong"))),
        ("soap", SoapSettings(username="wrong@example.com", password=Secret("wrong"))),
    ],
)
def test_wrong_credentials_are_refused_with_one_request(
    transport: Transport, org: Emulator, method: str, settings: Any
) -> None:
    """Never tried again: users get locked."""
    current = CurrentSession.for_method(method, settings, context_of(transport, org))
    for _ in range(3):
        with pytest.raises(LogInError):
            current.log_in()
    assert org.requests.count("login") == 1


@pytest.mark.parametrize("method", ["jwt", "client_credentials", "refresh_token", "soap"])
def test_lost_session_is_renewed_once_for_all_threads(
    transport: Transport, org: Emulator, tmp_path: Path, method: str
) -> None:
    """Eight threads meet the end of the session; one logs in."""
    current = current_session(transport, org, method, tmp_path)
    stale = current.log_in()
    org.end_sessions()
    renewed: list[Session] = []
    threads = [threading.Thread(target=lambda: renewed.append(current.renew(stale))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert org.requests.count("login") == 2
    assert {session.generation for session in renewed} == {2}
    assert check(transport, renewed[0], "64.0", soon()) is None


def test_busy_org_is_no_refusal(transport: Transport, org: Emulator, tmp_path: Path) -> None:
    """A 503 is passed on with its Retry-After, and the next try succeeds."""
    org.set_rules({"path": TOKEN_PATH, "attempts": "1", "action": "status", "code": 503, "retry_after": 2})
    current = current_session(transport, org, "client_credentials", tmp_path)
    with pytest.raises(ReportError) as raised:
        current.log_in()
    assert (raised.value.kind, raised.value.retry_after_s) == (ErrorKind.SERVER, 2.0)
    assert current.log_in().generation == 1


def test_log_in_that_is_redirected_to_another_org_names_it(transport: Transport, org: Emulator, tmp_path: Path) -> None:
    """The body with the secret goes nowhere else."""
    moved = "https://acme-new.my.salesforce.com"
    org.set_rules({"path": TOKEN_PATH, "action": "redirect", "status": 301, "to": f"{moved}{TOKEN_PATH}"})
    with pytest.raises(LogInError, match=moved):
        current_session(transport, org, "client_credentials", tmp_path).log_in()


def test_log_in_answer_sends_the_session_to_no_stranger(transport: Transport, tmp_path: Path) -> None:
    """instance_url decides nothing by itself."""
    with Emulator({"org": {"instance_url": "https://evil.example"}}) as org, pytest.raises(LogInError, match="evil"):
        current_session(transport, org, "client_credentials", tmp_path).log_in()


@pytest.mark.parametrize("to", ["other_host", "other_port", "loop"])
def test_export_that_is_redirected_away_or_for_ever_is_a_network_error(
    transport: Transport, org: Emulator, to: str
) -> None:
    """For good: no other attempt would end elsewhere."""
    org.set_rules({"report": "Awkward Cells", "action": "redirect", "to": to})
    with pytest.raises(ReportError) as raised:
        export(transport, Session(Secret(org.sid), org.url, 1), org.report("Awkward Cells").id)
    assert (raised.value.kind, raised.value.permanent) == (ErrorKind.NETWORK, True)


def test_export_that_is_redirected_on_its_host_arrives(transport: Transport, org: Emulator) -> None:
    """With its cookie, which requests itself would drop."""
    org.set_rules({"report": "Awkward Cells", "attempts": "1", "action": "redirect", "to": "hop"})
    assert export(transport, Session(Secret(org.sid), org.url, 1), org.report("Awkward Cells").id)


def test_another_org_sees_nothing_when_it_is_redirected_to(transport: Transport, org: Emulator) -> None:
    """A second server proves it: no request, no credential."""
    with Emulator() as other:
        org.set_rules({"report": "Awkward Cells", "action": "redirect", "to": other.url, "keep_path": True})
        with pytest.raises(ReportError) as raised:
            export(transport, Session(Secret(org.sid), org.url, 1), org.report("Awkward Cells").id)
        assert raised.value.kind is ErrorKind.NETWORK
        assert org.sid not in str(raised.value)
        assert other.requests.records() == ()


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("session_lost", ErrorKind.AUTH),
        ("session_lost_sso", ErrorKind.AUTH),
        ("login", ErrorKind.AUTH),
        ("challenge", ErrorKind.CHALLENGE),
        ("change_password", ErrorKind.AUTH),
        ("login_flow", ErrorKind.AUTH),
        ("lightning", ErrorKind.NOT_CSV),
        ("insufficient_privileges", ErrorKind.FORBIDDEN),
        ("url_no_longer_exists", ErrorKind.NOT_FOUND),
        ("busy", ErrorKind.RATE_LIMITED),
        ("maintenance", ErrorKind.SERVER),
        ("other", ErrorKind.NOT_CSV),
    ],
)
def test_pages_of_the_org_are_distinguished(transport: Transport, org: Emulator, page: str, kind: ErrorKind) -> None:
    """Everything that arrives with status 200 and is no report."""
    org.set_rules({"report": "Awkward Cells", "action": "html", "page": page, "blank_lines": 3})
    request = Request("GET", f"{org.url}/{org.report('Awkward Cells').id}?export=1", {"Cookie": f"sid={org.sid}"})
    answer = transport.send(request, soon())
    assert classify_page(answer.body, url=answer.url).kind is kind


@pytest.mark.parametrize(
    ("to", "kind"),
    [("login", ErrorKind.AUTH), ("login_other_host", ErrorKind.AUTH), ("challenge", ErrorKind.CHALLENGE)],
)
def test_redirects_that_need_a_person_are_distinguished(
    transport: Transport, org: Emulator, to: str, kind: ErrorKind
) -> None:
    """A log-in and a second factor, by redirect."""
    org.set_rules({"report": "Awkward Cells", "action": "redirect", "to": to})
    with pytest.raises(ReportError) as raised:
        export(transport, Session(Secret(org.sid), org.url, 1), org.report("Awkward Cells").id)
    assert raised.value.kind is kind


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"action": "refuse", "how": "close"}, ErrorKind.NETWORK),
        ({"action": "refuse", "how": "reset"}, ErrorKind.NETWORK),
        ({"action": "refuse", "how": "garbage"}, ErrorKind.NETWORK),
        ({"action": "reset"}, ErrorKind.NETWORK),
        ({"action": "close"}, ErrorKind.TRUNCATED),
        ({"action": "short_length"}, ErrorKind.TRUNCATED),
        ({"action": "encoding"}, ErrorKind.NOT_CSV),
    ],
)
def test_transport_faults_are_distinguished(
    transport: Transport, org: Emulator, rule: dict[str, Any], kind: ErrorKind
) -> None:
    """What the transport alone can see."""
    org.set_rules({"report": "All Cases", **rule})
    with pytest.raises(ReportError) as raised:
        export(transport, Session(Secret(org.sid), org.url, 1), org.report("All Cases").id)
    assert raised.value.kind is kind


def test_log_in_works_over_tls(tmp_path: Path) -> None:
    """With the org's own authority as ca_bundle, and not without."""
    with Emulator(tls=True) as org:
        trusting = open_transport(TransportOptions(ca_bundle=org.ca_file))
        assert current_session(trusting, org, "client_credentials", tmp_path).log_in()
        trusting.close()
        strict = open_transport(TransportOptions())
        with pytest.raises(ReportError) as raised:
            current_session(strict, org, "client_credentials", tmp_path).log_in()
        strict.close()
        assert raised.value.permanent
