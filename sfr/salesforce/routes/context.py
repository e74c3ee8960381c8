"""What a connector is given and what it gives back, whatever the way it fetches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.salesforce.frontdoor import Frontdoor
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import Session
    from sfr.storage.spool import Reception


@dataclass(frozen=True, slots=True)
class Exchange:
    """Everything one attempt needs. The connector writes the body into `reception`, as received."""

    transport: Transport
    session: Session
    #: `64.0`
    api_version: str
    #: When the attempt ends at the latest.
    deadline: Deadline
    reception: Reception
    #: Gives a newer session for a lost one, for connectors of many requests; raises `ReportError`.
    renew: Callable[[Session], Session]
    #: The run's way from a token to a browser session, for `route: auto`.
    frontdoor: Frontdoor


@dataclass(frozen=True, slots=True)
class Received:
    """What the answer said of the body that now lies in the reception; the fields are those of `Payload`."""

    first_byte_clock_s: float
    content_encoding: str = "identity"
    is_framed: bool = True
    is_declared_csv: bool = True
    http_status: int = 200
    has_footer: bool = True
