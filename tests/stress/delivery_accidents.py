"""The accidents of `delivery_faults`: each strikes once, and returns how to put the scene right again."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from tests.small_disks import fill
from tests.stress.delivery_contents import MODES, TABLES
from tests.stress.delivery_scene import Scene

#: Puts right what the accident broke.
Undo = Callable[[], None]
#: None: there was nothing to strike any more.
Strike = Callable[[Scene, "subprocess.Popen[bytes]", random.Random], Undo | None]
SECOND_SIGNAL_S = 0.6
#: An accident that has to wait for its turn is a miss after this time.
TURN_S = 5.0
#: What a full disk has left.
LEFT_BYTES = 200_000


def _nothing() -> None:
    pass


def _send(*numbers: signal.Signals) -> Strike:
    def strike(_scene: Scene, process: subprocess.Popen[bytes], chance: random.Random) -> Undo | None:
        for place, number in enumerate(numbers):
            time.sleep(chance.uniform(0, SECOND_SIGNAL_S) if place else 0)
            if process.poll() is None:
                process.send_signal(number)
            elif not place:
                return None
        return _nothing

    return strike


def _kill_server(name: str) -> Strike:
    def strike(scene: Scene, _process: subprocess.Popen[bytes], _chance: random.Random) -> Undo:
        scene.kill(name)
        return partial(scene.start, name)

    return strike


def _stop_server(name: str, *, kill_run: bool = False) -> Strike:
    def strike(scene: Scene, process: subprocess.Popen[bytes], chance: random.Random) -> Undo:
        stopped = scene.processes(name)
        for each in stopped:
            _quietly(each.suspend)
        if kill_run:
            time.sleep(chance.uniform(0, SECOND_SIGNAL_S))
            process.kill()
        return lambda: [_quietly(each.resume) for each in stopped] and None

    return strike


def _quietly(act: Callable[[], None]) -> None:
    """A session of a server may end by itself."""
    with contextlib.suppress(psutil.NoSuchProcess):
        act()


def _reset(name: str) -> Strike:
    def strike(scene: Scene, _process: subprocess.Popen[bytes], _chance: random.Random) -> Undo:
        scene.relays[name].reset()
        return _nothing

    return strike


def _fill_disk(name: str) -> Strike:
    def strike(scene: Scene, _process: subprocess.Popen[bytes], chance: random.Random) -> Undo | None:
        place: Path = scene.at.disks[name]
        try:
            return fill(place, left_bytes=chance.choice((0, LEFT_BYTES))).unlink
        except OSError:  # the run has filled it meanwhile
            return (place / "ballast").unlink

    return strike


def _lock_table(scene: Scene, _process: subprocess.Popen[bytes], chance: random.Random) -> Undo | None:
    import psycopg

    database = psycopg.connect(scene.at.postgres.url)
    table = f"{chance.choice(MODES)}_mode.{chance.choice(list(TABLES.values()))}"
    try:
        database.execute(f"SET lock_timeout = '{TURN_S:g}s'")
        database.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    except psycopg.errors.LockNotAvailable:
        database.close()
        return None
    return database.close


def _lock_lake(scene: Scene, process: subprocess.Popen[bytes], _chance: random.Random) -> Undo | None:
    import duckdb

    limit = time.monotonic() + TURN_S
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(duckdb.IOException):
            lake: Undo = scene.lake().close
            return lake
        time.sleep(0.01)
    return None


#: What ends the run itself, with the exit code that this has.
SIGNALS = {"kill -9": -signal.SIGKILL, "SIGTERM": 143, "SIGINT twice": 130}
#: These kill the run too: its sessions on the server go on in the midst of the next run.
LATE = {f"stop the {name}, kill -9": name for name in ("warehouse", "bucket", "partner")}
STRIKES: dict[str, Strike] = {
    "kill -9": _send(signal.SIGKILL),
    "SIGTERM": _send(signal.SIGTERM),
    "SIGINT twice": _send(signal.SIGINT, signal.SIGINT),
    **{f"kill the {name}": _kill_server(name) for name in ("warehouse", "partner")},
    **{f"stop the {name}": _stop_server(name) for name in ("warehouse", "bucket", "partner")},
    **{kind: _stop_server(name, kill_run=True) for kind, name in LATE.items()},
    **{f"reset the {name}": _reset(name) for name in ("warehouse", "bucket", "partner")},
    **{f"fill the {name}": _fill_disk(name) for name in ("share", "lake", "partner", "warehouse")},
    "lock a table": _lock_table,
    "lock the lake": _lock_lake,
}
