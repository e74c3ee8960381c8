"""Starts the program; from here to its very end no stop signal prints a traceback."""

from __future__ import annotations

from sfr.signals import end_at_stop_signals


def main() -> int:
    """Run the program with the arguments of this process; returns its exit code."""
    end_at_stop_signals()
    from sfr.cli import main as program  # which takes longer than all before it

    return program()
