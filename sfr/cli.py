"""The entry point of the program: selects the command and turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from sfr.arguments import parse, parse_command
from sfr.commands import COMMANDS
from sfr.console import (
    as_output_error,
    discard_output,
    discard_unwritable_errors,
    print_problem,
    replace_closed_streams,
)
from sfr.errors import ExitCode, OutputError, SfrError, UsageError
from sfr.runner.stop_signals import Stopped, stop_signals

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

#: Options of the C library's resolver, unless set in the environment: SFR's own timeouts do not apply to it.
RESOLVER_OPTIONS = "timeout:2 attempts:2"
#: Pydantic looks for plugins of other packages, which takes 13 ms, and they would see every secret.
NO_PLUGINS = "__all__"


def main(argv: list[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    replace_closed_streams()
    os.environ.setdefault("RES_OPTIONS", RESOLVER_OPTIONS)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", NO_PLUGINS)
    try:
        with stop_signals():
            code = _command(sys.argv[1:] if argv is None else argv)
            with as_output_error():
                sys.stdout.flush()
    except UsageError as error:
        code = int(error.exit_code)
        for problem in error.problems:
            print_problem(problem)
    except SfrError as error:
        code = int(error.exit_code)
        if isinstance(error, OutputError):
            discard_output()
        print_problem(str(error))
    except BrokenPipeError:
        discard_output()  # the reader has closed the pipe; the work itself is done
        code = 0
    except Stopped as stopped:
        code = stopped.exit_code  # outside a run, which handles signals itself: nothing to finish or to explain
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "sfr":
            raise
        code = int(ExitCode.USAGE)
        print_problem(
            f"The Python package {error.name} is not installed for {sys.executable}. Run scripts/setup .venv, then "
            ".venv/bin/python sfr.py; or pip install -r requirements.txt."
        )
    except KeyboardInterrupt:
        code = int(ExitCode.SIGINT)  # before or after the signal handlers were installed
    discard_unwritable_errors()
    return code


def _command(argv: Sequence[str]) -> int:
    name = argv[0] if argv and argv[0] in COMMANDS else "run"
    options = argv[1:] if argv[:1] == [name] else argv
    if name == "run":
        arguments = parse(options, COMMANDS)
        _refuse_mistyped_command(arguments.report_list)
        return _run(arguments)
    module, does = COMMANDS[name]
    command = import_module(module)
    code: int = command.main(parse_command(name, does, command.add_arguments, options))
    return code


def _refuse_mistyped_command(report_list: str | None) -> None:
    """Raise UsageError for a report list that is no file, and whose name is nearly that of a command."""
    if report_list and report_list.isalpha() and not os.path.lexists(report_list):
        from sfr.wording import did_you_mean, quoted

        near = did_you_mean(report_list, COMMANDS)
        if near:
            raise UsageError(f"{quoted(report_list)} is neither a command nor a report list{near}")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.check:
        from sfr.commands.check import main as command

    elif arguments.history is not None:
        from sfr.commands.history import main as command

    elif arguments.list_reports:
        from sfr.commands.list_reports import main as command

    elif arguments.print_completion:
        from sfr.commands.completion import main as command

    else:
        from sfr.commands.run import main as command
    return command(arguments)
