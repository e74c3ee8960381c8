"""Estimates whether a sliced report fits into the org's limits and the attempt's time, and ends it early if not.

Limits are shared with other programs, so they are fetched again from time to time.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.limits import OrgLimits, parse_limits
from sfr.salesforce.rest import object_of

if TYPE_CHECKING:
    from sfr.salesforce.routes.analytics.runs import ReportRuns

log = logging.getLogger(__name__)

#: Runs between two requests for `/limits`.
REFRESH_EVERY_RUNS = 40
#: Share of the hourly synchronous runs left to other programs; beyond it, runs are asynchronous.
RESERVED_PART = 0.05
#: API requests per asynchronous run: one to start it, some to poll.
ASYNC_REQUESTS = 4
#: Runs needed for a time estimate, and its margin of error.
TIMED_RUNS, TIME_MARGIN = 10, 1.5

_HOUR_LATER = "Run it again in an hour, narrow the report's filters, or use `route: classic`."
_DAY_LATER = (
    "Run it again when some requests of the last 24 hours no longer count, narrow the report's filters, or use "
    "`route: classic`."
)


@dataclass(slots=True)
class RunBudget:
    """The budget of one sliced report: report runs, API requests and time."""

    runs: ReportRuns
    report_name: str
    #: Rows of the report, None if Salesforce did not count; and rows of a page.
    rows: int | None
    page_rows: int
    _limits: OrgLimits = field(default_factory=OrgLimits)
    _began_clock_s: float = field(default_factory=time.monotonic)
    _began_runs: int = 0
    _refreshed_at_runs: int = 0

    def open(self) -> None:
        """Log the estimate. Raises `ReportError` `rate_limited` if the report does not fit."""
        self._began_runs = self.runs.count
        self._refresh_limits()
        if self.rows is None:
            rows = _known(self.page_rows)
            log.info("%s: more than %s rows; Salesforce did not count them.", self.report_name, rows)
        else:
            log.info(
                "%s: about %s rows in about %s report runs; remaining this hour: %s synchronous, %s asynchronous.",
                self.report_name,
                _known(self.rows),
                _known(self._runs_needed(0)),
                _known(self._limits.sync_runs_left),
                _known(self._limits.async_runs_left),
            )
        self._check(0)

    def before_run(self, taken: int) -> None:
        """Call before each further run; taken: rows so far. Raises `ReportError` if the rest does not fit."""
        if self.runs.count - self._refreshed_at_runs >= REFRESH_EVERY_RUNS:
            self._refresh_limits()
        self._check(taken)
        self._check_time(taken)

    def _refresh_limits(self) -> None:
        self._refreshed_at_runs = self.runs.count
        api = self.runs.api
        try:
            self._limits = parse_limits(object_of(api.with_retries(lambda: api.call("GET", "/limits"))))
        except ReportError as error:
            if error.kind in (ErrorKind.INTERRUPTED, ErrorKind.TIMEOUT, ErrorKind.AUTH):
                raise
            log.debug("The org's limits could not be fetched: %s", error.message)
            self._limits = OrgLimits()

    def _check(self, taken: int) -> None:
        needed = self._runs_needed(taken)
        since = self.runs.count - self._refreshed_at_runs
        sync_left, async_left = self._limits.sync_runs_left, self._limits.async_runs_left
        reserved = math.ceil((self._limits.sync_runs_most or 0) * RESERVED_PART)
        if sync_left is not None and not self.runs.is_async:
            usable = max(0, sync_left - since - reserved)
            if usable <= 0:
                log.info("The hourly synchronous report runs are nearly used up: switching to asynchronous runs.")
                self.runs.is_async = True
            elif async_left is not None and needed > usable + async_left:
                raise self._too_many(needed, f"{sync_left} synchronous and {async_left} asynchronous ones remain")
        if self.runs.is_async and async_left is not None and needed > async_left:
            raise self._too_many(needed, f"{async_left} asynchronous ones remain")
        self._check_requests(needed * (ASYNC_REQUESTS if self.runs.is_async else 1))

    def _check_requests(self, needed: int) -> None:
        """The usage header is newer than `/limits`, but not every response contains it."""
        usage = self.runs.api.usage
        left = self._limits.api_requests_left if usage is None else usage.left
        if left is not None and needed > left:
            of_all = "" if usage is None else f" of {usage.allowed:,}"
            raise _spent(
                f"The rest of the report needs about {needed:,} API requests; the org has {left:,}{of_all} left today.",
                _DAY_LATER,
            )

    def _check_time(self, taken: int) -> None:
        done = self.runs.count - self._began_runs
        if done < TIMED_RUNS or self.rows is None:
            return
        now_s = time.monotonic()
        each_s = (now_s - self._began_clock_s) / done
        left_s = self.runs.api.deadline.remaining_s(now_s)
        needed_s = each_s * self._runs_needed(taken)
        if needed_s > left_s * TIME_MARGIN:
            raise ReportError(
                ErrorKind.TIMEOUT,
                f"The rest of the report needs about {needed_s:,.0f} s at {each_s:.1f} s for {self.page_rows:,} rows; "
                f"{max(0.0, left_s):,.0f} s remain of {self.runs.api.deadline.limit}.",
                remedy=f"Raise `fetch.timeout_s` by {needed_s - left_s:,.0f} s or more, or use `route: classic`.",
                permanent=True,
            )

    def _runs_needed(self, taken: int) -> int:
        """Number of further runs; 1 if the number of rows is unknown."""
        if self.rows is None:
            return 1
        return max(1, math.ceil((self.rows - taken) / max(1, self.page_rows - 1)))

    def _too_many(self, needed: int, left: str) -> ReportError:
        return _spent(f"The rest of the report needs about {needed:,} report runs; {left} this hour.", _HOUR_LATER)


def _spent(message: str, remedy: str) -> ReportError:
    return ReportError(ErrorKind.RATE_LIMITED, message, remedy=remedy, permanent=True)


def _known(number: int | None) -> str:
    return "an unknown number" if number is None else f"{number:,}"
