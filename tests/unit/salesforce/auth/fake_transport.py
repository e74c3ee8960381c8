"""What the log-in methods need around them, made for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sfr.redaction import Redactor
from sfr.salesforce.auth.grants import LogInContext
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.responses import FullResponse
from sfr.salesforce.http.transport import Request

DOMAIN = "https://acme.my.salesforce.com"


class FakeTransport:
    """Answers without a network, and records the requests."""

    def __init__(self, *answers: tuple[int, bytes] | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.is_aborted = False
        self.on_ask: Callable[[], object] = lambda: None

    def send(self, request: Request, deadline: Deadline, *, limit_bytes: int = 0) -> FullResponse:
        """The next answer."""
        self.requests.append(request)
        self.on_ask()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return FullResponse(answer[0], {}, request.url, answer[1])


def context_of(*answers: tuple[int, bytes] | Exception) -> tuple[LogInContext, FakeTransport, Redactor]:
    """A context whose transport gives these answers."""
    transport, redactor = FakeTransport(*answers), Redactor()
    context = LogInContext(cast(Any, transport), DOMAIN, redactor, lambda: Deadline.after(20, "20 s"))
    return context, transport, redactor
