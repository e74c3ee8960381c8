"""`--print-completion bash|zsh`: prints a script with which a shell completes commands, options and files."""

from __future__ import annotations

import argparse
from importlib import import_module

from sfr.arguments import make_parser
from sfr.commands import COMMANDS
from sfr.console import print_out
from sfr.errors import ExitCode

#: Options whose value is a file or a directory.
_FILES = ("--config", "--env-file", "--ca-bundle")
_DIRECTORIES = ("--path",)


def main(arguments: argparse.Namespace) -> int:
    """Print the script for `sfr`."""
    import shtab

    parser = make_parser(COMMANDS, has_list=False)
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_places(parser)
    for name, (module, does) in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=does)
        add_arguments = getattr(import_module(module), "add_arguments", None)
        if add_arguments is not None:
            add_arguments(command)
            _add_places(command)
    print_out(shtab.complete(parser, shell=arguments.print_completion))
    return ExitCode.SUCCESS


def _add_places(parser: argparse.ArgumentParser) -> None:
    import shtab

    for action in parser._actions:
        if set(_FILES) & set(action.option_strings):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif set(_DIRECTORIES) & set(action.option_strings):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
