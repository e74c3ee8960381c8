"""`sfr schema`: prints the JSON Schema of the configuration, also stored in `conf/sfr.schema.json` for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfr.console import print_out
from sfr.errors import ExitCode

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--fleet`."""
    parser.add_argument("--fleet", action="store_true", help="the schema of a fleet's file, for `sfr fleet`")


def main(arguments: argparse.Namespace) -> int:
    """Print the schema; reads no configuration."""
    from sfr.config.json_schema import schema_text

    if arguments.fleet:
        from sfr.fleet.settings import fleet_schema

        print_out(schema_text(fleet_schema()).removesuffix("\n"))
    else:
        print_out(schema_text().removesuffix("\n"))
    return ExitCode.SUCCESS
