"""Generates key pairs and certificates, in the emulator's directory and nowhere else.

Needs `cryptography`, which comes with PyJWT; it is imported when the first key is made.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

TlsKind = Literal["good", "expired", "wrong_host", "unknown_ca"]
"""The flaw of the server's certificate: none, its dates, its names, or an issuer other than `ca_file`."""

_HOSTS = ("localhost", "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com", "*.salesforce.com")
_ADDRESSES = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of a TLS server: its certificate chain and key, and the CA that clients should trust."""

    ca_file: Path
    chain_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """The server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain_file, self.key_file)
        return context


def make_rsa_key() -> RSAPrivateKey:
    """A new RSA key of 2,048 bits."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_private_key(directory: Path, name: str) -> tuple[Path, RSAPublicKey]:
    """Make a key, write it as an unencrypted PEM file readable by its owner only; returns its path and public key."""
    key = make_rsa_key()
    path = directory / name
    _write_new(path, _pem(key))
    return path, key.public_key()


def read_certificate(path: Path) -> RSAPublicKey:
    """The public key of a PEM certificate. Raises ValueError if it is none with an RSA key, OSError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("its key is not an RSA key")
    return key


def make_tls_files(directory: Path, kind: TlsKind = "good") -> TlsFiles:
    """A throw-away CA and a server certificate signed by it, with the flaw named by `kind`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("SFR emulator CA", ca_key, None, None, kind="good")
    trusted = ca
    if kind == "unknown_ca":
        trusted = _certificate("SFR emulator CA", ec.generate_private_key(ec.SECP256R1()), None, None, kind="good")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate("SFR emulator", key, ca, ca_key, kind=kind)
    files = TlsFiles(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    _write_new(files.ca_file, trusted.public_bytes(serialization.Encoding.PEM), 0o644)
    _write_new(files.chain_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    _write_new(files.key_file, _pem(key))
    return files


def _certificate(name: str, key: object, issuer: object, issuer_key: object, *, kind: TlsKind) -> x509.Certificate:
    """A certificate for `key`; self-signed, and a CA, when there is no issuer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("an elliptic-curve key is expected")
    signer = issuer_key if isinstance(issuer_key, ec.EllipticCurvePrivateKey) else key
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    not_after = now - timedelta(days=1) if kind == "expired" else now + timedelta(days=30)
    is_ca = not isinstance(issuer, x509.Certificate)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if isinstance(issuer, x509.Certificate) else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_key_usage(is_ca), critical=True)
    )
    if not is_ca:
        hosts = ("elsewhere.example",) if kind == "wrong_host" else _HOSTS
        addresses = () if kind == "wrong_host" else _ADDRESSES
        names = [*map(x509.DNSName, hosts), *(x509.IPAddress(ip_address(address)) for address in addresses)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _key_usage(is_ca: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=is_ca, crl_sign=is_ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: object) -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise TypeError("a private key is expected")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that was not there before: others may have put a link there."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
