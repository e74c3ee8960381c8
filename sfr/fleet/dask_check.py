"""The check of all machines of a Dask cluster before anything is started: versions, configurations and report lists."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import pydoc
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sfr.errors import ConfigurationError, SchedulerError
from sfr.fleet.checking import CheckedOrgs
from sfr.fleet.dask_cluster import CONNECT_LIMIT_S, Cluster
from sfr.fleet.dask_task import CHECK_LIMIT_PER_ORG_S, CHECK_LIMIT_S, WorkerIdentity, check_machine, heartbeat
from sfr.fleet.machine_check import MachineReport, check_request, differences, hashes, read_report
from sfr.fleet.records import expected_s
from sfr.fleet.values import Org
from sfr.version import __version__

log = logging.getLogger(__name__)

LOOK_S = 0.5
#: Before anything else: a check does not wait for other work of the cluster.
_FIRST = 2**31
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CheckedMachine:
    """A worker that has been checked."""

    identity: WorkerIdentity
    report: MachineReport


class MachineChecks:
    """Checks workers for a fleet."""

    def __init__(self, run_id: str, orgs: Sequence[Org], output: str) -> None:
        self._run_id = run_id
        self._orgs = orgs
        self._output = output
        self._directory = os.getcwd()
        self._request = check_request(orgs, output)
        #: Hashes of the fleet's own machine, where it has the files.
        own = MachineReport("the fleet's own machine", hashes=hashes(org.config for org in orgs))
        #: What others are compared with.
        self._right = [own]

    async def check_all(self, cluster: Cluster) -> tuple[CheckedOrgs, list[WorkerIdentity]]:
        """Check all workers. Raises SchedulerError if there are none, ConfigurationError with all problems."""
        addresses = await _wait_for_workers(cluster)
        checks = {address: asyncio.ensure_future(self.check(cluster, address)) for address in addresses}
        try:
            await self._wait(cluster, checks)
            machines = [check.result() for check in checks.values() if _is_answered(check)]
            silent = {address: _why(check) for address, check in checks.items() if not _is_answered(check)}
        finally:
            for check in checks.values():
                check.cancel()
            await asyncio.gather(*checks.values(), return_exceptions=True)
        if not machines:
            shown = ", ".join(f"{address}: {why}" for address, why in list(silent.items())[:_MOST_SHOWN])
            raise SchedulerError(f"No Dask worker has answered the check of its machine ({shown}).")
        for address, why in silent.items():
            log.warning("The Dask worker %s does not answer (%s); the fleet continues without it.", address, why)
        problems = self.problems(machines)
        if problems:
            raise ConfigurationError(*problems)
        self._right.append(machines[0].report)
        planned = [
            replace(one, expected_s=expected_s(self._output, one.org.name)) for one in machines[0].report.planned
        ]
        return CheckedOrgs(planned, frozenset()), [machine.identity for machine in machines]

    async def check(self, cluster: Cluster, address: str) -> CheckedMachine:
        """Check one worker. Raises OSError if it does not answer."""
        version = await cluster.call(address, pydoc.locate, "sfr.version.__version__")
        machine = str(await cluster.call(address, platform.node))
        if version != __version__:
            found = "cannot import SFR" if version is None else f"has SFR {version}"
            problem = f"{machine}: the Dask worker {address} {found}; expected SFR {__version__}, as the fleet itself"
            return CheckedMachine(WorkerIdentity("", 0, machine), MachineReport(machine, [problem]))
        identity: WorkerIdentity = await cluster.call(address, heartbeat, self._run_id)
        key = f"sfr-check-{self._run_id}-{secrets.token_hex(4)}"
        future = cluster.submit(
            address, key, check_machine, self._request, self._directory, len(self._orgs), priority=_FIRST
        )
        try:
            report = read_report(machine, self._orgs, str(await future))
            problems = [f"{machine}: {problem}" for problem in report.problems]
        except (OSError, ValueError) as error:
            report = MachineReport(machine)
            problems = [f"{machine}: the configurations cannot be checked in {self._directory}: {error}"]
        except Exception as error:  # KilledWorker, or a task that Dask has cancelled
            raise OSError(f"the check was lost ({type(error).__name__})") from error
        finally:
            await cluster.cancel(future)
        return CheckedMachine(identity, replace(report, problems=problems))

    def problems(self, machines: Sequence[CheckedMachine]) -> list[str]:
        """The problems of these machines, and their differences from machines that passed."""
        reports = [machine.report for machine in machines]
        found = [problem for report in reports for problem in report.problems]
        return list(dict.fromkeys([*found, *differences([*self._right, *reports])]))

    async def _wait(self, cluster: Cluster, checks: Mapping[str, asyncio.Future[CheckedMachine]]) -> None:
        """Wait until all are done, their workers are gone, or the time is over."""
        limit_clock_s = time.monotonic() + CHECK_LIMIT_S + len(self._orgs) * CHECK_LIMIT_PER_ORG_S
        waiting = set(checks.values())
        while waiting and time.monotonic() < limit_clock_s:
            _, waiting = await asyncio.wait(waiting, timeout=LOOK_S)
            present = await _workers(cluster)
            waiting &= {check for address, check in checks.items() if address in present}


async def _wait_for_workers(cluster: Cluster) -> list[str]:
    limit_clock_s = time.monotonic() + CONNECT_LIMIT_S
    while True:
        addresses = list(await _workers(cluster))
        if addresses:
            return addresses
        if time.monotonic() > limit_clock_s:
            raise SchedulerError(
                f"The Dask scheduler has had no worker for {CONNECT_LIMIT_S:.0f} s. Start some: `dask worker ADDRESS`."
            )
        await asyncio.sleep(LOOK_S)


async def _workers(cluster: Cluster) -> Mapping[str, int]:
    try:
        return await cluster.workers()
    except OSError as error:
        raise SchedulerError(f"The Dask scheduler was lost while the machines were checked ({error}).") from error


def _is_answered(check: asyncio.Future[CheckedMachine]) -> bool:
    return check.done() and check.exception() is None


def _why(check: asyncio.Future[CheckedMachine]) -> str:
    return str(check.exception() or "it has gone") if check.done() else "no answer in time, or it has gone"
