"""The program's entry: picks the command, and is the one place that turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sfr.arguments import parse
from sfr.console import (
    drop_output,
    drop_unwritable_complaints,
    fill_closed_streams,
    print_problem,
    told_as_output_error,
)
from sfr.errors import ExitCode, OutputError, SfrError, UsageError
from sfr.shutdown import Stopped, stop_signals

if TYPE_CHECKING:
    import argparse

#: What the C library's resolver is told unless the environment says otherwise: no time-out of ours reaches it.
RESOLVER_OPTIONS = "timeout:2 attempts:2"


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    fill_closed_streams()
    os.environ.setdefault("RES_OPTIONS", RESOLVER_OPTIONS)
    try:
        with stop_signals():
            code = _command(parse(argv))
            with told_as_output_error():
                sys.stdout.flush()
    except UsageError as error:
        code = int(error.exit_code)
        for problem in error.problems:
            print_problem(problem)
    except SfrError as error:
        code = int(error.exit_code)
        if isinstance(error, OutputError):
            drop_output()
        print_problem(str(error))
    except BrokenPipeError:
        drop_output()  # whoever read it has gone; the work itself is done
        code = 0
    except Stopped as stopped:
        code = stopped.exit_code  # outside a run, which takes signals itself: nothing to finish, nothing to explain
    except KeyboardInterrupt:
        code = int(ExitCode.SIGINT)  # the same, before or after the handlers were there
    drop_unwritable_complaints()
    return code


def _command(arguments: argparse.Namespace) -> int:
    if arguments.check:
        from sfr.commands.check import main as command

    elif arguments.history is not None:
        from sfr.commands.history import main as command

    elif arguments.list_reports:
        from sfr.commands.list_reports import main as command

    else:
        from sfr.commands.run import main as command
    return command(arguments)
