"""Maps the fault codes of the SOAP log-in to meaning, retry and remedy: one table.

Source: the exception codes of the SOAP API's documentation. Codes are written without their namespace prefix.
"""

from __future__ import annotations

from sfr.salesforce.auth.refusals import Refusal
from sfr.salesforce.auth.transient_refusals import TRANSIENT_REFUSALS

_NEW_METHOD = "Use `jwt` or `client_credentials`."

UNKNOWN_FAULT = Refusal("", "Look up this log-in in Setup, Login History.")
"""Used for a fault that is not in the table: final, since it may concern the credentials."""

SOAP_FAULTS: tuple[Refusal, ...] = (
    Refusal(
        "",
        "Check user name, password and security token, that the user is not locked, and that `salesforce.domain` is "
        "its org.",
        codes=("invalid_login",),
    ),
    Refusal(
        "",
        "Set `salesforce.auth.soap.security_token`, or trust this machine's address.",
        codes=("login_must_use_security_token",),
    ),
    Refusal(
        "The user is locked after wrong passwords.",
        "Unlock it in Setup, and check the password before the next run.",
        codes=("password_lockout",),
    ),
    Refusal(
        "The user's password has expired.",
        "Set a new one, or let it never expire for this user.",
        codes=("invalid_operation_with_expired_password",),
    ),
    Refusal(
        "Salesforce requires a person to verify this log-in.",
        f"Trust this machine's address in Setup, Network Access. {_NEW_METHOD}",
        codes=("login_challenge_issued", "login_challenge_pending"),
    ),
    Refusal(
        "",
        "Allow this machine's address in the user's profile.",
        codes=("login_during_restricted_domain",),
    ),
    Refusal(
        "",
        "The user's profile has log-in hours: run within them, or change them.",
        codes=("login_during_restricted_time",),
    ),
    Refusal(
        "The user is deactivated, or its licence does not allow this.",
        "Activate it in Setup, or use another user.",
        codes=("inactive_owner_or_user", "inactive_portal", "portal_no_access", "inactive_user"),
    ),
    Refusal(
        "The org is locked, inactive or has expired.",
        "Ask Salesforce about the org's state.",
        codes=("org_locked", "trial_expired", "inactive_org"),
    ),
    Refusal(
        "The org is not at the address that the log-in was sent to.",
        "Set `salesforce.domain` to the org's My Domain (https://….my.salesforce.com).",
        codes=("org_not_owned_by_instance", "invalid_soap_header"),
    ),
    Refusal(
        "This org no longer offers SOAP log-in.",
        _NEW_METHOD,
        codes=("unsupported_api_version", "functionality_not_enabled"),
    ),
    Refusal(
        "",
        "Give the user the permission `API Enabled`; some editions have no API at all.",
        codes=("api_disabled_for_org", "insufficient_access", "client_not_accessible_for_user"),
    ),
    Refusal(
        "The org does not accept log-ins from this kind of program.",
        f"Look at API Access Control in Setup. {_NEW_METHOD}",
        codes=("unsupported_client", "invalid_client", "client_require_update_for_user"),
    ),
    Refusal(
        "A transaction security policy of the org forbids it.",
        "Have an administrator change the policy for this user.",
        codes=("txn_security_no_access",),
    ),
    Refusal(
        "The org's delegated authentication is set up wrongly.",
        f"Have an administrator check it. {_NEW_METHOD}",
        codes=("invalid_sso_gateway_url",),
    ),
    *TRANSIENT_REFUSALS,
)
"""The first matching entry applies; all entries are about the method `soap`."""
