"""What SFR does where it is never run: imports, and a whole run by its branches for Windows, as far as Linux can show.

The foreign modules are loaded as on Linux; only what SFR itself does sees `sys.platform == "win32"` and lacks what
Windows lacks. So this shows that SFR takes its own branches and that they work together, not how Windows behaves.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sfr.emulator import Emulator
from tests.sfr_program import configure, is_whole, summary, temporaries

CHECKOUT = Path(__file__).parents[2]

#: Makes SFR believe that it is on Windows. Loads everything once as it is, then SFR again; `msvcrt` is played by fcntl.
PLAYED_WINDOWS = """
import builtins, fcntl, importlib, multiprocessing, os, pkgutil, select, signal, sys, types
import multiprocessing.popen_spawn_posix, multiprocessing.queues, multiprocessing.resource_tracker
import sfr

def modules():
    for found in pkgutil.walk_packages(sfr.__path__, "sfr."):
        if not found.name.endswith(("__main__", ".posix_spawning")):
            yield found.name

for name in modules():
    importlib.import_module(name)
for name in [name for name in sys.modules if name.split(".")[0] == "sfr"]:
    del sys.modules[name]

POSIX_ONLY = {
    "_posixshmem", "_posixsubprocess", "crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd",
    "readline", "resource", "spwd", "syslog", "termios", "tty", "multiprocessing.popen_fork",
    "multiprocessing.popen_forkserver", "multiprocessing.popen_spawn_posix", "multiprocessing.forkserver",
}
LACKING = {
    "os": "chown fchmod fchown fork geteuid getegid getgid getpgid getuid killpg lchown mkfifo nice posix_fadvise "
        "posix_fallocate pread pwrite sched_getaffinity set_blocking setsid statvfs sync sysconf uname "
        "O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_SYNC",
    "signal": "SIGHUP SIGKILL SIGALRM SIGCHLD SIGPIPE SIGUSR1 SIGUSR2 SIG_BLOCK SIG_SETMASK SIG_UNBLOCK alarm "
        "pthread_sigmask setitimer siginterrupt",
    "select": "epoll poll POLLRDHUP",
}

class Poorer(types.ModuleType):
    def __init__(self, module, lacking):
        super().__init__(module.__name__)
        self._module, self._lacking = module, lacking.split()

    def __getattr__(self, name):
        if name in self._lacking:
            raise AttributeError(f"module has no attribute {name!r} on Windows")
        return getattr(self._module, name)

poorer = {name: Poorer(sys.modules[name], lacking) for name, lacking in LACKING.items()}
poorer["sys"] = Poorer(sys, "")
poorer["sys"].platform = "win32"
import_as_it_is = builtins.__import__

def import_as_on_windows(name, globals=None, locals=None, fromlist=(), level=0):
    if str((globals or {}).get("__name__")).split(".")[0] == "sfr":
        for wanted in (name, *(f"{name}.{part}" for part in fromlist or ())):
            if wanted in POSIX_ONLY:
                raise ModuleNotFoundError(f"No module named {wanted!r} on Windows")
        if name in poorer:
            return poorer[name]
    return import_as_it_is(name, globals, locals, fromlist, level)

def locking(descriptor, mode, size_bytes):
    assert (mode, size_bytes, os.lseek(descriptor, 0, os.SEEK_CUR)) == (2, 1, 1 << 30)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

builtins.__import__ = import_as_on_windows
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
"""
#: What SFR must not be able to import or use there; else that all can be imported would prove nothing.
FORBIDDEN = (
    "import fcntl",
    "from multiprocessing import popen_spawn_posix",
    "from os import O_NOFOLLOW",
    "import os; os.geteuid()",
    "import sfr.workers.posix_spawning",
)
LOOK = f"""
import json
imported = [importlib.import_module(name).__name__ for name in modules()]
refused = []
for statement in {FORBIDDEN!r}:
    try:
        exec(statement, {{"__name__": "sfr.module"}})
    except (ImportError, AttributeError, AssertionError):
        refused.append(statement)
from sfr.storage.locking import try_lock
locks = [try_lock(os.open(path, os.O_RDWR), path) for path in sys.argv[1:]]
print(json.dumps({{"imported": imported, "refused": refused, "locks": locks}}))
"""
RUN = "import sfr.cli\nsys.exit(sfr.cli.main(sys.argv[1:]))"


def on_played_windows(code: str, *arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run this code in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-c", f"{PLAYED_WINDOWS}\n{code}", *arguments],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process saw there, given two lock files: one that this process holds, and one that nobody does."""
    directory = tmp_path_factory.mktemp("windows")
    held, free = directory / "held", directory / "free"
    free.touch()
    with held.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = on_played_windows(LOOK, str(held), str(free), directory=directory)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_module_needs_what_windows_lacks_to_be_imported(seen: dict[str, Any]) -> None:
    """Every module that a run, a command or a worker loads; all but the one that starts processes on POSIX."""
    assert {"sfr.cli", "sfr.runner.pipeline", "sfr.workers.worker", "sfr.commands.check"} <= set(seen["imported"])
    assert seen["refused"] == list(FORBIDDEN)


def test_lock_for_windows_is_refused_while_another_process_holds_it(seen: dict[str, Any]) -> None:
    """`msvcrt` locks one byte beyond the file's text, so that who holds it can be read."""
    assert seen["locks"] == [False, True]


def test_run_saves_its_reports_by_the_branches_for_windows(tmp_path: Path) -> None:
    """Lock, log, history, workers by `multiprocessing`'s own start, files put in place, summaries: exit 0."""
    with Emulator() as org:
        names = ("Awkward Cells", "Deals by Stage")
        config = configure(tmp_path, org, [(name, tmp_path / "out") for name in names])
        done = on_played_windows(RUN, "--config", str(config), directory=tmp_path)

        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        reports = summary(tmp_path / "out" / "summary_report.json")
        assert {report["status"] for report in reports.values()} == {"saved"}
        assert all(is_whole(tmp_path / "out" / f"{name}.csv", org) for name in names)
    assert not temporaries(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "summary_report.json").read_text())["run"]["workers"] == 2
