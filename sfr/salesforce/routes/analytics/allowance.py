"""Whether a sliced report fits into what the org and the clock still allow; says the estimate, and gives up early.

Limits are the org's, shared with other programs, so they are asked again now and then.
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

#: Runs between two looks at `/limits`.
LOOK_EVERY_RUNS = 40
#: Part of the hour's synchronous runs that is left to others; from there on runs are asynchronous.
RESERVED_PART = 0.05
#: API requests that an asynchronous run takes: one to start, some to ask.
ASYNC_REQUESTS = 4
#: Runs after which their time is trusted, and how far the projection may be off.
TIMED_RUNS, TIME_MARGIN = 10, 1.5

_HOUR_LATER = "Run it an hour later, narrow the report's filters, or use `route: classic`."
_DAY_LATER = (
    "Run it when some of the last 24 hours' requests no longer count, narrow the report's filters, or use "
    "`route: classic`."
)


@dataclass(slots=True)
class Allowance:
    """Watches the runs of one sliced report."""

    runs: ReportRuns
    report_name: str
    #: Rows of the report, and of a page; None where Salesforce did not count.
    rows: int | None
    page_rows: int
    _limits: OrgLimits = field(default_factory=OrgLimits)
    _began_clock_s: float = field(default_factory=time.monotonic)
    _began_runs: int = 0
    _looked_runs: int = 0

    def open(self) -> None:
        """Say the estimate. Raises `ReportError` `rate_limited` if the report cannot fit."""
        self._began_runs = self.runs.count
        self._look()
        if self.rows is None:
            rows = _known(self.page_rows)
            log.info("%s: more than %s rows; Salesforce does not say how many.", self.report_name, rows)
        else:
            log.info(
                "%s: about %s rows in about %s report runs; left this hour: %s synchronous, %s asynchronous.",
                self.report_name,
                _known(self.rows),
                _known(self._runs_needed(0)),
                _known(self._limits.sync_runs_left),
                _known(self._limits.async_runs_left),
            )
        self._check(0)

    def before_run(self, taken: int) -> None:
        """Before each further run, with so many rows taken. Raises `ReportError` if the rest cannot fit."""
        if self.runs.count - self._looked_runs >= LOOK_EVERY_RUNS:
            self._look()
        self._check(taken)
        self._check_time(taken)

    def _look(self) -> None:
        self._looked_runs = self.runs.count
        api = self.runs.api
        try:
            self._limits = parse_limits(object_of(api.patiently(lambda: api.ask("GET", "/limits"))))
        except ReportError as error:
            if error.kind in (ErrorKind.INTERRUPTED, ErrorKind.TIMEOUT, ErrorKind.AUTH):
                raise
            log.debug("The org's limits could not be asked: %s", error.message)
            self._limits = OrgLimits()

    def _check(self, taken: int) -> None:
        needed = self._runs_needed(taken)
        since = self.runs.count - self._looked_runs
        sync_left, async_left = self._limits.sync_runs_left, self._limits.async_runs_left
        reserved = math.ceil((self._limits.sync_runs_most or 0) * RESERVED_PART)
        if sync_left is not None and not self.runs.is_async:
            usable = max(0, sync_left - since - reserved)
            if usable <= 0:
                log.info("The hour's synchronous report runs are nearly used up: asynchronous from here on.")
                self.runs.is_async = True
            elif async_left is not None and needed > usable + async_left:
                raise self._too_many(needed, f"{sync_left} synchronous and {async_left} asynchronous ones are left")
        if self.runs.is_async and async_left is not None and needed > async_left:
            raise self._too_many(needed, f"{async_left} asynchronous ones are left")
        self._check_requests(needed * (ASYNC_REQUESTS if self.runs.is_async else 1))

    def _check_requests(self, needed: int) -> None:
        """The header of every answer is newer than the last look at `/limits`, but not every answer has it."""
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
                f"{max(0.0, left_s):,.0f} s are left of {self.runs.api.deadline.limit}.",
                remedy=f"Raise `fetch.timeout_s` by {needed_s - left_s:,.0f} s or more, or use `route: classic`.",
                permanent=True,
            )

    def _runs_needed(self, taken: int) -> int:
        """Further runs; 1 where the number of rows is unknown."""
        if self.rows is None:
            return 1
        return max(1, math.ceil((self.rows - taken) / max(1, self.page_rows - 1)))

    def _too_many(self, needed: int, left: str) -> ReportError:
        return _spent(f"The rest of the report needs about {needed:,} report runs; {left} this hour.", _HOUR_LATER)


def _spent(message: str, remedy: str) -> ReportError:
    return ReportError(ErrorKind.RATE_LIMITED, message, remedy=remedy, permanent=True)


def _known(number: int | None) -> str:
    return "an unknown number" if number is None else f"{number:,}"
