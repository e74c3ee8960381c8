"""Makes the TLS context, and explains failed certificate verification in the user's words.

Verification cannot be turned off.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from sfr.errors import ConfigurationError
from sfr.wording import quoted

#: `ca_bundle` value for the operating system's store.
SYSTEM_STORE = "system"

# OpenSSL's X509_V_ERR_* numbers, from its x509_vfy.h.
_NOT_YET_VALID = 9
_EXPIRED = 10
_SELF_SIGNED = (18, 19)
_UNKNOWN_ISSUER = (2, 20, 21)
_WRONG_HOST = (62, 64)


def make_ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    """The context for all TLS connections: verifies host names, requires TLS 1.2 or later.

    ca_bundle: a PEM file or a directory of hashed ones, `system`, or None for the authorities shipped with requests.
    Raises ConfigurationError if the file does not exist or contains no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    if ca_bundle == SYSTEM_STORE:
        context.load_default_certs()
        return context
    _load(context, ca_bundle or _requests_bundle())
    return context


def _requests_bundle() -> str:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return DEFAULT_CA_BUNDLE_PATH


def _load(context: ssl.SSLContext, path: str) -> None:
    try:
        if Path(path).is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"salesforce.ca_bundle: {quoted(path, 300)} contains no PEM certificate; expected a file with "
            "`-----BEGIN CERTIFICATE-----` blocks, or `system`."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"salesforce.ca_bundle: {quoted(path, 300)} cannot be read ({error.strerror or error}); expected a PEM "
            "file, or `system`."
        ) from error


def explain_verification(error: ssl.SSLCertVerificationError, host: str) -> tuple[str, str]:
    """What is wrong with the certificate, and what to do: two sentences for a ReportError."""
    code = error.verify_code
    if code in _WRONG_HOST:
        return (
            f"The TLS certificate is not for {host}.",
            "Check `salesforce.domain`, and whether a proxy or firewall responds instead of the org.",
        )
    if code in (_EXPIRED, _NOT_YET_VALID):
        state = "has expired" if code == _EXPIRED else "is not valid yet"
        return (
            f"The TLS certificate of {host} {state}.",
            "Check this machine's clock; if it is right, contact whoever runs that server.",
        )
    if code in _SELF_SIGNED or code in _UNKNOWN_ISSUER:
        whose = "is self-signed" if code in _SELF_SIGNED else "was issued by an authority that is not trusted here"
        return (
            f"The TLS certificate of {host} {whose}.",
            "If a company proxy inspects TLS, set `salesforce.ca_bundle` to its PEM file, or to `system`.",
        )
    return (
        f"The TLS certificate of {host} could not be verified ({error.verify_message}).",
        "Check `salesforce.ca_bundle` and `salesforce.domain`.",
    )
