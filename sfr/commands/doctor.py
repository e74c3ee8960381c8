"""`sfr doctor`: checks a set-up, and says what would fail at night and what to do about it. Downloads nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

from sfr.arguments import add_configuration
from sfr.commands.health.base import Finding, SetUp, Status
from sfr.commands.health.registry import findings
from sfr.config.log_settings import Logging
from sfr.console import print_out, terminal_width
from sfr.errors import ExitCode
from sfr.escaping.invisible import escape_invisible
from sfr.logs.format import wants_color
from sfr.logs.log import open_logging
from sfr.redaction import Redactor

if TYPE_CHECKING:
    import argparse

_STYLES = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.SKIP: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_configuration(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Run the checks and print the result; returns the exit code."""
    with ExitStack() as stack:
        set_up = SetUp(arguments.config, arguments.env_file, stack)
        checks = findings(set_up)
        first = next(checks)  # loads the configuration, and with it all secrets
        stack.enter_context(open_logging(_quiet(), set_up.loaded.redactor if set_up.loaded else Redactor()))
        found = [_masked(finding, set_up) for finding in (first, *checks)]
    code = _exit_code(set_up, found)
    if arguments.json:
        print_out(json.dumps({"checks": [asdict(finding) for finding in found], "exit_code": int(code)}, indent=2))
    else:
        _print(found)
    return code


def _quiet() -> Logging:
    """Log no warnings: the findings contain them."""
    return Logging.model_validate({"console": {"level": "CRITICAL"}, "file": {"path": None}})


def _masked(finding: Finding, set_up: SetUp) -> Finding:
    redact = set_up.loaded.redactor.redact if set_up.loaded else str
    message, remedy = (escape_invisible(redact(text)) for text in (finding.message, finding.remedy))
    return Finding(finding.name, finding.status, message, remedy)


def _exit_code(set_up: SetUp, found: Sequence[Finding]) -> ExitCode:
    if set_up.is_misconfigured:
        return ExitCode.USAGE
    if set_up.is_refused:
        return ExitCode.LOG_IN
    return ExitCode.SOME_FAILED if any(one.status is Status.FAIL for one in found) else ExitCode.SUCCESS


def _print(found: Sequence[Finding]) -> None:
    width = terminal_width()
    if width is None:
        for one in found:
            print_out(f"{one.status:5}{one.name}: {_text(one)}")
        return
    color = wants_color(sys.stdout, "auto", os.environ)
    print_out(_table(found, width, color=color))


def _text(finding: Finding) -> str:
    return f"{finding.message} → {finding.remedy}" if finding.remedy else finding.message


def _table(found: Sequence[Finding], width: int, *, color: bool) -> str:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from sfr.terminal.rendering import layout

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("State", "Check", "Finding"):
        table.add_column(head, overflow="fold", no_wrap=head != "Finding")
    for one in found:
        style = _STYLES[one.status] if color else ""
        table.add_row(Text(str(one.status), style=style), Text(one.name), Text(_text(one)))
    lines = layout(table, width, sys.stdout.encoding, color=color).splitlines()
    return "\n".join(line.rstrip() for line in lines)
