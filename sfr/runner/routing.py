"""`route: auto`: chooses the route of the next attempt from the outcomes so far. Pure rules; fetches nothing.

    classic ──(challenge, Lightning only, refused with a fresh session too)──► analytics

If the reason concerns the session or the org, all later reports under `auto` use `analytics` at once. Before that, a
token that the export refuses is exchanged for a browser session: see `sfr.salesforce.frontdoor`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.page_kinds import LightningError
from sfr.salesforce.routes import ANALYTICS, CLASSIC

if TYPE_CHECKING:
    from sfr.model import Baseline, Report
    from sfr.salesforce.session import Session

log = logging.getLogger(__name__)

AUTO = "auto"


class Routes:
    """The routes of one run. The main thread decides; fetch threads may call `route_of` at any time."""

    def __init__(self) -> None:
        #: Why the run switched to `analytics`; None if it has not.
        self.reason: str | None = None
        self._classic_generations: set[int] = set()

    @property
    def notes(self) -> tuple[str, ...]:
        """A note about the switch for the summary of the run; empty if there was none."""
        return () if self.reason is None else (f"The run switched to `analytics`: {self.reason}",)

    def route_of(self, report: Report, planned: str) -> str:
        """The route of an attempt that is about to start."""
        is_moved = self.reason is not None and report.route == AUTO and planned == CLASSIC
        return ANALYTICS if is_moved else planned

    def record_success(self, session: Session, route: str | None) -> None:
        """Record that a report was fetched by this route with this session."""
        if route == CLASSIC:
            self._classic_generations.add(session.generation)

    def next_route(self, report: Report, route: str | None, error: ReportError, session: Session | None) -> str | None:
        """The route to switch to after this failure; None to stay.

        For a refusal (`auth`), call this only after a fresh session was refused too.
        """
        if report.route != AUTO or route != CLASSIC:
            return None
        concerns_all = error.kind is ErrorKind.CHALLENGE or isinstance(error, LightningError)
        is_refusal = error.kind is ErrorKind.AUTH and not error.permanent
        if not (concerns_all or is_refusal):
            return None
        works = session is not None and session.generation in self._classic_generations
        if self.reason is None and (concerns_all or not works):
            self.reason = error.message
            log.warning("The run switches to `analytics`: %s", error.message)
        elif self.reason is None:
            log.warning("%s: switching to `analytics`: %s", report.name, error.message)
        return ANALYTICS


def fallback_note(report: Report, route: str | None) -> str:
    """A note for the message of a failed report; empty unless its route was a fallback."""
    if report.route != AUTO or route != ANALYTICS or report.filters:
        return ""
    return (
        "`analytics` was tried because the classic export was refused; "
        "`route: classic` will work only once that is resolved."
    )


def route_change_note(report: Report, route: str, baseline: Baseline | None) -> str:
    """A warning for a good report whose last good run used another route; empty otherwise."""
    before = baseline.route if baseline is not None else None
    if before is None or before == route:
        return ""
    note = (
        f"Fetched by `{route}`, the last good run by `{before}`: values may be formatted differently (docs/routes.md)."
    )
    log.warning("%s: %s", report.name, note)
    return note
