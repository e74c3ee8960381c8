"""sfr.salesforce.auth.soap: user name and password."""

from __future__ import annotations

import tracemalloc
import xml.etree.ElementTree as ElementTree

import pytest

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.redaction import Secret
from sfr.salesforce.auth.oauth import MAX_RESPONSE_BYTES
from sfr.salesforce.auth.soap import SoapSettings, log_in
from tests.unit.salesforce.auth.fake_transport import DOMAIN, context_of

SETTINGS = SoapSettings(username="user@acme.example", password=Secret("p<&>\"'ss"), security_token=Secret("T0KEN"))

SUCCESS = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
    "<passwordExpired>{expired}</passwordExpired>"
    "<serverUrl>https://na12-api.salesforce.com/services/Soap/u/64.0/00DU0000000Ilbh</serverUrl>"
    "<sessionId>00DU0000000Ilbh!AQoA.session</sessionId><userInfo><sessionSecondsValid>7200</sessionSecondsValid>"
    "</userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"
)

FAULT = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>{prefix}{code}</faultcode>'
    "<faultstring>{code}: so it is.</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


def success(expired: str = "false") -> tuple[int, bytes]:
    """What a log-in answers."""
    return 200, SUCCESS.format(expired=expired).encode()


def fault(code: str, prefix: str = "sf:") -> tuple[int, bytes]:
    """What a refused log-in answers."""
    return 500, FAULT.format(code=code, prefix=prefix).encode()


def test_session_is_granted_with_a_note_that_the_method_is_legacy() -> None:
    """Session id, host without -api, and a warning."""
    context, transport, redactor = context_of(success())
    grant = log_in(SETTINGS, context)
    assert grant.access_token.reveal() == "00DU0000000Ilbh!AQoA.session"
    assert grant.instance_url == "https://na12.salesforce.com/services/Soap/u/64.0/00DU0000000Ilbh"
    assert "Summer '27" in grant.notes[0]
    request = transport.requests[0]
    assert request.url == f"{DOMAIN}/services/Soap/u/64.0"
    assert request.headers["SOAPAction"] == "login"
    texts = [element.text for element in ElementTree.fromstring(request.body or b"").iter() if element.text]
    assert texts == ["user@acme.example", "p<&>\"'ssT0KEN"]
    assert "p&lt;" not in redactor.redact((request.body or b"").decode())


@pytest.mark.parametrize("prefix", ["sf:", ""])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("INVALID_LOGIN", "Check user name"),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", "security_token"),
        ("UNSUPPORTED_API_VERSION", "`jwt` or `client_credentials`"),
        ("NEVER_SEEN", "Login History"),
    ],
)
def test_fault_is_a_refusal_with_a_remedy(code: str, prefix: str, words: str) -> None:
    """With and without the namespace prefix."""
    context, transport, _ = context_of(fault(code, prefix))
    with pytest.raises(LogInError) as raised:
        log_in(SETTINGS, context)
    assert f"{code}: so it is." in str(raised.value)
    assert words in str(raised.value)
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (fault("SERVER_UNAVAILABLE"), ErrorKind.SERVER),
        (fault("REQUEST_LIMIT_EXCEEDED"), ErrorKind.RATE_LIMITED),
        ((503, b"<html>busy</html>"), ErrorKind.SERVER),
        ((500, b""), ErrorKind.SERVER),
        ((200, b""), ErrorKind.SERVER),
        ((200, b"<html><h1>Salesforce is down for maintenance</h1></html>"), ErrorKind.SERVER),
    ],
)
def test_busy_server_is_no_refusal(reply: tuple[int, bytes], kind: ErrorKind) -> None:
    """It may be tried again."""
    context, _, _ = context_of(reply)
    with pytest.raises(ReportError) as raised:
        log_in(SETTINGS, context)
    assert (raised.value.kind, raised.value.is_retryable) == (kind, True)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Envelope>&b;</Envelope>'


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"<html>Log in</html>"),
        (200, b"<a><unclosed>"),
        (200, LAUGHS.encode()),
        (200, LAUGHS.encode("utf-16")),
        (200, SUCCESS.format(expired="false").replace("?>", '?><!DOCTYPE x SYSTEM "file:///etc/passwd">', 1).encode()),
        (200, SUCCESS.format(expired="false").replace("00DU0000000Ilbh!AQoA.session", "").encode()),
        (200, b'<?xml version="1.0" encoding="no-such"?><Envelope/>'),
        success("true"),
    ],
)
def test_anything_but_a_session_is_a_refusal(reply: tuple[int, bytes]) -> None:
    """Pages, broken XML, a DOCTYPE of any kind, an expired password."""
    context, _, _ = context_of(reply)
    with pytest.raises(LogInError):
        log_in(SETTINGS, context)


def _padded(before: bytes, piece: bytes, after: bytes) -> bytes:
    """As many pieces as an answer may hold."""
    return before + piece * ((MAX_RESPONSE_BYTES - len(before) - len(after)) // len(piece)) + after


LEVELS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 30))
BOMBS = {
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LEVELS}]><Envelope>&l29;</Envelope>'.encode(),
    "quadratic": _padded(b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]><Envelope>', b"&a;", b"</Envelope>"),
    "external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Envelope>&a;</Envelope>',
    "parameter entity": b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]><Envelope/>',
    "entity without a declaration": b"<Envelope>" + b"&l29;" * 50_000 + b"</Envelope>",
    "deep": b'<e:Envelope xmlns:e="u">' + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</e:Envelope>",
    "wide": _padded(b"<Envelope>", b"<a/>", b"</Envelope>"),
    "many attributes": _padded(b"<Envelope ", b'a="" ', b"/>"),
    "many namespaces": b"<Envelope " + b" ".join(b'xmlns:n%d="u"' % n for n in range(15_000)) + b"/>",
    "long name": _padded(b"<", b"a", b"/>"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("hides", ["as it is", "utf-16"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_is_a_refusal_that_costs_little(bomb: str, hides: str) -> None:
    """Entities are never expanded, nothing is fetched, and of an answer of the largest size 100 times are enough."""
    body = BOMBS[bomb] if hides == "as it is" else BOMBS[bomb].decode().encode("utf-16")
    context, transport, _ = context_of((200, body))
    tracemalloc.start()
    try:
        with pytest.raises(LogInError):
            log_in(SETTINGS, context)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(transport.requests) == 1
    assert peak_bytes < 100 * MAX_RESPONSE_BYTES
