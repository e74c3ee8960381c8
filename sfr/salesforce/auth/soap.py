"""Log-in method `soap`: user name and password. Legacy: not in API 65.0 and later, retired with Summer '27."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfr.errors import LogInError, ReportError
from sfr.options.section import Section
from sfr.options.types import OptionalSecretText, SecretText, Text
from sfr.redaction import Secret
from sfr.salesforce.auth.grants import Grant, LogInContext, checked_token
from sfr.salesforce.auth.oauth import post_log_in
from sfr.salesforce.auth.odd_answers import odd_answer_error, requested_wait_s
from sfr.salesforce.auth.refusals import find_refusal, refusal_error
from sfr.salesforce.auth.soap_faults import SOAP_FAULTS, UNKNOWN_FAULT
from sfr.salesforce.hosts import host_of, without_api_suffix
from sfr.salesforce.http.transport import Request
from sfr.wording import shortened

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from sfr.salesforce.http.responses import FullResponse

#: The last version with `login()`.
SOAP_VERSION = "64.0"

LEGACY_NOTE = (
    "The log-in method `soap` is legacy: Salesforce retires it with Summer '27. Move to `jwt` or `client_credentials`."
)

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com">'
    "<e:Body><p:login><p:username>{username}</p:username><p:password>{password}</p:password></p:login></e:Body>"
    "</e:Envelope>"
)


class SoapSettings(Section):
    """`salesforce.auth.soap`: legacy, works with a warning."""

    username: Text = Field(description="The user to log in as.")
    password: SecretText = Field(description="The user's password.")
    security_token: OptionalSecretText = Field(
        default_factory=lambda: Secret(""),
        description="The user's security token; empty if this machine's IP address is trusted.",
    )


def log_in(settings: SoapSettings, context: LogInContext) -> Grant:
    """Get a session id. Raises LogInError, ReportError."""
    from html import escape  # half a megabyte, which other methods do without

    password = settings.password.reveal() + settings.security_token.reveal()
    context.redactor.add(password)
    names = {"username": settings.username, "password": password}
    body = _ENVELOPE.format_map({name: escape(text, quote=False) for name, text in names.items()}).encode()
    url = f"{context.domain}/services/Soap/u/{SOAP_VERSION}"
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": "login", "Accept": "text/xml"}
    answer = post_log_in(context, Request("POST", url, headers, body))
    envelope = _parse(answer.body)
    if envelope is None:
        raise odd_answer_error(answer, context.redactor, "a SOAP envelope")
    code, words = _text(envelope, "faultcode").rpartition(":")[2], _text(envelope, "faultstring")
    if code or words:
        raise _fault_error(code, words, answer, context)
    if _text(envelope, "passwordExpired") == "true":
        raise LogInError("The user's password has expired. Set a new one in a browser, then in the configuration.")
    context.redactor.add(_text(envelope, "sessionId"))
    token = checked_token(_text(envelope, "sessionId"), "The session id in the log-in response")
    return Grant(token, without_api_suffix(_text(envelope, "serverUrl")) or None, (LEGACY_NOTE,))


def _parse(body: bytes) -> Element | None:
    """The envelope; None for anything else. Its size was limited on reading, and a DOCTYPE (entities!) is refused."""
    from xml.etree import ElementTree

    if b"<!DOCTYPE" in body.replace(b"\0", b"").upper():
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 -- see above
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return root if root.tag.endswith("}Envelope") else None


def _text(envelope: Element, name: str) -> str:
    """The text of the first element with that name, in any namespace."""
    element = next((element for element in envelope.iter() if element.tag.rpartition("}")[2] == name), None)
    return (element.text or "").strip() if element is not None else ""


def _fault_error(code: str, words: str, answer: FullResponse, context: LogInContext) -> LogInError | ReportError:
    masked = context.redactor.redact(words)
    reason = shortened(masked if masked.startswith(code) else f"{code}: {masked}", 300)
    fault = find_refusal(SOAP_FAULTS, "soap", code, words) or UNKNOWN_FAULT
    return refusal_error(
        fault, host_of(answer.url), reason, status=answer.status, retry_after_s=requested_wait_s(answer)
    )
