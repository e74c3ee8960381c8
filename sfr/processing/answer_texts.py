"""Classifies plain texts that Salesforce, gateways and proxies send instead of a report, by a table of phrases.

Concerns bodies of classic exports that arrive with status 200. Every product words the same fault differently, hence
phrases; a text that is not in the table counts as permanent.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.errors import ODD_ANSWER_REMEDY, REMEDIES, ErrorKind

_GATEWAY_REMEDY = (
    "This text comes from a proxy or gateway: if it persists, find out which one is between SFR and Salesforce."
)
_REFUSAL_REMEDY = "This looks like a refusal by a proxy or gateway: have it allow this download."


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A kind of text sent instead of a report."""

    #: Any of these, in lower case, with one space for every run of white space and underscores.
    phrases: tuple[str, ...]
    #: `server` and `rate_limited` are retried; `not_csv` is permanent.
    kind: ErrorKind
    #: What the user can do.
    remedy: str


#: The first match counts: a refusal that says "try again later" is still a refusal.
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
    """The table entry of a text; `UNKNOWN_TEXT` if there is none."""
    folded = " ".join(text.lower().replace("_", " ").split())
    for each in ANSWER_TEXTS:
        if any(phrase in folded for phrase in each.phrases):
            return each
    return UNKNOWN_TEXT
