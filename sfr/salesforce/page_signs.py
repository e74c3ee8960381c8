"""Language-independent signs by which web pages are recognised: their link targets and structure. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from sfr.options.urls import is_loopback
from sfr.salesforce.hosts import LOG_IN_HOSTS, host_of, is_salesforce_origin
from sfr.salesforce.page_reading import Page

#: A page with more visible text is not a notice: its text may come from the cells of a report.
MAX_NOTICE_CHARS = 5_000

#: A path component that begins with one of these words indicates a log-in: `/login.jsp`, `/services/auth/sso/…`,
#: `/secur/login_portal.jsp`, `/saml/authn-request.jsp`, `/adfs/ls`, `/oauth2/v2.0/authorize`.
_LOG_IN_PATH = re.compile(r"/(log-?in|sign-?in|sso|saml2?|adfs|idp|authorize)(?![a-z0-9-])|/secur/login")
_LOG_IN_PARAMETERS = frozenset({"ec", "starturl", "samlrequest"})
_LOG_IN_TITLE = re.compile(r"(log-?in|log in|sign in)( to |\s{0,5}[|:-]|$)")
_USER_FIELDS = frozenset({"username", "un", "userid", "user_name", "loginid", "pw"})

_TERMS = ("terms of use", "terms of service", "terms and conditions", "subscription agreement", "license agreement")
_CONSENT = ("i agree", "i accept", "you agree", "agree to", "accept the", "must accept")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known about a page."""

    page: Page
    #: The URL it was fetched from.
    url: str
    #: Absolute targets of its scripts, `meta` elements and forms.
    targets: tuple[str, ...]
    #: Absolute addresses in the scripts of a page without visible text or forms.
    hints: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and visible text, lower case."""
        return f"{self.page.title} {self.page.words}".lower()

    @property
    def is_before_org(self) -> bool:
        """Whether the title is not that of a page inside the org: `Report ~ Salesforce - …`."""
        return "~ salesforce" not in self.page.title.lower()

    @property
    def is_notice(self) -> bool:
        """Whether the page is short enough to be a mere notice."""
        return len(self.page.words) <= MAX_NOTICE_CHARS


def is_log_in_url(url: str) -> bool:
    """Whether an absolute URL is that of a log-in page, of Salesforce or an identity provider."""
    parts = urlsplit(url)
    if (parts.hostname or "") in LOG_IN_HOSTS or _LOG_IN_PATH.search(parts.path.lower()):
        return True
    return any(name.lower() in _LOG_IN_PARAMETERS for name, _ in parse_qsl(parts.query, keep_blank_values=True))


def log_in_target(facts: PageFacts) -> str:
    """The log-in address that the page leads to; empty if there is none."""
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


def is_log_in_form(facts: PageFacts) -> bool:
    """Whether the page has a form for a user name or password, in any language, or a script that leads to one."""
    if log_in_target(facts) or _LOG_IN_TITLE.match(facts.page.title.lower()):
        return True
    return any(form.password_fields or form.fields & _USER_FIELDS or "login" in form.name for form in facts.page.forms)


def is_identity_form(facts: PageFacts) -> bool:
    """Whether it is a form titled `… | Salesforce`: in every language, only pages outside the org have such titles."""
    return bool(facts.page.forms) and facts.page.title.lower().endswith("| salesforce")


def is_new_password_form(facts: PageFacts) -> bool:
    """Whether the page requires a new password: log-in forms have one password field, these have two."""
    return any(form.password_fields > 1 for form in facts.page.forms)


def is_terms_form(facts: PageFacts) -> bool:
    """Whether it is a short form that mentions terms and asks for consent."""
    text = facts.text
    has_terms = any(phrase in text for phrase in _TERMS)
    return has_terms and facts.is_notice and bool(facts.page.forms) and any(phrase in text for phrase in _CONSENT)


def is_security_question(facts: PageFacts) -> bool:
    """Whether the page has fields for a security question and its answer."""
    fields = {name for form in facts.page.forms for name in form.fields}
    return "securityquestion" in fields or {"question", "answer"} <= fields


def leads_to_lightning(facts: PageFacts) -> bool:
    """Whether a script redirects to the Lightning app."""
    return any(_is_lightning(host_of(target)) or "/one/one.app" in target for target in facts.targets)
