"""The org's Bulk API query jobs."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sfr.emulator.catalogue.ids import numbered_id
from sfr.emulator.records.soql_run import Selection


@dataclass(slots=True)
class QueryJob:
    """A job. `selection` is None until it is complete; changes only under the store's lock."""

    id: str
    query: str
    table: str
    delimiter: str
    line_end: str
    operation: str
    version: str
    polls_left: int
    #: The scenario's error for this job; empty for none.
    failure: str = ""
    state: str = "UploadComplete"
    error: str = ""
    selection: Selection | None = None


class JobStore:
    """All jobs that were not deleted. Thread-safe; hold `lock` to change a job or to read one that may change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._jobs: dict[str, QueryJob] = {}
        self._ids_issued = 0

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def issued(self) -> int:
        """How many ids have been issued."""
        return self._ids_issued

    def new_id(self) -> str:
        """A new job id."""
        with self.lock:
            self._ids_issued += 1
            return numbered_id("750", self._ids_issued)

    def add(self, job: QueryJob) -> None:
        """Add a new job."""
        with self.lock:
            self._jobs[job.id] = job

    def remove(self, job: QueryJob) -> None:
        """Delete a job; does nothing if it is already deleted."""
        with self.lock:
            self._jobs.pop(job.id, None)

    def all(self) -> tuple[QueryJob, ...]:
        """Every job, in order of creation."""
        with self.lock:
            return tuple(self._jobs.values())

    def find(self, job_id: str) -> QueryJob | None:
        """The job with this id, in either form."""
        return next((job for job in self.all() if job.id[:15] == job_id[:15]), None)
