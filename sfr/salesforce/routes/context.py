"""The input of a route for one attempt, and the payload that it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.model import Payload

if TYPE_CHECKING:
    from sfr.model import Baseline, Report
    from sfr.salesforce.frontdoor import Frontdoor
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import Session
    from sfr.storage.spool import IncomingBody


@dataclass(frozen=True, slots=True)
class FetchContext:
    """Everything that one attempt needs. The route writes the body to `incoming`, as received."""

    report: Report
    #: The report's last successful run, if any.
    baseline: Baseline | None
    #: From 1.
    attempt: int
    #: `classic`, `analytics` or `bulk`.
    route: str
    transport: Transport
    session: Session
    #: `64.0`
    api_version: str
    #: The deadline of the attempt.
    deadline: Deadline
    incoming: IncomingBody
    #: Renews a lost session, for routes with many requests; raises `ReportError`.
    renew: Callable[[Session], Session]
    #: Exchanges a token for a browser session, for `route: auto`.
    frontdoor: Frontdoor

    def payload(
        self,
        *,
        content_encoding: str = "identity",
        is_framed: bool = True,
        is_declared_csv: bool = True,
        http_status: int = 200,
        has_footer: bool = True,
    ) -> Payload:
        """The payload: the completed body in `incoming`, with facts from the response.

        Raises ReportError `disk` if a spooled body cannot be written.
        """
        body = self.incoming.finish()
        return Payload(
            self.report,
            self.attempt,
            self.route,
            self.incoming.received_bytes,
            body,
            None if body is not None else self.incoming.spool_path,
            content_encoding,
            is_framed,
            is_declared_csv,
            http_status,
            has_footer,
            self.baseline,
        )
