"""sfr.salesforce.auth.private_key: what a key file holds instead of an RSA private key, and how to convert it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from sfr.errors import LogInError
from sfr.salesforce.auth.private_key import KEY_SHAPES, load_rsa_key
from sfr.shapes import Shape, first_shape
from tests.certificates import make_key, pem_of

KEY = make_key()
PEM = pem_of(KEY)
LOCKED = BestAvailableEncryption(b"x")
PUBLIC = KEY.public_key()
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def _spki(encoding: Encoding, form: PublicFormat) -> bytes:
    return PUBLIC.public_bytes(encoding, form)


#: What a file may hold, and the words of the message.
FILES: dict[str, tuple[bytes, str]] = {
    "written line ends": (PEM.replace(b"\n", b"\\n"), "printf"),
    "doubly written line ends": (PEM.replace(b"\n", b"\\\\n"), "printf"),
    "OpenSSH": (KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), "ssh-keygen -p -m PKCS8"),
    "OpenSSH Ed25519": (
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        "ssh-keygen -p -m PKCS8",
    ),
    "PuTTY": (b"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n", "puttygen"),
    "encrypted PKCS8": (KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, LOCKED), "passphrase"),
    "encrypted PKCS1": (KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, LOCKED), "passphrase"),
    "elliptic curve": (
        EC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "not an RSA key",
    ),
    "damaged elliptic curve": (b"-----BEGIN EC PRIVATE KEY-----\nMHc", "not an RSA key"),
    "PGP": (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ", "PGP"),
    "cut": (PEM[:300], "damaged or cut"),
    "damaged": (PEM.replace(b"M", b"N"), "damaged or cut"),
    "certificate": (b"-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n", "a certificate"),
    "request": (b"-----BEGIN CERTIFICATE REQUEST-----\nMIIC\n-----END CERTIFICATE REQUEST-----\n", "request"),
    "public": (_spki(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "public key"),
    "public PKCS1": (_spki(Encoding.PEM, PublicFormat.PKCS1), "public key"),
    "public OpenSSH": (_spki(Encoding.OpenSSH, PublicFormat.OpenSSH), "public key"),
    "PKCS12": (pkcs12.serialize_key_and_certificates(b"k", KEY, None, None, LOCKED), "openssl pkcs12"),
    "keystore": (b"\xfe\xed\xfe\xed\0\0\0\2", "keytool"),
    "DER PKCS8": (KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "-inform DER"),
    "DER PKCS1": (KEY.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()), "-inform DER"),
    "DER certificate": (bytes.fromhex("308202f9308201e1a003020102"), "certificate"),
    "base64 of PEM": (base64.b64encode(PEM), "base64 -d"),
    "without first and last line": (b"".join(PEM.splitlines()[1:-1]), "BEGIN PRIVATE KEY"),
    "UTF-16": (PEM.decode().encode("utf-16"), "UTF-16"),
    "JSON": (b'{"kty": "RSA"}', "JSON"),
    "web page": (b"<!DOCTYPE html>", "web page"),
    "empty": (b"\n", "empty"),
    "anything": (b"hello", "BEGIN RSA PRIVATE KEY"),
}


def write(directory: Path, content: bytes) -> str:
    """A key file."""
    path = directory / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("kind", FILES)
def test_file_that_is_no_key_is_named_with_what_it_is_and_the_conversion(tmp_path: Path, kind: str) -> None:
    """The file, the shape, the command; nothing of its content."""
    content, words = FILES[kind]
    path = write(tmp_path, content)
    with pytest.raises(LogInError) as raised:
        load_rsa_key(path)

    assert words in str(raised.value)
    assert path in str(raised.value)


@pytest.mark.parametrize("shape", KEY_SHAPES, ids=lambda shape: shape.what)
def test_every_shape_is_met_by_an_example(shape: Shape[bytes]) -> None:
    """A shape that nothing shows is not tested."""
    firsts = [first_shape(KEY_SHAPES, content, is_anywhere=True) for content, _ in FILES.values()]

    assert shape in firsts
    assert shape.remedy.endswith(".")


@pytest.mark.parametrize(
    "content",
    [
        PEM,
        b"\xef\xbb\xbf" + PEM,
        PEM.replace(b"\n", b"\r\n"),
        KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        b"Bag Attributes\n    friendlyName: sfr\n" + PEM,
    ],
)
def test_key_is_loaded_whatever_editors_put_around_it(tmp_path: Path, content: bytes) -> None:
    """A byte order mark, line ends of Windows, what openssl prints before it."""
    assert load_rsa_key(write(tmp_path, content)).private_numbers() == KEY.private_numbers()


@pytest.mark.timeout(20)
def test_pipe_without_a_writer_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(LogInError, match="pipe that nothing is written to"):
        load_rsa_key(str(tmp_path / "pipe"))
