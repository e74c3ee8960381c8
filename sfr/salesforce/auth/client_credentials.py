"""Log-in method `client_credentials`: the app's key and secret; runs as the Run As user of the app's policy."""

from __future__ import annotations

from pydantic import Field

from sfr.options.section import Section
from sfr.options.types import SecretText, Text
from sfr.salesforce.auth.grants import Grant, LogInContext
from sfr.salesforce.auth.oauth import TOKEN_PATH, request_grant


class ClientCredentialsSettings(Section):
    """`salesforce.auth.client_credentials`: works on My Domain only, never on login.salesforce.com."""

    client_id: Text = Field(description="The app's consumer key.")
    client_secret: SecretText = Field(description="The app's consumer secret.")


def log_in(settings: ClientCredentialsSettings, context: LogInContext) -> Grant:
    """Get an access token. Raises LogInError, ReportError."""
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.reveal(),
    }
    grant, _ = request_grant(context, context.domain + TOKEN_PATH, form, method="client_credentials")
    return grant
