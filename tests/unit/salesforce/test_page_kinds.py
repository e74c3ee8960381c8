"""The table of web pages: each entry is recognised by each of its signs, and says whether to try again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from sfr.errors import ErrorKind
from sfr.salesforce.page_kinds import INTERSTITIALS, PAGE_KINDS, PageKind, kind_of_address
from sfr.salesforce.page_reading import JUDGED_BYTES, read_page
from sfr.salesforce.web_pages import classify_page, classify_redirect, page_error

ACME = "https://acme.my.salesforce.com"
EXPORT = f"{ACME}/00OD0000001ZbP7MAK?export=1"
#: What of Salesforce comes under this title, whatever is wrong.
FRAME = (
    "<html><head><title>Salesforce - Enterprise Edition</title></head><body><table><td>{}</td></table></body></html>"
)

#: Addresses of pages between the user and the org, and what the message has to name.
BARRIER_ADDRESSES = {
    "/_ui/system/security/ChangePassword?retURL=%2F": "the user's password has expired: set a new one",
    "/portal/_ui/system/security/ChangePassword": "password has expired",
    "/ChangePassword?x=1": "password has expired",
    "/loginflow/lightningLoginFlow.apexp?retURL=%2F": "log-in flow",
    "/portal/loginflow/loginFlow.apexp": "log-in flow",
    "/_ui/system/security/SecurityQuestion": "security question",
    "/_ui/identity/phone/AddPhoneNumber?retURL=%2F": "register a phone",
    "/secur/TermsOfUse.jsp": "terms",
    "/terms-are-not/AcceptTerms": "terms",
    "/setup/secur/RemoteAccessAuthorizationPage.apexp?source=x": "authorize an app",
    "/_ui/system/security/SomethingNew": "security settings",
}
#: How a page leads elsewhere; `{}` is the address.
LEADS = {
    "replace": "<html><script>if (window.location.replace){{ window.location.replace('{}'); }}</script></html>",
    "href": '<script>\nwindow.location.href = "{}";\n</script>',
    "assign": "<html><script>top.location.assign('{}')</script></html>",
    "variable": "<html><script>var next = '{}'; go(next);</script></html>",
    "meta": '<html><head><noscript><meta content="0; URL={}" HTTP-EQUIV="Refresh"></noscript></head></html>',
    "handler": """<html><body onload="location.replace('{}')"></body></html>""",
    "form": '<html><body><form method="post" action="{}"><input type="submit"></form></body></html>',
}


@pytest.mark.parametrize(("address", "says"), BARRIER_ADDRESSES.items())
@pytest.mark.parametrize("page", LEADS.values(), ids=LEADS)
def test_interstitial_page_is_auth_for_good_however_it_is_reached(page: str, address: str, says: str) -> None:
    """No new session fixes it, and the message names the page."""
    for written in (address, ACME + address, (ACME + address).replace("/", "\\/"), address.replace("?", "\\u003F")):
        error = classify_page(page.format(written), url=EXPORT)

        assert (error.kind, error.permanent) == (ErrorKind.AUTH, True)
        assert says in str(error)


@pytest.mark.parametrize(("address", "says"), BARRIER_ADDRESSES.items())
def test_redirect_to_an_interstitial_page_is_not_followed(address: str, says: str) -> None:
    """The page would say the same, in the user's language."""
    error = classify_redirect(address, EXPORT)

    assert error is not None
    assert (error.kind, error.permanent) == (ErrorKind.AUTH, True)
    assert says in str(error)
    assert "retURL" not in str(error)


@pytest.mark.parametrize(
    "html",
    [
        "<title>Kennwort ändern</title><form><input type=password name=a><input type=password name=b></form>",
        "<html><title>Change Your Password | Salesforce</title>",
        "<html><body>Your password has expired.</body></html>",
        '<html><form><select name="x"></select><input name="question"><input name="answer"></form></html>',
        "<html><p>Please accept the Terms of Use to go on.</p><form><input type='checkbox' name='ok'></form></html>",
    ],
)
def test_interstitial_page_is_recognised_by_its_structure(html: str) -> None:
    """Where no address identifies it: two fields for a password, a question and its answer, terms and a box to tick."""
    error = classify_page(html, url=EXPORT)

    assert (error.kind, error.permanent) == (ErrorKind.AUTH, True)


@pytest.mark.parametrize(
    ("html", "is_doubtful"),
    [
        ("<html><title>Hotel</title>Accept the terms of use to go online.<form action='/go'></form></html>", True),
        ("<html><title>Hotel | Salesforce</title>Accept the terms of use.<form action='/go'></form></html>", False),
        ("<html><script src='/jslibrary/a.js'></script>I agree to the terms of use.<form></form></html>", False),
        ("<html><script>location.replace('/loginflow/terms')</script></html>", False),
    ],
)
def test_interstitial_page_without_a_mark_of_salesforce_may_be_that_of_a_proxy(html: str, is_doubtful: bool) -> None:
    """A portal of a network wants terms to be accepted, too: its words are quoted."""
    message = str(classify_page(html, url=EXPORT))

    assert ("proxy or gateway" in message) == is_doubtful
    assert ("to go online" in message) == is_doubtful


@pytest.mark.parametrize(
    "html",
    [
        "<html><title>Terms of Use signed ~ Salesforce - Unlimited Edition</title><p>Terms of Use</p></html>",
        f"<html><title>Salesforce</title>{'<td>Your password has expired</td>' * 400}</html>",
        "<html><a href='/_ui/system/security/ChangePassword'>Change My Password</a>" + "<p>Some report.</p>" * 30,
        FRAME.format("Report<script>var menu = '/_ui/system/security/ChangePassword'</script>" + "word " * 100),
    ],
)
def test_page_that_only_mentions_such_a_page_is_not_taken_for_it(html: str) -> None:
    """It would stop the whole run: a footer's link, a report's cells, a menu of the page's frame."""
    assert not classify_page(html, url=EXPORT).concerns_every_report


def _shown_by(kind: PageKind) -> list[str]:
    pages = [FRAME.format(phrase.capitalize()) for phrase in kind.phrases]
    return pages + [f"<html><title>{title.title()}</title><p>x</p></html>" for title in kind.titles]


@pytest.mark.parametrize(
    ("kind", "html"),
    [(kind, html) for kind in PAGE_KINDS for html in _shown_by(kind)],
    ids=lambda each: each.what[:40] if isinstance(each, PageKind) else re.sub("<[^>]+>", " ", each)[-40:],
)
def test_entry_of_the_table_is_recognised_by_each_of_its_words(kind: PageKind, html: str) -> None:
    """Its kind, and whether another attempt follows."""
    error = classify_page(html, url=EXPORT)

    assert error.kind is kind.error
    assert error.permanent == kind.permanent


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Unable to Process Request<br>Concurrent requests limit exceeded. Try later.", ErrorKind.RATE_LIMITED),
        ("<b>An internal&nbsp;server error has occurred</b>", ErrorKind.SERVER),
        ("Your request exceeded the time limit for processing.", ErrorKind.TIMEOUT),
        ("We are down for maintenance.", ErrorKind.SERVER),
        ("Salesforce is undergoing scheduled maintenance", ErrorKind.SERVER),
        ("Our service is currently unavailable", ErrorKind.SERVER),
    ],
)
def test_page_of_a_transient_failure_is_retried_and_quoted(text: str, kind: ErrorKind) -> None:
    """Not the title, which is that of every page, but what it says."""
    error = classify_page(FRAME.format(text), url=EXPORT)

    assert (error.kind, error.is_retryable) == (kind, True)
    assert " ".join(re.sub("<[^>]+>|&nbsp;", " ", text).split()[-3:]).rstrip(".") in error.message


def test_report_whose_cells_mention_failures_is_no_failure() -> None:
    """Another 19 attempts would return the same page."""
    page = FRAME.format("<td>Service unavailable</td><td>Case 4711 of the customer</td>" * 200)

    assert classify_page(page, url=EXPORT).kind is ErrorKind.NOT_CSV


def test_policy_of_an_administrator_is_quoted() -> None:
    """About 200 characters of what the page shows; menus, scripts and styles are not shown."""
    policy = "Der Export dieses Berichts ist nach Richtlinie 4711 untersagt. Wenden Sie sich an den Datenschutz. " * 3
    page = FRAME.format(f"<a href='/home'>Startseite</a><script>var x = 'a<b';</script><style>p{{}}</style>{policy}")

    error = classify_page(page, url=EXPORT)

    assert (error.kind, error.is_retryable) == (ErrorKind.NOT_CSV, False)
    assert policy[:180] in error.message
    assert len(error.message) < 400
    assert "Startseite" not in error.message


@pytest.mark.parametrize(
    "html",
    [
        '<title>Anmelden | Salesforce</title><form action="/x" method="post"><input name="q"></form>',
        '<title>Connexion | Salesforce</title><form name="login" action="/"><input type="submit"></form>',
        '<title>X</title><form id="theLoginForm"></form>',
        '<title>ログイン | Salesforce</title><input type="email" id="username" name="username">',
        "<title>Acme</title><form action='https://acme.my.salesforce.com/login?x=1'></form>",
        '<title>Acceso</title><a href="/secur/forgotpassword.jsp?locale=es">¿Olvidó su contraseña?</a>',
        "<title>Acme</title><button onclick=\"location.href='/services/auth/sso/Okta'\">Doorgaan</button>",
    ],
)
def test_log_in_page_is_recognised_in_any_language(html: str) -> None:
    """By its form, its fields, its title's end, its links: a new session is requested."""
    error = classify_page(f"<html><body>{html}</body></html>", url=EXPORT)

    assert (error.kind, error.permanent) == (ErrorKind.AUTH, False)


BLOCKED = (
    "<html><head><title>Access Denied</title></head><body><h1>Web gateway</h1><p>Access to "
    f"<a href='{EXPORT}'>{EXPORT}</a> is against the policy: category Business. You do not have access.</p></html>"
)


@pytest.mark.parametrize(("status", "kind"), [(403, ErrorKind.FORBIDDEN), (404, ErrorKind.NOT_FOUND)])
def test_page_without_a_mark_of_salesforce_looks_like_a_proxys(status: int, kind: ErrorKind) -> None:
    """It quotes the org's address, which proves nothing. The folder of the report has nothing to do with it."""
    error = page_error(status, BLOCKED, url=EXPORT)

    assert (error.kind, error.permanent, error.http_status) == (kind, True, status)
    assert "proxy" in error.message
    assert "against the policy" in error.message
    assert "acme.my.salesforce.com" in error.remedy
    assert "folder" not in str(error)
    assert "report id" not in str(error)


@pytest.mark.parametrize("headers", [{"Server": "sfdcedge"}, {"x-sfdc-request-id": "1"}, {"Sforce-Limit-Info": "a"}])
def test_page_is_salesforces_when_its_headers_are(headers: dict[str, str]) -> None:
    """No proxy sets them."""
    error = page_error(403, "<html><p>Nothing for you</p></html>", url=EXPORT, headers=headers)

    assert "proxy" not in str(error)
    assert "Nothing for you" in error.message


@pytest.mark.parametrize(
    ("status", "html", "kind", "is_retryable"),
    [
        (503, "<html>busy</html>", ErrorKind.SERVER, True),
        (503, FRAME.format("Concurrent requests limit exceeded"), ErrorKind.RATE_LIMITED, True),
        (500, FRAME.format("Insufficient Privileges"), ErrorKind.SERVER, True),
        (500, "<html><title>Login</title></html>", ErrorKind.SERVER, True),
        (429, BLOCKED, ErrorKind.RATE_LIMITED, True),
        (403, FRAME.format("We are down for maintenance"), ErrorKind.SERVER, True),
        (404, FRAME.format("An internal server error has occurred"), ErrorKind.SERVER, True),
        (404, "<html>URL No Longer Exists</html>", ErrorKind.NOT_FOUND, False),
        (403, FRAME.format("Insufficient Privileges"), ErrorKind.FORBIDDEN, False),
        (503, LEADS["href"].format("/loginflow/x"), ErrorKind.AUTH, False),
        (401, LEADS["href"].format("/_ui/system/security/ChangePassword"), ErrorKind.AUTH, False),
        (403, LEADS["href"].format("/?ec=302&startURL=x"), ErrorKind.AUTH, False),
        (407, BLOCKED, ErrorKind.NETWORK, False),
        (400, "<html>Bad request</html>", ErrorKind.NOT_CSV, False),
    ],
)
def test_status_and_page_are_judged_together(status: int, html: str, kind: ErrorKind, is_retryable: bool) -> None:
    """What passes by itself stays so; else the page counts more than its status."""
    error = page_error(status, html, url=EXPORT, headers={"Retry-After": "7"})

    assert (error.kind, error.is_retryable, error.http_status) == (kind, is_retryable, status)
    assert error.retry_after_s == 7


def test_barriers_are_found_by_address_before_the_general_one() -> None:
    """The last one takes all other security settings."""
    for address in BARRIER_ADDRESSES:
        assert kind_of_address(ACME + address) in INTERSTITIALS
    assert kind_of_address(f"{ACME}/_ui/identity/verification/method/X") not in INTERSTITIALS
    assert kind_of_address(f"{ACME}/00OD0000001ZbP7MAK") is None
    assert kind_of_address(f"{ACME}/?retURL=/loginflow/x") is None


#: Pieces that are repeated to a whole page: unfinished tags, strings, comments, attributes, references, addresses.
PIECES = [
    *("<form ", "<input ", "<meta ", "<script", "<title>", "<a>x", "<!--", "<", "</", "<p>word ", "&", "&#1", "&#x"),
    *(
        "location.replace('",
        "location.replace(\"location='",
        "location = ",
        "'/",
        "\"/'/",
        "<script>'/a",
        "<form a='b\" ",
    ),
    *(
        "<meta http-equiv=refresh content='0;url=",
        "<input " + " " * 60,
        "<form action=/login>",
        "<form aa=",
        "| salesforce ",
    ),
    *("<form action='/security", "location='/accept", "password has expire", "redirectonload location='//h.x/'\n"),
]


@pytest.mark.parametrize("judge", [read_page, lambda html: classify_page(html, url=EXPORT)], ids=["read", "classify"])
@pytest.mark.parametrize("piece", PIECES)
def test_time_for_a_page_is_linear_in_its_length(piece: str, judge: Callable[[str], object]) -> None:
    """Eight times the page takes eight times as long, not 64 times; with much room for a busy machine."""

    def seconds(size: int) -> float:
        html = (piece * (size // len(piece) + 1))[:size]
        begun_s = time.thread_time()
        judge(html)
        return time.thread_time() - begun_s

    limit_s = 24 * max(min(seconds(JUDGED_BYTES // 8) for _ in range(3)), 0.001)
    assert any(seconds(JUDGED_BYTES) < limit_s for _ in range(3))


def test_page_is_judged_by_its_beginning() -> None:
    """What follows costs nothing, and cannot change the verdict."""
    assert (
        classify_page("<html>" + " " * JUDGED_BYTES + "Insufficient Privileges", url=EXPORT).kind is ErrorKind.NOT_CSV
    )


def test_reference_to_a_character_of_thousands_of_digits_does_no_harm() -> None:
    """Python refuses to read such a number."""
    assert read_page("<html>&#" + "9" * 10_000 + "; x").words.endswith("; x")
