"""The OAuth token request that several log-in methods share.

Errors arrive with status 400 or 401 as `{"error": …, "error_description": …}`, the description sometimes missing
(salesforce-facts.md §2); `oauth_refusals` says what each means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.auth.grants import Grant, LogInContext, checked_token
from sfr.auth.oauth_refusals import OAUTH_REFUSALS, UNKNOWN_REFUSAL
from sfr.auth.odd_answers import CHECK_DOMAIN, asked_wait_s, is_busy, odd_answer_error
from sfr.auth.refusals import find_refusal, refusal_error
from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.network.instance_host import host_of
from sfr.network.statuses import Fault, salesforce_fault, status_error
from sfr.network.transport import Request
from sfr.network.web_pages import MovedError

if TYPE_CHECKING:
    from sfr.network.answers import CompleteAnswer

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 -- a path

#: An answer to a log-in is a few hundred bytes.
LARGEST_ANSWER_BYTES = 262_144


def request_grant(
    context: LogInContext, url: str, form: Mapping[str, str], *, method: str
) -> tuple[Grant, dict[str, object]]:
    """Ask for an access token; returns it and the whole answer.

    method: the key under `salesforce.auth`, which decides what a refusal advises. Every token in the answer is made
    known to the redactor first. Raises LogInError where the log-in is refused or the answer is no token, ReportError
    where Salesforce cannot be reached, is busy, or gives a passing refusal.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = ask_to_log_in(context, Request("POST", url, headers, urlencode(form).encode()))
    values = _values_of(answer) if answer.status == 200 else None
    if values is None or not isinstance(values.get("access_token"), str):
        raise _error_of(answer, context, method)
    context.redactor.add(*(value for key, value in values.items() if key.endswith("token") and isinstance(value, str)))
    named = values.get("instance_url")
    token = checked_token(str(values["access_token"]), "The access token in the log-in's answer")
    return Grant(token, named if isinstance(named, str) else None), values


def _values_of(answer: CompleteAnswer) -> dict[str, object] | None:
    try:
        values = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _error_of(answer: CompleteAnswer, context: LogInContext, method: str) -> LogInError | ReportError:
    """What an answer without a token means: its code and words first, whatever its status; then the status."""
    fault = salesforce_fault(answer.text)
    if fault is None:
        return odd_answer_error(answer, context.redactor, "a token")
    known = find_refusal(OAUTH_REFUSALS, method, fault.code, fault.message)
    if known is None and is_busy(answer.status):
        return status_error(answer.status, answer.headers, answer.text)
    # Masked before it is cut: a password with blanks could be cut in its middle.
    reason = str(Fault(context.redactor.redact(fault.code), context.redactor.redact(fault.message)))
    return refusal_error(
        known or UNKNOWN_REFUSAL,
        host_of(answer.url),
        reason,
        status=answer.status,
        retry_after_s=asked_wait_s(answer),
    )


def ask_to_log_in(context: LogInContext, request: Request) -> CompleteAnswer:
    """Send a log-in request; a redirect of it is a refusal, for it is followed nowhere."""
    try:
        return context.transport.ask(request, context.new_deadline(), limit_bytes=LARGEST_ANSWER_BYTES)
    except MovedError as error:
        raise LogInError(f"The log-in was refused: {error}") from error
    except ReportError as error:
        is_redirect = error.http_status is not None and 300 <= error.http_status < 400
        if is_redirect or error.kind is ErrorKind.NOT_CSV:
            raise LogInError(f"The log-in at {host_of(request.url)} failed: {error.message} {CHECK_DOMAIN}") from error
        raise
