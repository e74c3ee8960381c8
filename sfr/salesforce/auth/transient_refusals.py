"""Temporary log-in refusals, which say nothing about the credentials: entries of both the OAuth and the SOAP table.

Sources: issue threads of clients (salesforce-facts.md §2), and the exception codes of the SOAP API's documentation.
"""

from __future__ import annotations

from sfr.errors import REMEDIES, ErrorKind
from sfr.salesforce.auth.refusals import Refusal, Retry

TRANSIENT_REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        "This user or org has logged in too often.",
        "Wait an hour, and look for a program that logs in in a loop.",
        codes=("rate_limit_exceeded", "login_rate_exceeded"),
        phrases=("login rate exceeded", "login attempts exceeded", "too many login"),
        retry=Retry.LATER,
        kind=ErrorKind.RATE_LIMITED,
    ),
    Refusal(
        "The org has used up a quota, such as its API requests in 24 hours.",
        "Run when fewer programs use the org's API, or ask Salesforce for a higher limit.",
        codes=("exceeded_quota",),
        phrases=("totalrequests",),
        retry=Retry.LATER,
        kind=ErrorKind.RATE_LIMITED,
    ),
    Refusal(
        "The org accepts no further requests at the moment.",
        REMEDIES[ErrorKind.RATE_LIMITED],
        codes=("request_limit_exceeded", "too_many_apex_requests", "slow_down", "too_many_requests"),
        phrases=("concurrent requests", "concurrentrequests", "too many requests"),
        retry=Retry.SOON,
        kind=ErrorKind.RATE_LIMITED,
    ),
    Refusal(
        "This says nothing about the credentials and is usually temporary.",
        "If it persists, see https://status.salesforce.com, and the app's policies and user in Setup.",
        codes=(
            "unknown_error",
            "temporarily_unavailable",
            "server_error",
            "internal_error",
            "service_unavailable",
            "server",  # of SOAP, without a code of Salesforce's own
            "server_unavailable",
            "unknown_exception",
            "request_running_too_long",
            "txn_security_metering_error",
            "api_currently_disabled",
            "functionality_temporarily_unavailable",
            "insert_update_delete_not_allowed_during_maintenance",
            "sso_service_down",
            "query_timeout",
            "unable_to_lock_row",
        ),
        phrases=(
            "retry your request",
            "already being processed",
            "try again later",
            "try your request again",
            "temporarily unavailable",
            "service unavailable",
            "server too busy",
            "unable to obtain exclusive access",
            "maintenance",
            "internal server error",
            "timed out",
        ),
        retry=Retry.SOON,
    ),
)
