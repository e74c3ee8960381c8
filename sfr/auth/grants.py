"""What a log-in method gets and gives: the values between `sfr.session` and the modules beside this one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sfr.errors import LogInError
from sfr.redaction import Redactor, Secret

if TYPE_CHECKING:
    from sfr.network.pace import Deadline
    from sfr.network.transport import Transport

#: What travels in a header unharmed, and ends no cookie.
_TOKEN = re.compile(r"[!-+\--:<-~]+")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a log-in brought."""

    #: Session id or OAuth access token: Salesforce takes either wherever it takes the other.
    access_token: Secret
    #: The instance URL as the log-in named it, not judged yet; None where the method names none.
    instance_url: str | None = None
    #: Sentences for the log.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogInContext:
    """What every log-in method may use."""

    transport: Transport
    #: `salesforce.domain` as an origin, without a slash at the end.
    domain: str
    #: Is told every secret before it is sent or could be logged.
    redactor: Redactor
    new_deadline: Callable[[], Deadline]


@dataclass(frozen=True, slots=True)
class Method:
    """An entry of the registry: the options of a log-in method, and how it logs in.

    `log_in` raises LogInError if it is refused, ReportError if Salesforce could not be reached or was busy.
    """

    #: A frozen dataclass of `sfr.config.fields.option`s.
    settings: type
    #: Any: each method takes its own settings only, and the registry holds all methods.
    log_in: Callable[[Any, LogInContext], Grant]


def checked_token(text: str, origin: str, *, is_refresh_token: bool = False) -> Secret:
    """A session id or token that a header can carry; `origin` says in messages where it came from.

    Raises LogInError for an empty text and for one with blanks, line ends, commas or semicolons.
    """
    if not text:
        expected = "refresh token" if is_refresh_token else "session id or access token"
        raise LogInError(f"{origin} is empty; expected a {expected}.")
    if not _TOKEN.fullmatch(text):
        what, alone = ("refresh token", "5Aep…") if is_refresh_token else ("session id", "00D…!AQ…")
        raise LogInError(
            f"{origin} is no {what}: it holds a blank, a line end or another character that none has. "
            f"Expected the {what} alone, such as {alone}."
        )
    return Secret(text)
