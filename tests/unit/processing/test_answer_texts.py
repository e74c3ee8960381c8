"""Texts in place of a report: what they mean, and whether another attempt can help."""

import pytest

from sfr.errors import RETRIED_KINDS, ErrorKind
from sfr.processing.answer_texts import ANSWER_TEXTS, UNKNOWN_TEXT, answer_text

PHRASES = [(entry, phrase) for entry in ANSWER_TEXTS for phrase in entry.phrases]
SERVER, LIMITED, FINAL = ErrorKind.SERVER, ErrorKind.RATE_LIMITED, ErrorKind.NOT_CSV


@pytest.mark.parametrize(("entry", "phrase"), PHRASES, ids=[phrase for _, phrase in PHRASES])
def test_answer_text_finds_each_phrase_of_the_table(entry, phrase):
    """In any case, across lines, as an error code; each phrase says the same wherever it is in the table."""
    assert phrase == " ".join(phrase.lower().split())
    assert answer_text(f"Sorry:\n{phrase.upper().replace(' ', '_')}!").kind is entry.kind
    assert answer_text(phrase.replace(" ", "\r\n  ").title()).kind is entry.kind


@pytest.mark.parametrize("entry", [*ANSWER_TEXTS, UNKNOWN_TEXT])
def test_answer_text_says_whether_another_attempt_can_help_and_what_to_do(entry):
    """Final texts are `not_csv`; never the advice to take reports without a footer."""
    assert entry.kind in RETRIED_KINDS or entry.kind is ErrorKind.NOT_CSV
    assert entry.remedy
    assert "optional" not in entry.remedy


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("An internal server error has occurred", SERVER),
        ("upstream connect error or disconnect/reset before headers. reset reason: connection failure", SERVER),
        ("Service Unavailable", SERVER),
        ("HTTP/1.1 503 Service Unavailable", SERVER),
        ("no healthy upstream", SERVER),
        ("upstream request timeout", SERVER),
        ("The service is temporarily unavailable. Try again in a few minutes.", SERVER),
        ("Error 503 Backend fetch failed\nGuru Meditation:\nXID: 32770", SERVER),
        ("stream timeout", SERVER),
        ("504 Gateway Time-out", SERVER),
        ("An unexpected error occurred: UNKNOWN_EXCEPTION", SERVER),
        ("Salesforce is down for maintenance until 06:00 UTC", SERVER),
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", SERVER),
        ("Concurrent requests limit exceeded", LIMITED),
        ("REQUEST_LIMIT_EXCEEDED: ConcurrentPerOrgLongTxn Limit exceeded.", LIMITED),
        ("429 Too Many Requests", LIMITED),
        ("RBAC: access denied", FINAL),
        ("Access Denied by your company's policy. Try again from the office.", FINAL),
        ("This download has been blocked by Example Secure Gateway", FINAL),
        ("Malware found in report.csv", FINAL),
        ("407 Proxy Authentication Required", FINAL),
        ("default backend - 404", FINAL),
        ("OK", FINAL),
        ("", FINAL),
    ],
)
def test_answer_text_distinguishes_transient_from_permanent_faults(text, kind):
    """What servers, gateways and proxies are known to say; a refusal that says `try again` stays one."""
    assert answer_text(text).kind is kind
