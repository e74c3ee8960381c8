"""`--history [NAME]`: prints the results of earlier runs. Reads the history only; takes no lock."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sfr.commands.planning import load
from sfr.console import print_out, terminal_width
from sfr.history.history import History
from sfr.history.table import render_history
from sfr.logs.log import open_logging

if TYPE_CHECKING:
    import argparse


def main(arguments: argparse.Namespace) -> int:
    """Print the table; returns the exit code."""
    loaded = load(arguments)
    with (
        open_logging(loaded.config.logging, loaded.redactor),
        History.open(loaded.config.history_path, read_only=True) as history,
    ):
        print_out(
            render_history(
                history,
                arguments.history or None,
                width=terminal_width(),
                encoding=sys.stdout.encoding or "utf-8",
            )
        )
    return 0
