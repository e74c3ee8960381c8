"""The private key and the certificate of `auth.jwt`: made once, never overwritten."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sfr.errors import UsageError
from sfr.salesforce.auth.private_key import load_rsa_key
from sfr.storage.atomic import write_new
from sfr.storage.user_files import read_trusted
from sfr.wording import quoted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEY_BITS = 2048
#: Salesforce accepts any lifetime; `sfr doctor` warns before the end.
LIFE_DAYS = 730
KEY_MODE = 0o600
CERTIFICATE_MODE = 0o644
MAX_CERTIFICATE_BYTES = 65_536


def make_key_pair(key_path: str, certificate_path: str, name: str) -> tuple[str, ...]:
    """Make what is missing of key and certificate; returns the paths of the files made.

    An existing key is used. Raises LogInError for one that cannot be, UsageError for a certificate of another key,
    OSError.
    """
    made = []
    if os.path.lexists(key_path):
        key = load_rsa_key(key_path)
    else:
        key = _new_key()
        write_new(key_path, _pem(key), KEY_MODE)
        made.append(key_path)
    if not os.path.lexists(certificate_path):
        write_new(certificate_path, _certificate(key, name), CERTIFICATE_MODE)
        made.append(certificate_path)
    elif not _belongs(certificate_path, key):
        raise UsageError(
            f"{quoted(certificate_path, 300)} is not the certificate of {quoted(key_path, 300)}. Remove it, and SFR "
            "makes one for that key; or choose another --name."
        )
    return tuple(made)


def certificate_days_left(certificate_path: str) -> float:
    """Days until the certificate ends. Raises OSError, ValueError for a file that is no certificate."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(read_trusted(certificate_path, MAX_CERTIFICATE_BYTES))
    return (certificate.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86400


def _new_key() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _pem(key: RSAPrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate(key: RSAPrivateKey, name: str) -> bytes:
    """A self-signed certificate, as Salesforce accepts it for an app."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"sfr-{name}"[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # clocks differ
        .not_valid_after(now + timedelta(days=LIFE_DAYS))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _belongs(certificate_path: str, key: RSAPrivateKey) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(read_trusted(certificate_path, MAX_CERTIFICATE_BYTES))
    except ValueError:
        return False
    return found.public_key() == key.public_key()
