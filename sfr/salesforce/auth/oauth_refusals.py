"""Maps the token endpoint's errors to meaning, retry and remedy: one table, by OAuth code or description.

Sources: Salesforce's list of OAuth errors, and issue threads of clients (salesforce-facts.md §2 and §5). The order
matters: descriptions that concern credentials come before codes of temporary failures, general codes come last.
"""

from __future__ import annotations

from sfr.errors import REMEDIES, ErrorKind
from sfr.salesforce.auth.refusals import Refusal, Retry
from sfr.salesforce.auth.transient_refusals import TRANSIENT_REFUSALS

_MY_DOMAIN = "Set `salesforce.domain` to the org's My Domain (https://….my.salesforce.com)."
_PERMIT = (
    "Permit the app in Setup: External Client App Manager, the app, Policies, OAuth Policies: Permitted Users = `Admin "
    "approved users are pre-authorized`; then App Policies: add a permission set or profile that the user has."
)
#: The web log-in of `sfr login`, in place of a log-in method.
WEB_LOG_IN = "login"
_WITH_SECRET = ("client_credentials", "refresh_token", WEB_LOG_IN)

UNKNOWN_REFUSAL = Refusal("", "Look up this log-in in Setup, Login History.")
"""Used for a refusal that is not in the table: final, since it may concern the credentials."""

_JWT = (
    Refusal(
        "The signed assertion had expired when Salesforce read it, or expires too far in the future: its `exp` "
        "comes from this machine's clock.",
        "Correct this machine's clock: `timedatectl` shows whether it is synchronised.",
        phrases=(
            "expired authorization",
            "assertion has expired",
            "assertion is expired",
            "expired assertion",
            "token has expired",
            "token is expired",
            "jwt expired",
            "'exp'",
            "exp claim",
            "expiration time",
            "not yet valid",
            "in the future",
        ),
        methods=("jwt",),
    ),
    Refusal(
        "",
        "Set `salesforce.auth.jwt.audience` to https://login.salesforce.com, to https://test.salesforce.com for a "
        "sandbox, or to the org's My Domain.",
        phrases=("audience is invalid", "audience validation", "invalid audience"),
        methods=("jwt",),
    ),
    Refusal(
        "Salesforce cannot verify the signature.",
        "Check that the app's certificate belongs to `salesforce.auth.jwt.private_key_file` and has not expired, and "
        "this machine's clock (`timedatectl`).",
        phrases=("invalid assertion", "signature", "certificate"),
        methods=("jwt",),
    ),
    Refusal(
        "",
        "Check `salesforce.auth.jwt.username`: a user of this org (a sandbox appends its name), active and permitted "
        "to use the app.",
        phrases=("authentication failure", "authentication failed", "invalid user", "user not found"),
        methods=("jwt",),
    ),
)

_WEB_LOG_IN = (
    Refusal(
        "The app was not allowed: `Deny` was clicked.",
        "Run sfr login again, and click `Allow`.",
        phrases=("end-user denied",),
        methods=(WEB_LOG_IN,),
    ),
    Refusal(
        "The app does not know the address that the browser should come back to.",
        "In the app's OAuth settings (Setup, External Client App Manager, Settings), add the callback URL exactly as "
        "sfr login prints it; it takes some minutes.",
        codes=("redirect_uri_mismatch",),
        phrases=("redirect_uri must match",),
        methods=(WEB_LOG_IN,),
    ),
    Refusal(
        "The authorization code had been used, or was older than some minutes.",
        "Run sfr login again, and do not reload the page at its end.",
        phrases=("expired authorization code", "authorization code"),
        methods=(WEB_LOG_IN,),
    ),
    Refusal(
        "The proof (PKCE) does not belong to this log-in.",
        "Run sfr login again, and open the address that it prints then.",
        phrases=("code verifier", "code challenge", "code_verifier"),
        methods=(WEB_LOG_IN,),
    ),
)

_REFRESH_TOKEN = (
    Refusal(
        "The refresh token has been used up or revoked, or has expired.",
        "Authorise the app again and write the new token to `salesforce.auth.refresh_token.token_file`; each program "
        "needs a token of its own, and Salesforce keeps five per user and app.",
        phrases=(
            "expired access/refresh token",
            "expired authorization",
            "invalid refresh token",
            "refresh token is invalid",
            "token validity",
            "token has been revoked",
            "token reuse",
        ),
        methods=("refresh_token",),
    ),
    Refusal(
        "",
        "Check that the user is active and not locked. If it is, authorise the app again and write the new token to "
        "`salesforce.auth.refresh_token.token_file`: a password change may revoke tokens.",
        phrases=("authentication failure", "authentication failed"),
        methods=("refresh_token",),
    ),
)

_CLIENT_CREDENTIALS = (
    Refusal(
        "The app has no user to run as.",
        "Enable the client credentials flow in the app's settings, and set a Run As user in its policies.",
        phrases=("no client credentials user", "client credentials flow", "run as user"),
        methods=("client_credentials",),
    ),
    Refusal(
        "",
        "Check the Run As user in the app's client credentials policy: active, with the permission `API Enabled`.",
        phrases=("authentication failure", "authentication failed"),
        methods=("client_credentials",),
    ),
)

_APP = (
    Refusal(
        "The app is not installed in this org; Login History shows such a log-in as a success.",
        "Install the app in Setup (Connected Apps OAuth Usage, Install; or External Client App Manager), or use an app "
        "of this org.",
        codes=("oauth_ec_app_not_found", "app_not_found", "oauth_app_not_found", "oauth_authorization_blocked"),
        phrases=("app is not installed", "app isn't installed", "app must be installed", "cross-org oauth"),
    ),
    Refusal(
        "The app is not installed in this org, or not permitted for this user.",
        "In Setup, Connected Apps OAuth Usage: install the app and permit it (its policies, Permitted Users); or give "
        "the user the permission `Approve Uninstalled Connected Apps`.",
        codes=("oauth_approval_error_generic", "oauth_approval_error"),
        phrases=("unexpected error has occurred during authentication",),
    ),
    Refusal(
        "The app is blocked or switched off.",
        "Unblock it in Setup, Connected Apps OAuth Usage, or switch it on in its policies.",
        codes=("oauth_app_blocked", "oauth_ec_app_disabled", "app_blocked"),
        phrases=("app is blocked", "app has been blocked", "app is disabled", "app has been disabled"),
    ),
    Refusal(
        "The app is not permitted for this user.",
        _PERMIT,
        codes=("invalid_app_access", "oauth_app_access_denied", "app_access_denied", "access_denied"),
        phrases=("hasn't approved this consumer", "not admin approved", "not approved for"),
    ),
    Refusal(
        "",
        "Check `client_id` (the app's consumer key: Setup, External Client App Manager, the app, Settings, OAuth "
        "Settings), and that the app is in this org; a new app needs ten minutes.",
        codes=("invalid_client_id",),
        phrases=("client identifier invalid", "invalid client id"),
    ),
    Refusal(
        "",
        "Check `client_id` and `client_secret`, which belong together; a changed secret takes a few minutes.",
        codes=("invalid_client", "invalid_client_credentials"),
        phrases=("invalid client credentials",),
        methods=_WITH_SECRET,
    ),
    Refusal(
        "",
        "Check `client_id`, and that the app allows this flow without a client secret.",
        codes=("invalid_client", "invalid_client_credentials"),
        phrases=("invalid client credentials",),
    ),
    Refusal(
        "",
        f"Enable this flow in the app's OAuth settings. {_MY_DOMAIN}",
        codes=("unsupported_grant_type", "unauthorized_client"),
        phrases=("grant type not supported",),
    ),
    Refusal(
        "",
        "Add the scopes `api`, and `web` for classic exports, to the app's OAuth settings.",
        codes=("invalid_scope",),
    ),
)

_USER_AND_ORG = (
    Refusal("", _MY_DOMAIN, phrases=("not supported on this domain",)),
    Refusal(
        "",
        "Allow this machine's address and this hour in the user's profile (Setup, Profiles, Login IP Ranges and Login "
        "Hours), or relax them in the app's policies (OAuth Policies, IP Relaxation).",
        phrases=("ip restricted", "login hours", "restricted ip"),
    ),
    Refusal(
        "The user is deactivated or frozen.",
        "Activate or unfreeze it in Setup, or use another user.",
        codes=("inactive_user",),
        phrases=("inactive user", "user is inactive", "user is frozen", "user is locked", "locked out"),
    ),
    Refusal(
        "The org is inactive, locked or has expired.",
        "Check its state with Salesforce, and that `salesforce.domain` is the right org.",
        codes=("inactive_org", "org_locked", "trial_expired"),
        phrases=("inactive organization", "organization is inactive", "trial expired"),
    ),
    Refusal(
        "The user's password has expired.",
        "Set a new one, or let it never expire for this user.",
        codes=("invalid_operation_with_expired_password",),
        phrases=("password has expired", "expired password", "password expired", "must change password"),
    ),
    Refusal(
        "",
        "Give the user the permission `API Enabled`; some editions have no API at all.",
        codes=("api_disabled_for_org",),
        phrases=("api is not enabled", "api disabled"),
    ),
    Refusal(
        "",
        "Check the user name and credentials; they may belong to another org, or the user may be locked.",
        phrases=("authentication failure", "authentication failed", "invalid user credentials"),
    ),
)

_TRANSIENT = (
    Refusal(
        "Another log-in with the same refresh token is in progress.",
        "If this persists, another program uses the same refresh token: give SFR its own.",
        phrases=("already being processed",),
        methods=("refresh_token",),
        retry=Retry.SOON,
    ),
    Refusal(
        "The Salesforce CLI could not reach Salesforce.",
        REMEDIES[ErrorKind.NETWORK],
        phrases=("econnreset", "econnrefused", "etimedout", "enotfound", "eai_again", "socket hang up", "epipe"),
        methods=("sf_cli",),
        retry=Retry.SOON,
        kind=ErrorKind.NETWORK,
    ),
)

_GENERAL = (
    Refusal(
        "",
        "Check `salesforce.auth.jwt.username` and the app's policies, and that `salesforce.domain` is the org the user "
        "belongs to.",
        codes=("invalid_grant",),
        methods=("jwt",),
    ),
    Refusal(
        "",
        "Authorise the app again and write the new token to `salesforce.auth.refresh_token.token_file`, and check that "
        "`salesforce.domain` is the org it was authorised for.",
        codes=("invalid_grant",),
        methods=("refresh_token",),
    ),
    Refusal(
        "",
        "Check the user, the app's policies and that `salesforce.domain` is the org the user belongs to.",
        codes=("invalid_grant",),
    ),
    Refusal(
        "Salesforce does not understand the request.",
        f"Look for a proxy that alters it. {_MY_DOMAIN}",
        codes=("invalid_request", "unsupported_response_type"),
        phrases=("https required", "must use http post", "missing required parameter"),
    ),
)

OAUTH_REFUSALS: tuple[Refusal, ...] = (
    *_JWT,
    *_WEB_LOG_IN,
    *_REFRESH_TOKEN,
    *_CLIENT_CREDENTIALS,
    *_APP,
    *_USER_AND_ORG,
    *_TRANSIENT,
    *TRANSIENT_REFUSALS,
    *_GENERAL,
)
"""The first matching entry applies."""
