"""`python -m tests.stress.dask_kills`: kills fleets on a Dask cluster, and the cluster under them, at random moments.

As `fleet_kills`, on a scheduler and two workers with nannies of this machine. Killed is the fleet, a run, a worker, a
nanny or the scheduler; stopped and set going again, beyond the lease, is a worker or a run; the fleet gets SIGTERM. The
waits are shortened: a lease is lost after 6 s, a silent worker after 8 s, a silent fleet after 10 s. Promised is the
same: every process ends, every file is whole, no org is lost and no report is published twice. Ends with 1 if one is
not so.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil

from sfr.emulator import Emulator
from tests.dask_processes import DaskProcesses
from tests.fleets import impatient
from tests.stress.fleet_kills import GRACE_S, MARGIN_S, Figures, Round, hit_fleets, parse_arguments

#: From before the check of the machines to after the summary.
MOMENTS_S = (1.5, 8.0)
STOP_S = (1.0, 12.0)
KINDS = (
    "kill the fleet",
    "SIGTERM to the fleet",
    "kill a run",
    "kill a worker",
    "kill a nanny",
    "kill the scheduler",
    "stop a worker for a while",
    "stop a run for a while",
)
#: Loaded by every Python below a worker.
SHORT_WAITS = """
import sys
if "--under-fleet" in sys.orig_argv:
    from sfr.runner import occupancy
    from sfr.storage import lease
    lease.SILENCE_S, lease.DOUBT_S, occupancy.RENEW_INTERVAL_S = 6.0, 3.0, 1.0
elif any("dask_worker" in part or "spawn_main" in part for part in sys.orig_argv):
    from sfr.fleet import dask_task
    dask_task.FLEET_TIMEOUT_S = 10.0
"""


class Cluster:
    """A scheduler and two workers, which are there again after each hit."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = 0
        (directory / "short").mkdir()
        (directory / "short" / "sitecustomize.py").write_text(SHORT_WAITS)
        self.start()

    def start(self) -> None:
        """A new one."""
        self._number += 1
        directory = self._directory / f"cluster{self._number}"
        directory.mkdir()
        self.dask = DaskProcesses(directory, python_path=[self._directory / "short"])
        self.nannies = [self._add_nanny(), self._add_nanny()]

    def _add_nanny(self) -> subprocess.Popen[bytes]:
        nanny = self.dask.add_worker(is_nanny=True)
        self.dask.wait_for(nanny)
        return nanny

    def mend(self) -> None:
        """Replace what is dead."""
        if self.dask.scheduler.poll() is not None:
            self.dask.close()
            self.start()
        self.nannies = [nanny if nanny.poll() is None else self._add_nanny() for nanny in self.nannies]

    def close(self) -> None:
        """Kill it."""
        self.dask.close()

    def workers(self) -> list[psutil.Process]:
        """Those that run."""
        found = []
        for nanny in self.nannies:
            with contextlib.suppress(psutil.Error):
                children = psutil.Process(nanny.pid).children()
                found += [child for child in children if any("spawn_main" in part for part in child.cmdline())]
        return found

    def runs(self) -> list[psutil.Process]:
        """Runs of orgs."""
        found = []
        for worker in self.workers():
            with contextlib.suppress(psutil.Error):
                found += [child for child in worker.children() if "--under-fleet" in child.cmdline()]
        return found


class DaskRound(Round):
    """One fleet, through its hits."""

    moments_s = MOMENTS_S
    program = impatient(
        fleet__dask_workers__HEARTBEAT_INTERVAL_S=1,
        fleet__dask_workers__WORKER_TIMEOUT_S=8,
        fleet__dask_dispatch__STOP_LIMIT_S=8,
        fleet__dask_cluster__ANSWER_LIMIT_S=3,
        fleet__dask_workers__ANSWER_LIMIT_S=3,
        fleet__dask_workers__CONNECT_LIMIT_S=20,
    )

    def __init__(
        self, directory: Path, org: Emulator, chance: random.Random, figures: Figures, cluster: Cluster
    ) -> None:
        super().__init__(directory, org, chance, figures)
        self.cluster = cluster

    def hit(self, kind: str, *arguments: str) -> None:
        """See `Round`."""
        self._write()
        super().hit(kind, *arguments)
        self.cluster.mend()

    def mend(self) -> None:
        """See `Round`."""
        self._write()
        super().mend()

    def _write(self) -> None:
        self.fleet.write(engine="dask", attempts=3, dask={"scheduler": self.cluster.dask.address})

    def _family(self, process: subprocess.Popen[str]) -> list[psutil.Process]:
        family = self.cluster.runs()
        for run in list(family):
            with contextlib.suppress(psutil.Error):
                family += run.children(recursive=True)
        return family

    def _end_limit_s(self, kind: str) -> float:
        return GRACE_S + 2 + MARGIN_S

    def _strike(self, kind: str, process: subprocess.Popen[str]) -> bool:
        if process.poll() is not None:
            return False
        try:
            if kind == "kill the fleet":
                process.kill()
            elif kind == "SIGTERM to the fleet":
                process.send_signal(signal.SIGTERM)
            elif kind == "kill the scheduler":
                self.cluster.dask.scheduler.kill()
            elif kind == "kill a nanny":
                self.chance.choice(self.cluster.nannies).kill()
            else:
                victim = self.chance.choice(self.cluster.workers() if "worker" in kind else self.cluster.runs())
                if kind.startswith("stop"):
                    victim.suspend()
                    time.sleep(self.chance.uniform(*STOP_S))
                    victim.resume()
                else:
                    victim.kill()
        except (IndexError, psutil.Error):
            return False
        return True


def main() -> int:
    """0 if every promise held."""
    arguments = parse_arguments("dask_kills", __doc__, hits=200)
    with (
        Emulator({"rules": [{"report": "Kills*", "action": "answer", "delay_s": 1.0}]}) as org,
        tempfile.TemporaryDirectory(prefix="sfr-dask-kills-") as own,
        contextlib.closing(Cluster(Path(own))) as cluster,
    ):
        return hit_fleets(partial(DaskRound, cluster=cluster), KINDS, org, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
