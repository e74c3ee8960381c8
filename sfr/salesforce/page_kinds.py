"""The table of web pages returned in place of a report or JSON: how each is recognised and what it means. Pure.

Source: salesforce-facts.md §1. Pages of Salesforce are recognised by addresses and structure first, which are the same
in every language; text counts for English messages about transient failures and missing access.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.page_signs import (
    PageFacts,
    is_identity_form,
    is_log_in_form,
    is_new_password_form,
    is_security_question,
    is_terms_form,
    leads_to_lightning,
)


class LightningError(ReportError):
    """The org, or this user, has no Salesforce Classic, so exports can never succeed."""


def _never(_: PageFacts) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class PageKind:
    """One kind of page, recognised by any one of its signs."""

    error: ErrorKind
    #: What the page is and what it means; follows "Salesforce returned".
    what: str
    #: What the user can do; None: the default of the error's kind.
    remedy: str | None = None
    #: Whether a retry cannot succeed; irrelevant for kinds that are never retried.
    permanent: bool = True
    #: A pattern for the path of an address that it links to or comes from, lower case.
    path: re.Pattern[str] | None = None
    #: Phrases in its title or visible text, lower case.
    phrases: tuple[str, ...] = ()
    #: Prefixes of its title, lower case.
    titles: tuple[str, ...] = ()
    #: Texts in its source, lower case.
    marks: tuple[str, ...] = ()
    #: A check of its structure.
    structure: Callable[[PageFacts], bool] = _never
    #: True: phrases count however long the visible text is.
    is_any_length: bool = False
    raises: type[ReportError] = ReportError

    def has_path(self, url: str) -> bool:
        """Whether an address belongs to such a page."""
        return self.path is not None and bool(self.path.search(urlsplit(url).path.lower()))

    def phrase_in(self, facts: PageFacts) -> str:
        """The first of its phrases found on the page; empty if there is none."""
        if not (self.is_any_length or facts.is_notice):
            return ""
        text = facts.text
        return next((phrase for phrase in self.phrases if phrase in text), "")

    def is_led_to(self, facts: PageFacts) -> bool:
        """Whether the page's own address, or one that it leads to, is of this kind."""
        return any(self.has_path(address) for address in (*facts.targets, *facts.hints, facts.url))

    def describes(self, facts: PageFacts) -> bool:
        """Whether the page is of this kind."""
        return (
            self.is_led_to(facts)
            or (facts.is_before_org and facts.page.title.lower().startswith(self.titles))
            or any(mark in facts.page.source for mark in self.marks)
            or bool(self.phrase_in(facts))
            or self.structure(facts)
        )


_ONCE_IN_A_BROWSER = "Log in once in a browser as this user and complete it (`route: analytics` may work without)"

#: Interstitial pages concern the user, so a new session does not help: no retries, and the run ends.
INTERSTITIALS = (
    PageKind(
        ErrorKind.AUTH,
        "its page for a new password; the user's password has expired: set a new one, or exempt this user from "
        "password expiry",
        "In Setup, this is `Password Never Expires` in the user's profile or a permission set.",
        path=re.compile(r"/changepassword|/passwordexpired"),
        titles=("change your password", "change password", "password expired"),
        phrases=("your password has expired", "password has expired", "must change your password"),
        structure=is_new_password_form,
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page of a log-in flow, which the user has to complete before using the org",
        f"{_ONCE_IN_A_BROWSER}, or take the user's profile out of the flow (Setup, `Login Flows`).",
        path=re.compile(r"/loginflow(/|$)"),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that asks for a security question and its answer",
        f"{_ONCE_IN_A_BROWSER}.",
        path=re.compile(r"/[a-z_]*security_?question"),
        titles=("security question",),
        structure=is_security_question,
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page with terms that the user has to accept before using the org",
        f"{_ONCE_IN_A_BROWSER}.",
        path=re.compile(r"/(accept)?(terms(andconditions|of(use|service))?|tos|eula|msa)(page|acceptance)?(\.|/|$)"),
        titles=("terms of use", "terms of service", "terms and conditions", "subscription agreement"),
        structure=is_terms_form,
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that asks the user to register a phone",
        f"{_ONCE_IN_A_BROWSER}, or end the registration of phones in Setup (`Session Settings`, `Identity`).",
        path=re.compile(r"/_ui/identity/phone/"),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that asks the user to authorize an app",
        "Authorize the app for the user in Setup (`Admin approved users are pre-authorized`).",
        path=re.compile(r"/remoteaccessauthorizationpage"),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page saying that the user is not allowed to log in now, or from here",
        "Check `Login Hours` and `Login IP Ranges` of the user's profile, and that the user is active and not locked.",
        phrases=(
            "outside your login hours",
            "outside of your login hours",
            "restricted by login hours",
            "login hours restriction",
            "ip address is restricted",
            "from a restricted ip",
            "your account is locked",
            "your account has been locked",
            "your trial has expired",
            "organization has been locked",
        ),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page of its security settings, which the user has to complete before using the org",
        f"{_ONCE_IN_A_BROWSER}.",
        path=re.compile(r"/_ui/system/security/|/_ui/identity/(?!verification/)"),
    ),
)

_CHALLENGE = PageKind(
    ErrorKind.CHALLENGE,
    "a page that asks a person to verify the log-in",
    path=re.compile(r"/_ui/identity/verification/"),
    titles=("verify your identity",),
    phrases=("verify your identity", "connect salesforce authenticator", "choose a verification method"),
    marks=("/_ui/identity/verification/", "verificationstartui"),
    is_any_length=True,
)

LOG_IN = PageKind(
    ErrorKind.AUTH,
    "a log-in page: the session is missing, expired or not valid here",
    permanent=False,
    marks=("/secur/forgotpassword", "jslibrary/loginhint", 'id="login_form"', "/services/auth/sso/"),
    structure=is_log_in_form,
)

LIGHTNING = PageKind(
    ErrorKind.NOT_CSV,
    "the Lightning app instead of an export: this org or user has no Salesforce Classic",
    "Use `route: analytics`, or give the user access to Salesforce Classic.",
    marks=("/one/one.app", "auraconfig", "aura.initasync", "auraframeworkjs", "/auraresources/", "aura_prod"),
    structure=leads_to_lightning,
    raises=LightningError,
)

#: The first match wins. Unambiguous sentences come before scripts in a page's frame, which mention log-ins; phrases
#: that may occur on a log-in page too come after them.
PAGE_KINDS = (
    PageKind(
        ErrorKind.FORBIDDEN,
        "a page saying that the user has insufficient privileges",
        phrases=("insufficient privileges", "you do not have access", "you do not have the level of access"),
        is_any_length=True,
    ),
    PageKind(
        ErrorKind.NOT_FOUND,
        "a page saying that there is no such address or record",
        phrases=("url no longer exists", "data not available"),
        is_any_length=True,
    ),
    PageKind(
        ErrorKind.RATE_LIMITED,
        "a page saying that today's requests are used up",
        "Run again tomorrow, or check in Setup (`System Overview`) what uses the org's API.",
        phrases=("totalrequests limit exceeded", "total requests limit exceeded", "daily request limit"),
    ),
    PageKind(
        ErrorKind.RATE_LIMITED,
        "a page saying that there are too many concurrent requests",
        permanent=False,
        phrases=(
            "requests limit exceeded",
            "request limit exceeded",
            "too many requests",
            "too many concurrent",
            "rate limit exceeded",
            "rate limited",
            "maximum number of concurrent",
            "concurrent limit",
            "concurrentrequests",
            "concurrentperorglongtxn",
        ),
    ),
    PageKind(
        ErrorKind.TIMEOUT,
        "a page saying that the request timed out",
        permanent=False,
        phrases=("time limit exceeded", "exceeded the time limit", "time limit for processing", "request timed out"),
    ),
    PageKind(
        ErrorKind.SERVER,
        "a page saying that the request failed",
        permanent=False,
        phrases=(
            "internal server error",
            "error has occurred while processing your request",
            "unable to process your request",
            "unable to process request",
            "an unexpected error",
            "an unknown error",
        ),
    ),
    _CHALLENGE,
    *INTERSTITIALS,
    LOG_IN,
    LIGHTNING,
    PageKind(
        ErrorKind.SERVER,
        "a page saying that it is temporarily unavailable",
        permanent=False,
        titles=("maintenance",),
        phrases=(
            "for maintenance",
            "under maintenance",
            "undergoing maintenance",
            "scheduled maintenance",
            "maintenance mode",
            "maintenance window",
            "in maintenance",
            "temporarily unavailable",
            "service unavailable",
            "server unavailable",
            "service is unavailable",
            "currently unavailable",
            "service not available",
            "is not available at this time",
            "server is too busy",
            "server too busy",
            "server is busy",
            "system is busy",
            "bad gateway",
            "gateway timeout",
            "gateway time-out",
            "no healthy upstream",
            "upstream connect error",
            "being upgraded",
            "read-only mode",
        ),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a log-in page: the session is missing, expired or not valid here",
        permanent=False,
        structure=is_identity_form,
    ),
)

#: Kinds that can be recognised by an address alone, as in a redirect.
_BY_ADDRESS = (_CHALLENGE, *INTERSTITIALS)


def kind_of_address(url: str) -> PageKind | None:
    """The kind of page that the path of an absolute URL indicates, log-in pages excluded; None if it indicates none."""
    return next((kind for kind in _BY_ADDRESS if kind.has_path(url)), None)


def kind_of(facts: PageFacts) -> PageKind | None:
    """The first kind that matches a page; None for a page of no known kind."""
    return next((kind for kind in PAGE_KINDS if kind.describes(facts)), None)
