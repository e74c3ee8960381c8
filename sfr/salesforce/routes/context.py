"""What a route gets for one attempt, whatever the route, and how it hands over what it received."""

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
    """Everything one attempt needs. The route writes the body into `incoming`, as received."""

    report: Report
    #: The report's last good run, if there was one.
    baseline: Baseline | None
    #: From 1.
    attempt: int
    #: `classic`, `analytics` or `bulk`.
    route: str
    transport: Transport
    session: Session
    #: `64.0`
    api_version: str
    #: When the attempt ends at the latest.
    deadline: Deadline
    incoming: IncomingBody
    #: Returns a newer session for a lost one, for routes of many requests; raises `ReportError`.
    renew: Callable[[Session], Session]
    #: Turns a token into a browser session, for `route: auto`.
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
        """The body that `incoming` received, complete, and what the answer said of it.

        Raises ReportError `disk` where a spooled body cannot be written to its end.
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
