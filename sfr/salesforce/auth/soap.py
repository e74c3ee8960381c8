"""Log-in method `soap`: user name and password. Legacy: not in API 65.0 and later, retired with Summer '27."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.config.fields import option
from sfr.errors import LogInError
from sfr.redaction import Secret
from sfr.salesforce.auth.grants import Grant, LogInContext, checked_token
from sfr.salesforce.auth.oauth import BUSY_STATUSES, ask_to_log_in
from sfr.salesforce.hosts import host_of, without_api_suffix
from sfr.salesforce.http.transport import Request
from sfr.salesforce.statuses import status_error
from sfr.wording import said

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

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

#: Fault codes that say "later", as the status that means the same.
_BUSY_FAULTS = {"SERVER_UNAVAILABLE": 503, "REQUEST_LIMIT_EXCEEDED": 429, "UNKNOWN_EXCEPTION": 500}

_REMEDIES = {
    "INVALID_LOGIN": "Check user name, password and security token, that the user is not locked, and that "
    "`salesforce.domain` is its org.",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "Set `salesforce.auth.soap.security_token`, or trust this machine's address.",
    "UNSUPPORTED_API_VERSION": "This org has no SOAP log-in any more: use `jwt` or `client_credentials`.",
    "INVALID_SOAP_HEADER": "Check that `salesforce.domain` is the org's My Domain.",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "Set a new password for the user in a browser.",
    "API_DISABLED_FOR_ORG": "Give the user the permission `API Enabled`; some editions have no API at all.",
    "API_CURRENTLY_DISABLED": "Give the user the permission `API Enabled`.",
    "LOGIN_DURING_RESTRICTED_DOMAIN": "Allow this machine's address in the user's profile.",
    "LOGIN_DURING_RESTRICTED_TIME": "The user's profile has log-in hours: run within them, or change them.",
    "ORG_LOCKED": "Ask Salesforce why the org is locked.",
    "PASSWORD_LOCKOUT": "The user is locked after wrong passwords: unlock it, and check the password.",
}


@dataclass(frozen=True, slots=True)
class SoapSettings:
    """`salesforce.auth.soap`: legacy, works with a warning."""

    username: str = option("The user to log in as.")
    password: Secret = option("Its password.")
    security_token: Secret = option(
        "Its security token; empty where this machine's address is trusted.", default=Secret("")
    )


def log_in(settings: SoapSettings, context: LogInContext) -> Grant:
    """Get a session id. Raises LogInError, ReportError."""
    password = settings.password.reveal() + settings.security_token.reveal()
    context.redactor.add(settings.password, settings.security_token, password)
    names = {"username": settings.username, "password": password}
    body = _ENVELOPE.format_map({name: html.escape(text, quote=False) for name, text in names.items()}).encode()
    url = f"{context.domain}/services/Soap/u/{SOAP_VERSION}"
    headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": "login", "Accept": "text/xml"}
    answer = ask_to_log_in(context, Request("POST", url, headers, body))
    envelope = _parse(answer.body)
    if envelope is None:
        if answer.status >= 500 or answer.status in BUSY_STATUSES:
            raise status_error(answer.status, answer.headers, answer.text)
        raise LogInError(
            f"{host_of(url)} answered the log-in with status {answer.status} and no SOAP envelope. Check that "
            "`salesforce.domain` is the org's My Domain (https://….my.salesforce.com)."
        )
    code, words = _text(envelope, "faultcode"), _text(envelope, "faultstring")
    if code or words:
        _raise_fault(code.rpartition(":")[2], context.redactor.redact(words), host_of(url))
    if _text(envelope, "passwordExpired") == "true":
        raise LogInError("The user's password has expired. Set a new one in a browser, then in the configuration.")
    context.redactor.add(_text(envelope, "sessionId"))
    token = checked_token(_text(envelope, "sessionId"), "The session id in the log-in's answer")
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
    """The text of the first element so called, whatever its namespace."""
    element = next((element for element in envelope.iter() if element.tag.rpartition("}")[2] == name), None)
    return (element.text or "").strip() if element is not None else ""


def _raise_fault(code: str, words: str, host: str) -> None:
    if code in _BUSY_FAULTS:
        raise status_error(_BUSY_FAULTS[code], {}, "")
    reason = words if words.startswith(code) else f"{code}: {words}"
    remedy = _REMEDIES.get(code, "Look up this log-in in Setup, Login History.")
    raise LogInError(f"{host} refused the log-in: {said(reason, 300).rstrip('.')}. {remedy}")
