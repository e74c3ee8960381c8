"""The org's limits: counted, reported by `/limits` and in `Sforce-Limit-Info`, and enforced. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from sfr.emulator.scenarios.scenario import Settings


class WorkbookPlace:
    """The place of one workbook among those being sent."""

    def __init__(self, usage: Usage, *, is_only_one: bool) -> None:
        self.is_only_one = is_only_one
        self._usage = usage
        self._is_released = False

    def release(self) -> None:
        """Free it; further calls have no effect. One thread at a time."""
        if not self._is_released:
            self._is_released = True
            self._usage.count_workbook_end()

    def during(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass a body through; free the place before its end is sent, since the next request may follow at once."""
        try:
            yield from pieces
        finally:
            self.release()


class Usage:
    """Counts API requests, report runs and exports; limits concurrent reports."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._api_requests = 0
        self._sync_runs = 0
        self._async_runs = 0
        self._exports = 0
        self._running = 0
        self._workbooks = 0

    def count_api_request(self, settings: Settings) -> bool:
        """Count a request; False if the daily limit is used up."""
        with self._lock:
            self._api_requests += 1
            return self._api_requests <= settings.daily_api_requests

    def count_report_run(self, settings: Settings, *, is_async: bool) -> bool:
        """Count a run of the Analytics API; False if the hourly limit is used up."""
        with self._lock:
            if is_async:
                self._async_runs += 1
                return self._async_runs <= settings.hourly_async_report_runs
            self._sync_runs += 1
            return self._sync_runs <= settings.hourly_report_runs

    def count_export(self, settings: Settings) -> bool:
        """Count an export before it is sent; True if all sessions end with it."""
        with self._lock:
            self._exports += 1
            every = settings.lose_sessions_every
            return self._exports == settings.lose_sessions_after or bool(every and self._exports % every == 0)

    def acquire_slot(self, settings: Settings) -> bool:
        """Acquire a slot for a concurrent report; False if all are in use. Each has to be released once."""
        with self._lock:
            if settings.concurrency_limit is not None and self._running >= settings.concurrency_limit:
                return False
            self._running += 1
            return True

    def release_slot(self) -> None:
        """Release a slot."""
        with self._lock:
            self._running -= 1

    def acquire_workbook(self) -> WorkbookPlace:
        """Count a workbook that is about to be sent, or refused."""
        with self._lock:
            self._workbooks += 1
            return WorkbookPlace(self, is_only_one=self._workbooks == 1)

    def count_workbook_end(self) -> None:
        """Count the end of a workbook; see `WorkbookPlace.release`."""
        with self._lock:
            self._workbooks -= 1

    def header(self, settings: Settings) -> tuple[str, str]:
        """The `Sforce-Limit-Info` header."""
        with self._lock:
            return ("Sforce-Limit-Info", f"api-usage={self._api_requests}/{settings.daily_api_requests}")

    def document(self, settings: Settings) -> dict[str, dict[str, int]]:
        """The response of `/limits`."""
        with self._lock:
            used = {
                "ConcurrentAsyncGetReportInstances": (200, 0),
                "ConcurrentSyncReportRuns": (20, self._running),
                "DailyApiRequests": (settings.daily_api_requests, self._api_requests),
                "DailyAsyncApexExecutions": (250_000, 0),
                "DailyBulkApiBatches": (15_000, 0),
                "DailyBulkV2QueryFileStorageMB": (976_562, 0),
                "DailyBulkV2QueryJobs": (10_000, 0),
                "DataStorageMB": (5, 1),
                "FileStorageMB": (20, 1),
                "HourlyAsyncReportRuns": (settings.hourly_async_report_runs, self._async_runs),
                "HourlyDashboardRefreshes": (200, 0),
                "HourlySyncReportRuns": (settings.hourly_report_runs, self._sync_runs),
            }
        return {name: {"Max": top, "Remaining": max(0, top - count)} for name, (top, count) in used.items()}
