"""The options of `fetch` and `workers`: threads, processes, time limits and retries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sfr.options.section import Section
from sfr.options.types import MAX_SIZE_BYTES, Seconds, SecondsOrZero

#: Longest age of a report that counts as fetched: a year.
MAX_AGE_H = 24.0 * 366


class Backoff(Section):
    """`fetch.backoff`: delay before a retry, exponential with full jitter."""

    first_s: Seconds = Field(
        default=1.0, description="Seconds, upper bound of the first retry delay; doubles with each attempt."
    )
    max_s: Seconds = Field(default=60.0, description="Seconds, upper bound of any retry delay.")


class Fetch(Section):
    """`fetch`: threads, time limits and retries of the downloads."""

    threads: int = Field(default=4, ge=1, le=100, description="Number of fetch threads: reports exported in parallel.")
    attempts: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Maximum attempts per report; at most 3 of them may end as `timeout` or be cut off more than 5 "
        "minutes in.",
    )
    retry_budget: Annotated[int, Field(ge=0, le=1_000_000)] | Literal["auto"] = Field(
        default="auto",
        description="Maximum retries per run; once used up, reports fail on their first error. `auto` = max(20, 2 × "
        "reports).",
    )
    timeout_s: Seconds = Field(
        default=900.0,
        description="Seconds for one attempt, start to finish. Salesforce itself stops an export after 900.",
    )
    connect_timeout_s: Seconds = Field(default=10.0, description="Seconds to establish a connection.")
    idle_timeout_s: Seconds = Field(
        default=300.0,
        description="Seconds without data, after the first byte, before an attempt is ended as stalled. Until the "
        "first byte only `timeout_s` applies, as Salesforce computes a report before it responds.",
    )
    backoff: Backoff = Field(default_factory=Backoff, description="Delay before a retry.")
    retry_after_max_s: SecondsOrZero = Field(
        default=300.0, description="Seconds, longest `Retry-After` honoured; a longer one fails the report."
    )
    min_bytes_per_s: float = Field(
        default=100.0,
        ge=0.0,
        le=1e12,
        description="Minimum bytes per second, over 60 seconds after the first byte; slower transfers count as "
        "stalled. 0 = no minimum.",
    )
    max_report_bytes: int | None = Field(
        default=None,
        ge=1,
        le=MAX_SIZE_BYTES,
        description="Maximum bytes of a decoded report; a larger one fails. null = only the limit on decompression "
        "bombs (see below).",
    )
    max_age_h: float | None = Field(
        default=None,
        ge=0.0,
        le=MAX_AGE_H,
        description="Hours for which a fetched report is good: younger ones are skipped if their files are unchanged; "
        "`--report` ignores it. null or 0 = always fetched.",
    )
    deadline_s: Seconds | None = Field(
        default=None,
        description="Seconds for the whole run; reports not received by then end as `timeout`; what is being checked, "
        "written or delivered has `stop_grace_s` more. null = no deadline.",
    )
    stop_grace_s: SecondsOrZero = Field(
        default=30.0,
        description="Seconds that work in flight may continue after the first SIGTERM or SIGINT; after `deadline_s` "
        "only what has been received.",
    )


class Workers(Section):
    """`workers`: the processes that decode, check and write reports."""

    count: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        default="auto",
        description="Number of worker processes. `auto` = half the CPU threads available to the process, limited by "
        "memory.",
    )
    queue_size: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Maximum payloads waiting for a worker, in the queue and its backlog; fetching pauses at the "
        "limit. 0 = unlimited.",
    )
    payload_timeout_s: Seconds = Field(
        default=600.0, description="Seconds without progress before a worker is killed and replaced."
    )
