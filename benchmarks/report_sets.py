"""The sets of reports that are downloaded, made once and kept in a cache directory outside the checkout.

A set is a folder of `identity/<report id>` and `gzip/<report id>.gz` with a `set.json` that is written last.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from benchmarks import export_text
from benchmarks.joined_gzip import Piece, piece, write_gzip
from benchmarks.shapes import OPPORTUNITIES, SHAPES, Shape

#: Part of the cache's name: raise it when what is made changes.
VERSION = 2
LARGE_REPORTS = 33
SMALLEST_BYTES, LARGEST_BYTES, LARGE_TOTAL_BYTES = 200_000, 200_000_000, 1_200_000_000
SMALL_REPORT_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One report of a set: `body_bytes` is the export decoded, `saved_bytes` that less its footer."""

    report_id: str
    name: str
    body_bytes: int
    saved_bytes: int


@dataclass(frozen=True, slots=True)
class ReportSet:
    """A folder that nginx can serve, and what is in it."""

    directory: Path
    reports: tuple[ReportFile, ...]

    @property
    def total_bytes(self) -> int:
        """All bodies, decoded."""
        return sum(report.body_bytes for report in self.reports)

    def warm_up(self, encoding: str) -> None:
        """Read every file once, so that no program is the first to fetch it from the disk."""
        for path in (self.directory / encoding).iterdir():
            with path.open("rb") as body:
                while body.read(1 << 20):
                    pass


def cache_directory() -> Path:
    """Where sets are kept: `$XDG_CACHE_HOME/sfr-bench`, or `~/.cache/sfr-bench`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sfr-bench"


def large_set(scale: float, shape: Shape = OPPORTUNITIES) -> ReportSet:
    """33 reports of 0.2 to 200 MB, 1.2 GB in all (times `scale`), in an order that says nothing of their size."""
    sizes = [max(int(size * scale), 2000) for size in _graded_sizes()]
    random.Random(export_text.SEED).shuffle(sizes)
    return _made(f"large-{shape.name}-{scale:g}", sizes, ("identity", "gzip"), shape)


def small_set(count: int) -> ReportSet:
    """Many reports of 20 kB."""
    return _made(f"small-{count}", [SMALL_REPORT_BYTES] * count, ("gzip",))


def single_report(body_bytes: int) -> ReportSet:
    """One report of about this size."""
    return _made(f"single-{body_bytes}", [body_bytes], ("gzip",))


def report_id(number: int) -> str:
    """An 18-character id: digits leave the checksum letters as they are, so they are always EAA."""
    return f"00O5g0{number:09d}EAA"


def _graded_sizes() -> list[int]:
    """Sizes that grow smoothly from the smallest to the largest; the bend is chosen so that they sum up right."""

    def sizes(bend: float) -> list[int]:
        steps = [(index / (LARGE_REPORTS - 1)) ** bend for index in range(LARGE_REPORTS)]
        return [int(SMALLEST_BYTES * (LARGEST_BYTES / SMALLEST_BYTES) ** step) for step in steps]

    low, high = 0.2, 5.0
    for _ in range(50):
        bend = (low + high) / 2
        low, high = (bend, high) if sum(sizes(bend)) > LARGE_TOTAL_BYTES else (low, bend)
    return sizes(low)


def _made(name: str, sizes: list[int], encodings: tuple[str, ...], shape: Shape = OPPORTUNITIES) -> ReportSet:
    directory = cache_directory() / f"v{VERSION}" / name
    index = directory / "set.json"
    if not index.exists():
        _require_room(sum(sizes) * (2 if "identity" in encodings else 1))
        shutil.rmtree(directory, ignore_errors=True)
        for encoding in encodings:
            (directory / encoding).mkdir(parents=True)
        header, pieces = piece(export_text.header(shape)), _pieces(shape.name)
        made = [
            _make_report(directory, number, size, (header, *pieces), encodings) for number, size in enumerate(sizes)
        ]
        index.write_text(json.dumps([asdict(report) for report in made]))
    return ReportSet(directory, tuple(ReportFile(**fields) for fields in json.loads(index.read_text())))


@cache
def _pieces(shape_name: str) -> tuple[Piece, ...]:
    """What the bodies of all sets of a shape are made of; making it takes seconds."""
    return tuple(map(piece, export_text.blocks(SHAPES[shape_name])))


def _make_report(
    directory: Path, number: int, body_bytes: int, pieces: tuple[Piece, ...], encodings: tuple[str, ...]
) -> ReportFile:
    chance = random.Random(f"{export_text.SEED}/{number}")
    header, *blocks = pieces
    parts = [header]
    left = body_bytes - len(parts[0].plain) - len(export_text.FOOTER)
    while left > len((whole := chance.choice(blocks)).plain):
        parts.append(whole)
        left -= len(whole.plain)
    parts.append(piece(export_text.cut_after_row(whole.plain, left)))
    identifier = report_id(number)
    if "identity" in encodings:
        with (directory / "identity" / identifier).open("wb") as target:
            target.writelines(part.plain for part in parts)
            target.write(export_text.FOOTER)
    with (directory / "gzip" / f"{identifier}.gz").open("wb") as target:
        write_gzip(target, parts, export_text.FOOTER)
    saved_bytes = sum(len(part.plain) for part in parts)
    return ReportFile(identifier, f"report {number:04d}", saved_bytes + len(export_text.FOOTER), saved_bytes)


def _require_room(wanted_bytes: int) -> None:
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(cache).free
    if free_bytes < wanted_bytes + 1_000_000_000:
        raise SystemExit(
            f"bench: {cache} has {free_bytes / 1e9:.1f} GB free, but the data may need {wanted_bytes / 1e9:.1f} GB and"
            " 1 GB to spare. Set XDG_CACHE_HOME to a larger disk, or give --scale 0.1."
        )
