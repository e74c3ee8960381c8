"""`sfr fleet`: runs one SFR per org and sums up how they ended."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sfr.console import discard_output, print_out, terminal_width
from sfr.environment import current_environment, without_variables
from sfr.errors import ExitCode, OutputError, SchedulerError, UsageError
from sfr.fleet.frame import FleetFrame
from sfr.runner.stop_signals import Stopped, stop_signals
from sfr.wording import did_you_mean, listed, quoted, shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sfr.fleet.checking import CheckedOrgs
    from sfr.fleet.loading import LoadedFleet
    from sfr.fleet.values import FleetResult, Org


log = logging.getLogger(__name__)

#: Maximum number of orgs named in the message about a pattern that matches none.
MAX_NAMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sfr fleet`."""
    parser.add_argument("fleet", metavar="FLEET.yaml", help="the fleet: its orgs, and how they are run")
    parser.add_argument("--engine", choices=("local", "dask", "index"), help="instead of the file's `engine`")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only orgs whose name matches this shell pattern; repeatable",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="check all configurations offline, and print the plan")
    choice.add_argument(
        "--summary", action="store_true", help="start nothing; write the summary of what the orgs' last runs left"
    )
    parser.add_argument("--resume", action="store_true", help="run each org with `--resume`")


def main(arguments: argparse.Namespace) -> int:
    """Run the fleet, check it or sum it up; returns the exit code."""
    from sfr.config.log_settings import FileLog, Logging
    from sfr.fleet.loading import load_fleet
    from sfr.logs.log import open_logging

    loaded = load_fleet(arguments.fleet, current_environment())
    engine = arguments.engine or loaded.settings.engine
    with open_logging(Logging(file=FileLog(path=None)), loaded.redactor):
        for warning in loaded.warnings:
            log.warning("%s", warning)
        if engine == "index":
            return _main_index(arguments, loaded)
        orgs = _selected(loaded.orgs, arguments.only)
        if arguments.summary:
            return _sum_up(loaded, engine, orgs)
        return _main_fleet(arguments, loaded, engine, orgs)


def _main_fleet(arguments: argparse.Namespace, loaded: LoadedFleet, engine: str, orgs: Sequence[Org]) -> int:
    from sfr.fleet.engines import open_engine
    from sfr.fleet.running import FleetRun

    settings = loaded.settings
    opened = open_engine(engine, settings)
    try:
        checked = opened.check(loaded.orgs, current_environment(), settings.output).only(orgs)
    except SchedulerError as error:
        if arguments.check:
            raise
        return _end_unstarted(loaded, engine, orgs, str(error))
    if arguments.check:
        return _print_plan(checked, engine, opened.at_once)
    frame = FleetFrame.begin(loaded, engine, opened.at_once)
    with stop_signals() as signals, without_variables(checked.secret_variables | loaded.secret_variables):
        with frame.held_directory():
            run = FleetRun(checked.planned, settings.attempts, settings.output, frame.prefix, loaded.redactor.redact)
            frame.notifier.started()
            results = run.run(opened, signals, is_resume=arguments.resume)
            with signals.intercepted(1):
                fleet = frame.write_summary(results, run.stop_signal, is_recorded=run.is_recorded)
        with suppress(Stopped), signals.intercepted(1):  # without the lock: `notify.command` may start the next fleet
            frame.notify(fleet)
    return _print_result(fleet)


def _end_unstarted(loaded: LoadedFleet, engine: str, orgs: Sequence[Org], message: str) -> int:
    """End a fleet whose scheduler is not there: its summary and notifications say so."""
    from sfr.fleet.values import OrgResult

    log.error("%s", message)
    frame = FleetFrame.begin(loaded, engine)
    with stop_signals() as signals, without_variables(loaded.secret_variables):
        with frame.held_directory(), signals.intercepted(1):
            fleet = frame.write_summary([OrgResult(org.name, None, message=message) for org in orgs])
        with suppress(Stopped), signals.intercepted(1):
            frame.notify(fleet)
    return _print_result(fleet)


def _main_index(arguments: argparse.Namespace, loaded: LoadedFleet) -> int:
    """Run the org of this process, and end with its exit code; a record that cannot be written turns 0 into 4."""
    from sfr.fleet.checking import check_orgs
    from sfr.fleet.index import open_engine, own_org
    from sfr.fleet.running import FleetRun

    if arguments.only:
        raise UsageError("--only: with `engine: index` the scheduler numbers all orgs of the list; leave it out")
    environ, output = current_environment(), loaded.settings.output
    if arguments.summary:
        return _sum_up(loaded, "index", loaded.orgs)
    if arguments.check:
        return _print_plan(check_orgs(loaded.orgs, environ, output), "index", 1)
    checked = check_orgs([own_org(loaded.orgs, loaded.settings.index.variable, environ)], environ, output)
    prefix = FleetFrame.begin(loaded, "index").prefix
    with stop_signals() as signals, without_variables(checked.secret_variables | loaded.secret_variables):
        run = FleetRun(checked.planned, 1, output, prefix, loaded.redactor.redact)
        (result,) = run.run(open_engine(loaded.settings), signals, is_resume=arguments.resume)
    if run.process_code is not None:
        is_unrecorded = run.process_code == ExitCode.SUCCESS and not run.is_recorded
        return int(ExitCode.SOME_FAILED) if is_unrecorded else run.process_code
    if run.stop_signal is not None:
        return Stopped(run.stop_signal).exit_code
    return int(ExitCode.NONE_SAVED) if result.exit_code is None else result.exit_code


def _sum_up(loaded: LoadedFleet, engine: str, orgs: Sequence[Org]) -> int:
    """Write the summary of what there is. With the engine `index`, whose processes notify nobody, notify too."""
    from sfr.fleet.records import read_result

    frame = FleetFrame.begin(loaded, engine)
    now = frame.started_at
    fleet = frame.write_summary([read_result(loaded.settings.output, org.name, now) for org in orgs])
    if engine == "index":
        with without_variables(loaded.secret_variables):
            frame.notify(fleet)
    return _print_result(fleet)


def _selected(orgs: Sequence[Org], patterns: Sequence[str]) -> Sequence[Org]:
    chosen = [org for org in orgs if not patterns or any(fnmatchcase(org.name, pattern) for pattern in patterns)]
    if not chosen:
        names = [shown(org.name) for org in orgs]
        rest = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
        near = did_you_mean(patterns[0], names) or f"; the orgs are {listed(names[:MAX_NAMES])}{rest}"
        raise UsageError(f"--only: no org's name matches {', '.join(map(quoted, patterns))}{near}")
    return chosen


def _print_plan(checked: CheckedOrgs, engine: str, at_once: int) -> int:
    from sfr.fleet.plan import in_order
    from sfr.fleet.table import plan_text

    orgs = checked.planned if engine == "index" else in_order(checked.planned)
    print_out(plan_text(orgs, engine, at_once, sys.stdout.encoding))
    return ExitCode.SUCCESS


def _print_result(fleet: FleetResult) -> int:
    """Print the table. Failing to print it does not change the exit code."""
    from sfr.fleet.table import result_text

    try:
        print_out(result_text(fleet, terminal_width(), sys.stdout.encoding))
    except (OSError, OutputError, Stopped):
        discard_output()
    return fleet.exit_code
