"""Loads the RSA private key of `auth.jwt`; recognises other kinds of files and says how to convert them.

PyJWT and cryptography are imported only at log-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfr.errors import LogInError
from sfr.salesforce.auth.secret_file import read_secret_file
from sfr.shapes import Shape, first_shape
from sfr.wording import quoted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_EXPECTED = "expected the PEM file that begins with `-----BEGIN PRIVATE KEY-----` or `-----BEGIN RSA PRIVATE KEY-----`"
_UNLOCK = "Remove its passphrase: openssl pkey -in KEY -out NEW_KEY, and chmod 600 NEW_KEY."
_THE_KEY = "Use the private key that belongs to it; the certificate belongs in the app in Salesforce."
_NEW_KEY = "Create an RSA key and upload its certificate to the app; Salesforce accepts no other kind."


def _shape(what: str, pattern: bytes, remedy: str) -> Shape[bytes]:
    return Shape(b"(?s)" + pattern, what, remedy)


#: Found anywhere in the file; `what` is the end of the sentence "The file …".
KEY_SHAPES: tuple[Shape[bytes], ...] = (
    _shape("is empty", rb"\A\s*\Z", "Copy the key into it."),
    _shape(
        "is UTF-16 text, as PowerShell's `>` writes it",
        rb"\A(\xff\xfe|\xfe\xff)|-\0-\0",
        "Save it as ASCII or UTF-8: iconv -f UTF-16 -t ASCII KEY > NEW_KEY.",
    ),
    _shape(
        r"has its newlines written as `\n`",
        rb"-----BEGIN [A-Z ]+-----\\+[nr]",
        "Turn them into real newlines: printf '%b' \"$(cat KEY)\" > NEW_KEY, and chmod 600 NEW_KEY.",
    ),
    _shape(
        "is an OpenSSH private key",
        rb"-----BEGIN OPENSSH PRIVATE KEY-----",
        "Convert a copy of it: ssh-keygen -p -m PKCS8 -N '' -f KEY. It has to be an RSA key.",
    ),
    _shape(
        "is a PuTTY key",
        rb"PuTTY-User-Key-File",
        "Convert it: puttygen KEY.ppk -O private-openssh -o KEY, then ssh-keygen -p -m PKCS8 -N '' -f KEY.",
    ),
    _shape("has a passphrase", rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED", _UNLOCK),
    _shape(
        "contains a key that is not an RSA key", rb"-----BEGIN (EC|DSA|ED25519|SM2) (PRIVATE KEY|PARAMETERS)", _NEW_KEY
    ),
    _shape("contains a PGP key", rb"-----BEGIN PGP ", _NEW_KEY),
    _shape(
        "contains a private key that is damaged or cut off",
        rb"-----BEGIN (RSA )?PRIVATE KEY-----",
        "Copy the key again, from its first line to its last.",
    ),
    _shape("contains a certificate request", rb"-----BEGIN (NEW )?CERTIFICATE REQUEST", _THE_KEY),
    _shape("contains a certificate", rb"-----BEGIN (TRUSTED |X509 )?CERTIFICATE|-----BEGIN PKCS7", _THE_KEY),
    _shape(
        "contains a public key",
        rb"-----BEGIN (RSA )?PUBLIC KEY|BEGIN SSH2 PUBLIC KEY|\A\s*(ssh-(rsa|ed25519|dss)|ecdsa-sha2-\w+) ",
        _THE_KEY,
    ),
    _shape(
        "is a Java keystore, as Salesforce exports certificates",
        rb"\A\xfe\xed\xfe\xed|\A\xce\xce\xce\xce",
        "Convert it: keytool -importkeystore -srckeystore KEY -destkeystore KEY.p12 -deststoretype PKCS12, then "
        "openssl pkcs12 -in KEY.p12 -nodes -nocerts -out NEW_KEY.",
    ),
    _shape(
        "is a PKCS #12 file",
        rb"\A\x30[\x80-\x84].{0,8}?\x02\x01\x03\x30.{0,12}?\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07",
        "Convert it: openssl pkcs12 -in KEY -nodes -nocerts -out NEW_KEY, and chmod 600 NEW_KEY.",
    ),
    _shape(
        "is a binary (DER) private key",
        rb"\A\x30[\x81-\x84].{1,4}?\x02\x01[\x00\x01][\x02\x30]",
        "Convert it: openssl pkey -inform DER -in KEY -out NEW_KEY, and chmod 600 NEW_KEY.",
    ),
    _shape("is a binary (DER) certificate", rb"\A\x30[\x81-\x84].{1,4}?\x30", _THE_KEY),
    _shape("is base64-encoded a second time", rb"\A\s*[\"']?LS0tLS1CRUdJTi", "Decode it: base64 -d KEY > NEW_KEY."),
    _shape(
        "contains a key without its first and last line",
        rb"\A\s*[\"']?MII[A-Za-z0-9+/]",
        "Put `-----BEGIN PRIVATE KEY-----` before it and `-----END PRIVATE KEY-----` after it, on lines of their own.",
    ),
    _shape("is JSON", rb"\A(\xef\xbb\xbf)?\s*\{", "Provide the key as PEM."),
    _shape("is a web page", rb"\A(\xef\xbb\xbf)?\s*<", "Copy the key again."),
)


def load_rsa_key(path: str) -> RSAPrivateKey:
    """The key in a PEM file. Raises LogInError, naming the file and what it contains instead."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise LogInError("The log-in method `jwt` needs cryptography: pip install 'PyJWT[crypto]'.") from error
    name = quoted(path, 300)
    content = read_secret_file(path, "private key", "salesforce.auth.jwt.private_key_file")
    try:
        key = load_pem_private_key(content.removeprefix(b"\xef\xbb\xbf"), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise LogInError(_describe(name, content)) from error
    if not isinstance(key, RSAPrivateKey):
        raise LogInError(f"The file {name} contains a key that is not an RSA key. {_NEW_KEY}")
    return key


def _describe(name: str, content: bytes) -> str:
    shape = first_shape(KEY_SHAPES, content, is_anywhere=True)
    if shape is None:
        return f"The file {name} contains no usable private key; {_EXPECTED}."
    return f"The file {name} {shape.what}, and is not a private key that `jwt` can use; {_EXPECTED}. {shape.remedy}"
