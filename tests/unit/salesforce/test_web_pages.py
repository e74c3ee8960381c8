"""sfr.salesforce.web_pages: what web pages and redirects mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.web_pages import MovedError, classify_page, classify_redirect, looks_like_page

ACME = "https://acme.my.salesforce.com"
EXPORT = f"{ACME}/00OD0000001ZbP7MAK?export=1"

#: A lost session as it is answered with status 200: a script, no form (salesforce-facts.md §1).
LOST_SESSION = """

<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<html><head><script>
function redirectOnLoad() {{
if (this.SfdcApp && this.SfdcApp.projectOneNavigator) {{ SfdcApp.projectOneNavigator.handleRedirect('{0}'); }}  else
if (window.location.replace){{ window.location.replace('{0}'); }} else {{ window.location.href ='{0}'; }}
}}
redirectOnLoad();
</script></head></html>
"""


@pytest.mark.parametrize(
    ("first_bytes", "expected"),
    [
        (b"<!DOCTYPE html>", True),
        (b"\r\n\n  <html>", True),
        (b"\xef\xbb\xbf\n<!doctype HTML>", True),
        (b"<script>", True),
        (b"<!-- x -->", True),
        (b'"<html>","b"\n', False),
        (b"a,b\n<html>", False),
        (b"", False),
        (b"<Account>,b\n", False),
    ],
)
def test_looks_like_page_when_html_begins_after_blanks(first_bytes: bytes, expected: bool) -> None:
    """Blank lines and a byte order mark hide no page; a CSV that mentions HTML is no page."""
    assert looks_like_page(first_bytes) is expected


@pytest.mark.parametrize(
    "target",
    [
        f"{ACME}/?ec=302&startURL=%2F00OD0000001ZbP7",
        "https://login.salesforce.com/",
        "https://acme.my.site.com/portal/services/auth/sso/SSO?startURL=%2Fportal%2Fs%2F",
        f"{ACME}/saml/authn-request.jsp?saml_request_id=x",
        f"{ACME}/secur/login_portal.jsp?orgId=00D",
        "https://idp.example.com/app/exk1/sso/saml?SAMLRequest=abc",
        "https://login.microsoftonline.com/x/oauth2/v2.0/authorize?client_id=y",
        "https:\\/\\/acme.my.salesforce.com\\/?ec=302\\u0026startURL=%2F",
        "https://acme.my.salesforce.com/?ec=302&amp;startURL=%2F",
        "/login.jsp",
        "https://idp.example.com/start/123",
    ],
)
def test_page_is_auth_when_its_script_leads_to_a_log_in(target: str) -> None:
    """The page of a lost session, wherever it leads."""
    assert classify_page(LOST_SESSION.format(target), url=EXPORT).kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    "html",
    [
        '<html><title>Login | Salesforce</title><form name="login" method="post" action="https://x/"></form></html>',
        '<html><form action="/login"><input id="username"></form>',
        '<html><body><input class="input" type="password" name="pw"></body>',
        '<html><head><meta http-equiv="Refresh" content="0; URL=https://login.salesforce.com/?x=1"></head></html>',
    ],
)
def test_page_is_auth_when_it_is_a_log_in_page(html: str) -> None:
    """Log-in forms of any make."""
    assert classify_page(html.encode(), url=EXPORT).kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        (
            LOST_SESSION.format("/_ui/identity/verification/method/EmailVerificationStartUi/e?startURL=x"),
            ErrorKind.CHALLENGE,
        ),
        ('<html><form action="/_ui/identity/verification/method/TotpVerificationUi/e">', ErrorKind.CHALLENGE),
        ("<html><title>Verify Your Identity | Salesforce</title>", ErrorKind.CHALLENGE),
        ("<html><body><h1>Insufficient\n  <b>Privileges</b></h1></body></html>", ErrorKind.FORBIDDEN),
        ("<html>You do not have access to the report</html>", ErrorKind.FORBIDDEN),
        ("<html><td>URL No Longer Exists</td></html>", ErrorKind.NOT_FOUND),
        ("<html><td>Data Not Available</td></html>", ErrorKind.NOT_FOUND),
        ('<html><script>var auraConfig = {"x": "Insufficient Privileges"}</script></html>', ErrorKind.NOT_CSV),
        (LOST_SESSION.format("https://acme.lightning.force.com/lightning/r/Report/00O/view"), ErrorKind.NOT_CSV),
        ("<html><title>Something &amp; else</title></html>", ErrorKind.NOT_CSV),
        ("", ErrorKind.NOT_CSV),
    ],
)
def test_page_is_classified_by_what_it_shows(html: str, kind: ErrorKind) -> None:
    """One kind each; none of them is requested again."""
    error = classify_page(html, url=EXPORT)
    assert error.kind is kind
    assert not error.is_retryable


def test_page_of_lightning_names_the_way_out() -> None:
    """The Lightning app never becomes a CSV: another route does."""
    error = classify_page('<html><script src="/auraFW/javascript/x/aura_prod.js">', url=EXPORT)
    assert "route: analytics" in str(error)


def test_page_of_another_kind_is_quoted_by_its_title() -> None:
    """The user sees what Salesforce says, without what a terminal would act on."""
    error = classify_page("<html><title>Down &amp; out \x1b[31m\n now</title>", url=EXPORT)
    assert "'Down & out \\x1b[31m now'" in error.message


def test_insufficient_privileges_win_when_the_page_also_knows_a_log_in() -> None:
    """Classic pages carry scripts about log-ins in their frame."""
    html = "<html><script>window.location.href='/secur/login.jsp'</script>Insufficient Privileges</html>"
    assert classify_page(html, url=EXPORT).kind is ErrorKind.FORBIDDEN


@given(st.binary(max_size=2000))
def test_any_bytes_are_classified(html: bytes) -> None:
    """A page never breaks the judge."""
    assert isinstance(classify_page(html, url=EXPORT), ReportError)


@pytest.mark.parametrize(
    "html", ["<script" * 40_000, "<form " * 40_000, "location.replace('" * 20_000, "<meta " * 40_000, "<" * 250_000]
)
def test_hostile_page_is_judged_in_bounded_time(html: str) -> None:
    """No pattern takes long on a page made to make it long; the suite's time limit holds this."""
    classify_page(html, url=EXPORT)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        (f"{ACME}/?ec=302&startURL=%2F", ErrorKind.AUTH),
        ("/?ec=302", ErrorKind.AUTH),
        ("https://login.salesforce.com/", ErrorKind.AUTH),
        ("http://elsewhere.example:8080/login?startURL=x", ErrorKind.AUTH),
        ("https://idp.example.com/adfs/ls/?SAMLRequest=x", ErrorKind.AUTH),
        ("/_ui/identity/verification/method/VerificationStartUi?startURL=%2F", ErrorKind.CHALLENGE),
        ("https://evil.example/00O", ErrorKind.NETWORK),
        ("http://acme.my.salesforce.com/00O", ErrorKind.NETWORK),
        ("https://acme.my.salesforce.com:8443/00O", ErrorKind.NETWORK),
        ("https://acme.lightning.force.com/one/one.app", ErrorKind.NETWORK),
        ("//evil.example/x", ErrorKind.NETWORK),
        ("javascript:alert(1)", ErrorKind.NETWORK),
        ("https://acme.my.salesforce.com@evil.example/", ErrorKind.NETWORK),
        ("https://[broken/", ErrorKind.NETWORK),
    ],
)
def test_redirect_is_an_error_when_it_leads_away_or_to_a_log_in(location: str, kind: ErrorKind) -> None:
    """Contract §5: a log-in page on whichever host, a challenge, any other host. None is requested again."""
    error = classify_redirect(location, EXPORT)
    assert error is not None
    assert error.kind is kind
    assert not error.is_retryable


@pytest.mark.parametrize("location", ["/00OD0000001ZbP7?x=1", f"{ACME}:443/x", "relative", "?export=1"])
def test_redirect_is_followed_when_it_stays(location: str) -> None:
    """Same scheme, host and port."""
    assert classify_redirect(location, EXPORT) is None


def test_redirect_to_another_name_of_the_org_says_what_to_set() -> None:
    """The message and the error name the new domain."""
    error = classify_redirect("https://acme2.my.salesforce.com/00O?sid=SECRET", EXPORT)
    assert isinstance(error, MovedError)
    assert "Set `salesforce.domain` to https://acme2.my.salesforce.com." in str(error)
    assert "Set `salesforce.domain` to https://acme2.my.salesforce.com." in str(error)
    assert "SECRET" not in str(error)


def test_redirect_messages_hold_no_parameters() -> None:
    """A location may carry a session id."""
    for location in (
        "https://evil.example/p?sid=SECRET",
        "/login?sid=SECRET",
        "https://x/_ui/identity/verification/?SECRET",
    ):
        assert "SECRET" not in str(classify_redirect(location, EXPORT))
