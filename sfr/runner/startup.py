"""Logs in, determines the API version and checks the connection, before the first report is fetched.

Runs in a thread of its own, so that a signal or the deadline can end the run meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sfr.errors import LogInError, ReportError
from sfr.inbox import Inbox
from sfr.runner import events
from sfr.runner.endings import no_fetch_threads
from sfr.salesforce.org_check import examine
from sfr.threads import start_thread

if TYPE_CHECKING:
    from sfr.runner.ledger import Ledger
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import CurrentSession, Session

log = logging.getLogger(__name__)

#: Maximum log-in attempts while the org is unreachable or busy; a refused log-in is never retried (lock-out).
LOG_IN_ATTEMPTS = 5
#: An answer to a log-in or a check takes seconds; a report may take minutes.
LOG_IN_TIMEOUT_S = 120.0


class Startup(threading.Thread):
    """Logs in once for all threads, then posts `StartupDone` or `StartupFailed`."""

    def __init__(
        self,
        sessions: CurrentSession,
        transport: Transport,
        configured_version: str,
        new_deadline: Callable[[], Deadline],
        ledger: Ledger,
        inbox: Inbox[events.Event],
    ) -> None:
        super().__init__(name="startup", daemon=True)
        self._configured_version = configured_version
        self._sessions, self._transport, self._new_deadline = sessions, transport, new_deadline
        self._budget, self._backoff = ledger.budget, ledger.rules.backoff
        self._attempts = min(ledger.rules.attempts, LOG_IN_ATTEMPTS)
        self._retry_after_max_s = ledger.rules.retry_after_max_s
        self._inbox = inbox
        self._cancelled = threading.Event()

    def begin(self) -> None:
        """Start the thread; if the system refuses, post `StartupFailed`."""
        try:
            start_thread(self)
        except OSError as error:
            self._inbox.post(events.StartupFailed(no_fetch_threads(error)))

    def run(self) -> None:
        """The body of the thread: see the class."""
        try:
            begun_clock_s = time.monotonic()
            session = self._log_in()
            api_version = self._check(session)
            log.info("Logged in to %s in %.1f s.", session.instance_url, time.monotonic() - begun_clock_s)
            self._inbox.post(events.StartupDone(api_version))
        except (LogInError, ReportError) as error:
            self._inbox.post(events.StartupFailed(error))
        except BaseException as bug:  # noqa: BLE001 - the main thread raises it
            self._inbox.post(events.ThreadCrashed(bug))

    def cancel(self) -> None:
        """Do not retry any more."""
        self._cancelled.set()

    def _log_in(self) -> Session:
        failures = 0
        while True:
            try:
                return self._sessions.log_in()
            except ReportError as error:
                failures += 1
                wait_s = error.retry_after_s or self._backoff.wait_s(failures)
                is_too_long = (error.retry_after_s or 0.0) > self._retry_after_max_s
                is_last = failures >= self._attempts or is_too_long
                if not error.is_retryable or is_last or not self._budget.spend():
                    raise
                log.warning("Log-in failed (%s); retrying in %.1f s.", error.message, wait_s)
                if self._cancelled.wait(wait_s):
                    raise

    def _check(self, session: Session) -> str:
        """Make one small request to check the connection; returns the API version."""
        api_version, warnings = examine(self._transport, session, self._configured_version, self._new_deadline)
        for warning in (*warnings, *self._sessions.notes):
            log.warning("%s", warning)
        return api_version
