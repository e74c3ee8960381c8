"""A logged-in connection: transport, session and API version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import Session


@dataclass(frozen=True, slots=True)
class Connection:
    """What it takes to send requests to the org."""

    transport: Transport
    session: Session
    #: `64.0`
    api_version: str
