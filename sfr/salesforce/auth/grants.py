"""The values that `sfr.salesforce.session` and the log-in methods exchange."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfr.errors import LogInError
from sfr.redaction import Redactor, Secret

if TYPE_CHECKING:
    from sfr.options.section import Section
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.transport import Transport

#: Characters that are safe in a header and do not end a cookie's value.
_TOKEN = re.compile(r"[!-+\--:<-~]+")


@dataclass(frozen=True, slots=True)
class Grant:
    """The result of a log-in."""

    #: Session id or OAuth access token: Salesforce accepts either in place of the other.
    access_token: Secret
    #: The instance URL that the log-in returned, not validated yet; None if the method returns none.
    instance_url: str | None = None
    #: Sentences for the log.
    notes: tuple[str, ...] = ()
    #: The token's scopes; None if the method returns none.
    scopes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class LogInContext:
    """What is available to every log-in method."""

    transport: Transport
    #: `salesforce.domain` as an origin, without a slash at the end.
    domain: str
    #: Every secret is registered with it before it is sent or could be logged.
    redactor: Redactor
    new_deadline: Callable[[], Deadline]


@dataclass(frozen=True, slots=True)
class Method:
    """An entry of the registry: the options of a log-in method, and how it logs in.

    `log_in` raises LogInError if it is refused, ReportError if Salesforce could not be reached or was busy.
    """

    settings: type[Section]
    #: Any: each method takes its own settings only, and the registry holds all methods.
    log_in: Callable[[Any, LogInContext], Grant]


def checked_token(text: str, origin: str, *, is_refresh_token: bool = False) -> Secret:
    """Validate a session id or token for use in a header. origin: where it came from, for messages.

    Raises LogInError if it is empty or contains spaces, newlines, commas or semicolons.
    """
    if not text:
        expected = "refresh token" if is_refresh_token else "session id or access token"
        raise LogInError(f"{origin} is empty; expected a {expected}.")
    if not _TOKEN.fullmatch(text):
        what, alone = ("refresh token", "5Aep…") if is_refresh_token else ("session id", "00D…!AQ…")
        raise LogInError(
            f"{origin} is not a valid {what}: it contains a space, a newline or another character that is not allowed. "
            f"Expected the {what} alone, such as {alone}."
        )
    return Secret(text)
