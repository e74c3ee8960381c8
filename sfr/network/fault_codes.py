"""What the error codes of Salesforce's REST APIs mean: one table for REST, Bulk and Analytics. Pure.

The HTTP status alone does not separate a passing refusal from a mistake: the same 400 stands for a wrong query and for
a busy server. Sources: the guides' pages on status codes and errors (REST, Bulk API 2.0, Reports and Dashboards), the
partner API's list of exception codes, and the retry lists of the Salesforce CLI and of public connectors.
"""

from __future__ import annotations

import re

from sfr.errors import ErrorKind
from sfr.network.fault_rules import ANALYTICS, QUERIES, FaultRule, RunsSpentError, Subject, codes, normalised

_API_REMEDY = "Give the user the permission `API Enabled`; some editions of Salesforce have no API at all."
_NEW_PASSWORD = "the user's password has expired: set a new one, or let it never expire for this user"  # noqa: S105

#: The first rule that fits decides. Rules with codes go before rules by text alone (see `rule_for`).
FAULT_RULES: tuple[FaultRule, ...] = (
    # Between the log-in and the org: a person has to do something first.
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        codes=codes("INVALID_OPERATION_WITH_EXPIRED_PASSWORD"),
        lead=_NEW_PASSWORD[0].upper() + _NEW_PASSWORD[1:],
        remedy="In Setup, Users, reset the password; `Password Never Expires` is a permission of profiles.",
    ),
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        codes=codes("LOGIN_CHALLENGE_ISSUED LOGIN_CHALLENGE_PENDING"),
        lead="Salesforce wants a person to verify the log-in",
        remedy="Log in as this user in a browser once and answer what Salesforce wants to know.",
    ),
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        codes=codes("PASSWORD_LOCKOUT ORG_LOCKED TRIAL_EXPIRED INACTIVE_PORTAL INACTIVE_USER INACTIVE_ORG"),
        lead="The user or the org is locked, expired or inactive",
        remedy="Unlock or activate the user in Setup, Users; for an org, contact Salesforce.",
    ),
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        codes=codes("LOGIN_DURING_RESTRICTED_DOMAIN LOGIN_DURING_RESTRICTED_TIME MUTUAL_AUTHENTICATION_FAILED"),
        lead="The user may not log in from this address, at this hour or without a client certificate",
        remedy="In the user's profile, change Login IP Ranges or Login Hours; a user with enforced mutual "
        "authentication cannot be used.",
    ),
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        codes=codes("CLIENT_NOT_ACCESSIBLE_FOR_USER CLIENT_REQUIRE_UPDATE_FOR_USER"),
        lead="The user may not use this app",
        remedy="Give the app to the user by a profile or permission set in the app's policies.",
    ),
    # jsforce and the Salesforce CLI do not renew on these either.
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        text=r"This session is not valid for use with the REST API|Connected app is not attached to Agent",
    ),
    FaultRule(ErrorKind.AUTH, is_transient=True, codes=codes("INVALID_SESSION_ID INVALID_AUTH_HEADER BAD_OAUTH_TOKEN")),
    # Limits: those of a moment pass, those of a day do not.
    FaultRule(
        ErrorKind.RATE_LIMITED,
        is_transient=True,
        codes=codes("LIMIT_EXCEEDED EXCEEDED_QUOTA REQUEST_LIMIT_EXCEEDED"),
        text=r"concurren",
        remedy="Lower `fetch.threads`, or run when fewer programs use the org: the limit is on requests at once.",
    ),
    FaultRule(
        ErrorKind.RATE_LIMITED,
        is_transient=True,
        codes=codes("REQUEST_LIMIT_EXCEEDED"),
        text=r"total\s?requests",
        lead="The org's API requests of the last 24 hours are used up",
        remedy="Run again later, and look in Setup, Company Information, for the program that makes most requests.",
    ),
    FaultRule(
        ErrorKind.RATE_LIMITED,
        is_transient=True,
        codes=codes("REQUEST_LIMIT_EXCEEDED TOO_MANY_APEX_REQUESTS TOO_MANY_JOBS CONCURRENT_REQUESTS_LIMIT_EXCEEDED"),
    ),
    FaultRule(
        ErrorKind.RATE_LIMITED,
        is_transient=False,
        codes=codes("LIMIT_EXCEEDED EXCEEDED_QUOTA"),
        subjects=QUERIES,
        lead="The org's daily quota of Bulk API query jobs is used up",
        remedy="Run again when jobs of the last 24 hours no longer count, or make fewer, larger queries; Setup, Bulk "
        "Data Load Jobs, shows who makes the most.",
    ),
    FaultRule(
        ErrorKind.RATE_LIMITED,
        is_transient=False,
        text=r"can\W{1,3}t run more than|every 60 minutes",
        lead="The org's report runs of this hour are used up",
        remedy="Run an hour later, use `route: classic`, or run fewer large reports by `analytics`.",
        error=RunsSpentError,
    ),
    FaultRule(
        ErrorKind.RATE_LIMITED,
        is_transient=False,
        codes=codes("LIMIT_EXCEEDED EXCEEDED_QUOTA"),
        text=r"24[ -]?h|daily|per day",
        lead="A daily quota of the org is used up",
        remedy="Run again when what was used in the last 24 hours no longer counts.",
    ),
    # The server ran out of time, or was not able to answer at this moment.
    FaultRule(
        ErrorKind.TIMEOUT,
        is_transient=True,
        codes=codes("QUERY_TIMEOUT REALTIME_PROCESSING_TIME_EXCEEDED_LIMIT"),
        lead="Salesforce ran out of time",
    ),
    FaultRule(ErrorKind.TIMEOUT, is_transient=True, text=r"retried more than \w+([ -]\w+)? times"),
    FaultRule(
        ErrorKind.SERVER,
        is_transient=True,
        codes=codes("TXN_SECURITY_METERING_ERROR TXN_SECURITY_RUNTIME_ERROR TXN_SECURITY_FAIL_CLOSE"),
        remedy="Where this comes often, give the user the permission `Exempt from Transaction Security`, or simplify "
        "the org's transaction security policies.",
    ),
    FaultRule(
        ErrorKind.SERVER,
        is_transient=True,
        codes=codes(
            "SERVER_UNAVAILABLE UNKNOWN_EXCEPTION UNKNOWN_ERROR INTERNAL_SERVER_ERROR REQUEST_RUNNING_TOO_LONG "
            "UNABLE_TO_LOCK_ROW ALREADY_IN_PROCESS BATCH_PROCESSING_HALTED ORG_IN_MAINTENANCE SSO_SERVICE_DOWN "
            "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE "
            "INVALID_QUERY_LOCATOR INVALID_LOCATOR INVALID_JOB_STATE"
        ),
    ),
    # What was requested cannot be had by this API, by this version, or by this user.
    FaultRule(
        ErrorKind.NOT_FOUND,
        is_transient=False,
        codes=codes("UNSUPPORTED_API_VERSION INVALID_API_VERSION INVALID_VERSION"),
        lead="The org does not offer this version of the API",
        remedy="Set `salesforce.api_version` to `latest`, or to a version that the org lists under /services/data/.",
    ),
    FaultRule(
        ErrorKind.INVALID,
        is_transient=False,
        text=r"not runnable|can\W{1,3}t be run (by|through|with) the API|report (format|type) is ?n.t supported",
        subjects=ANALYTICS,
        lead="The Reports API cannot run this report",
        remedy="Use `route: classic` for this report, or save it as a tabular one.",
    ),
    FaultRule(
        ErrorKind.INVALID,
        is_transient=False,
        text=r"compound data not supported",
        remedy="Replace compound fields (addresses, names, locations) by their parts, such as BillingCity.",
    ),
    FaultRule(
        ErrorKind.INVALID,
        is_transient=False,
        text=r"not supported by the bulk api|does ?n.t support query|does not support query",
        remedy="The Bulk API does not offer this object: use a report instead, or query another object.",
    ),
    FaultRule(
        ErrorKind.INVALID,
        is_transient=False,
        codes=codes("OPERATION_TOO_LARGE API_ERROR"),
        text=r"implementation restriction|too large|exceeded \d",
        remedy="Add filters to the query, or give the user the permission `View All` on its object.",
    ),
    FaultRule(
        ErrorKind.INVALID,
        is_transient=False,
        codes=codes(
            "MALFORMED_QUERY INVALID_FIELD INVALID_TYPE INVALID_TYPE_FOR_OPERATION INVALID_ENTITY ENTITY_NOT_QUERYABLE "
            "INVALID_QUERY_FILTER_OPERATOR INVALID_QUERY_SCOPE INVALID_DATE_FORMAT INVALID_ID_FIELD MALFORMED_ID "
            "EXCEEDED_ID_LIMIT EXCEEDED_MAX_SEMIJOIN_SUBSELECTS EXCEEDED_MAX_FILTER_ENTITIES EXCEEDED_MAX_SIZE_REQUEST "
            "QUERY_TOO_COMPLICATED OPERATION_TOO_LARGE NUMBER_OUTSIDE_VALID_RANGE BIG_OBJECT_UNSUPPORTED_OPERATION "
            "ASYNC_QUERY_UNSUPPORTED_QUERY JSON_PARSER_ERROR ILLEGAL_QUERY_PARAMETER_VALUE"
        ),
    ),
    FaultRule(
        ErrorKind.FORBIDDEN,
        is_transient=False,
        codes=codes("API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED"),
        remedy=_API_REMEDY,
    ),
    FaultRule(
        ErrorKind.FORBIDDEN,
        is_transient=False,
        codes=codes("FUNCTIONALITY_NOT_ENABLED FEATURE_NOT_ENABLED"),
        remedy="The org's edition or the user's licence lacks this feature: enable it in Setup, or give the user the "
        "permission `API Enabled` and a licence that includes it.",
        query_remedy="The org's edition, the user's licence or a missing permission keeps the query's object or the "
        "Bulk API from this user: give it the permission `API Enabled` and access to the object and its fields.",
    ),
    FaultRule(
        ErrorKind.FORBIDDEN,
        is_transient=False,
        codes=codes("TXN_SECURITY_NO_ACCESS TXN_SECURITY_TWO_FA_REQUIRED TXN_SECURITY_END_A_SESSION"),
        lead="A transaction security policy of the org blocks this",
        remedy="Let an administrator change the policy (Setup, Transaction Security Policies) or exempt the user.",
    ),
    FaultRule(
        ErrorKind.FORBIDDEN,
        is_transient=False,
        codes=codes(
            "INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY "
            "INVALID_USER PORTAL_NO_ACCESS"
        ),
    ),
    # By the words alone, whatever the code; the transient ones also for bodies that are no JSON.
    FaultRule(
        ErrorKind.SERVER,
        is_transient=True,
        text=r"while fetching query cursor data|creation of the query cursor|internal ?server ?error|"
        r"unexpected internal servlet state|internal error has occurred|bad message 400|down for maintenance|"
        r"(service|server|temporarily) (is )?(currently )?unavailable|retry your request|unable to lock|too many locks|"
        r"upstream (connect|request)|no healthy upstream|bad gateway",
    ),
    FaultRule(
        ErrorKind.TIMEOUT,
        is_transient=True,
        text=r"\btim(ed|e)[ -]?out\b|running for too long|took too long|exceeded the time limit|limit for processing",
    ),
    FaultRule(ErrorKind.RATE_LIMITED, is_transient=True, text=r"too many requests|concurrent requests? limit"),
    FaultRule(
        ErrorKind.AUTH,
        is_transient=False,
        text=r"password (has |is )?expired|must (change|reset) (your|the) password|terms of (use|service)|"
        r"\blog-?in ?flow\b|security question",
        lead="Something stands between the user and the org (an expired password, terms to accept, a log-in flow)",
        remedy="Log in as this user in a browser and deal with what Salesforce shows; exempt the user from it.",
    ),
)

_KNOWN = frozenset().union(*(rule.codes for rule in FAULT_RULES))
_CODE_IN_TEXT = re.compile(r"\b(?:[A-Z]+_[A-Z_]+[A-Z]|[A-Z]{8,}|(?:[A-Z][a-z]+){2,})\b")


def rule_for(code: str, message: str, subject: Subject) -> FaultRule | None:
    """The rule for a fault; None where the table knows neither its code nor its words, and the status decides."""
    code = normalised(code)
    return next((rule for rule in FAULT_RULES if rule.fits(code, message, subject)), None)


def rule_in(text: str, subject: Subject) -> FaultRule | None:
    """The rule for a text that names its code somewhere: `InvalidBatch : Failed to process query: QUERY_TIMEOUT: …`.

    The first known code counts: what follows may repeat the query, and so anybody's words.
    """
    named = (normalised(word) for word in _CODE_IN_TEXT.findall(text))
    return rule_for(next((code for code in named if code in _KNOWN), ""), text, subject)
