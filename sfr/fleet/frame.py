"""What surrounds the run of a fleet: its identity, its summary and its notifications."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sfr.errors import DirectoryError
from sfr.fleet.loading import LoadedFleet
from sfr.fleet.notices import notify
from sfr.fleet.plan import exit_code
from sfr.fleet.summaries import write_summaries
from sfr.fleet.table import result_text
from sfr.fleet.values import FleetResult, OrgResult
from sfr.notify import Notifier
from sfr.runner.endings import output_directory_unusable
from sfr.storage.run_directory import RunDirectory, temporary_prefix
from sfr.version import __version__


@dataclass(frozen=True, slots=True)
class FleetFrame:
    """One run of a fleet."""

    loaded: LoadedFleet
    engine: str
    run_id: str
    started_at: datetime
    started_clock_s: float
    notifier: Notifier
    at_once: int

    @classmethod
    def begin(cls, loaded: LoadedFleet, engine: str, at_once: int | None = None) -> FleetFrame:
        """A fleet that starts now. at_once: None = as in its file."""
        now = datetime.now().astimezone()
        run_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        settings = loaded.settings
        notifier, at_once = Notifier(settings.notify), settings.at_once if at_once is None else at_once
        return cls(loaded, engine, run_id, now, time.monotonic(), notifier, at_once)

    @property
    def prefix(self) -> str:
        """Start of the names of its temporary files."""
        return temporary_prefix(self.run_id)

    @contextmanager
    def held_directory(self) -> Iterator[None]:
        """Hold the output directory in the block. Raises RunActiveError, and DirectoryError if it cannot be used."""
        output = self.loaded.settings.output
        directory = RunDirectory(output, self.run_id, option="output")
        with ExitStack() as stack:
            try:
                stack.enter_context(directory)
            except OSError as error:
                raise DirectoryError(f"{output_directory_unusable(output, error)} Nothing was started.") from error
            directory.sweep()
            directory.record_directories([output, os.path.join(output, "orgs")])
            yield

    def write_summary(
        self, orgs: Sequence[OrgResult], stop_signal: int | None = None, *, is_recorded: bool = True
    ) -> FleetResult:
        """Write the summary; returns the fleet's result, with its final exit code. is_recorded: see `FleetRun`."""
        fleet = FleetResult(
            name=self.loaded.name,
            run_id=self.run_id,
            started_at=self.started_at,
            finished_at=datetime.now().astimezone(),
            duration_s=time.monotonic() - self.started_clock_s,
            exit_code=exit_code(orgs, stop_signal, is_recorded=is_recorded),
            version=__version__,
            engine=self.engine,
            at_once=self.at_once,
            orgs=orgs,
        )
        return write_summaries(fleet, self.loaded.settings.output, self.prefix)

    def notify(self, fleet: FleetResult) -> None:
        """Send the configured notifications."""
        json_path = os.path.join(self.loaded.settings.output, "summary.json")
        notify(self.notifier, fleet, result_text(fleet, 100, "utf-8"), json_path)
