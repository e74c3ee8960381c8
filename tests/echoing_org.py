"""An org that repeats whatever it receives: every answer repeats the credential of its request, in some spelling."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from tests.bodies import FOOTER
from tests.raw_server import RawServer, ReceivedRequest, Reply, response

#: How a secret may be spelled where somebody repeats it.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as is": str,
    "url": lambda text: quote(text, safe=""),
    "url, small digits": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    "form": quote_plus,
    "xml": html.escape,
    "xml, numbers": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "json": lambda text: json.dumps(text)[1:-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "small letters": str.lower,
    "url twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json twice": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "html, numbers for all": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "json, numbers for all": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "base64 with a user": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
}
#: Number of characters of an error text before the secret: some are cut in the middle of it.
OFFSETS = (0, 60, 250, 285)
LARGE_BODY = b'"Id","Text"\n' + b"".join(b'"%d","%x"\n' % (n, n * n * 7919) for n in range(80_000)) + FOOTER
SESSION_LOST = "SessionLost"
#: Answers after which the connection ends without a word; others keep it, lest the next request be lost with it.
UNFRAMED = frozenset({"no http", "bad status", "bad length", "bad chunk", "transfer encoding"})
HELD = "Held"

_TOKEN_PATH = "/services/oauth2/token"
_SOAP_PATH = "/services/Soap/"
_FRONTDOOR_PATH = "/secur/frontdoor.jsp"


def carried(request: ReceivedRequest) -> list[str]:
    """The secrets in a request."""
    found = []
    if "authorization" in request.headers:
        found.append(request.headers["authorization"].removeprefix("Bearer "))
    if "cookie" in request.headers:
        found.append(request.headers["cookie"].removeprefix("sid="))
    if request.target.startswith(_FRONTDOOR_PATH):
        found.append(dict(parse_qsl(request.body.decode()))["sid"])
    if request.target.startswith(_TOKEN_PATH):
        names = ("client_secret", "assertion", "refresh_token")
        found += [value for name, value in parse_qsl(request.body.decode()) if name in names]
    if request.target.startswith(_SOAP_PATH):
        found += [html.unescape(text) for text in re.findall(r"<p:password>(.*)</p:password>", request.body.decode())]
    return found


def _fault(status: int, text: str) -> bytes:
    return response(status, json.dumps([{"errorCode": "ODD", "message": text}]).encode(), Content_Type="text/json")


def _page(text: str) -> bytes:
    return response(200, text.encode(), Content_Type="text/html")


@dataclass
class EchoingOrg:
    """Use as a context manager. Logs anyone in once, with tokens of its own; refuses the second log-in."""

    #: Where redirects lead to.
    elsewhere: str
    refuses_all: bool = False
    #: Every secret that the org has received or issued.
    secrets: set[str] = field(default_factory=set)
    #: A report's answer is halfway through / may end, as may everything that waits for it.
    is_holding: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)
    logins: int = 0

    def __post_init__(self) -> None:
        self.server = RawServer(self._answer)
        self.answers = self._bad_answers()

    def __enter__(self) -> EchoingOrg:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.may_end.set()
        self.server.__exit__()

    @property
    def url(self) -> str:
        return self.server.url

    def _answer(self, request: ReceivedRequest) -> Reply:
        secrets = carried(request)
        self.secrets |= set(secrets)
        path = urlsplit(request.target).path
        if path.startswith((_TOKEN_PATH, _SOAP_PATH)):
            return Reply([self._log_in(path, secrets)], "keep")
        if path == "/services/data/":
            return Reply([b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n[{"version": "64.0"}]'], "keep")
        if path.endswith("/limits"):
            refusal = _fault(401, f"INVALID {' '.join(secrets)}") if self.refuses_all else response(200, b"{}")
            return Reply([refusal], "keep")
        return self._report(parse_qsl(urlsplit(request.target).query), secrets)

    def _log_in(self, path: str, secrets: list[str]) -> bytes:
        self.logins += 1
        said = " ".join(spell(secret) for secret in secrets for spell in SPELLINGS.values())
        is_soap = path.startswith(_SOAP_PATH)
        if self.refuses_all or self.logins > 1:
            return (
                _soap_fault(said)
                if is_soap
                else response(400, json.dumps({"error": "no", "error_description": said}).encode())
            )
        token = "Canary.Access_Token-" + "AbCdEfGhIj" * 9 + "0123"
        rotated = "5Aep861.Canary.Rotated_" + "KlMnOpQrSt" * 5
        self.secrets |= {token} if is_soap else {token, rotated}
        if is_soap:
            return response(200, _ENVELOPE.format(f"<result><sessionId>{token}</sessionId></result>").encode())
        answer = {"access_token": token, "refresh_token": rotated, "instance_url": self.url, "signature": "x"}
        return response(200, json.dumps(answer).encode())

    def _report(self, query: list[tuple[str, str]], secrets: list[str]) -> Reply:
        case = dict(query).get("case")
        if case is None:
            return Reply(
                [_fault(404, " ".join(spell(secret) for secret in secrets for spell in SPELLINGS.values()))], "keep"
            )
        if case == SESSION_LOST:
            return Reply([self.may_end, _fault(401, " ".join(secrets))], "keep")
        if case == HELD:
            whole = response(200, LARGE_BODY, Content_Type="text/csv")
            return Reply(
                [whole[: len(whole) // 2], _Noting(self.is_holding), self.may_end, whole[len(whole) // 2 :]], "keep"
            )
        return Reply([self.answers[case](secrets[0])], "close" if case in UNFRAMED else "keep")

    def _bad_answers(self) -> dict[str, Callable[[str], bytes]]:
        """Case → what repeats a secret."""
        cases: dict[str, Callable[[str], bytes]] = {
            f"fault {name} {offset}": lambda secret, spell=spell, offset=offset: _fault(
                400, f"{'x' * offset} {spell(secret)}"
            )
            for name, spell in SPELLINGS.items()
            for offset in OFFSETS[:: 3 if name != "as is" else 1]
        }
        return cases | {
            "status line": lambda secret: f"HTTP/1.1 503 {secret}\r\nContent-Length: 0\r\n\r\n".encode(),
            "no http": lambda secret: f"{secret}\r\n\r\n".encode(),
            "bad status": lambda secret: f"HTTP/1.1 {secret} OK\r\n\r\n".encode(),
            "bad length": lambda secret: f"HTTP/1.1 200 OK\r\nContent-Length: {secret}\r\n\r\n".encode(),
            "bad chunk": lambda secret: (
                f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/csv\r\n\r\n{secret}\r\n".encode()
            ),
            "content encoding": lambda secret: response(200, b"x", Content_Encoding=secret),
            "transfer encoding": lambda secret: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {secret}\r\n\r\n".encode(),
            "retry after": lambda secret: response(503, b"", Retry_After=secret),
            "title": lambda secret: _page(f"<html><title>{secret}</title></html>"),
            "late in title": lambda secret: _page(f"<html><title>{'x' * 40} {secret}</title></html>"),
            "script": lambda secret: _page(f"<html><script>location.replace('/x?{secret}')</script></html>"),
            "cut body": lambda secret: response(200, f'"{secret}"\n"{secret}'.encode(), Content_Type="text/csv"),
            "elsewhere": lambda secret: response(302, Location=f"{self.elsewhere}/x?sid={quote(secret)}"),
            "host": lambda secret: response(302, Location=f"https://{quote(secret)}.example.com/"),
            "user": lambda secret: response(302, Location=f"https://{quote(secret, safe='')}@example.com/"),
            "no address": lambda secret: response(302, Location=f"https://[{secret}"),
            "loop": lambda secret: response(302, Location=f"/x?case=loop&sid={quote(secret)}"),
        }  # fmt: skip


class _Noting(threading.Event):
    """An event that is there at once, and sets another when it is waited for."""

    def __init__(self, note: threading.Event) -> None:
        super().__init__()
        self._note = note

    def wait(self, timeout: float | None = None) -> bool:
        """See the class."""
        self._note.set()
        return True


_ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><loginResponse>{}</loginResponse></e:Body>'
    "</e:Envelope>"
)


def _soap_fault(said: str) -> bytes:
    words = f"<faultcode>INVALID_LOGIN</faultcode><faultstring>{html.escape(said)}</faultstring>"
    return response(500, _ENVELOPE.format(words).encode())
