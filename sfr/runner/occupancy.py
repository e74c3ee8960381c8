"""Holds the output directory for the time of a run; under a fleet also its lease, which a thread renews."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType

from sfr.errors import LeaseLostError
from sfr.model import Status
from sfr.results import DeliveryStatus, ReportStats
from sfr.runner.stop_signals import StopSignals
from sfr.storage.run_directory import LOOK_INTERVAL_S, RunDirectory
from sfr.threads import start_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sfr.storage.lease import Lease

RENEW_INTERVAL_S = 10.0
#: A thread that waits for a disk that does not answer is left behind.
JOIN_TIMEOUT_S = 1.0
#: Maximum number of published files named in the message about a lost lease.
MOST_NAMES = 50


def occupy(directory: RunDirectory, signals: StopSignals, stack: ExitStack) -> None:
    """Take lock and lease, to be released by the stack. Stop signals raise `Stopped`, but never in between.

    Raises like `RunDirectory`.
    """
    while True:
        with signals.deferred():
            if directory.try_hold():
                stack.push(directory)
                return
        time.sleep(LOOK_INTERVAL_S)


class LeaseKeeper:
    """Context manager: renews a lease while the block runs. Without a lease it does nothing."""

    def __init__(self, lease: Lease | None, on_lost: Callable[[], None]) -> None:
        """on_lost: called once, in a thread, as soon as it is seen that the lease is lost."""
        self._lease, self._on_lost = lease, on_lost
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        if self._lease is not None:
            self._thread = threading.Thread(target=self._run, args=(self._lease,), name="lease", daemon=True)
            start_thread(self._thread)

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT_S)

    def _run(self, lease: Lease) -> None:
        while not self._end.wait(RENEW_INTERVAL_S):
            lease.renew()
            if not lease.is_current():
                self._on_lost()
                return


def confirm(directory: RunDirectory, reports: Sequence[ReportStats]) -> None:
    """Raise `LeaseLostError` unless the run still holds the directory; it names what these reports published."""
    if directory.may_publish():
        return
    published = [
        stats.report.path
        for stats in reports
        if stats.status is Status.SAVED or (stats.is_in_place and not stats.is_valid)
    ]
    published += [
        each.target for stats in reports for each in stats.delivery_stats if each.status is DeliveryStatus.DELIVERED
    ]
    rest = len(published) - MOST_NAMES
    names = ", ".join(published[:MOST_NAMES]) + (f" and {rest:,} more" if rest > 0 else "")
    raise LeaseLostError(
        f"Another run has taken {directory.path.parent} over, since this one was silent for too long; it ends without "
        f"a summary. It had published before: {names or 'nothing'}."
    )
