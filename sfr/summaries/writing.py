"""Writes the summaries of a run, the JSON last of all, and keeps the exit code they tell true."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from sfr.errors import ExitCode
from sfr.lazy import Mapped
from sfr.model import ReportStats, RunStats
from sfr.redaction import Redactor
from sfr.summaries.background import Background
from sfr.summaries.registry import FORMATS

if TYPE_CHECKING:
    from sfr.files.unsupported import LeftOut

log = logging.getLogger(__name__)

WRITTEN_AT_A_TIME_BYTES = 64 * 1024


class Target(Protocol):
    """One of `summary` in the configuration."""

    @property
    def format(self) -> str:
        """A name in `FORMATS`."""
        ...

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Picks and orders the columns."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenSummaries:
    """What came of writing: the run, masked, its exit code true, and a sentence for each summary that failed."""

    run: RunStats
    failures: tuple[str, ...]


def redact_run(run: RunStats, redactor: Redactor) -> RunStats:
    """The run with secrets masked in every text that SFR or a server wrote.

    Names, paths, ids and checksums stay as they are: they are the user's own words or plain facts, and a summary
    whose paths are wrong is of no use.
    """
    return replace(
        run,
        domain=redactor.redact(run.domain),
        notes=tuple(map(redactor.redact, run.notes)),
        reports=Mapped(run.reports, lambda stats: redact_stats(stats, redactor)),
    )


def redact_stats(stats: ReportStats, redactor: Redactor) -> ReportStats:
    """The report's stats with secrets masked in the message."""
    return replace(stats, message=redactor.redact(stats.message)) if stats.message else stats


def write_summaries(
    run: RunStats,
    targets: Sequence[tuple[Target, str]],
    redactor: Redactor,
    background: Background,
    *,
    mode: int = 0o640,
    on_left_out: Callable[[tuple[LeftOut, ...]], None] = lambda _left_out: None,
) -> WrittenSummaries:
    """Write every summary, each with its path; one that cannot be written raises nothing, and is not logged here.

    A failure turns exit code 0 into 4; what was written before and tells the exit code is then written again.
    on_left_out: called with what a summary's file system does not support.
    """
    order = list(FORMATS)
    todo = sorted(targets, key=lambda pair: order.index(pair[0].format))
    run = redact_run(run, redactor)
    failures: list[str] = []
    written: list[tuple[Target, str]] = []
    told = run.exit_code
    for target, path in todo:
        problem = _write(run, target, path, background, mode, on_left_out)
        if problem is None:
            written.append((target, path))
            continue
        failures.append(redactor.redact(problem))
        run = _with_failure(run, failures[-1])
    if told != run.exit_code:
        for target, path in written:
            if FORMATS[target.format].tells_exit_code:
                _write(run, target, path, background, mode, on_left_out)
    return WrittenSummaries(run, tuple(failures))


def _gathered(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer blocks: each is a system call."""
    gathered = bytearray()
    for block in blocks:
        gathered += block
        if len(gathered) >= WRITTEN_AT_A_TIME_BYTES:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


def _with_failure(run: RunStats, failure: str) -> RunStats:
    code = int(ExitCode.SOME_FAILED) if run.exit_code == ExitCode.SUCCESS else run.exit_code
    return replace(run, exit_code=code, notes=(*run.notes, failure))


def _write(
    run: RunStats,
    target: Target,
    path: str,
    background: Background,
    mode: int,
    on_left_out: Callable[[tuple[LeftOut, ...]], None],
) -> str | None:
    """Write one; return what went wrong, None if nothing did."""
    from sfr.files.atomic import write_blocks_atomically
    from sfr.files.trusted import DIRECTORY_MODE, make_directories

    form = FORMATS[target.format]
    mode = mode if form.file_mode is None else form.file_mode
    try:
        # Who may read the summary has to get through its directory.
        make_directories(os.path.dirname(path) or ".", DIRECTORY_MODE | (0o005 if mode & 0o004 else 0))
        write_blocks_atomically(
            path,
            _gathered(form.render(run, target.columns, background)),
            mode,
            temporary_prefix=f".sfr-{run.run_id}-",
            on_left_out=on_left_out,
        )
    except OSError as error:
        return f"The {target.format} summary could not be written to {path}: {error.strerror or error}."
    except Exception as bug:  # a summary must not cost the others their file
        log.exception("The %s summary could not be made; this is a bug in SFR.", target.format)
        return f"The {target.format} summary could not be made ({type(bug).__name__}); this is a bug in SFR."
    return None
