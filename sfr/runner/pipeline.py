"""One run, from the checked configuration to its summary: the one module that knows the order of things.

config ─► report list ─► workers start ─► log in ─► fetch threads ══ shared multiprocessing.Queue ══► workers ─► files
                                                        ▲  ▲                                            │
                                                        │  └──────────── try again (cut, corrupt) ◄─────┤
                                                        └── session renewal                             ▼
                                             summaries, exit code ◄── run stats ◄── one ReportStats per report
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.environment import without_variables
from sfr.errors import ErrorKind, ExitCode, ReportError
from sfr.history.history import History
from sfr.model import Report
from sfr.notify import Notifier
from sfr.progress.display import open_display
from sfr.results import ReportStats, RunStats
from sfr.runner import assembly, finishing
from sfr.runner.backpressure import PayloadSlots
from sfr.runner.embedded_org import with_embedded_org
from sfr.runner.event_loop import EventLoop
from sfr.runner.events import Inbox, StopRequested
from sfr.runner.exit_code import exit_code
from sfr.runner.fetch_threads import FetchRules, FetchThreads
from sfr.runner.ledger import Ledger
from sfr.runner.progress_view import ProgressView
from sfr.runner.resume import already_there
from sfr.runner.schedule import FetchSchedule, FetchTask
from sfr.runner.startup import Startup
from sfr.runner.stop_signals import stop_signals
from sfr.salesforce.frontdoor import Frontdoor
from sfr.salesforce.http.transport import open_transport
from sfr.storage import disk_space, report_directories
from sfr.storage.run_directory import RunDirectory, temporary_prefix
from sfr.summaries import redact_stats
from sfr.terminal.figures import count, counted, size
from sfr.version import __version__
from sfr.workers.pool import WorkerPool

if TYPE_CHECKING:
    from sfr.config.settings import Config, LoadedConfig
    from sfr.logs.log import Logs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to run, all of it checked."""

    loaded: LoadedConfig
    reports: tuple[Report, ...]
    #: For the summary: the configuration's file.
    config_name: str = ""
    is_resume: bool = False
    #: True, False, or None: only on a terminal.
    progress: bool | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """The run's own facts, from its first moment on."""

    plan: RunPlan
    inbox: Inbox
    notifier: Notifier
    run_id: str
    started_at: datetime
    started_clock_s: float

    @classmethod
    def begin(cls, plan: RunPlan) -> _Run:
        now = datetime.now().astimezone()
        org = plan.loaded.config.salesforce
        notifier = Notifier(plan.loaded.config.notify, proxy=org.proxy, ca_bundle=org.ca_bundle)
        return cls(plan, Inbox(), notifier, f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}", now, time.monotonic())

    @property
    def config(self) -> Config:
        return self.plan.loaded.config

    @property
    def prefix(self) -> str:
        return temporary_prefix(self.run_id)


@dataclass(slots=True)
class _RunCounters:
    """Counts of a run, for its summary."""

    threads: int = 0
    workers: int = 0
    deaths: int = 0
    stop_signal: int | None = None


def run(plan: RunPlan, logs: Logs) -> RunStats:
    """Do the run and write its summary; returns how it went, secrets masked.

    Raises `RunActiveError` if another run uses the output directory.
    """
    this = _Run.begin(plan)
    with without_variables(plan.loaded.secret_variables):
        return _run(this, logs)


def _run(this: _Run, logs: Logs) -> RunStats:
    plan, directory = this.plan, RunDirectory(this.config.output.directory, this.run_id)
    with ExitStack() as stack:
        stack.enter_context(stop_signals(lambda number: this.inbox.post(StopRequested(number))))
        try:
            stack.enter_context(directory)
        except OSError as error:
            return _end_without_lock(this, error)
        logs.open_file()
        log.info("Run %s begins: %d reports, SFR %s.", this.run_id, len(plan.reports), __version__)
        history = stack.enter_context(History.open(this.config.history_path))
        # Before this run is in the history: killed meanwhile, it must not hide what the run before has brought.
        max_age_h = this.config.history.resume_max_age_h
        skipped = already_there(plan.reports, history, this.started_at, max_age_h) if plan.is_resume else []
        history.begin(this.run_id, this.started_at, plan.reports)
        for known in skipped:
            history.record_report(redact_stats(known, plan.loaded.redactor))
        stats = _download(this, directory, history, logs, skipped)
        finishing.apply_retention(plan.loaded, stats, plan.reports, history)
        stats = finishing.write_run_summaries(plan.loaded, stats, plan.reports, plan.config_name, history)
        history.end(stats)
        history.prune(this.config.history.keep_runs)
    # Without the lock, so that a command that is told may start the next run.
    finishing.tell(this.notifier, plan.loaded, stats)
    return stats


def _download(
    this: _Run, directory: RunDirectory, history: History, logs: Logs, skipped: Sequence[ReportStats]
) -> RunStats:
    """The run proper, with the output directory ours: from the report list to how each report ended."""
    done = {stats.report.position for stats in skipped}
    todo = [report for report in this.plan.reports if report.position not in done]

    def record(stats: ReportStats) -> None:
        history.record_report(redact_stats(stats, this.plan.loaded.redactor))

    ledger = assembly.ledger(this.config, this.plan.reports, history.baselines(todo), skipped, this.started_clock_s)
    counters = _RunCounters(
        max(1, min(this.config.fetch.threads, len(todo))), assembly.worker_count(this.config, len(todo))
    )
    display = open_display(this.plan.progress, logs.screen, color=logs.color)
    view = ProgressView(display, ledger, counters.threads, counters.workers, this.started_clock_s)
    ledger.observers += [_log_end, record, view.note_ended]
    directory.note(sorted({report.directory for report in todo}))
    for position, error in report_directories.prepare(todo, this.prefix).items():
        ledger.end_failed(position, error)
    notes = disk_space.shortages(
        ((entry.report, entry.baseline) for entry in ledger.open_entries), counters.threads + counters.workers
    )
    for note in notes:
        log.warning("%s", note)
    if ledger.open_count:
        _fetch(this, counters, ledger, view)
    view.close()
    code = exit_code(ledger.ended, counters.stop_signal, is_session_lost=ledger.is_session_lost)
    return _fold(this, ledger, code, counters, (*notes, *ledger.routes.notes))


def _log_end(stats: ReportStats) -> None:
    """One line about how a report ended."""
    name, tries = stats.report.name, counted(stats.attempt_count, "attempt")
    if stats.is_valid:
        rows, space = count(stats.rows), size(stats.size_bytes)
        log.info("%s: %s after %s: %s rows, %s, %s", name, stats.status, tries, rows, space, stats.report.path)
    else:
        log.info("%s: failed after %s: %s: %s", name, tries, stats.error, stats.message)


def _fetch(this: _Run, counters: _RunCounters, ledger: Ledger, view: ProgressView) -> None:
    """Workers, log-in, fetch threads, and the loop that holds them together until every report has ended."""
    slots, schedule = PayloadSlots(this.config.workers.queue_size), FetchSchedule(counters.threads)
    with (
        WorkerPool(
            counters.workers,
            assembly.output_rules(this.config),
            this.prefix,
            this.config.workers.payload_timeout_s,
            this.inbox.post,
            slots.release,
        ) as pool,
        with_embedded_org(this.config) as config,
        closing(open_transport(assembly.transport_options(config))) as transport,
    ):
        this.notifier.started()
        sessions = assembly.sessions(config, transport, this.plan.loaded.redactor)
        startup = Startup(
            sessions,
            transport,
            config.salesforce.api_version,
            lambda: assembly.log_in_deadline(config),
            ledger,
            this.inbox,
        )
        rules = FetchRules(counters.threads, config.fetch.timeout_s, config.fetch.max_report_bytes, this.prefix)
        frontdoor = Frontdoor(this.plan.loaded.redactor)
        with FetchThreads(
            rules, schedule, transport, sessions, ledger.routes, this.inbox, slots, frontdoor
        ) as fetching:
            limits = assembly.time_limits(config, this.started_clock_s)
            loop = EventLoop(this.inbox, ledger, schedule, fetching, pool, limits, view.show)
            for entry in ledger.open_entries:
                schedule.put(FetchTask.first(entry.report, entry.baseline))
            startup.begin()
            loop.run()
            startup.cancel()
    counters.deaths, counters.stop_signal = pool.deaths, loop.stop_signal


def _fold(this: _Run, ledger: Ledger, code: int, counters: _RunCounters, notes: tuple[str, ...] = ()) -> RunStats:
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
    )


def _end_without_lock(this: _Run, error: OSError) -> RunStats:
    """The output directory cannot even be locked: no report has a place to go."""
    problem = ReportError(
        ErrorKind.DISK,
        f"The output directory {this.config.output.directory} cannot be used: {error.strerror or error}.",
    )
    log.error("%s", problem)
    ledger = assembly.ledger(this.config, this.plan.reports, {}, (), this.started_clock_s)
    ledger.observers.append(_log_end)
    ledger.end_open(problem)
    stats = _fold(this, ledger, ExitCode.NONE_SAVED, _RunCounters())
    return finishing.write_run_summaries(this.plan.loaded, stats, this.plan.reports, this.plan.config_name, None)
