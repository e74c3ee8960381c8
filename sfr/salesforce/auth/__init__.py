"""The log-in methods: one module each, and this registry. A new method is one module and one line here.

Loads neither requests nor PyJWT: the configuration reads the settings from here.
"""

from __future__ import annotations

from sfr.salesforce.auth import client_credentials, jwt_bearer, refresh_token, sf_cli, sid, soap
from sfr.salesforce.auth.grants import Grant, LogInContext, Method

__all__ = ["METHODS", "Grant", "LogInContext", "Method"]

METHODS: dict[str, Method] = {
    "sid": Method(sid.SidSettings, sid.log_in),
    "jwt": Method(jwt_bearer.JwtSettings, jwt_bearer.log_in),
    "client_credentials": Method(client_credentials.ClientCredentialsSettings, client_credentials.log_in),
    "refresh_token": Method(refresh_token.RefreshTokenSettings, refresh_token.log_in),
    "soap": Method(soap.SoapSettings, soap.log_in),
    "sf_cli": Method(sf_cli.SfCliSettings, sf_cli.log_in),
}
"""Key under `salesforce.auth` → how it logs in."""
