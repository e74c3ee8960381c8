"""`route: auto`: which way a report goes next, given how it went so far. Rules alone; nothing is fetched here.

    classic ──(challenge, Lightning only, refused with a fresh session too)──► analytics

Where the reason concerns the session or the org, all reports under `auto` that come later take `analytics` at once. A
token that the export refuses is turned into a browser session before that: see `sfr.connectors.frontdoor`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.network.page_kinds import LightningError

if TYPE_CHECKING:
    from sfr.model import Baseline, Report, ReportStats
    from sfr.session import Session

log = logging.getLogger(__name__)

AUTO, CLASSIC, ANALYTICS = "auto", "classic", "analytics"


class Routes:
    """The routes of one run. The main thread decides; fetch threads ask `route_of` at any time."""

    def __init__(self) -> None:
        #: Why the run went on with `analytics`; None while it has not.
        self.reason: str | None = None
        self._classic_generations: set[int] = set()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the summary says of it, once for the whole run; nothing while nothing has changed."""
        return () if self.reason is None else (f"The run went on with `analytics`: {self.reason}",)

    def route_of(self, report: Report, planned: str) -> str:
        """The route of an attempt that is about to begin."""
        is_moved = self.reason is not None and report.route == AUTO and planned == CLASSIC
        return ANALYTICS if is_moved else planned

    def note_brought(self, session: Session, route: str | None) -> None:
        """A report arrived by this route with this session."""
        if route == CLASSIC:
            self._classic_generations.add(session.generation)

    def after_failure(
        self, report: Report, route: str | None, error: ReportError, session: Session | None
    ) -> str | None:
        """The route to try next; None where no other one is to be tried.

        A refusal (`auth`) is asked about only after a fresh session was refused too.
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
            log.warning("The run goes on with `analytics`: %s", error.message)
        elif self.reason is None:
            log.warning("%s is asked for by `analytics`: %s", report.name, error.message)
        return ANALYTICS


def fall_back_note(report: Report, route: str | None) -> str:
    """What the message of a failed report says besides; empty unless its route was a fall-back."""
    if report.route != AUTO or route != ANALYTICS:
        return ""
    return (
        "`analytics` was tried because the classic export was refused; "
        "`route: classic` helps only once that is settled."
    )


def with_route_note(stats: ReportStats, baseline: Baseline | None) -> ReportStats:
    """The stats of a good report, with a warning if its last good run took another route."""
    before = baseline.route if baseline is not None else None
    if not stats.is_valid or before is None or stats.route is None or before == stats.route:
        return stats
    note = (
        f"Fetched by `{stats.route}`, the last good run by `{before}`: values may be formatted differently "
        "(docs/routes.md)."
    )
    log.warning("%s: %s", stats.report.name, note)
    return replace(stats, message=" ".join(part for part in (stats.message, note) if part))
