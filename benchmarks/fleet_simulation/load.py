"""What a simulated fleet has to do: orgs, their reports, and how long each takes. All of it follows from the seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

from sfr.config.fetch_settings import Fetch

#: Of each attempt: start of the process, log-in.
START_S = 2.0


@dataclass(frozen=True, slots=True)
class Load:
    """Log-normal times: of the reports of an org, and from org to org."""

    seed: int = 1
    orgs: int = 2000
    reports: int = 1000
    threads: int = Fetch().threads
    #: Of the reports of an org in the middle.
    median_s: float = 2.0
    report_spread: float = 1.0
    org_spread: float = 0.8

    def report_times_s(self, number: int) -> list[float]:
        """Of the reports of an org, longest first: that is the order of a run."""
        chance = random.Random(f"{self.seed} org {number}")
        median_s = self.median_s * chance.lognormvariate(0.0, self.org_spread)
        return sorted(
            (median_s * chance.lognormvariate(0.0, self.report_spread) for _ in range(self.reports)), reverse=True
        )

    def durations_s(self) -> list[float]:
        """Of the orgs, each as one attempt that nothing disturbs."""
        return [START_S + max(end_times_s(self.report_times_s(org), self.threads)) for org in range(self.orgs)]


def end_times_s(times_s: Sequence[float], threads: int) -> list[float]:
    """When each report ends, if this number of threads fetches them in this order."""
    free_at_s, ends_s = [0.0] * threads, []
    for time_s in times_s:
        ends_s.append(free_at_s[0] + time_s)
        heapq.heapreplace(free_at_s, ends_s[-1])
    return ends_s


def remembered_s(durations_s: Sequence[float], spread: float, seed: int) -> dict[int, float]:
    """What the history says of the orgs, when nights differ by this spread of a log-normal factor."""
    chance = random.Random(f"{seed} history")
    return {org: duration_s * chance.lognormvariate(0.0, spread) for org, duration_s in enumerate(durations_s)}
