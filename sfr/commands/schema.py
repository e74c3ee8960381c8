"""`sfr schema`: prints the JSON Schema of the configuration, also stored in `conf/sfr.schema.json` for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfr.console import print_out
from sfr.errors import ExitCode

if TYPE_CHECKING:
    import argparse


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def main(_arguments: argparse.Namespace) -> int:
    """Print the schema; reads no configuration."""
    from sfr.config.json_schema import schema_text

    print_out(schema_text().removesuffix("\n"))
    return ExitCode.SUCCESS
