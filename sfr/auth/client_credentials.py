"""Log-in method `client_credentials`: the app's own key and secret, as the Run As user that the app's policy names."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.auth.grants import Grant, LogInContext
from sfr.auth.oauth import TOKEN_PATH, request_grant
from sfr.config.fields import option
from sfr.redaction import Secret


@dataclass(frozen=True, slots=True)
class ClientCredentialsSettings:
    """`salesforce.auth.client_credentials`: works on My Domain only, never on login.salesforce.com."""

    client_id: str = option("The app's consumer key.")
    client_secret: Secret = option("The app's consumer secret.")


def log_in(settings: ClientCredentialsSettings, context: LogInContext) -> Grant:
    """Get an access token. Raises LogInError, ReportError."""
    context.redactor.add(settings.client_secret)
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.reveal(),
    }
    grant, _ = request_grant(context, context.domain + TOKEN_PATH, form, method="client_credentials")
    return grant
