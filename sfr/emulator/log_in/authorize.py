"""`/services/oauth2/authorize`: the consent page of the web log-in, and the redirect with an authorization code.

GET returns a page with one form; submitting it is the user's consent. Its link "Deny" is the refusal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response, redirect
from sfr.emulator.org import Org

PATH = "/services/oauth2/authorize"
#: Parameters of the request that the form sends back.
_KEPT = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
#: base64url of a SHA-256 digest.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}=?")


def authorize(org: Org, request: Request) -> Response:
    """The consent page (GET), or the redirect that ends it (POST, or the link "Deny")."""
    given = request.form if request.method == "POST" else request.query
    redirect_uri = given.get("redirect_uri", "")
    if given.get("client_id") != org.credentials.client_id:
        return _refused("invalid_client_id", "client identifier invalid")
    if not _is_registered(redirect_uri, org.settings.redirect_uris):
        return _refused("redirect_uri_mismatch", "redirect_uri must match configuration")
    problem = _problem(org, given)
    if problem is not None:
        return _back(redirect_uri, given, error=problem[0], error_description=problem[1])
    if given.get("decision") == "deny":
        return _back(redirect_uri, given, error="access_denied", error_description="end-user denied authorization")
    if request.method != "POST":
        return html_response(_page(org, given))
    code = org.authorization_codes.issue(given["client_id"], redirect_uri, given.get("code_challenge", ""))
    return _back(redirect_uri, given, code=code)


def _problem(org: Org, given: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with the request, as an OAuth error that is returned to the app."""
    if given.get("response_type") != "code":
        return "unsupported_response_type", "response type is not supported"
    challenge = given.get("code_challenge", "")
    if challenge and given.get("code_challenge_method", "S256") != "S256":
        return "invalid_request", "code challenge method must be S256"
    if challenge and not _CHALLENGE.fullmatch(challenge):
        return "invalid_request", "invalid code challenge"
    if not challenge and org.settings.require_pkce:
        return "invalid_request", "missing required code challenge"
    if not set(given.get("scope", "").split()) <= {*org.settings.scopes, "offline_access"}:
        return "invalid_scope", "the requested scope is not allowed"
    return None


def _is_registered(redirect_uri: str, registered: tuple[str, ...]) -> bool:
    """Whether the address is one of the app's callback URLs; `*` in one of these stands for any port."""
    patterns = (re.escape(uri).replace(r"\*", r"\d{1,5}") for uri in registered)
    return any(re.fullmatch(pattern, redirect_uri) for pattern in patterns)


def _refused(error: str, description: str) -> Response:
    """A page: an app that is not known, or an address that is not the app's, gets no answer."""
    query = f"error={escape(error)}&amp;error_description={escape(description)}"
    return html_response(
        "<!DOCTYPE html>\n<html><head><title>Authorization Error</title></head>\n"
        f"<body><h1>We can't authorize you because of an OAuth error.</h1><p>{query}</p></body></html>\n",
        400,
    )


def _back(redirect_uri: str, given: Mapping[str, str], **values: str) -> Response:
    if "state" in given:
        values["state"] = given["state"]
    return redirect(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(values)}")


def _page(org: Org, given: Mapping[str, str]) -> str:
    kept = {name: given[name] for name in _KEPT if name in given}
    fields = "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in kept.items()
    )
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in org.settings.scopes)
    return f"""<!DOCTYPE html>
<html lang="en"><head><title>Allow Access? | Salesforce</title></head>
<body><h1>Allow Access?</h1><p>The app is asking to act as {escape(org.credentials.username)}, with:</p>
<ul>{scopes}</ul>
<form name="editPage" id="editPage" method="post" action="{PATH}">
{fields}
<input type="submit" name="save" value="Allow">
</form>
<p><a href="{PATH}?{escape(urlencode({**kept, "decision": "deny"}))}">Deny</a></p></body></html>
"""
