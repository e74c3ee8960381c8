"""Sends one message to a mail server: TLS verified, log-in, every wait bounded. No retries.

Errors say what the server answered, and contain no secret of ours.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sfr.config.email_settings import Email
from sfr.notify.ending import HttpOptions, NotifyError
from sfr.redaction import Secret
from sfr.salesforce.http.tls import SYSTEM_STORE, explain_verification, make_ssl_context
from sfr.wording import shortened

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

#: The answer to a good log-in.
LOGGED_IN = 235
ABORT_INTERVAL_S = 0.1
#: To a message over the server's limit, or one for a full mailbox.
TOO_BIG = 552
#: Code and text of a refusal, by recipient.
Refusals = Mapping[str, tuple[int, bytes]]


def check(settings: Email, options: HttpOptions) -> None:
    """Connect and log in; send nothing. Raises NotifyError."""
    with _connection(settings, options) as server:
        server.noop()


def send(settings: Email, message: EmailMessage, options: HttpOptions) -> list[str]:
    """Send the message; returns a warning for each recipient that the server refused. Raises NotifyError."""
    with _connection(settings, options) as server:
        refused = server.send_message(message)
    return _warnings(refused)


def _warnings(refused: Refusals) -> list[str]:
    return [f"the server refused the recipient {address}: {_reply(*reply)}" for address, reply in refused.items()]


@contextmanager
def _connection(settings: Email, options: HttpOptions) -> Iterator[SMTP]:
    """A connection after TLS and log-in; what goes wrong until its end becomes a NotifyError."""
    import smtplib

    context = make_ssl_context(options.ca_bundle or SYSTEM_STORE)
    server: SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(timeout=options.timeout_s, context=context)
    else:
        server = smtplib.SMTP(timeout=options.timeout_s)
    # The name that TLS verifies. Only the constructor sets it, but that connects at once, before the timer can end it.
    server._host = settings.host  # type: ignore[attr-defined]
    expired, ended = threading.Event(), threading.Event()
    threading.Thread(target=_abort_late, args=(server, options.timeout_s, expired, ended), daemon=True).start()
    try:
        with _explained(settings, expired, options.timeout_s):
            server.connect(settings.host, settings.used_port)
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.username is not None and settings.password is not None:
                _log_in(server, settings.username, settings.password)
            yield server
        with suppress(OSError, smtplib.SMTPException):  # the message is accepted already
            server.quit()
    finally:
        ended.set()
        server.close()


def _log_in(server: SMTP, username: str, password: Secret) -> None:
    """Log in by the server's best method; smtplib's own methods know ASCII only."""
    import smtplib
    from base64 import b64encode

    text = f"\0{username}\0{password.reveal()}"
    if text.isascii():
        server.login(username, password.reveal())
        return
    server.ehlo_or_helo_if_needed()
    code, answer = server.docmd("AUTH", f"PLAIN {b64encode(text.encode()).decode('ascii')}")
    if code != LOGGED_IN:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _abort_late(server: SMTP, timeout_s: float, expired: threading.Event, ended: threading.Event) -> None:
    """End a session that takes too long: smtplib's own timeout restarts with every byte."""
    import socket

    if ended.wait(timeout_s):
        return
    expired.set()
    while True:  # there may be no connection yet
        with suppress(OSError, AttributeError):
            server.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        if ended.wait(ABORT_INTERVAL_S):
            return


@contextmanager
def _explained(settings: Email, expired: threading.Event, timeout_s: float) -> Iterator[None]:
    """Turn the errors of smtplib, TLS and sockets into NotifyError."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise NotifyError(_of_certificate(error, settings.host)) from None
    except OSError as error:  # those of smtplib too
        # smtplib turns a time-out between two lines into a lost connection with its text.
        if expired.is_set() or isinstance(error, TimeoutError) or "timed out" in str(error):
            advice = "check `port` and `security`" + (", and what `attach` sends" if settings.attach else "")
            reason = f"{_place(settings)} did not take the message within {round(timeout_s, 1):g} s; {advice}"
            raise NotifyError(reason) from None
        raise NotifyError(_reason(error, settings)) from None


def _of_certificate(error: ssl.SSLCertVerificationError, host: str) -> str:
    what = explain_verification(error, host)[0].rstrip(".")
    return f"{what}; if a company's own authority issued it, set `salesforce.ca_bundle`"


def _reason(error: OSError, settings: Email) -> str:
    """Why the message was not sent: what the server answered, if it did."""
    import smtplib

    place = _place(settings)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{place} refused the log-in as {settings.username}: {_reply(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(_warnings(error.recipients))
    if isinstance(error, smtplib.SMTPResponseException):  # of the greeting, the sender, the message
        advice = "; lower `notify.email.attach_max_bytes`" if error.smtp_code == TOO_BIG and settings.attach else ""
        return f"{place} answered {_reply(error.smtp_code, error.smtp_error).rstrip('.')}{advice}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return (
            f"{place} lacks what `notify.email` needs: {shortened(str(error)).rstrip('.')}; check `port` and `security`"
        )
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {place} ({error.reason or type(error).__name__}); check `port` and `security`"
    return f"{place} cannot be reached ({error.strerror or shortened(str(error))}); check `host` and `port`"


def _place(settings: Email) -> str:
    return f"{settings.host}:{settings.used_port}"


def _reply(code: int, text: bytes | str) -> str:
    """What the server answered, shortened."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {shortened(' '.join(words.split()), 200)}"
