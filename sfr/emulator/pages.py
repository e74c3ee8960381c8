"""The HTML pages that Salesforce sends in place of what was asked for, usually with status 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

STEP_UP_PATH = "/_ui/identity/verification/method/VerificationStartUi"


def session_lost(url: str, start_url: str, *, single_sign_on: bool = False) -> str:
    """The page of a missing or expired session: no form, only a script that goes to a log-in.

    With single sign-on it starts with blank lines and goes to the identity provider's path.
    """
    start = quote(start_url, safe="")
    target = (
        f"{url}/services/auth/sso/EmulatedIdp?startURL={start}" if single_sign_on else f"{url}/?ec=302&startURL={start}"
    )
    page = f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<html>
<head>
    <meta HTTP-EQUIV="PRAGMA" CONTENT="NO-CACHE">
<script>
function redirectOnLoad() {{
if (this.SfdcApp && this.SfdcApp.projectOneNavigator) {{
SfdcApp.projectOneNavigator.handleRedirect('{target}'); }}  else
if (window.location.replace){{
window.location.replace('{target}');
}} else {{
window.location.href ='{target}';
}}
}}
redirectOnLoad();
</script>
</head>
</html>
<script type="text/javascript">function bodyOnLoad(){{}}</script>
</body>
</html>"""
    return "\n\n\n" + page if single_sign_on else page


def login(url: str, _start_url: str = "/") -> str:
    """The log-in form."""
    return f"""

<!DOCTYPE html>
<html lang="en"><head><title>Login | Salesforce</title></head>
<body><form name="login" method="post" id="login_form" action="{url}/">
<input type="email" id="username" name="username"><input type="password" id="password" name="pw">
<input id="Login" name="Login" type="submit" value="Log In"></form></body></html>
"""


def challenge(url: str, start_url: str = "/") -> str:
    """The page that asks the user to verify who they are."""
    start = quote(start_url, safe="")
    return f"""<!DOCTYPE html>
<html lang="en"><head><title>Verify Your Identity | Salesforce</title></head>
<body><div id="content"><h2>Verify Your Identity</h2>
<form id="editPage" action="{url}{STEP_UP_PATH}?retURL={start}" method="post">
<p>You're trying to export a report. To make sure it's you, enter the code from your authenticator app.</p>
<input id="smc" name="smc" type="text"><input id="save" type="submit" value="Verify"></form></div></body></html>
"""


def change_password(url: str, start_url: str = "/") -> str:
    """A script that goes to the page for a new password: the user's has expired."""
    return _scripted(f"{url}/_ui/system/security/ChangePassword?retURL={quote(start_url, safe='')}")


def login_flow(url: str, start_url: str = "/") -> str:
    """A script that goes to a log-in flow, which the user has to pass."""
    return _scripted(f"{url}/loginflow/lightningLoginFlow.apexp?retURL={quote(start_url, safe='')}")


def _scripted(target: str) -> str:
    return f"""<!DOCTYPE html>
<html><head><script>
if (window.location.replace){{ window.location.replace('{target}'); }} else {{ window.location.href ='{target}'; }}
</script></head></html>
"""


def lightning(_url: str, _start_url: str = "/") -> str:
    """The Lightning application: what an org without Classic answers."""
    return """<!DOCTYPE html>
<html lang="en-US"><head><title>Lightning Experience</title><script>var auraConfig = {"token": null};</script></head>
<body><div class="auraMsgMask auraForcedErrorBox" id="auraErrorMask"></div><div class="auraLoadingBox">Loading</div>
<script src="/auraFW/javascript/aura_prod.js"></script></body></html>
"""


def insufficient_privileges(_url: str, _start_url: str = "/") -> str:
    """No access to the record."""
    return """<!DOCTYPE html>
<html><head><title>Insufficient Privileges</title></head>
<body><span id="errorTitle">Insufficient Privileges</span><br>
<span id="errorDesc">You do not have the level of access necessary to perform the operation you requested.
Please contact the owner of the record or your administrator if access is necessary.</span></body></html>
"""


def url_no_longer_exists(_url: str, _start_url: str = "/") -> str:
    """No such record."""
    return """<!DOCTYPE html>
<html><head><title>URL No Longer Exists</title></head>
<body><h1>URL No Longer Exists</h1><p>You have attempted to reach a URL that no longer exists on salesforce.com.</p>
<p>You may have reached this page after clicking on a direct link into the application.</p></body></html>
"""


def busy(_url: str, _start_url: str = "/") -> str:
    """Too many long requests of the org at once."""
    return """<!DOCTYPE html>
<html><head><title>Salesforce - Enterprise Edition</title></head><body><h1>Unable to Process Request</h1>
<p>Concurrent requests limit exceeded. Please try your request again later.</p></body></html>
"""


def maintenance(_url: str, _start_url: str = "/") -> str:
    """The org is being worked on."""
    return """<html><head><title>We are down for maintenance.</title></head>
<body><h1>We are down for maintenance.</h1><p>Sorry for the inconvenience. We'll be back shortly.</p></body></html>
"""


def other(_url: str, start_url: str = "/") -> str:
    """Some page, as the report itself without `export` in its address."""
    return f"<!DOCTYPE html>\n<html><head><title>Report</title></head><body><p>{quote(start_url)}</p></body></html>\n"


PAGES: Mapping[str, Callable[[str, str], str]] = MappingProxyType(
    {
        "session_lost": session_lost,
        "session_lost_sso": lambda url, start_url: session_lost(url, start_url, single_sign_on=True),
        "login": login,
        "challenge": challenge,
        "change_password": change_password,
        "login_flow": login_flow,
        "lightning": lightning,
        "insufficient_privileges": insufficient_privileges,
        "url_no_longer_exists": url_no_longer_exists,
        "busy": busy,
        "maintenance": maintenance,
        "other": other,
    }
)
"""The pages that a scenario can ask for, by name."""
