"""The signs by which a web page is recognised: where it leads, and how it is built, whatever its language. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from sfr.network.instance_host import LOG_IN_HOSTS, host_of, is_loopback, is_salesforce_origin
from sfr.network.page_reading import Page

#: A page with more visible text is no notice: what it says may be a report's own cells.
LONGEST_NOTICE = 5_000

#: A path component that begins with one of these words belongs to a log-in: `/login.jsp`, `/services/auth/sso/…`,
#: `/secur/login_portal.jsp`, `/saml/authn-request.jsp`, `/adfs/ls`, `/oauth2/v2.0/authorize`.
_LOG_IN_PATH = re.compile(r"/(log-?in|sign-?in|sso|saml2?|adfs|idp|authorize)(?![a-z0-9-])|/secur/login")
_LOG_IN_PARAMETERS = frozenset({"ec", "starturl", "samlrequest"})
_LOG_IN_TITLE = re.compile(r"(log-?in|log in|sign in)( to |\s{0,5}[|:-]|$)")
_USER_FIELDS = frozenset({"username", "un", "userid", "user_name", "loginid", "pw"})

_TERMS = ("terms of use", "terms of service", "terms and conditions", "subscription agreement", "license agreement")
_CONSENT = ("i agree", "i accept", "you agree", "agree to", "accept the", "must accept")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page as it is judged."""

    page: Page
    #: Where it came from.
    url: str
    #: Absolute: where its scripts, `meta` elements and forms lead.
    targets: tuple[str, ...]
    #: Absolute: addresses that a page without anything to read or fill in holds in its scripts.
    hints: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and visible words, in small letters."""
        return f"{self.page.title} {self.page.words}".lower()

    @property
    def is_before_org(self) -> bool:
        """Whether the title is none of those that pages inside the org have: `Report ~ Salesforce - …`."""
        return "~ salesforce" not in self.page.title.lower()

    @property
    def is_notice(self) -> bool:
        """Whether the page is short enough to be nothing but a message."""
        return len(self.page.words) <= LONGEST_NOTICE


def is_log_in_url(url: str) -> bool:
    """Whether an absolute URL leads to a log-in page, Salesforce's or an identity provider's."""
    parts = urlsplit(url)
    if (parts.hostname or "") in LOG_IN_HOSTS or _LOG_IN_PATH.search(parts.path.lower()):
        return True
    return any(name.lower() in _LOG_IN_PARAMETERS for name, _ in parse_qsl(parts.query, keep_blank_values=True))


def log_in_target(facts: PageFacts) -> str:
    """The address of a log-in to which the page leads; empty if it leads to none."""
    log_in = next((target for target in facts.targets if is_log_in_url(target)), "")
    if log_in or "redirectonload" not in facts.page.source:
        return log_in
    return next((target for target in facts.targets if _is_foreign(target, facts.url)), "")


def _is_foreign(target: str, url: str) -> bool:
    host = host_of(target)
    if not host or host == host_of(url):
        return False
    return not (is_salesforce_origin(f"https://{host}") or _is_lightning(host) or is_loopback(host))


def _is_lightning(host: str) -> bool:
    return host.endswith(".lightning.force.com")


def asks_to_log_in(facts: PageFacts) -> bool:
    """A form for a name or a password, in whatever language, or a script that leads to one."""
    if log_in_target(facts) or _LOG_IN_TITLE.match(facts.page.title.lower()):
        return True
    return any(form.password_fields or form.fields & _USER_FIELDS or "login" in form.name for form in facts.page.forms)


def is_identity_form(facts: PageFacts) -> bool:
    """`… | Salesforce` is the title of pages before the org, in every language; pages of the org have another."""
    return bool(facts.page.forms) and facts.page.title.lower().endswith("| salesforce")


def asks_for_new_password(facts: PageFacts) -> bool:
    """Log-ins have one field for a password; a new one is written twice."""
    return any(form.password_fields > 1 for form in facts.page.forms)


def asks_to_agree(facts: PageFacts) -> bool:
    """A short form that names terms and wants consent to them."""
    text = facts.text
    has_terms = any(phrase in text for phrase in _TERMS)
    return has_terms and facts.is_notice and bool(facts.page.forms) and any(phrase in text for phrase in _CONSENT)


def asks_question(facts: PageFacts) -> bool:
    """Fields for a security question and its answer."""
    fields = {name for form in facts.page.forms for name in form.fields}
    return "securityquestion" in fields or {"question", "answer"} <= fields


def leads_to_lightning(facts: PageFacts) -> bool:
    """A script that goes on to the Lightning app."""
    return any(_is_lightning(host_of(target)) or "/one/one.app" in target for target in facts.targets)
