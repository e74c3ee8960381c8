"""The options of `fetch` and `workers`: threads, processes, time limits and retries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sfr.options.section import Section
from sfr.options.types import LARGEST_BYTES, Seconds, SecondsOrZero


class Backoff(Section):
    """`fetch.backoff`: the wait before another attempt, exponential with full jitter."""

    first_s: Seconds = Field(
        default=1.0, description="Upper bound of the first wait; it doubles with every attempt. Seconds."
    )
    max_s: Seconds = Field(default=60.0, description="Upper bound of any wait. Seconds.")


class Fetch(Section):
    """`fetch`: threads, time limits and retries of the downloads."""

    threads: int = Field(default=4, ge=1, le=100, description="Fetch threads: reports exported at once.")
    attempts: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Attempts per report; at most 3 of them may end as `timeout` or be cut later than 5 minutes in.",
    )
    retry_budget: Annotated[int, Field(ge=0, le=1_000_000)] | Literal["auto"] = Field(
        default="auto",
        description="Retries of a whole run; once spent, reports fail at their first error. `auto` = max(20, 2 × "
        "reports).",
    )
    timeout_s: Seconds = Field(
        default=900.0, description="One attempt, from start to end. Salesforce itself stops an export at 900. Seconds."
    )
    connect_timeout_s: Seconds = Field(default=10.0, description="Making a connection. Seconds.")
    idle_timeout_s: Seconds = Field(
        default=300.0,
        description="No byte for so long after the first one ends the attempt; before it only `timeout_s` applies, "
        "as Salesforce computes a report before it answers. Seconds.",
    )
    backoff: Backoff = Field(default_factory=Backoff, description="The wait before another attempt.")
    retry_after_max_s: SecondsOrZero = Field(
        default=300.0, description="Longest `Retry-After` that is obeyed; a longer one ends the report. Seconds."
    )
    min_bytes_per_s: float = Field(
        default=100.0,
        ge=0.0,
        le=1e12,
        description="Slower than this over 60 seconds, after the first byte, counts as a stall; 0 = never. Bytes "
        "per second.",
    )
    max_report_bytes: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_BYTES,
        description="A report that is larger than this once decoded fails; null = a bound against bodies that no "
        "report has (see below). Bytes.",
    )
    deadline_s: Seconds | None = Field(
        default=None,
        description="The whole run; reports not done by then end as `timeout`. null = no deadline. Seconds.",
    )
    stop_grace_s: SecondsOrZero = Field(
        default=30.0, description="What is in flight may go on for so long after the first SIGTERM or SIGINT. Seconds."
    )


class Workers(Section):
    """`workers`: the processes that decode, check and write reports."""

    count: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        default="auto",
        description="Worker processes. `auto` = half the CPU threads this process may use, and no more than memory "
        "allows.",
    )
    queue_size: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Payloads waiting for a worker, in the queue and behind it; fetching pauses at the limit. 0 = "
        "unlimited.",
    )
    payload_timeout_s: Seconds = Field(
        default=600.0, description="A worker without progress for so long is killed and replaced. Seconds."
    )
