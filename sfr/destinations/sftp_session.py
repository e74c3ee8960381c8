"""A session with an SFTP server by paramiko: host key verified, log-in, every wait bounded, errors explained."""

from __future__ import annotations

import io
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import paramiko
from paramiko import BadHostKeyException, PasswordRequiredException, SSHException
from paramiko.ssh_exception import AuthenticationException

from sfr.errors import DeliveryError
from sfr.storage.user_files import read_trusted
from sfr.wording import shortened

if TYPE_CHECKING:
    from sfr.destinations.base import Attempt, Surroundings
    from sfr.destinations.sftp_settings import SftpSettings
    from sfr.redaction import Secret

#: What paramiko logs is in our errors, too; without this it would write to stderr.
LOG_CHANNEL = "paramiko.sfr"
MAX_KEY_BYTES = 64 * 1024
MAX_KNOWN_HOSTS_BYTES = 16 * 1024 * 1024
_NO_SESSION = (
    "the server closed the connection or began no SSH session within `deliveries.connect_timeout_s`; check `host` and "
    "`port`"
)
#: By what paramiko or the server says, which explains too little.
_EXPLANATIONS = {
    "No existing session": _NO_SESSION,
    "Error reading SSH protocol banner": _NO_SESSION,
    "Failure": "the server says no more than `Failure`: its disk may be full, or a directory in the way",
}
_KEY_TYPES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class _RefuseUnknownHost(paramiko.MissingHostKeyPolicy):
    """Ends the connection, with a message that shows the server's key."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        raise DeliveryError(
            f"The host key of {hostname} is unknown: {key.get_name()} {key.fingerprint}. Ask its administrator whether "
            "that is the server's key, then add it with ssh-keyscan to `known_hosts`.",
            is_unreachable=True,
        )


@contextmanager
def session(
    settings: SftpSettings, surroundings: Surroundings, attempt: Attempt | None
) -> Iterator[paramiko.SFTPClient]:
    """A session after the log-in; whatever goes wrong until its end becomes a `DeliveryError`."""
    logging.getLogger(LOG_CHANNEL).disabled = True
    connect_timeout_s = surroundings.connect_timeout_s
    client = paramiko.SSHClient()
    client.set_log_channel(LOG_CHANNEL)
    client.set_missing_host_key_policy(_RefuseUnknownHost())
    connection: socket.socket | None = None
    try:
        with explained(settings.place):
            _load_known_hosts(client, settings.known_hosts)
            key = _private_key(settings)
            connection = socket.create_connection((settings.host, settings.port), connect_timeout_s)
            if attempt is not None:
                attempt.interrupt_with(_breaking(connection))
            client.connect(
                settings.host,
                settings.port,
                settings.username,
                settings.password.reveal() if settings.password is not None else None,
                key,
                sock=connection,
                timeout=connect_timeout_s,
                banner_timeout=connect_timeout_s,
                auth_timeout=connect_timeout_s,
                channel_timeout=connect_timeout_s,
                allow_agent=False,
                look_for_keys=False,
            )
            sftp = client.open_sftp()
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(surroundings.idle_timeout_s)
            yield sftp
    finally:
        if attempt is not None:
            attempt.interrupt_with(None)
        if connection is not None:
            _breaking(connection)()  # paramiko's own `close` waits for the server
            connection.close()
        client.close()


def _breaking(connection: socket.socket) -> Callable[[], None]:
    """A function that ends every wait on this connection."""

    def interrupt() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    return interrupt


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn the errors of paramiko, the server and the network into `DeliveryError`."""
    try:
        yield
    except DeliveryError:
        raise
    except BadHostKeyException as error:
        raise DeliveryError(
            f"{place}: the server shows another host key ({error.key.get_name()} {error.key.fingerprint}) than "
            "`known_hosts` has. The connection may be intercepted: ask its administrator before you replace the entry.",
            is_unreachable=True,
        ) from None
    except AuthenticationException as error:
        reason = shortened(str(error), 200).rstrip(".")
        raise DeliveryError(f"{place} refused the log-in: {reason}.", is_unreachable=True) from None
    except (SSHException, EOFError, TimeoutError, ConnectionError, socket.gaierror) as error:
        reason = shortened(getattr(error, "strerror", None) or str(error) or "the connection was lost", 200).rstrip(".")
        reason = _EXPLANATIONS.get(reason, reason)
        raise DeliveryError(f"{place}: {reason}.", is_transient=True, is_unreachable=True) from None
    except OSError as error:
        raise _of_system(place, error) from None


def _of_system(place: str, error: OSError) -> DeliveryError:
    """An error of the server's file system, or of our network."""
    import errno

    reason = shortened(error.strerror or str(error) or "the server gave no reason", 200).rstrip(".")
    reason = _EXPLANATIONS.get(reason, reason)
    unreachable = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL)
    is_network = error.errno in unreachable or "closed" in reason.lower()
    return DeliveryError(f"{place}: {reason}.", is_transient=is_network, is_unreachable=is_network)


def _load_known_hosts(client: paramiko.SSHClient, path: str | None) -> None:
    """Read the host keys from a file that nobody else may write. Without a file every host is unknown."""
    used = path or os.path.expanduser("~/.ssh/known_hosts")
    try:
        text = read_trusted(used, MAX_KNOWN_HOSTS_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise DeliveryError(f"The file {used} cannot be used: {error.strerror}.", is_unreachable=True) from None
    keys = client.get_host_keys()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("#", "@")):  # certificates are not supported
            continue
        with suppress(SSHException):  # kinds of keys that paramiko does not know
            entry = paramiko.hostkeys.HostKeyEntry.from_line(line.strip(), number)
            if entry is not None and entry.hostnames and entry.key is not None:
                for host in entry.hostnames:
                    keys.add(host, entry.key.get_name(), entry.key)


def _private_key(settings: SftpSettings) -> paramiko.PKey | None:
    """The user's key; None if there is none."""
    path = settings.private_key_file
    if path is None:
        return None
    try:
        text = read_trusted(path, MAX_KEY_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise DeliveryError(f"The key {path} cannot be used: {error.strerror}.", is_unreachable=True) from None
    return _key_of(text, settings.private_key_passphrase, path)


def _key_of(text: str, passphrase: Secret | None, path: str) -> paramiko.PKey:
    password = passphrase.reveal() if passphrase is not None else None
    reason = "expected an Ed25519, ECDSA or RSA key, in the form of OpenSSH or PEM, and its passphrase if it has one"
    for kind in _KEY_TYPES:
        try:
            return kind.from_private_key(io.StringIO(text), password)
        except PasswordRequiredException:
            reason = "it has a passphrase; set `private_key_passphrase`"
            break
        except (SSHException, ValueError, TypeError, IndexError):
            continue
    raise DeliveryError(f"The key {path} cannot be used: {reason}.", is_unreachable=True)
