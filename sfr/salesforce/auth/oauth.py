"""The OAuth token request that several log-in methods share, and what its refusals mean.

Errors arrive with status 400 or 401 as `{"error": …, "error_description": …}`, the description sometimes missing
(salesforce-facts.md §2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.salesforce.auth.grants import Grant, LogInContext, checked_token
from sfr.salesforce.hosts import host_of
from sfr.salesforce.http.transport import Request
from sfr.salesforce.statuses import Fault, salesforce_fault, status_error
from sfr.salesforce.web_pages import MovedError, looks_like_page

if TYPE_CHECKING:
    from sfr.salesforce.http.answers import CompleteAnswer

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 -- a path

#: An answer to a log-in is a few hundred bytes.
LARGEST_ANSWER_BYTES = 262_144

#: Statuses that say "later", not "no".
BUSY_STATUSES = frozenset({408, 420, 425, 429})

#: By a part of the description, then by the code; the first that fits is what to do.
_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        "user hasn't approved this consumer",
        "Let an administrator approve the app for this user (in Setup, the app's policies: Permitted Users = admin "
        "approved, and a profile or permission set of the user).",
    ),
    ("not admin approved", "Give the app to the user by a profile or permission set in its policies."),
    (
        "audience is invalid",
        "Set `salesforce.auth.jwt.audience` to https://login.salesforce.com, or to https://test.salesforce.com for a "
        "sandbox.",
    ),
    (
        "invalid assertion",
        "Check that the app's certificate belongs to `salesforce.auth.jwt.private_key_file`, and this machine's clock.",
    ),
    (
        "expired access/refresh token",
        "Authorise the app again and write the new token to `salesforce.auth.refresh_token.token_file`.",
    ),
    (
        "expired authorization",
        "Authorise the app again and write the new token to `salesforce.auth.refresh_token.token_file`.",
    ),
    ("token request is already being processed", "Another program uses the same refresh token; give SFR its own."),
    ("no client credentials user", "Set a Run As user in the app's client credentials policy."),
    (
        "request not supported on this domain",
        "Set `salesforce.domain` to the org's My Domain (https://….my.salesforce.com).",
    ),
    ("not supported on this domain", "Set `salesforce.domain` to the org's My Domain (https://….my.salesforce.com)."),
    (
        "ip restricted",
        "Allow this machine's address in the user's profile, or relax IP restrictions in the app's policies.",
    ),
    ("inactive user", "The user is deactivated: activate it, or use another."),
    ("inactive organization", "The org is inactive or has expired."),
    (
        "login rate exceeded",
        "Too many log-ins by this user: wait an hour, and look for a program that logs in in a loop.",
    ),
    (
        "authentication failure",
        "Check the user name and credentials; they may be of another org, or the user is locked.",
    ),
    (
        "invalid_client_id",
        "Check `client_id` (the app's consumer key), that the app is in this org; a new app takes ten minutes.",
    ),
    ("invalid_client", "Check `client_id` and `client_secret`; a changed secret takes some minutes."),
    ("invalid_app_access", "Give the app to the user by a profile or permission set in its policies."),
    ("app_access", "Give the app to the user by a profile or permission set, and see whether it is blocked in Setup."),
    ("unsupported_grant_type", "Enable this flow in the app's OAuth settings, and use the org's My Domain."),
    ("inactive_user", "The user is deactivated: activate it, or use another."),
    ("inactive_org", "The org is inactive or has expired."),
    (
        "invalid_grant",
        "Check the user, the app's policies and that `salesforce.domain` is the org the user belongs to.",
    ),
)


def request_grant(context: LogInContext, url: str, form: Mapping[str, str]) -> tuple[Grant, dict[str, object]]:
    """Ask for an access token; returns it and the whole answer.

    Every token in the answer is made known to the redactor first. Raises LogInError where the log-in is refused or the
    answer is no token, ReportError where Salesforce cannot be reached or is busy.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = ask_to_log_in(context, Request("POST", url, headers, urlencode(form).encode()))
    text = answer.text
    if answer.status >= 500 or answer.status in BUSY_STATUSES:
        raise status_error(answer.status, answer.headers, text)
    if answer.status != 200:
        fault = salesforce_fault(text)
        raise _refusal(answer.status, fault and _masked(fault, context), url)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("access_token"), str):
        what = "a web page" if looks_like_page(answer.body) else "something else"
        raise LogInError(
            f"{host_of(url)} answered the log-in with {what} instead of a token. Check that `salesforce.domain` is the "
            "org's My Domain (https://….my.salesforce.com)."
        )
    context.redactor.add(*(value for key, value in values.items() if key.endswith("token") and isinstance(value, str)))
    named = values.get("instance_url")
    token = checked_token(values["access_token"], "The access token in the log-in's answer")
    return Grant(token, named if isinstance(named, str) else None), values


def ask_to_log_in(context: LogInContext, request: Request) -> CompleteAnswer:
    """Send a log-in request; a redirect of it is a refusal, for it is followed nowhere."""
    try:
        return context.transport.ask(request, context.new_deadline(), limit_bytes=LARGEST_ANSWER_BYTES)
    except MovedError as error:
        raise LogInError(f"The log-in was refused: {error}") from error
    except ReportError as error:
        is_redirect = error.http_status is not None and 300 <= error.http_status < 400
        if is_redirect or error.kind is ErrorKind.NOT_CSV:
            raise LogInError(f"The log-in at {host_of(request.url)} failed: {error.message} {_CHECK_DOMAIN}") from error
        raise


_CHECK_DOMAIN = "Check that `salesforce.domain` is the org's My Domain (https://….my.salesforce.com)."


def _masked(fault: Fault, context: LogInContext) -> Fault:
    """Before the message is cut: a password with blanks could be cut in its middle."""
    return Fault(context.redactor.redact(fault.code), context.redactor.redact(fault.message))


def _refusal(status: int, fault: Fault | None, url: str) -> LogInError:
    if fault is None:
        return LogInError(f"{host_of(url)} refused the log-in with status {status} and no reason. {_CHECK_DOMAIN}")
    told = f"{fault.message} {fault.code}".lower()
    remedy = next(
        (remedy for sign, remedy in _REMEDIES if sign in told), "Look up this log-in in Setup, Login History."
    )
    return LogInError(f"{host_of(url)} refused the log-in: {str(fault).rstrip('.')}. {remedy}")
