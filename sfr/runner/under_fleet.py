"""Connects a run to its fleet: it ends when the fleet ends, and reports its totals to it."""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
import time

from sfr.model import Status
from sfr.results import RunStats
from sfr.threads import start_thread

#: After its stop grace a run whose fleet has died ends within 2 s, by force if need be.
FORCE_AFTER_S = 1.5
#: The code of a process that was ended by SIGTERM.
_TERMINATED = 143


def end_with_fleet(stop_grace_s: float) -> None:
    """Watch standard input, a pipe that the fleet holds open: at its end the run stops as by SIGTERM."""
    thread = threading.Thread(target=_watch, args=(stop_grace_s,), name="fleet-guard", daemon=True)
    start_thread(thread)


def _watch(stop_grace_s: float) -> None:
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass  # closed: no fleet can hold it open
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(stop_grace_s + FORCE_AFTER_S)
    _kill_children()
    os._exit(_TERMINATED)


def _kill_children() -> None:
    """Workers end with this process; programs that it runs (`auth`, `notify.command`) would not."""
    import psutil

    try:
        children = psutil.Process().children(recursive=True)
    except psutil.Error:
        return
    for child in children:
        try:
            child.kill()
        except psutil.Error:
            continue


def outcome_line(run: RunStats, summary: str) -> str:
    """How the run ended, as one line of JSON for the fleet. summary: path of its HTML or JSON summary, or empty."""
    counts = {status.value: run.totals.by_status[status] for status in Status}
    undelivered = sum(stats.is_in_place and not stats.is_valid for stats in run.reports)
    outcome = {
        "started": run.started,
        "exit_code": int(run.exit_code),
        **counts,
        "rows": run.rows,
        "size_bytes": run.size_bytes,
        "seconds": run.seconds,
        "undelivered": undelivered,
        "machine": platform.node(),
        "summary": summary,
    }
    return json.dumps(outcome)
