"""The commands that `sfr init` recommends at its end, as the user has to type them."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from sfr.commands.setup.answers import Answers

if TYPE_CHECKING:
    import argparse

_INSTALLER = "deploy/install.sh"


def program() -> str:
    """How this program was called: `python sfr.py`, `python -m sfr` or `sfr`."""
    script = sys.argv[0]
    base = os.path.basename(script)
    if base == "sfr":
        return shlex.quote(script) if os.path.dirname(script) and not _is_on_path(script) else "sfr"
    python = sys.executable if os.path.dirname(sys.executable) else "python"
    python = os.path.relpath(python) if python.startswith(os.getcwd() + os.sep) else python
    return shlex.join([python, script] if base == "sfr.py" else [python, "-m", "sfr"])


def _is_on_path(script: str) -> bool:
    import shutil

    found = shutil.which("sfr")
    return found is not None and os.path.realpath(found) == os.path.realpath(script)


def next_commands(config: str) -> str:
    """The two commands after a set-up: run it now, and every night."""
    now = f"{program()} --config {config}"
    if os.path.exists(_INSTALLER):
        name = os.path.splitext(os.path.basename(config))[0]
        nightly = (
            f"sudo {_INSTALLER} {name}",
            "a systemd service and timer, with a copy of this set-up; docs/operations.md",
        )
    else:
        nightly = f"0 5 * * * cd {shlex.quote(os.getcwd())} && {now}", "a line for `crontab -e`"
    return f"Download the reports now:\n  {now}\nEvery night ({nightly[1]}):\n  {nightly[0]}"


def resume_command(arguments: argparse.Namespace, answers: Answers | None, name: str) -> str:
    """The command that continues where this one stopped, without secrets."""
    options = ["init", "--name", name]
    if answers is not None:
        options += ["--domain", answers.domain, "--method", answers.method]
        options += ["--client-id", answers.client_id] if answers.client_id else []
        options += ["--username", answers.username] if answers.username else []
    options += ["--folders", *arguments.folders] if arguments.folders else []
    options += ["--ca-bundle", arguments.ca_bundle] if arguments.ca_bundle else []
    return f"{program()} {shlex.join(options)}"
