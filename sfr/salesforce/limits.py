"""Parses an org's remaining limits from `Sforce-Limit-Info` and `/limits` (salesforce-facts.md §3). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: `api-usage=25/5000; per-app-api-usage=17/250(appName=x)`: the first applies to the org, the second to one app.
_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d{1,15})/(\d{1,15})")


@dataclass(frozen=True, slots=True)
class ApiUsage:
    """API requests of the last 24 hours: used and allowed."""

    used: int
    allowed: int

    @property
    def left(self) -> int:
        """Requests left."""
        return max(0, self.allowed - self.used)


def parse_limit_info(header: str | None) -> ApiUsage | None:
    """The org's usage in a `Sforce-Limit-Info` header; None if it contains none."""
    match = _USAGE.search(header or "")
    return ApiUsage(int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class OrgLimits:
    """Remaining limits; None where the response does not contain them."""

    api_requests_left: int | None = None
    sync_runs_left: int | None = None
    #: Allowed per hour.
    sync_runs_most: int | None = None
    async_runs_left: int | None = None


def parse_limits(document: Mapping[str, object]) -> OrgLimits:
    """Parse the response of `/limits`."""
    return OrgLimits(
        api_requests_left=_figure(document, "DailyApiRequests", "Remaining"),
        sync_runs_left=_figure(document, "HourlySyncReportRuns", "Remaining"),
        sync_runs_most=_figure(document, "HourlySyncReportRuns", "Max"),
        async_runs_left=_figure(document, "HourlyAsyncReportRuns", "Remaining"),
    )


def _figure(document: Mapping[str, object], name: str, part: str) -> int | None:
    entry = document.get(name)
    figure = entry.get(part) if isinstance(entry, dict) else None
    return figure if isinstance(figure, int) and not isinstance(figure, bool) else None
