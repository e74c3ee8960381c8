"""SOAP log-in at `/services/Soap/u/NN.0`: success, and the faults that Salesforce returns with status 500."""

from __future__ import annotations

import hmac
import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, xml_response
from sfr.emulator.log_in.credentials import ORG_ID, PROFILE_ID, USER_ID
from sfr.emulator.org import Org

_LAST_VERSION = 64
_INVALID_LOGIN = "Invalid username, password, security token; or user locked out."
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
)


def soap_login(org: Org, request: Request) -> Response:
    """Handle a `login` call; other calls are rejected, as the emulator implements no SOAP API beyond log-in."""
    version = _version(request.path)
    if version is None or version > _LAST_VERSION:
        return _fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL", prefixed=True)
    call = _call(request.body)
    if call is None:
        return _fault("UNKNOWN_EXCEPTION", "The message is not a SOAP call.", prefixed=True)
    if call.get("") != "login":
        text = "Invalid Session ID found in SessionHeader: Illegal Session"
        return _fault("INVALID_SESSION_ID", text, prefixed=True)
    credentials = org.credentials
    username, password = call.get("username", ""), call.get("password", "")
    if username.lower() == credentials.username and hmac.compare_digest(
        password.encode(), (credentials.password + credentials.security_token).encode()
    ):
        return _success(org, request, version)
    if username.lower() == credentials.username and password == credentials.password:
        text = (
            "Invalid username, password, security token; or user locked out. Are you at a new location? When accessing "
            "Salesforce--either via a desktop client or the API--from outside of your company's trusted networks, you "
            "must add a security token to your password to log in."
        )
        return _fault("LOGIN_MUST_USE_SECURITY_TOKEN", text, prefixed=True)
    return _fault("INVALID_LOGIN", _INVALID_LOGIN, prefixed=False)


def _version(path: str) -> int | None:
    match = re.match(r"^/services/Soap/[ucm]/(\d+)(?:\.\d+)?(?:/|$)", path)
    return int(match[1]) if match else None


def _call(body: bytes) -> dict[str, str] | None:
    """The call's name under the empty key, and the texts of its parameters. None unless it is a SOAP call."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return None
    try:
        envelope = ElementTree.fromstring(body)  # noqa: S314 - document types are refused above
    except ElementTree.ParseError:
        return None
    for part in envelope:
        if part.tag.endswith("}Body") and len(part):
            call = part[0]
            parameters = {_local(child.tag): child.text or "" for child in call}
            return {**parameters, "": _local(call.tag)}
    return None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _success(org: Org, request: Request, version: int) -> Response:
    session = org.sessions.issue("soap")
    url = org.instance_url(request)
    facts = {
        "accessibilityMode": "false",
        "currencySymbol": "$",
        "orgAttachmentFileSizeLimit": "5242880",
        "orgDefaultCurrencyIsoCode": "USD",
        "orgDisallowHtmlAttachments": "false",
        "orgHasPersonAccounts": "false",
        "organizationId": ORG_ID,
        "organizationMultiCurrency": "false",
        "organizationName": org.settings.company,
        "profileId": PROFILE_ID,
        "roleId": "",
        "sessionSecondsValid": str(int(org.settings.session_s)),
        "userEmail": org.credentials.username,
        "userFullName": org.settings.user_name,
        "userId": USER_ID,
        "userLanguage": "en_US",
        "userLocale": "en_US",
        "userName": org.credentials.username,
        "userTimeZone": "GMT",
        "userType": "Standard",
        "userUiSkin": "Theme3",
    }
    info = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in facts.items())
    return xml_response(
        f'{_ENVELOPE} xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<soapenv:Body><loginResponse><result>"
        f"<metadataServerUrl>{escape(url)}/services/Soap/m/{version}.0/{ORG_ID}</metadataServerUrl>"
        "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
        f"<serverUrl>{escape(url)}/services/Soap/u/{version}.0/{ORG_ID}</serverUrl>"
        f"<sessionId>{escape(session.token)}</sessionId><userId>{USER_ID}</userId>"
        f"<userInfo>{info}</userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )


def _fault(code: str, text: str, *, prefixed: bool) -> Response:
    fault_code = f"sf:{code}" if prefixed else code
    kind = "LoginFault" if "LOGIN" in code else "UnexpectedErrorFault"
    return xml_response(
        f'{_ENVELOPE} xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body><soapenv:Fault><faultcode>{fault_code}</faultcode>"
        f"<faultstring>{code}: {escape(text)}</faultstring>"
        f'<detail><sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{escape(text)}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault></soapenv:Body>"
        "</soapenv:Envelope>",
        500,
    )
