"""The summary of a fleet as a page for people, in the style of a run's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from sfr.fleet.values import FleetResult, OrgResult
from sfr.terminal.figures import counted


@dataclass(frozen=True, slots=True)
class OrgRow:
    """A row of the table of orgs."""

    result: OrgResult
    #: `saved` (all good), `skipped` (not known) or `failed`: the class of its badge.
    status: str
    #: The exit code, or what is shown instead.
    word: str


def html_blocks(fleet: FleetResult) -> Iterator[bytes]:
    """The page, in blocks."""
    from sfr.summaries.html.environment import render_template

    rows = [_row(org) for org in fleet.orgs]
    counts = {status: sum(row.status == status for row in rows) for status in ("saved", "skipped", "failed")}
    return render_template(
        "fleet.html",
        run=fleet,  # the layout names its version
        fleet=fleet,
        verdict=verdict(fleet),
        counts=counts,
        words={"saved": "good", "skipped": "without a result", "failed": "failed"},
        bad=[row for row in rows if row.status != "saved"],
        rows=rows,
        link=_link,
    )


def verdict(fleet: FleetResult) -> str:
    """The fleet in a few words."""
    total = len(fleet.orgs)
    if not fleet.failed:
        return "The org is up to date" if total == 1 else f"All {total:,} orgs are up to date"
    return f"{fleet.failed:,} of {counted(total, 'org')} failed"


def _row(org: OrgResult) -> OrgRow:
    if org.exit_code is None:
        return OrgRow(org, "skipped", "no result")
    return OrgRow(org, "saved" if org.is_good else "failed", f"exit code {org.exit_code}")


def _link(path: str) -> str:
    """A local file as a link."""
    return f"file://{quote(os.fsencode(path))}"
