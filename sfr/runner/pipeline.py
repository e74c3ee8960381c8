"""Performs one run, from the checked configuration to its summaries; defines the order of the steps.

config ─► report list ─► workers start ─► log in ─► fetch threads ══ shared multiprocessing.Queue ══► workers ─► files
                                                        ▲  ▲                                            │
                                                        │  └──────────── retry (cut, corrupt) ◄─────────┤
                                                        └── session renewal                             ▼
                                             summaries, exit code ◄── run stats ◄── one ReportStats per report
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sfr.environment import without_variables
from sfr.errors import ExitCode, LeaseLostError, ReportError
from sfr.history.history import History
from sfr.model import Report
from sfr.progress.display import open_display
from sfr.results import ReportStats, RunStats
from sfr.runner import assembly, finishing
from sfr.runner.backpressure import PayloadSlots
from sfr.runner.deliveries import Deliveries
from sfr.runner.embedded_org import with_embedded_org
from sfr.runner.endings import interrupted, output_directory_unusable
from sfr.runner.event_loop import EventLoop, OnTick
from sfr.runner.events import LeaseLost, StopRequested
from sfr.runner.exit_code import exit_code
from sfr.runner.fetch_threads import FetchRules, FetchThreads
from sfr.runner.ledger import Ledger
from sfr.runner.occupancy import LeaseKeeper, confirm, occupy
from sfr.runner.outcomes import undelivered_stats
from sfr.runner.plan import RunPlan
from sfr.runner.progress_view import ProgressView
from sfr.runner.resume import not_to_fetch
from sfr.runner.run_state import Run, RunCounters
from sfr.runner.schedule import FetchSchedule, FetchTask
from sfr.runner.startup import Startup
from sfr.runner.stop_signals import Stopped, stop_signals
from sfr.salesforce.frontdoor import Frontdoor
from sfr.salesforce.http.transport import open_transport
from sfr.storage import disk_space, report_directories
from sfr.storage.run_directory import RunDirectory
from sfr.summaries import redact_run, redact_stats
from sfr.version import __version__
from sfr.workers.pool import WorkerPool

if TYPE_CHECKING:
    from sfr.logs.log import Logs
    from sfr.runner.deliveries import Results
    from sfr.storage.lease_claim import LeaseClaim

log = logging.getLogger(__name__)


def run(plan: RunPlan, logs: Logs) -> RunStats:
    """Perform the run and write its summaries; returns its results, secrets masked.

    Raises `RunActiveError` if another run uses the output directory.
    """
    with stop_signals() as signals, signals.intercepted(1), without_variables(plan.loaded.secret_variables):
        this = Run.begin(plan, signals)
        stats = _run_locked(this, logs)
        with suppress(Stopped):  # after the lock is released, so that `notify.command` may start the next run
            finishing.notify(this.notifier, plan.loaded, stats, plan.config_name)
        return stats


def _run_locked(this: Run, logs: Logs) -> RunStats:
    """Everything that needs the output directory: from taking its lock to the summaries."""
    directory = RunDirectory(this.config.output.directory, this.run_id, this.unsupported, in_fleet=this.plan.in_fleet)
    stack, history = ExitStack(), None
    try:
        try:
            with this.signals.raising():
                occupy(directory, this.signals, stack)
                stack.enter_context(LeaseKeeper(directory.lease, lambda: this.inbox.post(LeaseLost())))
                directory.sweep()
                logs.open_file()
                log.info("Run %s started: %d reports, SFR %s.", this.run_id, len(this.plan.reports), __version__)
                history = stack.enter_context(History.open(this.config.history_path))
                stats = _start(this, directory, history, logs)
        except Stopped as stopped:
            log.warning("%s", stopped)
            stats = _end_before_start(this, interrupted(), stopped.exit_code)
            if not directory.is_locked:
                return redact_run(stats, this.plan.loaded.redactor)  # the summary may be another run's
        except OSError as error:
            if directory.is_locked:
                raise
            reason = output_directory_unusable(this.config.output.directory, error)
            stats = _end_before_start(this, reason, ExitCode.NONE_SAVED)
        try:
            return _finish(this, stats, history, directory)
        except LeaseLostError as error:
            if history is not None:
                history.discard()
            logs.close_file()
            if stats.exit_code not in (ExitCode.SIGINT, ExitCode.SIGTERM):
                raise
            log.error("%s", error)
            return redact_run(stats, this.plan.loaded.redactor)
    finally:
        with suppress(Stopped):
            stack.close()


def _start(this: Run, directory: RunDirectory, history: History, logs: Logs) -> RunStats:
    """Skip what `--resume` finds already fetched and what is young enough for `max_age_h`, and fetch the rest."""
    plan = this.plan
    # Before this run is recorded: if it is killed meanwhile, it must not hide the results of the previous run.
    resume_max_age_h = this.config.history.resume_max_age_h if plan.is_resume else None
    skipped = not_to_fetch(plan.reports, history, this.started_at, resume_max_age_h)
    history.begin(this.run_id, this.started_at, plan.reports)
    for known in skipped:
        history.record_report(redact_stats(known, plan.loaded.redactor))
    return _download(this, directory, history, logs, skipped)


def _finish(this: Run, stats: RunStats, history: History | None, directory: RunDirectory) -> RunStats:
    """Retention, summaries, history. The first stop signal is ignored by now, a second one ends it.

    Raises `LeaseLostError` if the directory is another run's by now.
    """
    loaded, reports = this.plan.loaded, this.plan.reports
    still_ours = partial(confirm, directory, stats.reports)
    try:
        still_ours()
        if history is not None:
            finishing.apply_retention(loaded, stats, reports, history)
        stats = finishing.write_run_summaries(
            loaded,
            stats,
            reports,
            this.plan.config_name,
            history,
            this.unsupported,
            still_ours,
            prints_table=this.plan.prints_table,
        )
    except Stopped as stopped:
        log.warning("Received a second stop signal; the run ends without all of its summaries.")
        return redact_run(replace(stats, exit_code=stopped.exit_code), loaded.redactor)
    if history is not None:
        with suppress(Stopped):
            history.end(stats)
            history.prune(this.config.history.keep_runs)
    return stats


def _download(
    this: Run, directory: RunDirectory, history: History, logs: Logs, skipped: Sequence[ReportStats]
) -> RunStats:
    """Fetch and write the reports, with the output directory locked."""
    done = {stats.report.position for stats in skipped}
    todo = [report for report in this.plan.reports if report.position not in done]

    def record(stats: ReportStats) -> None:
        if directory.may_publish():
            history.record_report(redact_stats(stats, this.plan.loaded.redactor))

    ledger = assembly.ledger(this.config, this.plan.reports, history.baselines(todo), skipped, this.started_clock_s)
    counters = RunCounters(
        max(1, min(this.config.fetch.threads, len(todo))),
        assembly.worker_count(this.config, len(todo), this.plan.fleet_at_once or 1),
    )
    display = open_display(this.plan.progress, logs.screen, color=logs.color)
    view = ProgressView(display, ledger, counters.threads, counters.workers, this.started_clock_s)
    ledger.observers += [finishing.log_end, record, view.note_ended]
    deliveries = assembly.deliveries(
        this.config, history, this.inbox.post, this.prefix, this.plan.delivery_mode, directory.may_publish
    )

    def deliver(stats: ReportStats) -> Results | None:
        results = deliveries.begin(stats)
        if results is None:  # recorded now, in case the run is killed before the deliveries end
            record(undelivered_stats(stats, "The run ended before this delivery."))
        return results

    ledger.deliver = deliver

    def on_tick(loop: EventLoop) -> None:
        history.commit_due()
        view.show(loop)

    notes: tuple[str, ...] = ()
    try:
        with deliveries:
            directories = {report.directory for report in todo} | deliveries.directories(this.plan.reports)
            directories |= {os.path.dirname(this.config.summary_path(target)) for target in this.config.summary}
            directory.record_directories(sorted(directories))
            notes = _prepare(this, counters, ledger, todo)
            if ledger.open_count or this.plan.has_deliveries:
                claim = directory.lease.claim if directory.lease is not None else None
                _fetch(this, counters, ledger, deliveries, on_tick, claim)
    except Stopped as stopped:
        log.warning("%s", stopped)
        counters.stop_signal = stopped.signal_number
        ledger.end_open(interrupted())
    view.close()
    code = exit_code(ledger.ended, counters.stop_signal, is_session_lost=ledger.is_session_lost)
    return _run_stats(this, ledger, code, counters, (*notes, *ledger.routes.notes))


def _prepare(this: Run, counters: RunCounters, ledger: Ledger, todo: Sequence[Report]) -> tuple[str, ...]:
    """Create the report directories; reports without a usable one fail. Returns warnings about disk space."""
    for position, error in report_directories.prepare(todo, this.prefix).items():
        ledger.end_failed(position, error)
    expected = ((entry.report, entry.baseline) for entry in ledger.unfetched)
    notes = disk_space.shortages(expected, counters.threads + counters.workers)
    for note in notes:
        log.warning("%s", note)
    return notes


def _fetch(
    this: Run, counters: RunCounters, ledger: Ledger, deliveries: Deliveries, on_tick: OnTick, claim: LeaseClaim | None
) -> None:
    """Run workers, log-in, fetch threads, deliveries and the event loop until every report has ended.

    If only deliveries are missing, there are neither workers nor a log-in.
    """
    slots, schedule = PayloadSlots(this.config.workers.queue_size), FetchSchedule(counters.threads)
    is_fetching = bool(ledger.unfetched)
    pool = _worker_pool(this, counters.workers, slots, claim)
    with this.signals.intercepted(2, lambda number: this.inbox.post(StopRequested(number))), ExitStack() as stack:
        config = this.config
        if is_fetching:
            stack.enter_context(pool)
            config = stack.enter_context(with_embedded_org(config))
        transport = stack.enter_context(closing(open_transport(assembly.transport_options(config))))
        this.notifier.started()
        sessions = assembly.sessions(config, transport, this.plan.loaded.redactor)
        version, new_deadline = config.salesforce.api_version, lambda: assembly.log_in_deadline(config)
        startup = Startup(sessions, transport, version, new_deadline, ledger, this.inbox)
        rules = FetchRules(counters.threads, config.fetch.timeout_s, config.fetch.max_report_bytes, this.prefix)
        frontdoor = Frontdoor(this.plan.loaded.redactor)
        with FetchThreads(
            rules, schedule, transport, sessions, ledger.routes, this.inbox, slots, frontdoor
        ) as fetching:
            limits = assembly.time_limits(config, this.started_clock_s)
            loop = EventLoop(this.inbox, ledger, schedule, fetching, pool, deliveries, limits, on_tick)
            for entry in ledger.unfetched:
                schedule.put(FetchTask.first(entry.report, entry.baseline))
            try:
                if is_fetching:
                    startup.begin()
                ledger.deliver_skipped()
                loop.run()
            finally:
                startup.cancel()
                counters.deaths, counters.stop_signal = pool.deaths, loop.stop_signal


def _worker_pool(this: Run, workers: int, slots: PayloadSlots, claim: LeaseClaim | None) -> WorkerPool:
    has_deliveries = any(report.deliver for report in this.plan.reports)
    return WorkerPool(
        workers,
        assembly.output_rules(this.config, has_deliveries=has_deliveries, claim=claim),
        this.prefix,
        this.config.workers.payload_timeout_s,
        this.inbox.post,
        slots.release,
        this.unsupported,
    )


def _run_stats(this: Run, ledger: Ledger, code: int, counters: RunCounters, notes: tuple[str, ...] = ()) -> RunStats:
    return RunStats(
        run_id=this.run_id,
        started_at=this.started_at,
        finished_at=datetime.now().astimezone(),
        duration_s=time.monotonic() - this.started_clock_s,
        exit_code=int(code),
        domain=this.config.salesforce.domain,
        version=__version__,
        threads=counters.threads,
        workers=counters.workers,
        reports=ledger.ended,
        retries=ledger.retries,
        worker_deaths=counters.deaths,
        notes=notes,
        is_partial=this.plan.is_partial,
    )


def _end_before_start(this: Run, reason: ReportError, code: int) -> RunStats:
    """Fail all reports with this reason: the run could not start."""
    log.error("%s", reason)
    ledger = assembly.ledger(this.config, this.plan.reports, {}, (), this.started_clock_s)
    ledger.observers.append(finishing.log_end)
    ledger.end_open(reason)
    return _run_stats(this, ledger, code, RunCounters())
