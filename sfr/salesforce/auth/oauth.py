"""The OAuth token request that several log-in methods share.

Errors arrive with status 400 or 401 as `{"error": …, "error_description": …}`, the description sometimes missing
(salesforce-facts.md §2); `oauth_refusals` says what each means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.salesforce.auth.grants import Grant, LogInContext, checked_token
from sfr.salesforce.auth.oauth_refusals import OAUTH_REFUSALS, UNKNOWN_REFUSAL
from sfr.salesforce.auth.odd_answers import CHECK_DOMAIN, is_busy, odd_answer_error, requested_wait_s
from sfr.salesforce.auth.refusals import find_refusal, refusal_error
from sfr.salesforce.hosts import host_of
from sfr.salesforce.http.transport import Request
from sfr.salesforce.statuses import Fault, salesforce_fault, status_error
from sfr.salesforce.web_pages import MovedError

if TYPE_CHECKING:
    from sfr.salesforce.http.responses import FullResponse

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 -- a path

#: A log-in response is a few hundred bytes.
MAX_RESPONSE_BYTES = 262_144


def request_grant(
    context: LogInContext, url: str, form: Mapping[str, str], *, method: str
) -> tuple[Grant, dict[str, object]]:
    """Request an access token; returns it and the whole response.

    method: the key under `salesforce.auth`, which selects the advice for a refusal. Every token in the response is
    registered with the redactor first. Raises LogInError if the log-in is refused or the response contains no token,
    ReportError if Salesforce cannot be reached, is busy, or refuses temporarily.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = post_log_in(context, Request("POST", url, headers, urlencode(form).encode()))
    values = _values_of(answer) if answer.status == 200 else None
    if values is None or not isinstance(values.get("access_token"), str):
        raise _error_of(answer, context, method)
    context.redactor.add(*(value for key, value in values.items() if key.endswith("token") and isinstance(value, str)))
    named = values.get("instance_url")
    token = checked_token(str(values["access_token"]), "The access token in the log-in response")
    scope = values.get("scope")
    scopes = frozenset(scope.split()) if isinstance(scope, str) else None
    return Grant(token, named if isinstance(named, str) else None, scopes=scopes), values


def _values_of(answer: FullResponse) -> dict[str, object] | None:
    try:
        values = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _error_of(answer: FullResponse, context: LogInContext, method: str) -> LogInError | ReportError:
    """The error for a response without a token: by code and text first, whatever the status; then by the status."""
    fault = salesforce_fault(answer.text)
    if fault is None:
        return odd_answer_error(answer, context.redactor, "a token")
    known = find_refusal(OAUTH_REFUSALS, method, fault.code, fault.message)
    if known is None and is_busy(answer.status):
        return status_error(answer.status, answer.headers, answer.text)
    # Masked before it is truncated: a password with spaces could be cut in half.
    reason = str(Fault(context.redactor.redact(fault.code), context.redactor.redact(fault.message)))
    return refusal_error(
        known or UNKNOWN_REFUSAL,
        host_of(answer.url),
        reason,
        status=answer.status,
        retry_after_s=requested_wait_s(answer),
    )


def post_log_in(context: LogInContext, request: Request) -> FullResponse:
    """Send a log-in request. A redirect counts as a refusal and is never followed."""
    try:
        return context.transport.send(request, context.new_deadline(), limit_bytes=MAX_RESPONSE_BYTES)
    except MovedError as error:
        raise LogInError(f"The log-in was refused: {error}") from error
    except ReportError as error:
        is_redirect = error.http_status is not None and 300 <= error.http_status < 400
        if is_redirect or error.kind is ErrorKind.NOT_CSV:
            raise LogInError(f"The log-in at {host_of(request.url)} failed: {error.message} {CHECK_DOMAIN}") from error
        raise
