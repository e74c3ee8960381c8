"""The table of pages that come where a report or JSON was asked for: how each is recognised, and what it means. Pure.

Source: salesforce-facts.md §1. A page of Salesforce is recognised by addresses and structure first, which are
the same in every language; its words count where it says in English what passes or who may not see something.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sfr.errors import ErrorKind, ReportError
from sfr.network.page_signs import (
    PageFacts,
    asks_for_new_password,
    asks_question,
    asks_to_agree,
    asks_to_log_in,
    is_identity_form,
    leads_to_lightning,
)


class LightningError(ReportError):
    """The org, or this user, has no Salesforce Classic: its exports never answer, whoever asks how often."""


def _never(_: PageFacts) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class PageKind:
    """One kind of page. It is recognised by any of its signs."""

    error: ErrorKind
    #: What such a page is, and what that means; follows "Salesforce answered with".
    what: str
    #: What the user can do; None: what the error's kind says.
    remedy: str | None = None
    #: Whether no other attempt can help; of no matter to kinds that are never tried again.
    permanent: bool = True
    #: Where it leads or comes from: a pattern for the path of an address, in small letters.
    path: re.Pattern[str] | None = None
    #: Phrases in its title or visible text, in small letters.
    phrases: tuple[str, ...] = ()
    #: What its title begins with, in small letters.
    titles: tuple[str, ...] = ()
    #: Texts in its source, in small letters.
    marks: tuple[str, ...] = ()
    #: Its structure.
    structure: Callable[[PageFacts], bool] = _never
    #: True: phrases count however much text the page shows.
    is_any_length: bool = False
    raises: type[ReportError] = ReportError

    def has_path(self, url: str) -> bool:
        """Whether an address belongs to such a page."""
        return self.path is not None and bool(self.path.search(urlsplit(url).path.lower()))

    def phrase_in(self, facts: PageFacts) -> str:
        """The first of its phrases that the page shows; empty if it shows none."""
        if not (self.is_any_length or facts.is_notice):
            return ""
        text = facts.text
        return next((phrase for phrase in self.phrases if phrase in text), "")

    def is_led_to(self, facts: PageFacts) -> bool:
        """Whether an address says that the page is of this kind: its own, or one to which it leads."""
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


_ONCE_IN_A_BROWSER = "Log in once in a browser as this user and answer it (`route: analytics` may do without)"

#: No session mends these, for they concern the user: they are asked no more, and end the run.
BARRIERS = (
    PageKind(
        ErrorKind.AUTH,
        "its page for a new password; the user's password has expired: set a new one, or let it never expire for this "
        "user",
        "In Setup that is `Password Never Expires` of the user's profile or of a permission set.",
        path=re.compile(r"/changepassword|/passwordexpired"),
        titles=("change your password", "change password", "password expired"),
        phrases=("your password has expired", "password has expired", "must change your password"),
        structure=asks_for_new_password,
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page of a log-in flow, which the user has to pass before it may use the org",
        f"{_ONCE_IN_A_BROWSER}, or take the user's profile out of the flow (Setup, `Login Flows`).",
        path=re.compile(r"/loginflow(/|$)"),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that asks for a security question and its answer",
        f"{_ONCE_IN_A_BROWSER}.",
        path=re.compile(r"/[a-z_]*security_?question"),
        titles=("security question",),
        structure=asks_question,
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page with terms that the user has to accept before it may use the org",
        f"{_ONCE_IN_A_BROWSER}.",
        path=re.compile(r"/(accept)?(terms(andconditions|of(use|service))?|tos|eula|msa)(page|acceptance)?(\.|/|$)"),
        titles=("terms of use", "terms of service", "terms and conditions", "subscription agreement"),
        structure=asks_to_agree,
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that asks the user to register a phone",
        f"{_ONCE_IN_A_BROWSER}, or end the registration of phones in Setup (`Session Settings`, `Identity`).",
        path=re.compile(r"/_ui/identity/phone/"),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that asks the user to allow an app the access",
        "Permit the app for the user in Setup (`Admin approved users are pre-authorized`).",
        path=re.compile(r"/remoteaccessauthorizationpage"),
    ),
    PageKind(
        ErrorKind.AUTH,
        "a page that says that the user may not log in now, or not from here",
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
        "a page of its security settings, which the user has to pass before it may use the org",
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
    structure=asks_to_log_in,
)

LIGHTNING = PageKind(
    ErrorKind.NOT_CSV,
    "the Lightning app instead of an export: this org or user has no Salesforce Classic",
    "Use `route: analytics`, or give the user access to Salesforce Classic.",
    marks=("/one/one.app", "auraconfig", "aura.initasync", "auraframeworkjs", "/auraresources/", "aura_prod"),
    structure=leads_to_lightning,
    raises=LightningError,
)

#: In the order in which a page is compared with them. What one sentence of Salesforce says for sure comes before the
#: scripts in a page's frame, which know log-ins; words that a log-in page may show as well come after them.
PAGE_KINDS = (
    PageKind(
        ErrorKind.FORBIDDEN,
        "a page that says: insufficient privileges",
        phrases=("insufficient privileges", "you do not have access", "you do not have the level of access"),
        is_any_length=True,
    ),
    PageKind(
        ErrorKind.NOT_FOUND,
        "a page that says: no such address or record",
        phrases=("url no longer exists", "data not available"),
        is_any_length=True,
    ),
    PageKind(
        ErrorKind.RATE_LIMITED,
        "a page that says that the requests of this day are used up",
        "Run tomorrow, or see in Setup (`System Overview`) who uses the org's API.",
        phrases=("totalrequests limit exceeded", "total requests limit exceeded", "daily request limit"),
    ),
    PageKind(
        ErrorKind.RATE_LIMITED,
        "a page that says that too much is asked at once",
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
        "a page that says that it ran out of time",
        permanent=False,
        phrases=("time limit exceeded", "exceeded the time limit", "time limit for processing", "request timed out"),
    ),
    PageKind(
        ErrorKind.SERVER,
        "a page that says that it failed",
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
    *BARRIERS,
    LOG_IN,
    LIGHTNING,
    PageKind(
        ErrorKind.SERVER,
        "a page that says that it cannot serve at the moment",
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

#: Kinds that are recognised by an address alone, as in a redirect.
_BY_ADDRESS = (_CHALLENGE, *BARRIERS)


def kind_of_address(url: str) -> PageKind | None:
    """The kind of page behind an absolute URL, where its path says so; None where it does not. Log-ins apart."""
    return next((kind for kind in _BY_ADDRESS if kind.has_path(url)), None)


def kind_of(facts: PageFacts) -> PageKind | None:
    """The first kind that describes a page; None for a page that means nothing in particular."""
    return next((kind for kind in PAGE_KINDS if kind.describes(facts)), None)
