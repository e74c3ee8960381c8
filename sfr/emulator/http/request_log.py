"""A log of the requests received, for tests: what, when, with which credential, how many concurrently."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sfr.emulator.http.request import Request

#: Requests kept in the log; the oldest are dropped first.
MAX_RECORDS = 100_000


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request. Times are seconds of `time.monotonic()`; `finished_s`, `status` and `sent_bytes` are set at its end.

    route: `export`, `login`, `versions`, `limits`, `analytics`, `bulk`, `query`, `frontdoor`, … or `unknown`.
    credential: `sid`, `bearer`, `both` or `none`. attempt: counted per report for exports, per path otherwise.
    status: None if no status line was sent. ended: False if the connection ended before the response was complete.
    """

    number: int
    request: Request
    route: str
    report_id: str
    attempt: int
    started_s: float
    in_flight: int
    exports_in_flight: int
    status: int | None = None
    sent_bytes: int = 0
    finished_s: float | None = None
    ended: bool = False

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method

    @property
    def path(self) -> str:
        """The request's path, without the query."""
        return self.request.path

    @property
    def credential(self) -> str:
        """Which credential the request carried."""
        return self.request.credential


class RequestLog:
    """All requests since the start or the last `clear`. Thread-safe; at most `MAX_RECORDS` are stored."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._records: dict[int, RequestRecord] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        self._running: dict[int, str] = {}
        self._number = 0
        self._peak = 0
        self._export_peak = 0

    def begin(self, request: Request, route: str, report_id: str) -> RequestRecord:
        """Record a request that has been read."""
        with self._changed:
            self._number += 1
            key = (route, report_id or request.path)
            self._attempts[key] = self._attempts.get(key, 0) + 1
            self._running[self._number] = route
            exports = sum(1 for running in self._running.values() if running == "export")
            self._peak = max(self._peak, len(self._running))
            self._export_peak = max(self._export_peak, exports)
            record = RequestRecord(
                self._number,
                request,
                route,
                report_id,
                self._attempts[key],
                time.monotonic(),
                len(self._running),
                exports,
            )
            self._records[record.number] = record
            if len(self._records) > MAX_RECORDS:
                del self._records[next(iter(self._records))]
            self._changed.notify_all()
            return record

    def finish(self, number: int, *, status: int | None, sent_bytes: int, ended: bool) -> None:
        """Record how a request ended."""
        with self._changed:
            self._running.pop(number, None)
            record = self._records.get(number)
            if record is not None:
                finished_s = time.monotonic()
                self._records[number] = replace(
                    record, status=status, sent_bytes=sent_bytes, finished_s=finished_s, ended=ended
                )
            self._changed.notify_all()

    def records(self, route: str | None = None, report_id: str | None = None) -> tuple[RequestRecord, ...]:
        """The requests in order of arrival; only those of a route, only those of a report (either id form)."""
        with self._changed:
            return tuple(
                record
                for record in self._records.values()
                if (route is None or record.route == route)
                and (report_id is None or record.report_id == report_id[:15])
            )

    def count(self, route: str | None = None, report_id: str | None = None) -> int:
        """The number of `records`."""
        return len(self.records(route, report_id))

    @property
    def in_flight(self) -> int:
        """The number of requests in progress."""
        with self._changed:
            return len(self._running)

    @property
    def peak(self) -> int:
        """The largest number of concurrent requests."""
        with self._changed:
            return self._peak

    @property
    def export_peak(self) -> int:
        """The largest number of concurrent exports."""
        with self._changed:
            return self._export_peak

    def wait_for(self, met: Callable[[RequestLog], bool], timeout_s: float = 10) -> bool:
        """Wait until the condition holds, checked after every change; False on timeout.

        Use it instead of sleeping: `org.requests.wait_for(lambda log: log.count("export") >= 3)`.
        """
        deadline = time.monotonic() + timeout_s
        while not met(self):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(left, 0.05))
        return True

    def clear(self) -> None:
        """Remove everything but requests in progress; attempts count from 1 again."""
        with self._changed:
            self._records.clear()
            self._attempts.clear()
            self._peak = len(self._running)
            self._export_peak = sum(1 for running in self._running.values() if running == "export")
