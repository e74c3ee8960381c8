"""Ends `sfr init`: lets reports be chosen, writes what is missing, runs `--check`, and names the next commands."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from sfr.arguments import parse
from sfr.commands.setup.answers import SCHEMA_PATH
from sfr.commands.setup.choosing import choose_reports
from sfr.commands.setup.next_commands import next_commands
from sfr.commands.setup.writing import write_file, write_set_up
from sfr.errors import ExitCode
from sfr.terminal.figures import counted

if TYPE_CHECKING:
    from sfr.commands.setup.answers import SetupFiles
    from sfr.commands.setup.connecting import Connected
    from sfr.commands.setup.questions import Questions


def finish(connected: Connected, files: SetupFiles, arguments: argparse.Namespace, asks: Questions) -> int:
    """The exit code of `--check`. Raises UsageError."""
    list_path = connected.loaded.config.reports.list
    is_list_needed = list_path is not None and (arguments.force or not os.path.lexists(list_path))
    text = _chosen_list(connected, arguments, asks) if is_list_needed else None
    written, kept = _write(connected, list_path, text, force=arguments.force)
    if list_path is not None and text is None:
        kept.append(os.path.relpath(list_path))
    for path in written:
        asks.say(f"{path}: written")
    for path in dict.fromkeys(kept):
        asks.say(f"{path}: exists, and is kept")
    asks.say()
    code = _check(files)
    if code == ExitCode.SUCCESS:
        asks.say(f"\n{next_commands(files.config)}")
    return code


def _chosen_list(connected: Connected, arguments: argparse.Namespace, asks: Questions) -> str:
    from sfr.commands.catalogue_list import report_list
    from sfr.commands.list_reports import own_names

    chosen = choose_reports(connected.entries, arguments.folders, asks)
    asks.say(f"{counted(len(chosen), 'report')} chosen of {len(connected.entries):,}.")
    return report_list(chosen, own_names(connected.loaded.config))


def _write(
    connected: Connected, list_path: str | None, text: str | None, *, force: bool
) -> tuple[list[str], list[str]]:
    """Write all files of a new set-up, or the missing ones of an existing one; returns those written and kept."""
    from sfr.config.json_schema import schema_text

    if connected.answers is not None:
        return write_set_up(connected.answers, text, force=force)
    contents = [(SCHEMA_PATH, schema_text())]
    if text is not None and list_path is not None:
        contents.append((os.path.relpath(list_path), text))
    return [path for path, content in contents if write_file(path, content, force=False)], []


def _check(files: SetupFiles) -> int:
    from sfr.commands.check import main as check

    sys.stdout.flush()
    return check(parse(["--config", files.config, "--check"], {}))
