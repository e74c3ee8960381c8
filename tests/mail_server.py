"""A mail server of aiosmtpd on a free port, with whatever faults a test wants."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import warnings
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class MailServer(Controller):
    """Records what it accepts. Use it as a context manager."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        password: str | None = None,
        refused: tuple[str, ...] = (),
        answer: str = "250 OK",
        on_data: Callable[[], None] = lambda: None,
    ) -> None:
        """tls: from the first byte. password: of the user `reader`, who must log in. refused: recipients."""
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[str] = []
        self.over_tls: list[bool] = []
        self._is_tls = tls is not None
        self._refused, self._answer, self._password, self._on_data = refused, answer, password, on_data
        options: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
        if password is not None:
            options |= {"authenticator": self._authenticate, "auth_required": True}
            options["auth_require_tls"] = starttls is not None
        self._options = options
        super().__init__(self, hostname="127.0.0.1", port=0, ssl_context=tls, ready_timeout=30)

    def factory(self) -> SMTP:
        """A hook of aiosmtpd: the protocol of a connection."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of log-ins without TLS, which a test may want
            return SMTP(self, hostname="mail.test", **self._options)

    def _trigger_server(self) -> None:
        """A hook of aiosmtpd: it would connect to the configured port, which is 0."""
        socket.create_connection(("127.0.0.1", self.used_port)).close()

    @property
    def used_port(self) -> int:
        """The port it listens on."""
        assert self.server is not None
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def __enter__(self) -> MailServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _authenticate(self, _server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        is_known = data.login == b"reader" and data.password.decode() == self._password
        return AuthResult(success=is_known, handled=False)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        """A hook of aiosmtpd: a recipient."""
        if address in self._refused:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """A hook of aiosmtpd: the message."""
        self._on_data()
        self.recipients.append(list(envelope.rcpt_tos))
        self.over_tls.append(self._is_tls or session.ssl is not None)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.messages.append(parsed)
        return self._answer
