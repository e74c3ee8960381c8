"""Parses the command line. Importing this must cost no more than argparse."""

from __future__ import annotations

import argparse
import os

from sfr.escaping.invisible import escape_invisible
from sfr.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn

DEFAULT_CONFIG = "conf/sfr.yaml"
DEFAULT_ENV_FILE = ".env"
_ENV_FILE_HELP = f"default {DEFAULT_ENV_FILE}.NAME (of conf/NAME.yaml), then {DEFAULT_ENV_FILE}, as far as they exist"
COMPLETED_SHELLS = ("bash", "zsh")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_EPILOG = """\
examples:
  python sfr.py --config conf/prod.yaml             download the configured reports
  python sfr.py --config conf/prod.yaml --check     log in and show what would run
  python sfr.py --config conf/prod.yaml --resume    fetch only what the last run did not get
  python sfr.py -r "SFDC,Pipeline,00O5g000007Lk2TEAS,reports"
                                                    one report, without a list
  python sfr.py --list-reports > input/reports.csv  the org's reports as a list

commands, as the first argument (a report list of that name is given as ./NAME):
{commands}

exit codes:
  0 every report saved      2 usage, configuration or list    3 log-in or session
  4 some reports failed     5 none was saved                  6 another run is active
  130, 143 stopped by a signal
"""


class _Parser(argparse.ArgumentParser):
    """Quotes arguments in its messages so that they cannot break the line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        super().error(escape_invisible(message))


def make_parser(commands: Mapping[str, tuple[str, str]], *, has_list: bool = True) -> argparse.ArgumentParser:
    """The argument parser. commands: name → (module, summary). has_list: False leaves REPORT_LIST out."""
    parser = _Parser(
        prog="sfr",
        description="Download Salesforce reports: complete, or not at all.",
        epilog=_EPILOG.format(commands="\n".join(f"  {name:10}{does}" for name, (_, does) in commands.items())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sfr {__version__}")
    _add_what_to_run(parser, has_list=has_list)
    _add_instead_of_running(parser)
    _add_how_to_run(parser)
    return parser


def _add_what_to_run(parser: argparse.ArgumentParser, *, has_list: bool) -> None:
    group = parser.add_argument_group("what to run")
    if has_list:
        group.add_argument(
            "report_list", nargs="?", metavar="REPORT_LIST", help="a report list (CSV) instead of `reports.list`"
        )
    group.add_argument(
        "-c", "--config", default=DEFAULT_CONFIG, metavar="FILE", help="YAML configuration; default %(default)s"
    )
    group.add_argument(
        "-r",
        "--report",
        action="append",
        default=[],
        metavar="TYPE,NAME,ID,PATH[,PARAMS]",
        help="run this report instead of the list; repeatable; a single report uses one worker",
    )
    group.add_argument(
        "-o",
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only listed reports whose name or id matches this shell pattern; repeatable",
    )
    group.add_argument("-p", "--path", metavar="DIR", help="save all reports under DIR, overriding the list")
    group.add_argument(
        "--resume", action="store_true", help="skip reports that the latest run saved and whose files still exist"
    )
    deliveries = group.add_mutually_exclusive_group()
    deliveries.add_argument("--no-deliver", action="store_true", help="deliver nothing to `destinations`")
    deliveries.add_argument(
        "--deliver-again", action="store_true", help="deliver every good report again, delivered before or not"
    )


def _add_instead_of_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("instead of running")
    choice = group.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="validate, log in, print what would run; download nothing")
    choice.add_argument(
        "--history",
        nargs="?",
        const="",
        metavar="NAME",
        help="print the results of earlier runs, of all reports or of one",
    )
    choice.add_argument("--list-reports", action="store_true", help="print the org's reports as a report list (CSV)")
    choice.add_argument("--print-completion", choices=COMPLETED_SHELLS, help="print a completion script for this shell")
    group.add_argument("--offline", action="store_true", help="with --check: do not log in")
    group.add_argument(
        "--folder", metavar="PATTERN", help="with --list-reports: only folders matching this shell pattern"
    )
    group.add_argument(
        "--filters", action="store_true", help="with --list-reports: name each report's filters, in comments"
    )


def _add_how_to_run(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to run")
    group.add_argument("-t", "--threads", type=_count, metavar="N", help="fetch threads")
    group.add_argument("-w", "--workers", type=_workers, metavar="N", help="worker processes")
    group.add_argument("--log-level", type=_level, metavar="L", help=f"console: {', '.join(LEVELS)}")
    group.add_argument("--file-log-level", type=_level, metavar="L", help="log file: as above")
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show progress; default: only on a terminal",
    )
    group.add_argument("--env-file", metavar="FILE", help=_ENV_FILE_HELP)
    # By `sfr fleet` only: how many orgs run at the same time. The end of standard input is the end of the fleet.
    group.add_argument("--under-fleet", type=_at_once, metavar="N", help=argparse.SUPPRESS)


def parse(argv: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> argparse.Namespace:
    """Parse the arguments; exits with 0 for --help and --version, with 2 for invalid arguments."""
    parser = make_parser(commands)
    arguments = parser.parse_args(argv)
    if arguments.offline and not arguments.check:
        parser.error("--offline requires --check")
    if arguments.folder is not None and not arguments.list_reports:
        parser.error("--folder requires --list-reports")
    if arguments.filters and not arguments.list_reports:
        parser.error("--filters requires --list-reports")
    if arguments.report_list in commands and not os.path.exists(arguments.report_list):
        parser.error(f"give the command first: sfr {arguments.report_list} --config FILE")
    if arguments.report and arguments.report_list:
        parser.error("give a REPORT_LIST or --report, not both")
    return arguments


def parse_command(
    name: str, does: str, add_arguments: Callable[[argparse.ArgumentParser], None], argv: Sequence[str]
) -> argparse.Namespace:
    """The arguments of a command that has options of its own; ends the program like `parse`."""
    parser = _Parser(prog=f"sfr {name}", description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False)
    add_arguments(parser)
    return parser.parse_args(argv)


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--env-file`, for commands with options of their own."""
    parser.add_argument(
        "-c", "--config", default=DEFAULT_CONFIG, metavar="FILE", help="YAML configuration; default %(default)s"
    )
    parser.add_argument("--env-file", metavar="FILE", help=_ENV_FILE_HELP)


def port(text: str) -> int:
    """A TCP port. Raises argparse.ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _count(text: str, most: int = 100) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
    return int(text)


def _workers(text: str) -> int:
    return _count(text, 256)


def _at_once(text: str) -> int:
    return _count(text, 1000)


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(LEVELS)}")
    return text.upper()
