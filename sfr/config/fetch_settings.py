"""The options of `fetch` and `workers`: threads, processes, time limits and retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sfr.config.fields import LARGEST_BYTES, option

#: Longest duration that any option takes: a year. Keeps typing errors, and overflows of system calls, out.
LONGEST_S = 366 * 86400.0


def _seconds(doc: str, default: float | None, *, minimum: float = 0.001) -> Any:
    return option(f"{doc} Seconds.", default=default, minimum=minimum, maximum=LONGEST_S)


@dataclass(frozen=True, slots=True)
class Backoff:
    """`fetch.backoff`: the wait before another attempt, exponential with full jitter."""

    first_s: float = _seconds("Upper bound of the first wait; it doubles with every attempt.", 1.0)
    max_s: float = _seconds("Upper bound of any wait.", 60.0)


@dataclass(frozen=True, slots=True)
class Fetch:
    """`fetch`: threads, time limits and retries of the downloads."""

    threads: int = option("Fetch threads: reports exported at once.", default=4, minimum=1, maximum=100)
    attempts: int = option(
        "Attempts per report; at most 3 of them may end as `timeout` or be cut later than 5 minutes in.",
        default=20,
        minimum=1,
        maximum=1000,
    )
    retry_budget: int | Literal["auto"] = option(
        "Retries of a whole run; once spent, reports fail at their first error. `auto` = max(20, 2 × reports).",
        default="auto",
        minimum=0,
        maximum=1_000_000,
    )
    timeout_s: float = _seconds("One attempt, from start to end. Salesforce itself stops an export at 900.", 900.0)
    connect_timeout_s: float = _seconds("Making a connection.", 10.0)
    idle_timeout_s: float = _seconds(
        "No byte for so long after the first one ends the attempt; before it only `timeout_s` applies, "
        "as Salesforce computes a report before it answers.",
        300.0,
    )
    backoff: Backoff = option("The wait before another attempt.", default_factory=Backoff)
    retry_after_max_s: float = _seconds(
        "Longest `Retry-After` that is obeyed; a longer one ends the report.", 300.0, minimum=0
    )
    min_bytes_per_s: float = option(
        "Slower than this over 60 seconds, after the first byte, counts as a stall; 0 = never. Bytes per second.",
        default=100.0,
        minimum=0,
        maximum=1e12,
    )
    max_report_bytes: int | None = option(
        "A report that is larger than this once decoded fails; null = a bound against bodies that no report has "
        "(see below). Bytes.",
        default=None,
        minimum=1,
        maximum=LARGEST_BYTES,
    )
    deadline_s: float | None = _seconds(
        "The whole run; reports not done by then end as `timeout`. null = no deadline.", None
    )
    stop_grace_s: float = _seconds(
        "What is in flight may go on for so long after the first SIGTERM or SIGINT.", 30.0, minimum=0
    )


@dataclass(frozen=True, slots=True)
class Workers:
    """`workers`: the processes that decode, check and write reports."""

    count: int | Literal["auto"] = option(
        "Worker processes. `auto` = half the CPU threads this process may use, and no more than memory allows.",
        default="auto",
        minimum=1,
        maximum=256,
    )
    queue_size: int = option(
        "Payloads waiting for a worker, in the queue and behind it; fetching pauses at the limit. 0 = unlimited.",
        default=0,
        minimum=0,
        maximum=1_000_000,
    )
    payload_timeout_s: float = _seconds("A worker without progress for so long is killed and replaced.", 600.0)
