"""Builds the parts of a run from the configuration; `pipeline.py` puts them to work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sfr.config.destination_settings import settings_digest
from sfr.processing.report_file import OutputRules
from sfr.report_list.delivery_targets import make_destinations
from sfr.runner.attempts import RetryRules
from sfr.runner.deliveries import Deliveries, DeliveryMode
from sfr.runner.delivery_schedule import DeliverySchedule
from sfr.runner.delivery_threads import DeliveryAttempted, DeliveryLimits, DeliveryThreads
from sfr.runner.event_loop import TimeLimits
from sfr.runner.ledger import Ledger
from sfr.runner.retry import Backoff, RetryBudget
from sfr.runner.startup import LOG_IN_TIMEOUT_S
from sfr.salesforce.auth import LogInContext
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import Transport, TransportOptions
from sfr.salesforce.session import CurrentSession
from sfr.workers import sizing

if TYPE_CHECKING:
    from sfr.config.settings import Config
    from sfr.history.history import History
    from sfr.model import Baseline, Report
    from sfr.redaction import Redactor
    from sfr.results import ReportStats
    from sfr.storage.lease_claim import LeaseClaim


def ledger(
    config: Config,
    reports: Sequence[Report],
    baselines: Mapping[int, Baseline],
    skipped: Sequence[ReportStats],
    started_clock_s: float,
) -> Ledger:
    """The ledger of all reports, including the skipped ones."""
    fetch = config.fetch
    backoff = Backoff(fetch.backoff.first_s, fetch.backoff.max_s)
    configured_budget = None if fetch.retry_budget == "auto" else int(fetch.retry_budget)
    return Ledger(
        reports,
        baselines,
        RetryRules(fetch.attempts, backoff, fetch.retry_after_max_s),
        RetryBudget.for_reports(configured_budget, len(reports) - len(skipped)),
        started_clock_s=started_clock_s,
        skipped=skipped,
    )


def worker_count(config: Config, reports: int, runs: int = 1) -> int:
    """Number of worker processes for this number of reports: at most one per report.

    runs: how many runs share the machine, each with its part of what `auto` gives.
    """
    count = config.workers.count
    return max(1, min(reports, sizing.worker_count() // runs if count == "auto" else int(count)))


def output_rules(config: Config, *, has_deliveries: bool, claim: LeaseClaim | None = None) -> OutputRules:
    """The part of the configuration that a worker needs. With deliveries, checksums are always computed."""
    output = config.output
    return OutputRules(
        keep_footer=output.keep_footer,
        checksum="sha256" if has_deliveries else output.checksum,
        if_unchanged=output.if_unchanged,
        file_mode=output.file_mode_bits,
        max_report_bytes=config.fetch.max_report_bytes,
        types=output.types,
        claim=claim,
    )


def transport_options(config: Config) -> TransportOptions:
    """The HTTP settings of the configuration."""
    fetch = config.fetch
    return TransportOptions(
        threads=fetch.threads,
        connect_timeout_s=fetch.connect_timeout_s,
        idle_timeout_s=fetch.idle_timeout_s,
        min_bytes_per_s=fetch.min_bytes_per_s,
        ca_bundle=config.salesforce.ca_bundle,
        proxy=config.salesforce.proxy,
    )


def sessions(config: Config, transport: Transport, redactor: Redactor) -> CurrentSession:
    """The session shared by all threads, not yet logged in."""
    salesforce = config.salesforce
    context = log_in_context(config, transport, redactor)
    return CurrentSession.for_method(salesforce.auth_method, salesforce.auth, context)


def log_in_context(config: Config, transport: Transport, redactor: Redactor) -> LogInContext:
    """What the log-in methods need."""
    return LogInContext(transport, config.salesforce.domain, redactor, lambda: log_in_deadline(config))


def log_in_deadline(config: Config) -> Deadline:
    """The deadline of a log-in or connection check that starts now."""
    seconds = min(config.fetch.timeout_s, LOG_IN_TIMEOUT_S)
    return Deadline.after(seconds, f"the {seconds:g} s that a log-in may take")


def deliveries(
    config: Config,
    history: History,
    post: Callable[[DeliveryAttempted], None],
    temporary_prefix: str,
    mode: DeliveryMode,
    may_publish: Callable[[], bool],
) -> Deliveries:
    """The deliveries of a run; no thread is started yet."""
    settings, schedule = config.deliveries, DeliverySchedule()
    limits = DeliveryLimits(
        settings.threads, settings.timeout_s, settings.idle_timeout_s, temporary_prefix, may_publish
    )
    destinations = {}
    if mode is not DeliveryMode.NONE:
        destinations = {
            name: (destination, settings_digest(config.destinations[name]))
            for name, destination in make_destinations(config).items()
        }
    return Deliveries(
        destinations,
        history,
        schedule,
        DeliveryThreads(limits, schedule, post),
        settings.attempts,
        Backoff(config.fetch.backoff.first_s, config.fetch.backoff.max_s),
        is_again=mode is DeliveryMode.AGAIN,
    )


def time_limits(config: Config, started_clock_s: float) -> TimeLimits:
    """The limits after which the run ends early."""
    deadline_s = config.fetch.deadline_s
    return TimeLimits(
        deadline_clock_s=None if deadline_s is None else started_clock_s + deadline_s,
        deadline_s=deadline_s or 0.0,
        stop_grace_s=config.fetch.stop_grace_s,
    )
