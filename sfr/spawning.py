"""Starting a process by `spawn` from whatever program called us, while threads run and signals may come."""

from __future__ import annotations

import signal
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

_STOP_SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


@contextmanager
def undisturbed_start() -> Iterator[None]:
    """Make `Process.start()` inside the block safe.

    - `spawn` would run the caller's script again in the child; with an empty main module it has nothing to run, so
      that `sfr.run()` works from a script without a `__main__` guard and from a notebook.
    - A signal to the process group while a child starts would end it with a traceback; the child inherits the
      blocked mask and unblocks once it ignores them.
    - multiprocessing's resource tracker starts first, because starting it unblocks the signals.
    """
    if sys.platform != "win32":
        resource_tracker.ensure_running()
    main_module = sys.modules["__main__"]
    former_mask = (
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS) if hasattr(signal, "pthread_sigmask") else None
    )
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main_module
        if former_mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, former_mask)
