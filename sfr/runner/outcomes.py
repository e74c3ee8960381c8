"""How a report ended, as `ReportStats`: the result of a worker or a failed attempt, joined with the entry's facts."""

from __future__ import annotations

from dataclasses import replace

from sfr.errors import REMEDIES, ErrorKind, ReportError
from sfr.model import Payload, Processed, Status
from sfr.results import DeliveryStats, DeliveryStatus, Phases, ReportStats
from sfr.runner.attempts import AttemptTimes, Entry, FailedAttempt
from sfr.runner.routing import fallback_note, route_change_note


def processed_stats(
    entry: Entry, payload: Payload, processed: Processed, times: AttemptTimes, done_clock_s: float, zero_clock_s: float
) -> ReportStats:
    """The result of a report that a worker has processed. zero_clock_s: what the phases are relative to."""
    change = route_change_note(entry.report, payload.route, entry.baseline) if processed.is_valid else ""
    stats = ReportStats(
        report=entry.report,
        status=processed.status,
        error=processed.error,
        message=" ".join(part for part in (processed.message, change) if part),
        pulled_at=processed.pulled_at,
        processing_time_s=done_clock_s - (entry.first_request_clock_s or done_clock_s),
        rows=processed.rows,
        columns=processed.columns,
        size_bytes=processed.size_bytes,
        sha256=processed.sha256,
        route=payload.route,
        http_status=payload.http_status,
        header=processed.header,
        received_bytes=payload.received_bytes,
    )
    worked = (done_clock_s - processed.worked_s, done_clock_s)
    return _with_attempts(entry, stats, _phases(entry, times, zero_clock_s, worked))


def failed_stats(
    entry: Entry, error: ReportError, note: str, failed: FailedAttempt | None, zero_clock_s: float
) -> ReportStats:
    """The result of a report that failed. note: added to the message of the error. failed: its last attempt."""
    route = failed.route if failed else None
    notes = (error.message, note, fallback_note(entry.report, route), error.remedy)
    duration_s = None
    if failed is not None and entry.first_request_clock_s is not None:
        duration_s = failed.times.received_clock_s - entry.first_request_clock_s
    stats = ReportStats(
        report=entry.report,
        status=Status.FAILED,
        error=error.kind,
        message=" ".join(part for part in notes if part),
        processing_time_s=duration_s,
        route=route,
        http_status=error.http_status or entry.http_status,
        received_bytes=failed.received_bytes if failed else None,
    )
    return _with_attempts(entry, stats, _phases(entry, failed.times, zero_clock_s) if failed else None)


def delivered_stats(stats: ReportStats, deliveries: tuple[DeliveryStats, ...]) -> ReportStats:
    """The result of a report whose file is in place, joined with those of its deliveries."""
    failed = [each for each in deliveries if each.status is DeliveryStatus.FAILED]
    notes = [f"{each.destination}: {each.message}" for each in deliveries if each.message and each not in failed]
    if not failed:
        message = " ".join(part for part in (stats.message, *notes) if part)
        return replace(stats, delivery_stats=deliveries, message=message)
    reasons = [f"{each.destination} did not take it: {each.message}" for each in failed]
    parts = (stats.message, *notes, "The file is in place, but", *reasons, REMEDIES[ErrorKind.DELIVERY])
    return replace(
        stats,
        status=Status.FAILED,
        error=ErrorKind.DELIVERY,
        delivery_stats=deliveries,
        message=" ".join(part for part in parts if part),
    )


def undelivered_stats(stats: ReportStats, reason: str) -> ReportStats:
    """The result of a report whose file is in place, if the run ends before its deliveries."""
    names = stats.report.deliver
    return delivered_stats(stats, tuple(DeliveryStats(name, DeliveryStatus.FAILED, "", 0.0, reason) for name in names))


def _with_attempts(entry: Entry, stats: ReportStats, phases: Phases | None) -> ReportStats:
    return replace(stats, attempt_count=entry.attempts, created_at=entry.first_request_at, phases=phases)


def _phases(
    entry: Entry, times: AttemptTimes, zero: float, worked: tuple[float, float] | tuple[None, None] = (None, None)
) -> Phases | None:
    """worked: when a worker started and finished; None where none has had the report."""
    if entry.first_request_clock_s is None:
        return None
    taken, done = worked
    return Phases(
        times.thread,
        entry.first_request_clock_s - zero,
        times.request_clock_s - zero,
        times.first_byte_clock_s - zero,
        times.received_clock_s - zero,
        None if taken is None else taken - zero,
        None if done is None else done - zero,
    )
