"""The tables of refusals: what each means, whether another attempt helps, and whom the advice concerns."""

from __future__ import annotations

from collections import Counter

import pytest

from sfr.errors import RETRIED_KINDS, ErrorKind, LogInError, ReportError
from sfr.salesforce.auth import METHODS
from sfr.salesforce.auth.oauth_refusals import OAUTH_REFUSALS, UNKNOWN_REFUSAL, WEB_LOG_IN
from sfr.salesforce.auth.odd_answers import TRANSIENT_WORDS
from sfr.salesforce.auth.refusals import Refusal, Retry, find_refusal, refusal_error
from sfr.salesforce.auth.soap_faults import SOAP_FAULTS

OAUTH_METHODS = ("jwt", "client_credentials", "refresh_token")
#: Every way to recognise every entry, with a method that it concerns.
OAUTH_SIGNS = [
    (entry, method, code, words)
    for entry in OAUTH_REFUSALS
    for method in entry.methods or OAUTH_METHODS
    for code, words in (*((code, "") for code in entry.codes), *(("", words) for words in entry.phrases))
]
SOAP_SIGNS = [(entry, code) for entry in SOAP_FAULTS for code in entry.codes]


def oauth(method: str, code: str, description: str) -> Refusal:
    """The entry that a refusal finds."""
    return find_refusal(OAUTH_REFUSALS, method, code, description) or UNKNOWN_REFUSAL


@pytest.mark.parametrize(("entry", "method", "code", "words"), OAUTH_SIGNS)
def test_oauth_refusal_is_found_by_each_of_its_signs(entry: Refusal, method: str, code: str, words: str) -> None:
    """In capitals too, and within a longer description; by another entry only if that is further up, and as final."""
    found = oauth(method, code.upper(), f"Error: {words.capitalize()}, so it is." if words else "")

    assert OAUTH_REFUSALS.index(found) <= OAUTH_REFUSALS.index(entry)
    assert found.retry is Retry.NEVER or found.retry is entry.retry


@pytest.mark.parametrize("entry", [*OAUTH_REFUSALS, *SOAP_FAULTS, UNKNOWN_REFUSAL])
def test_entry_says_what_to_do(entry: Refusal) -> None:
    """Whole sentences; signs in small letters, as they are compared; kinds that are tried again."""
    assert entry.remedy.endswith((".", ")"))
    assert entry.meaning == "" or entry.meaning.endswith(".")
    assert all(sign == sign.lower() for sign in (*entry.codes, *entry.phrases))
    assert set(entry.methods) <= {*METHODS, WEB_LOG_IN}
    assert entry.kind in RETRIED_KINDS


@pytest.mark.parametrize("method", OAUTH_METHODS)
def test_advice_names_no_option_of_another_method(method: str) -> None:
    """A jwt user has no `refresh_token.token_file`."""
    others = {f"auth.{other}." for other in METHODS if other != method}

    for entry in OAUTH_REFUSALS:
        if not entry.methods or method in entry.methods:
            assert not any(other in entry.remedy for other in others), entry


def test_no_sign_is_listed_twice_for_one_method() -> None:
    """The second could never be found."""
    for method in OAUTH_METHODS:
        specific = Counter(
            sign for entry in OAUTH_REFUSALS if entry.methods == (method,) for sign in (*entry.codes, *entry.phrases)
        )
        assert max(specific.values()) == 1
    assert max(Counter(code for entry in SOAP_FAULTS for code in entry.codes).values()) == 1


@pytest.mark.parametrize(
    ("method", "code", "description", "words"),
    [
        ("jwt", "invalid_grant", "expired authorization code", "timedatectl"),
        ("refresh_token", "invalid_grant", "expired authorization code", "token_file"),
        ("refresh_token", "invalid_grant", "expired access/refresh token", "token_file"),
        ("jwt", "invalid_grant", "audience is invalid", "jwt.audience"),
        ("jwt", "invalid_grant", "Audience validation failed", "jwt.audience"),
        ("jwt", "invalid_grant", "invalid assertion", "private_key_file"),
        ("jwt", "OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org", "Install the app"),
        ("client_credentials", "app_not_found", "External client app is not installed in this org", "Install the app"),
        ("jwt", "OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occurred … Please try again.", "permit it"),
        ("jwt", "invalid_app_access", "user is not admin approved to access this app", "Permitted Users"),
        ("refresh_token", "invalid_grant", "user hasn’t approved this consumer", "Permitted Users"),
        ("client_credentials", "invalid_grant", "no client credentials user enabled", "Run As"),
        ("client_credentials", "invalid_client", "invalid client credentials", "client_secret"),
        ("jwt", "invalid_client", "invalid client credentials", "without a client secret"),
        ("jwt", "invalid_client_id", "client identifier invalid", "ten minutes"),
        ("jwt", "inactive_user", "", "unfreeze"),
        ("jwt", "invalid_grant", "ip restricted", "address"),
        ("jwt", "something_new", "never seen", "Login History"),
        ("client_credentials", "invalid_client", "OAUTH_EC_APP_NOT_FOUND", "Install the app"),
        ("jwt", "invalid_grant", "OAUTH_APP_BLOCKED: this app is blocked", "Unblock it"),
    ],
)
def test_oauth_refusal_gets_the_advice_of_its_method(method: str, code: str, description: str, words: str) -> None:
    """What people met; all of it is final."""
    found = oauth(method, code, description)

    assert words in found.remedy
    assert found.retry is Retry.NEVER


@pytest.mark.parametrize("method", OAUTH_METHODS)
@pytest.mark.parametrize(
    ("code", "description", "retry"),
    [
        ("unknown_error", "retry your request", Retry.SOON),
        ("unknown_error", "", Retry.SOON),
        ("invalid_grant", "token request is already being processed", Retry.SOON),
        ("temporarily_unavailable", "", Retry.SOON),
        ("server_error", "please try again later", Retry.SOON),
        ("UNKNOWN_EXCEPTION", "An unexpected error occurred.", Retry.SOON),
        ("SERVER_UNAVAILABLE", "server too busy", Retry.SOON),
        ("invalid_grant", "login rate exceeded", Retry.LATER),
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Retry.LATER),
        ("invalid_grant", "", Retry.NEVER),
        ("invalid_grant", "authentication failure", Retry.NEVER),
        ("unknown_error", "authentication failure", Retry.NEVER),
        ("temporarily_unavailable", "user is locked", Retry.NEVER),
        ("access_denied", "", Retry.NEVER),
    ],
)
def test_refusal_is_transient_only_when_it_does_not_concern_the_credentials(
    method: str, code: str, description: str, retry: Retry
) -> None:
    """What concerns user, app or credentials is final, whatever else it says: accounts get locked."""
    assert oauth(method, code, description).retry is retry


@pytest.mark.parametrize(("entry", "code"), SOAP_SIGNS)
def test_soap_fault_is_found_by_its_code(entry: Refusal, code: str) -> None:
    """As the fault has it, in capitals."""
    assert find_refusal(SOAP_FAULTS, "soap", code.upper(), "") is entry


@pytest.mark.parametrize("code", ["INVALID_LOGIN", "PASSWORD_LOCKOUT", "ORG_LOCKED", "LOGIN_CHALLENGE_ISSUED"])
def test_soap_fault_about_the_credentials_is_final_whatever_its_words(code: str) -> None:
    """Its code comes before its words."""
    found = find_refusal(SOAP_FAULTS, "soap", code, "The account is temporarily unavailable; try again later.")

    assert found is not None
    assert found.retry is Retry.NEVER


def test_refusal_becomes_the_error_for_its_retry() -> None:
    """Final: exit 3. Soon: like a 503. Later: not in this run, but the next start may try."""
    errors = {
        retry: refusal_error(Refusal("M.", "R.", retry=retry), "host", "said", status=400, retry_after_s=7)
        for retry in Retry
    }

    assert isinstance(errors[Retry.NEVER], LogInError)
    assert str(errors[Retry.NEVER]) == "host refused the log-in: said. M. R."
    soon, later = errors[Retry.SOON], errors[Retry.LATER]
    assert isinstance(soon, ReportError)
    assert isinstance(later, ReportError)
    assert (soon.kind, soon.is_retryable, soon.http_status, soon.retry_after_s) == (ErrorKind.SERVER, True, 400, 7)
    assert not later.is_retryable


def test_transient_words_are_compared_in_lower_case() -> None:
    """Else they would never be found."""
    assert all(words == words.lower() for words in TRANSIENT_WORDS)
