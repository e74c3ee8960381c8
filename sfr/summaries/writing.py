"""Writes the summaries of a run, JSON last, and keeps their exit code correct."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sfr.errors import ExitCode, LeaseLostError
from sfr.redaction import Redactor
from sfr.results import ReportStats, RunStats
from sfr.summaries.background import Background
from sfr.summaries.registry import FORMATS

if TYPE_CHECKING:
    from sfr.storage.unsupported import UnsupportedFeature

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
        """The selected columns, in order; None = all."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenSummaries:
    """The result of writing: the run with secrets masked and its final exit code, and a message for each failure."""

    run: RunStats
    failures: tuple[str, ...]


def redact_run(run: RunStats, redactor: Redactor) -> RunStats:
    """The run with secrets masked in all texts written by SFR or a server.

    Names, paths, ids and checksums are left unchanged: they are the user's own texts or plain facts, and a summary with
    wrong paths is useless.
    """
    return replace(
        run,
        domain=redactor.redact(run.domain),
        notes=tuple(map(redactor.redact, run.notes)),
        reports=tuple(redact_stats(stats, redactor) for stats in run.reports),
    )


def redact_stats(stats: ReportStats, redactor: Redactor) -> ReportStats:
    """The report's stats with secrets masked in its messages."""
    if any(each.message for each in stats.delivery_stats):
        masked = (replace(each, message=redactor.redact(each.message)) for each in stats.delivery_stats)
        stats = replace(stats, delivery_stats=tuple(masked))
    return replace(stats, message=redactor.redact(stats.message)) if stats.message else stats


def write_summaries(
    run: RunStats,
    targets: Sequence[tuple[Target, str]],
    redactor: Redactor,
    background: Background,
    *,
    mode: int = 0o640,
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = lambda _unsupported: None,
    before_rename: Callable[[], None] | None = None,
) -> WrittenSummaries:
    """Write all summaries to their paths. Failures are returned, not raised or logged.

    A failure turns exit code 0 into 4; files already written that contain the exit code are then written again.
    on_unsupported: called with what a summary's file system does not support.
    before_rename: as in `AtomicFile.replace`; a `LeaseLostError` that it raises is raised.
    """
    write = partial(
        _write, background=background, mode=mode, on_unsupported=on_unsupported, before_rename=before_rename
    )
    order = list(FORMATS)
    todo = sorted(targets, key=lambda pair: order.index(pair[0].format))
    run = redact_run(run, redactor)
    failures: list[str] = []
    written: list[tuple[Target, str]] = []
    written_code = run.exit_code
    for target, path in todo:
        problem = write(run, target, path)
        if problem is None:
            written.append((target, path))
            continue
        failures.append(redactor.redact(problem))
        run = _with_failure(run, failures[-1])
    if written_code != run.exit_code:
        for target, path in written:
            if FORMATS[target.format].has_exit_code:
                write(run, target, path)
    return WrittenSummaries(run, tuple(failures))


def _in_larger_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer blocks, since each is a system call."""
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
    *,
    background: Background,
    mode: int,
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None],
    before_rename: Callable[[], None] | None,
) -> str | None:
    """Write one summary; returns an error message, or None."""
    from sfr.storage.atomic import write_blocks_atomically
    from sfr.storage.trusted import DIRECTORY_MODE, make_directories

    form = FORMATS[target.format]
    mode = mode if form.file_mode is None else form.file_mode
    try:
        # Readers of the summary need access to its directory too.
        make_directories(os.path.dirname(path) or ".", DIRECTORY_MODE | (0o005 if mode & 0o004 else 0))
        write_blocks_atomically(
            path,
            _in_larger_blocks(form.render(run, target.columns, background)),
            mode,
            temporary_prefix=f".sfr-{run.run_id}-",
            on_unsupported=on_unsupported,
            before_rename=before_rename,
        )
    except LeaseLostError:
        raise
    except OSError as error:
        return f"The {target.format} summary could not be written to {path}: {error.strerror or error}."
    except Exception as bug:  # a bug in one summary must not prevent the others
        log.exception("The %s summary could not be made; this is a bug in SFR.", target.format)
        return f"The {target.format} summary could not be made ({type(bug).__name__}); this is a bug in SFR."
    return None
