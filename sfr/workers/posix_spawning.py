"""A `multiprocessing` process started by `spawn` from whatever program called us, without running that program again.

Keeping `multiprocessing` from running the caller's script again would take changes to the whole program, and so to runs
in other threads. Here only the calling thread's signal mask changes. POSIX only.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from multiprocessing import popen_spawn_posix, reduction, resource_tracker, spawn, util
from multiprocessing.context import SpawnProcess, set_spawning_popen

from sfr.search_path import without_working_directory
from sfr.signals import blocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

assert sys.platform != "win32"  # noqa: S101 - for the type checker: all below is checked for POSIX alone

#: `python -P` for a child whose command line is not ours.
_SAFE_PATH = "PYTHONSAFEPATH"
#: Runs in several threads change it one after the other.
_environment = threading.Lock()


class SpawnedProcess(SpawnProcess):
    """Used as `multiprocessing.Process` is."""

    def start(self) -> None:
        """Start the child, which must unblock the stop signals itself. Raises OSError where the system grants none."""
        with blocked():
            super().start()

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> _Launch:  # noqa: N802 - the base class's hook
        return _Launch(process_obj)


def start_resource_tracker() -> None:
    """Start multiprocessing's resource tracker, which the queue's semaphores need, unless it is running.

    It ignores SIGINT and SIGTERM; with the inherited mask SIGHUP to the process group does not end it either. Like a
    worker it must not import modules from the working directory, which only an environment variable can prevent; it is
    set for the time of this call.
    """
    with _environment, blocked({signal.SIGHUP}):
        before = os.environ.get(_SAFE_PATH)
        os.environ[_SAFE_PATH] = "1"
        try:
            resource_tracker.ensure_running()
        finally:
            if before is None:
                del os.environ[_SAFE_PATH]
            else:
                os.environ[_SAFE_PATH] = before


class _Launch(popen_spawn_posix.Popen):
    """Starts the child and represents it. Differs from `multiprocessing`'s own in what the child is given.

    - No main module: the child would run the caller's script again, and `sfr.run()` would need a `__main__` guard.
    - A search path without the working directory, and `-P` until it has that path: a `threading.py` there would be run.

    The standard streams are not flushed, since the child inherits no buffer: one that cannot be written (a full disk)
    would keep it from starting.
    """

    def __init__(self, process: BaseProcess) -> None:
        self._fds: list[int] = []
        self.returncode = None
        self.finalizer = None  # type: ignore[assignment]  # as in the base class, whose stub knows it set only
        self._launch(process)

    def _launch(self, process: BaseProcess) -> None:
        child = _pickled(self, process)
        ours: list[int] = []
        its: list[int] = []
        try:
            self.sentinel, its_end = os.pipe()  # which ends with the child
            ours.append(self.sentinel)
            its.append(its_end)
            reading, writing = os.pipe()
            its.append(reading)
            ours.append(writing)
            tracker = resource_tracker.getfd() or 0  # running already: the queue's semaphores started it
            executable, command = _command(tracker, reading)
            self.pid = util.spawnv_passfds(executable, command, [*self._fds, *its, tracker])
        except BaseException:
            _close(ours)
            raise
        finally:
            _close(its)
        self.finalizer = util.Finalize(self, _close, [ours])
        with open(writing, "wb", closefd=False) as stream:
            stream.write(child)


def _pickled(launch: _Launch, process: BaseProcess) -> bytes:
    """What the child reads first: how to prepare itself, and the process that it is to be."""
    preparation = {"name": process.name, "sys_path": without_working_directory(sys.path), "start_method": "spawn"}
    stream = io.BytesIO()
    set_spawning_popen(launch)  # of this thread
    try:
        reduction.dump(preparation, stream)
        reduction.dump(process, stream)
    finally:
        set_spawning_popen(None)
    # Not `getbuffer`: where a start fails, Python 3.13 complains of a stream that is collected with its view.
    return stream.getvalue()


def _command(tracker: int, reading: int) -> tuple[bytes, list[str]]:
    """The interpreter, and its arguments; a frozen program takes none of Python's options."""
    program, *arguments = spawn.get_command_line(tracker_fd=tracker, pipe_handle=reading)
    options = [] if getattr(sys, "frozen", False) else ["-P"]
    return os.fsencode(spawn.get_executable()), [program, *options, *arguments]


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
