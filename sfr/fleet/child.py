"""The process of one org: its command line, and what it reports at its end."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import fields

from sfr.errors import ExitCode
from sfr.escaping.invisible import escape_invisible
from sfr.fleet.values import Org, OrgResult, Totals
from sfr.search_path import PROGRAM_DIRECTORY

#: The reports of such a run say in its summary what happened to them.
EXPLAINED = (ExitCode.SUCCESS, ExitCode.SOME_FAILED, ExitCode.SIGINT, ExitCode.SIGTERM)
#: Longest text kept of what a process printed to standard error.
MAX_MESSAGE_CHARS = 600


def command(org: Org, at_once: int, *, is_resume: bool) -> list[str]:
    """The command line of an org's run: this interpreter, and the installation that the fleet itself runs."""
    argv = [sys.executable, "-P", "-m", "sfr", "--config", org.config, "--under-fleet", str(at_once), "--no-progress"]
    if org.env_file is not None:
        argv += ["--env-file", org.env_file]
    return [*argv, "--resume"] if is_resume else argv


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of an org's run: Python finds the same SFR in it, whatever the working directory."""
    path = [PROGRAM_DIRECTORY, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(path))}


def read_outcome(org: Org, exit_code: int | None, stdout: bytes, stderr: bytes, machine: str) -> OrgResult:
    """The result of an ended process. exit_code: None if it was ended by a signal that the fleet did not send."""
    outcome = _decoded(stdout)
    is_known = exit_code is not None and outcome.get("exit_code") == exit_code
    message = "" if is_known and exit_code in EXPLAINED else _last_lines(stderr)
    if exit_code is None:
        message = f"The process was ended by a signal or lost. {message}".strip()
    if not is_known:
        return OrgResult(org.name, exit_code, machine=machine, message=message)
    return OrgResult(
        org.name,
        exit_code,
        Totals(**{field.name: _whole(outcome.get(field.name)) for field in fields(Totals)}),
        machine=machine,
        message=message,
        summary=str(outcome.get("summary") or ""),
        started=str(outcome.get("started") or ""),
        undelivered=_whole(outcome.get("undelivered")),
    )


def _decoded(stdout: bytes) -> dict[str, object]:
    lines = stdout.strip().splitlines()
    try:
        outcome = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return outcome if isinstance(outcome, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _last_lines(stderr: bytes) -> str:
    text = " ".join(stderr.decode("utf-8", "replace").split()).strip()
    return escape_invisible(text if len(text) <= MAX_MESSAGE_CHARS else f"… {text[-MAX_MESSAGE_CHARS:]}")
