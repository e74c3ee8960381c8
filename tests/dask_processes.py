"""A Dask scheduler and workers as processes on this machine, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.sfr_program import kill_family
from tests.waiting import wait_until

CHECKOUT = Path(__file__).parents[1]


class DaskProcesses:
    """A scheduler, and the workers that are started for it."""

    def __init__(self, directory: Path, security: Sequence[str] = (), python_path: Sequence[Path] = ()) -> None:
        self.directory = directory
        self._security = security
        self._environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, [*python_path, CHECKOUT])),
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        }
        self._started: list[subprocess.Popen[bytes]] = []
        #: Those that were started, dead or alive.
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start_scheduler()

    def _start_scheduler(self) -> subprocess.Popen[bytes]:
        file = self.directory / "scheduler.json"
        process = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), "--no-dashboard"
        )

        def is_up() -> bool:
            assert process.poll() is None, self.printed("scheduler")
            with contextlib.suppress(OSError, ValueError):
                self.address = str(json.loads(file.read_text())["address"])
                return True
            return False

        wait_until(is_up)
        return process

    def add_worker(
        self,
        *,
        threads: int = 1,
        is_nanny: bool = False,
        directory: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker; it is there some time later."""
        name = f"worker{len(self.workers) + 1}"
        process = self._start(
            "worker",
            self.address,
            "--nthreads",
            str(threads),
            "--nanny" if is_nanny else "--no-nanny",
            "--no-dashboard",
            "--death-timeout",
            "60",
            "--name",
            name,
            "--local-directory",
            str(self.directory / "local"),
            log=name,
            directory=directory,
            environ=environ,
        )
        self.workers.append(process)
        return process

    def wait_for(self, worker: subprocess.Popen[bytes]) -> None:
        """Wait until the scheduler knows this worker."""
        name = f"worker{self.workers.index(worker) + 1}"
        try:
            wait_until(lambda: bool(re.search(rf"Register worker.*name: {name}\b", self.printed("scheduler"))))
        except AssertionError:
            raise AssertionError(self.printed(name) + self.printed("scheduler")) from None

    def remove(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker and wait until the scheduler knows that it is gone."""
        name = f"worker{self.workers.index(worker) + 1}"
        kill_family(worker)
        wait_until(lambda: bool(re.search(rf"Remove worker.*name: {name}\b", self.printed("scheduler"))))

    def printed(self, name: str) -> str:
        """What a process has printed."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def _start(
        self,
        program: str,
        *arguments: str,
        log: str | None = None,
        directory: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        with (self.directory / f"{log or program}.log").open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"distributed.cli.dask_{program}", *arguments, *self._security],
                cwd=directory or self.directory,
                env={**self._environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def close(self) -> None:
        """Kill them all, with what they have started."""
        for process in self._started:
            with contextlib.suppress(psutil.Error):
                kill_family(process)
