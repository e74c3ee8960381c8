"""Plain texts that Salesforce, gateways and proxies send in place of a report: one table of what they mean.

Concerns bodies of classic exports that arrive with status 200. Texts are recognised by phrases, since the same fault is
worded differently by every product; a text that the table lacks is taken for one that no other attempt mends.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.errors import ODD_ANSWER_REMEDY, REMEDIES, ErrorKind

_GATEWAY_REMEDY = (
    "This is a proxy's or gateway's text: if it keeps coming, find out which one stands before Salesforce."
)
_REFUSAL_REMEDY = "This looks like a proxy's or gateway's refusal: have it let this download pass."


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A kind of text in place of a report."""

    #: In lower case, with a blank for every run of blanks, line ends and underscores; any of them.
    phrases: tuple[str, ...]
    #: `server` and `rate_limited`: another attempt may help. `not_csv`: none can.
    kind: ErrorKind
    #: What the user can do.
    remedy: str


#: The first one that fits counts: a refusal that says "try again later" is still a refusal.
ANSWER_TEXTS = (
    AnswerText(
        (
            "access denied",
            "access is denied",
            "rbac:",
            "403 forbidden",
            "forbidden by",
            "been blocked",
            "blocked by",
            "security policy",
            "company policy",
            "proxy authentication",
            "authentication required",
            "unauthorized",
            "not authorized",
            "virus",
            "malware",
            "data loss prevention",
        ),
        ErrorKind.NOT_CSV,
        _REFUSAL_REMEDY,
    ),
    AnswerText(
        (
            "concurrent requests limit exceeded",
            "concurrent request limit",
            "concurrent limit exceeded",
            "concurrentrequests",
            "concurrentperorglongtxn",
            "request limit exceeded",
            "requests limit exceeded",
            "too many requests",
            "too many concurrent",
            "rate limit exceeded",
            "rate exceeded",
            "rate limited",
            "quota exceeded",
        ),
        ErrorKind.RATE_LIMITED,
        REMEDIES[ErrorKind.RATE_LIMITED],
    ),
    AnswerText(
        (
            "internal server error",
            "internal error",
            "unexpected error",
            "unexpected exception",
            "unknown exception",
            "unknown error",
            "error occurred while processing",
            "error while processing",
            "time limit exceeded",
            "maximum processing time",
            "server unavailable",
            "temporarily unavailable",
            "currently unavailable",
            "is unavailable",
            "down for maintenance",
            "under maintenance",
            "undergoing maintenance",
            "scheduled maintenance",
            "system maintenance",
            "maintenance mode",
            "maintenance in progress",
        ),
        ErrorKind.SERVER,
        REMEDIES[ErrorKind.SERVER],
    ),
    AnswerText(
        (
            "upstream connect",
            "upstream request",
            "upstream server",
            "upstream service",
            "upstream timed",
            "healthy upstream",
            "upstream error",
            "disconnect/reset before headers",
            "service unavailable",
            "bad gateway",
            "gateway timeout",
            "gateway time-out",
            "gateway error",
            "request timeout",
            "response timeout",
            "connect timeout",
            "connection timeout",
            "stream timeout",
            "timed out",
            "deadline exceeded",
            "connection reset",
            "connection refused",
            "connection failure",
            "connection error",
            "connection termination",
            "connection closed",
            "socket hang up",
            "broken pipe",
            "unexpected eof",
            "econnreset",
            "econnrefused",
            "etimedout",
            "unable to connect",
            "could not connect",
            "failed to connect",
            "backend fetch failed",
            "no server is available",
            "no available server",
            "dns resolution",
            "overloaded",
            "too busy",
            "is busy",
            "try again",
            "retry your request",
            "try later",
        ),
        ErrorKind.SERVER,
        _GATEWAY_REMEDY,
    ),
)
UNKNOWN_TEXT = AnswerText((), ErrorKind.NOT_CSV, ODD_ANSWER_REMEDY)


def answer_text(text: str) -> AnswerText:
    """What the text means; `UNKNOWN_TEXT` where the table lacks it."""
    folded = " ".join(text.lower().replace("_", " ").split())
    for each in ANSWER_TEXTS:
        if any(phrase in folded for phrase in each.phrases):
            return each
    return UNKNOWN_TEXT
