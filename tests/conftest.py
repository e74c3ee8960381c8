"""What holds for every test."""

import signal
import threading

from hypothesis import HealthCheck, settings

# A busy machine may take any time for one example: how long something takes is for benchmarks/ to say.
settings.register_profile("sfr", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sfr")

# A shell ignores SIGINT in what it starts in the background, and every program started from there ignores it, too.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
