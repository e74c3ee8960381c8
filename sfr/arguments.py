"""The command line, and nothing else: importing this must cost no more than argparse."""

from __future__ import annotations

import argparse

from sfr.escaping.invisible import escape_invisible
from sfr.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

DEFAULT_CONFIG = "conf/sfr.yaml"
DEFAULT_ENV_FILE = ".env"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_EPILOG = """\
examples:
  python sfr.py --config conf/prod.yaml             download the configured reports
  python sfr.py --config conf/prod.yaml --check     log in and say what would run
  python sfr.py --config conf/prod.yaml --resume    fetch only what the last run did not bring
  python sfr.py -r "SFDC,Pipeline,00O5g000007Lk2TEAS,reports"
                                                    one report, without a list
  python sfr.py --list-reports > input/reports.csv  the org's reports as a list

exit codes:
  0 every report saved      2 usage, configuration or list    3 log-in or session
  4 some reports failed     5 none was saved                  6 another run is active
  130, 143 stopped by a signal
"""


class _Parser(argparse.ArgumentParser):
    """Quotes arguments in its messages such that they stay within their line."""

    def error(self, message: str) -> NoReturn:
        """End the program with 2."""
        super().error(escape_invisible(message))


def make_parser() -> argparse.ArgumentParser:
    """The parser of all options, with their help."""
    parser = _Parser(
        prog="sfr",
        description="Download Salesforce reports: whole, or not at all.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sfr {__version__}")
    _add_what_to_run(parser)
    _add_instead_of_running(parser)
    _add_how_to_run(parser)
    return parser


def _add_what_to_run(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to run")
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
        help="run this report instead of the list; repeatable; a single one uses one worker",
    )
    group.add_argument(
        "-o",
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="of the list, only reports whose name or id matches this shell pattern; repeatable",
    )
    group.add_argument("-p", "--path", metavar="DIR", help="save every report under DIR, whatever the list says")
    group.add_argument(
        "--resume", action="store_true", help="skip reports that the latest run brought and that are still there"
    )


def _add_instead_of_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("instead of running")
    choice = group.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="validate, log in, print what would run; download nothing")
    choice.add_argument(
        "--history", nargs="?", const="", metavar="NAME", help="print what earlier runs did, of all reports or of one"
    )
    choice.add_argument(
        "--list-reports", action="store_true", help="print the org's reports as a ready report list (CSV)"
    )
    group.add_argument("--offline", action="store_true", help="with --check: do not log in")
    group.add_argument(
        "--folder", metavar="PATTERN", help="with --list-reports: only folders that match this shell pattern"
    )


def _add_how_to_run(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to run")
    group.add_argument("-t", "--threads", type=_count, metavar="N", help="fetch threads")
    group.add_argument("-w", "--workers", type=_count, metavar="N", help="worker processes")
    group.add_argument("--log-level", type=_level, metavar="L", help=f"console: {', '.join(LEVELS)}")
    group.add_argument("--file-log-level", type=_level, metavar="L", help="log file: as above")
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show a progress line; default: only on a terminal",
    )
    group.add_argument(
        "--env-file", metavar="FILE", help=f"default {DEFAULT_ENV_FILE} in the working directory, which may be missing"
    )


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The arguments; ends the program with 0 for --help and --version, with 2 for what makes no sense."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.offline and not arguments.check:
        parser.error("--offline goes with --check")
    if arguments.folder is not None and not arguments.list_reports:
        parser.error("--folder goes with --list-reports")
    if arguments.report and arguments.report_list:
        parser.error("give a REPORT_LIST or --report, not both")
    return arguments


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100")
    return int(text)


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(LEVELS)}")
    return text.upper()
