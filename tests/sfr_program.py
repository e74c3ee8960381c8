"""`python sfr.py` as a program against an emulated org: its configuration, its run, what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from sfr.emulator import Emulator

SCRIPT = Path(__file__).parents[1] / "sfr.py"
#: No run of a test takes this long.
LIMIT_S = 60


def configure(
    directory: Path, org: Emulator, reports: Iterable[tuple[str, Path]], /, **sections: Mapping[str, Any] | list[Any]
) -> Path:
    """Write a configuration whose output directory is `directory`/out; `sections` replace parts of it."""
    config: dict[str, Any] = {
        "salesforce": {"domain": org.url, "auth": {"sid": {"value": org.sid}}},
        "reports": {
            "list": None,
            "items": [
                {
                    "report_type": "SFDC",
                    "report_file_name": name,
                    "report_id": org.report(name).id,
                    "report_path": str(target),
                }
                for name, target in reports
            ],
        },
        "fetch": {"backoff": {"first_s": 0.05, "max_s": 0.1}},
        "workers": {"count": 2},
        "output": {"directory": str(directory / "out")},
        "logging": {"file": {"path": str(directory / "sfr.log")}},
        **sections,
    }
    path = directory / "sfr.yaml"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return path


def start(config: Path, *arguments: str, program: Iterable[str] = (str(SCRIPT),)) -> subprocess.Popen[bytes]:
    """The running program; what it prints goes nowhere. `program`: arguments of Python that start it."""
    command = [sys.executable, *program, "--config", str(config), *arguments]
    environ = {**os.environ, "PYTHONPATH": str(SCRIPT.parent)}
    return subprocess.Popen(
        command, cwd=config.parent, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def run(config: Path, *arguments: str, program: Iterable[str] = (str(SCRIPT),)) -> int:
    """Run the program to its end; its exit code."""
    process = start(config, *arguments, program=program)
    try:
        return process.wait(LIMIT_S)
    finally:
        process.kill()
        process.wait()


def kill_family(process: subprocess.Popen[Any]) -> None:
    """Kill a process and all that it has started, and collect it; any of them may end by itself meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


def still_running(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that have not ended after this time.

    One that has ended counts as such before its parent collects it: an orphan's new parent may take its time.
    """
    deadline, pause, left = time.monotonic() + timeout_s, threading.Event(), list(processes)
    while (left := [process for process in left if _is_alive(process)]) and time.monotonic() < deadline:
        pause.wait(0.01)
    return left


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def summary(path: Path) -> dict[str, dict[str, Any]]:
    """The reports of a JSON summary, by name."""
    return {report["file_name"]: report for report in json.loads(path.read_text())["reports"]}


def recorded(history: Path, *, column: str, value: str) -> int:
    """Reports that a run has recorded so far with this value; 0 as long as there is no history."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{history}?mode=ro", uri=True, timeout=5)) as database:
            query = f"SELECT count(*) FROM reports WHERE {column} = ?"
            return int(database.execute(query, (value,)).fetchone()[0])
    except sqlite3.OperationalError:  # there is no file yet, or no table in it
        return 0


def temporaries(*directories: Path) -> list[Path]:
    """What runs put there and have not removed."""
    return [path for directory in directories for path in directory.glob(".sfr-*.part")]


def is_whole(path: Path, org: Emulator) -> bool:
    """Whether the file of this report of the org has exactly the bytes it should."""
    return path.read_bytes() == b"".join(org.expected_csv(path.stem))
