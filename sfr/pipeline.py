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
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr import assembly, finishing
from sfr.connectors.frontdoor import Frontdoor
from sfr.embedded_org import with_embedded_org
from sfr.environment import without_variables
from sfr.errors import ErrorKind, ExitCode, ReportError
from sfr.exit_code import exit_code
from sfr.fetching.endings import interrupted
from sfr.fetching.inbox import Inbox, StopRequested
from sfr.fetching.ledger import Ledger
from sfr.fetching.opening import Opening
from sfr.fetching.schedule import FetchSchedule, FetchTask
from sfr.fetching.threads import FetchRules, FetchThreads, Room
from sfr.files import destinations, disk_space
from sfr.files.errors import reason_of, remedy_of
from sfr.files.left_out import LeftOutWarning
from sfr.files.run_directory import RunDirectory, temporary_prefix
from sfr.history.history import History
from sfr.history.resume import already_there
from sfr.model import Report, ReportStats, RunStats
from sfr.network.transport import open_transport
from sfr.notify import Notifier
from sfr.progress.view import ProgressView
from sfr.run_loop import RunLoop
from sfr.shutdown import Stopped, StopSignals, stop_signals
from sfr.summaries import redact_run, redact_stats
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
    signals: StopSignals
    left_out: LeftOutWarning = field(default_factory=LeftOutWarning)

    @classmethod
    def begin(cls, plan: RunPlan, signals: StopSignals) -> _Run:
        now = datetime.now().astimezone()
        org = plan.loaded.config.salesforce
        notifier = Notifier(plan.loaded.config.notify, proxy=org.proxy, ca_bundle=org.ca_bundle)
        run_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        return cls(plan, Inbox(), notifier, run_id, now, time.monotonic(), signals)

    @property
    def config(self) -> Config:
        return self.plan.loaded.config

    @property
    def prefix(self) -> str:
        return temporary_prefix(self.run_id)


@dataclass(slots=True)
class _Crew:
    """Who worked on a run, for its summary."""

    threads: int = 0
    workers: int = 0
    deaths: int = 0
    stop_signal: int | None = None


def run(plan: RunPlan, logs: Logs) -> RunStats:
    """Do the run and write its summary; returns how it went, secrets masked.

    Raises `RunActiveError` if another run uses the output directory.
    """
    with stop_signals() as signals, signals.taken(1), without_variables(plan.loaded.secret_variables):
        this = _Run.begin(plan, signals)
        stats = _under_lock(this, logs)
        with suppress(Stopped):  # without the lock, so that a command that is run may start the next run
            finishing.tell(this.notifier, plan.loaded, stats)
        return stats


def _under_lock(this: _Run, logs: Logs) -> RunStats:
    """All that needs the output directory: from the lock to the summaries."""
    directory = RunDirectory(this.config.output.directory, this.run_id, this.left_out)
    stack, history = ExitStack(), None
    try:
        try:
            with this.signals.raising():
                with this.signals.postponed():
                    stack.enter_context(directory)
                directory.sweep()
                logs.open_file()
                log.info("Run %s begins: %d reports, SFR %s.", this.run_id, len(this.plan.reports), __version__)
                history = stack.enter_context(History.open(this.config.history_path))
                stats = _begin(this, directory, history, logs)
        except Stopped as stopped:
            log.warning("%s", stopped)
            stats = _end_unbegun(this, interrupted(), stopped.exit_code)
            if not directory.is_locked:
                return redact_run(stats, this.plan.loaded.redactor)  # the summary may be another run's
        except OSError as error:
            if directory.is_locked:
                raise
            stats = _end_unbegun(this, _no_directory(this, error), ExitCode.NONE_SAVED)
        return _finish(this, stats, history)
    finally:
        with suppress(Stopped):
            stack.close()


def _begin(this: _Run, directory: RunDirectory, history: History, logs: Logs) -> RunStats:
    """What `--resume` finds is there; the rest is fetched."""
    plan = this.plan
    # Before this run is in the history: killed meanwhile, it must not hide what the run before has brought.
    max_age_h = this.config.history.resume_max_age_h
    skipped = already_there(plan.reports, history, this.started_at, max_age_h) if plan.is_resume else []
    history.begin(this.run_id, this.started_at, plan.reports)
    for known in skipped:
        history.record_report(redact_stats(known, plan.loaded.redactor))
    return _download(this, directory, history, logs, skipped)


def _finish(this: _Run, stats: RunStats, history: History | None) -> RunStats:
    """Old files, summaries, history; a stop signal changes nothing any more, a second one ends it."""
    loaded, reports = this.plan.loaded, this.plan.reports
    try:
        if history is not None:
            finishing.apply_retention(loaded, stats, reports, history)
        stats = finishing.write_run_summaries(loaded, stats, reports, this.plan.config_name, history, this.left_out)
    except Stopped as stopped:
        log.warning("A second stop signal: the run ends without all of its summaries.")
        return redact_run(replace(stats, exit_code=stopped.exit_code), loaded.redactor)
    if history is not None:
        with suppress(Stopped):
            history.end(stats)
            history.prune(this.config.history.keep_runs)
    return stats


def _download(
    this: _Run, directory: RunDirectory, history: History, logs: Logs, skipped: Sequence[ReportStats]
) -> RunStats:
    """The run proper, with the output directory ours: from the report list to how each report ended."""
    done = {stats.report.position for stats in skipped}
    todo = [report for report in this.plan.reports if report.position not in done]

    def note_ended(stats: ReportStats) -> None:
        finishing.log_end(stats)
        history.record_report(redact_stats(stats, this.plan.loaded.redactor))
        view.note_ended(stats)

    ledger = assembly.ledger(this.config, this.plan.reports, history.baselines(todo), skipped, note_ended)
    crew = _Crew(max(1, min(this.config.fetch.threads, len(todo))), assembly.worker_count(this.config, len(todo)))
    view = ProgressView(this.plan.progress, ledger, crew.threads, this.started_clock_s)
    logs.clear_line = view.clear
    notes: tuple[str, ...] = ()
    try:
        directory.note(sorted({report.directory for report in todo}))
        notes = _prepare(this, crew, ledger, todo)
        if ledger.open_count:
            _fetch(this, crew, ledger, view)
    except Stopped as stopped:
        log.warning("%s", stopped)
        crew.stop_signal = stopped.signal_number
        ledger.end_open(interrupted())
    view.close()
    code = exit_code(ledger.ended, crew.stop_signal, is_session_lost=ledger.is_session_lost)
    return _fold(this, ledger, code, crew, (*notes, *ledger.routes.notes))


def _prepare(this: _Run, crew: _Crew, ledger: Ledger, todo: Sequence[Report]) -> tuple[str, ...]:
    """Make the report directories; what will not do ends its reports. Returns warnings about space."""
    for position, error in destinations.prepare(todo, this.prefix).items():
        ledger.end_failed(position, error)
    expected = ((entry.report, entry.baseline) for entry in ledger.open_entries)
    notes = disk_space.shortages(expected, crew.threads + crew.workers)
    for note in notes:
        log.warning("%s", note)
    return notes


def _fetch(this: _Run, crew: _Crew, ledger: Ledger, view: ProgressView) -> None:
    """Workers, log-in, fetch threads, and the loop that holds them together until every report has ended."""
    room, schedule = Room(this.config.workers.queue_size), FetchSchedule(crew.threads)
    with (
        this.signals.taken(2, lambda number: this.inbox.post(StopRequested(number))),
        WorkerPool(
            crew.workers,
            assembly.output_rules(this.config),
            this.prefix,
            this.config.workers.payload_timeout_s,
            this.inbox.post,
            room.leave,
            this.left_out,
        ) as pool,
        with_embedded_org(this.config) as config,
        closing(open_transport(assembly.transport_options(config))) as transport,
    ):
        this.notifier.started()
        sessions = assembly.sessions(config, transport, this.plan.loaded.redactor)
        opening = Opening(
            sessions,
            transport,
            config.salesforce.api_version,
            lambda: assembly.log_in_deadline(config),
            ledger,
            this.inbox,
        )
        rules = FetchRules(crew.threads, config.fetch.timeout_s, config.fetch.max_report_bytes, this.prefix)
        frontdoor = Frontdoor(this.plan.loaded.redactor)
        with FetchThreads(
            rules, schedule, transport, sessions, opening, ledger, this.inbox, room, frontdoor
        ) as fetching:
            limits = assembly.time_limits(config, this.started_clock_s)
            loop = RunLoop(this.inbox, ledger, schedule, fetching, pool, limits, view.show)
            for entry in ledger.open_entries:
                schedule.put(FetchTask.first(entry.report, entry.baseline))
            opening.begin()
            loop.run()
            opening.cancel()
    crew.deaths, crew.stop_signal = pool.deaths, loop.stop_signal


def _fold(this: _Run, ledger: Ledger, code: int, crew: _Crew, notes: tuple[str, ...] = ()) -> RunStats:
    return RunStats(
        run_id=this.run_id,
        started_at=this.started_at,
        finished_at=datetime.now().astimezone(),
        duration_s=time.monotonic() - this.started_clock_s,
        exit_code=int(code),
        domain=this.config.salesforce.domain,
        version=__version__,
        threads=crew.threads,
        workers=crew.workers,
        reports=ledger.ended,
        started_clock_s=this.started_clock_s,
        retries=ledger.retries,
        worker_deaths=crew.deaths,
        notes=notes,
    )


def _end_unbegun(this: _Run, reason: ReportError, code: int) -> RunStats:
    """The run ended before it could look at a single report: all of them end with this reason."""
    log.error("%s", reason)
    ledger = assembly.ledger(this.config, this.plan.reports, {}, (), finishing.log_end)
    ledger.end_open(reason)
    return _fold(this, ledger, code, _Crew())


def _no_directory(this: _Run, error: OSError) -> ReportError:
    """The output directory cannot even be locked: no report has a place to go."""
    return ReportError(
        ErrorKind.DISK,
        f"The output directory {this.config.output.directory} cannot be used: {reason_of(error)}.",
        remedy=remedy_of(error),
    )
