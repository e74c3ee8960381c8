"""The engine `dask`: workers of a Dask cluster, one org per worker thread.

Dask's client lives in an event loop in a thread of its own; the main thread only puts in tasks and takes out results.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec

from sfr.errors import UsageError
from sfr.fleet.checking import CheckedOrgs
from sfr.fleet.dask_check import MachineChecks
from sfr.fleet.dask_cluster import CLOSE_LIMIT_S, connected
from sfr.fleet.dask_dispatch import Dispatch
from sfr.fleet.dask_task import WorkerIdentity
from sfr.fleet.engine import OrgEnded, OrgTask
from sfr.fleet.settings import Dask, FleetSettings
from sfr.fleet.values import Org
from sfr.threads import start_thread
from sfr.wording import how_to_install


class DaskEngine:
    """See the module. Main thread only."""

    def __init__(self, dask: Dask) -> None:
        self._dask = dask
        self._run_id = f"{datetime.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._checks: MachineChecks | None = None
        self._checked: list[WorkerIdentity] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._dispatch: Dispatch | None = None
        self._open = 0

    @property
    def at_once(self) -> int:
        """See `FleetEngine`: worker threads of the cluster."""
        return max(1, sum(worker.threads for worker in self._checked))

    def check(self, orgs: Sequence[Org], environ: Mapping[str, str], output: str) -> CheckedOrgs:
        """See `FleetEngine`. Raises SchedulerError without a scheduler or worker, and UsageError."""
        del environ  # each worker uses its own
        self._checks = MachineChecks(self._run_id, orgs, output)
        checked, self._checked = asyncio.run(self._check(self._checks))
        return checked

    async def _check(self, checks: MachineChecks) -> tuple[CheckedOrgs, list[WorkerIdentity]]:
        async with connected(self._dask, is_first=True) as cluster:
            return await checks.check_all(cluster)

    def __enter__(self) -> DaskEngine:
        assert self._checks is not None  # noqa: S101 - `check` comes first
        self._dispatch = Dispatch(self._dask, self._run_id, self._checks, self._checked)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, self._dispatch), name="dask", daemon=True)
        start_thread(self._thread)
        return self

    def __exit__(self, *_: object) -> None:
        """End the tasks that still run: none, unless the fleet itself fails."""
        assert self._thread is not None and self._dispatch is not None  # noqa: S101, PT018 - see `__enter__`
        self._call(self._dispatch.close)
        self._thread.join(4 * CLOSE_LIMIT_S)

    @property
    def running(self) -> int:
        """See `FleetEngine`."""
        assert self._dispatch is not None  # noqa: S101 - see `__enter__`
        return self._open - len(self._dispatch.waiting)

    def submit(self, task: OrgTask) -> None:
        """See `FleetEngine`."""
        assert self._dispatch is not None  # noqa: S101 - see `__enter__`
        self._open += 1
        self._dispatch.waiting.add(task)
        self._call(self._dispatch.wake)

    def stop(self, signal_number: int) -> None:
        """See `FleetEngine`."""
        assert self._dispatch is not None  # noqa: S101 - see `__enter__`
        dispatch = self._dispatch
        dispatch.is_stopping = True
        self._open -= dispatch.waiting.clear()
        self._call(lambda: dispatch.stop(signal_number))

    def results(self, timeout_s: float) -> list[OrgEnded]:
        """See `FleetEngine`."""
        assert self._dispatch is not None  # noqa: S101 - see `__enter__`
        found = self._dispatch.ended.take(timeout_s)
        self._open -= len(found)
        return [each for each in found if each is not None]

    def _call(self, function: Callable[[], None]) -> None:
        """Call it in the event loop."""
        assert self._loop is not None  # noqa: S101 - see `__enter__`
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function)

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop, dispatch: Dispatch) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(dispatch.run())
        finally:
            loop.close()


def open_engine(settings: FleetSettings) -> DaskEngine:
    """The engine. Raises UsageError if the fleet's file lacks what it needs, or the library is missing."""
    if settings.dask.scheduler is None:
        raise UsageError("engine: dask: `dask.scheduler` is missing; expected an address such as `tls://host:8786`")
    if find_spec("distributed") is None:
        raise UsageError(f"The engine `dask` needs the package distributed: {how_to_install('dask')}")
    return DaskEngine(settings.dask)
