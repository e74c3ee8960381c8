"""Log-in refusals: the entries of the tables `oauth_refusals` and `soap_faults`, the look-up, and the resulting errors.

Pure: the caller passes code and description as the server sent them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import Enum

from sfr.errors import ErrorKind, LogInError, ReportError

#: At the beginning of a description, in lower case: `oauth_ec_app_not_found`.
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+(?![a-z_])")


class Retry(Enum):
    """Whether the same log-in may succeed if repeated."""

    #: It concerns credentials, user, app or org: every further attempt may lock the user out.
    NEVER = "never"
    #: Like a 503: over within seconds.
    SOON = "soon"
    #: A quota: not within this run, whose exit code lets a timer try again.
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of refusal: how it is recognised, what it means, what to do."""

    #: One sentence; empty if the server's own text is enough.
    meaning: str
    remedy: str
    #: Recognised by one of these codes, in lower case …
    codes: tuple[str, ...] = ()
    #: … or by one of these parts of the description, in lower case.
    phrases: tuple[str, ...] = ()
    #: Log-in methods that it applies to; empty for all.
    methods: tuple[str, ...] = ()
    retry: Retry = Retry.NEVER
    #: The error kind of the reports if it is not NEVER.
    kind: ErrorKind = ErrorKind.SERVER

    def fits(self, method: str, codes: Set[str], words: str) -> bool:
        """Whether the refusal of a method is of this kind; codes and words in lower case."""
        if self.methods and method not in self.methods:
            return False
        return not codes.isdisjoint(self.codes) or any(sign in words for sign in self.phrases)


def find_refusal(table: Iterable[Refusal], method: str, code: str, description: str) -> Refusal | None:
    """The first matching entry; None if the table contains neither code nor description.

    A description may begin with a code of its own, which is more specific than the general one before it:
    `invalid_client: OAUTH_EC_APP_NOT_FOUND`.
    """
    words = " ".join(description.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    named = _CODE.match(words)
    codes = {code.lower(), named[0]} if named else {code.lower()}
    return next((refusal for refusal in table if refusal.fits(method, codes, words)), None)


def refusal_error(
    refusal: Refusal, host: str, reason: str, *, status: int, retry_after_s: float | None = None
) -> LogInError | ReportError:
    """The error for the caller to raise: LogInError if no retry can help, otherwise ReportError.

    reason: what the server said, masked and shortened.
    """
    meaning = " ".join(part for part in (f"{reason.rstrip('.')}.", refusal.meaning) if part)
    if refusal.retry is Retry.NEVER:
        return LogInError(f"{host} refused the log-in: {meaning} {refusal.remedy}")
    return ReportError(
        refusal.kind,
        f"{host} could not complete the log-in: {meaning}",
        remedy=refusal.remedy,
        http_status=status,
        retry_after_s=retry_after_s,
        permanent=refusal.retry is Retry.LATER,
    )
