"""Runs several programs in turn, round after round, so that a noisy machine is noisy for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process_run import Command, Timing, timed
from benchmarks.programs import fresh_directory
from benchmarks.quiet import LARGEST_SHARE, wait_for_quiet
from benchmarks.results import Figure, Settings

#: A run that another program disturbed is repeated, up to this many times in all.
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program: `prepare` makes its directory ready, `check` stops the benchmark if it did not do its work."""

    name: str
    prepare: Callable[[Path], Command]
    check: Callable[[Path], None] = lambda _directory: None


def alternate(contestants: list[Contestant], settings: Settings, rounds: int | None = None) -> dict[str, list[Timing]]:
    """Name → the timings of all rounds."""
    timings: dict[str, list[Timing]] = {contestant.name: [] for contestant in contestants}
    directory = settings.memory_directory / "work"
    for _ in range(rounds or settings.rounds):
        for contestant in contestants:
            timings[contestant.name].append(_undisturbed(contestant, directory, settings.patience_s))
    fresh_directory(directory)
    return timings


def _undisturbed(contestant: Contestant, directory: Path, patience_s: float) -> Timing:
    """The first run that no other program disturbed, or the least disturbed of a few."""
    tries: list[Timing] = []
    while len(tries) < MOST_TRIES:
        command = contestant.prepare(fresh_directory(directory))
        wait_for_quiet(patience_s)
        tries.append(timed(command))
        contestant.check(directory)
        if tries[-1].others_share <= LARGEST_SHARE or not patience_s:
            break
    return min(tries, key=lambda run: run.others_share)


def disturbed_note(timings: dict[str, list[Timing]]) -> tuple[str, ...]:
    """A sentence about runs that stayed disturbed; none where all was quiet."""
    disturbed = [run.others_share for runs in timings.values() for run in runs if run.others_share > LARGEST_SHARE]
    if not disturbed:
        return ()
    return (f"{len(disturbed)} runs were disturbed: other programs used up to {max(disturbed):.0%} of the machine",)


def wall_figures(timings: dict[str, list[Timing]]) -> dict[str, Figure]:
    """Name → seconds from start to end."""
    return {name: Figure(name, "s", tuple(each.wall_s for each in runs)) for name, runs in timings.items()}


def cpu_figures(timings: dict[str, list[Timing]], total_bytes: int) -> dict[str, Figure]:
    """Name → CPU seconds per GB (1,000,000,000 bytes) of decoded bodies."""
    return {
        name: Figure(f"{name}, CPU", "s/GB", tuple(each.cpu_s / (total_bytes / 1e9) for each in runs))
        for name, runs in timings.items()
    }
