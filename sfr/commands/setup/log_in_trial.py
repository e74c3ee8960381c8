"""Tries the log-in of `sfr init`, once or for as long as a new app may take. Every refusal comes with what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sfr.errors import LogInError, ReportError

#: A new app works within ten minutes.
WAIT_S = 900.0
EVERY_S = 10.0

_T = TypeVar("_T")


def wait_until_accepted(
    attempt: Callable[[], _T],
    say: Callable[[str], None],
    *,
    wait_s: float = WAIT_S,
    every_s: float = EVERY_S,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _T:
    """Attempt the log-in until it succeeds; says each new reason why it does not, once.

    Raises the last LogInError or ReportError when the time is up.
    """
    say(f"Trying every {every_s:g} s, for {wait_s / 60:g} minutes at most. Ctrl-C stops; the same command continues.")
    end_clock_s = clock() + wait_s
    last = ""
    while True:
        try:
            return attempt()
        except (LogInError, ReportError) as error:
            if clock() + every_s > end_clock_s:
                raise
            reason = str(error)
            if reason != last:
                say(f"Not yet. {reason}")
            last = reason
        sleep(every_s)
