"""`python -m tests.stress.format_memory`: what a worker needs to write a large report in each format.

One new worker-like process a format turns the same export into its file, twice: a tenth of the size, then all of it.
Prints both peaks of resident memory, the time and the file's size, and has an outside reader count the large file's
records. Ends with 1 if a peak grows with the report, or a reader counts otherwise. Needs all extras, zstd and jq.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.export_text import FOOTER, blocks, header

#: Formats, with `types` where it matters.
CASES = (
    ("csv", "text"),
    ("csv.gz", "text"),
    ("csv.zst", "text"),
    ("jsonl", "text"),
    ("parquet", "text"),
    ("parquet", "infer"),
    ("xlsx", "text"),
    ("xlsx", "infer"),
)
#: A report of ten times the size may not need more than so many times the memory.
MAX_GROWTH = 1.25
#: Megabytes of CSV that one sheet of a workbook can hold of this export.
MAX_WORKBOOK = 200
#: Longer than this is a hang.
MAX_CASE_S = 1800.0


@dataclass(frozen=True)
class Measured:
    """What writing one file took."""

    rows: int
    peak_bytes: int
    seconds: float
    size_bytes: int


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.format_memory", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1200, help="of CSV; default %(default)s")
    parser.add_argument("--format", action="append", help="only this one; repeatable")
    parser.add_argument("--directory", help="where the files are made; default: the system's for temporaries")
    arguments = parser.parse_args()
    problems = []
    print(f"{'format':16} {'tenth':>8} {'whole':>8} {'seconds':>8} {'file':>9}  read back by")
    for name, types in CASES:
        if arguments.format and name not in arguments.format:
            continue
        with tempfile.TemporaryDirectory(prefix="sfr-formats-", dir=arguments.directory) as directory:
            megabytes = min(arguments.megabytes, MAX_WORKBOOK) if name == "xlsx" else arguments.megabytes
            small = _measure(name, types, Path(directory), megabytes * 100_000)
            large = _measure(name, types, Path(directory), megabytes * 1_000_000)
            reader, records = _read_back(name, Path(directory) / f"report.{name}")
        label = f"{name}, {types}" if name in ("parquet", "xlsx") else name
        peaks = f"{small.peak_bytes / 1e6:5.0f} MB {large.peak_bytes / 1e6:5.0f} MB"
        print(
            f"{label:16} {peaks} {large.seconds:8.1f} {large.size_bytes / 1e6:6.0f} MB  {reader}: {records:,} records"
        )
        if large.peak_bytes > MAX_GROWTH * small.peak_bytes:
            problems.append(f"{label}: the peak grew from {small.peak_bytes:,} to {large.peak_bytes:,} bytes")
        if records != large.rows:
            problems.append(f"{label}: {reader} found {records:,} records, SFR {large.rows:,}")
    print("\n".join(problems) or "Every peak stayed, every reader agrees.")
    return 1 if problems else 0


def _measure(name: str, types: str, directory: Path, size_bytes: int) -> Measured:
    body = directory / "body"
    with body.open("wb") as file:
        file.writelines(_export(size_bytes))
    receiving, sending = multiprocessing.get_context("spawn").Pipe(duplex=False)
    arguments = (name, types, str(directory), str(body), sending)
    process = multiprocessing.get_context("spawn").Process(target=_write_report, args=arguments)
    process.start()
    sending.close()
    if not receiving.poll(MAX_CASE_S):
        process.kill()
        raise SystemExit(f"{name}, {types}: not done after {MAX_CASE_S:.0f} s")
    measured: Measured = receiving.recv()
    process.join()
    return measured


def _export(size_bytes: int) -> Iterator[bytes]:
    yield header()
    parts, written = blocks(), 0
    while written < size_bytes:
        part = parts[written // 1_000_000 % len(parts)]
        yield part
        written += len(part)
    yield FOOTER


def _write_report(name: str, types: str, directory: str, body_path: str, sending: object) -> None:
    """In a process of its own, which begins as small as a worker."""
    from sfr.model import Payload, Report
    from sfr.processing.report_file import OutputRules, process

    report = Report(
        0,
        "SFDC",
        name="report",
        report_id="00OE0000002wlroMAA",
        directory=directory,
        export_params="?export=1",
        format=name,
    )
    payload = Payload(report, 1, "classic", os.path.getsize(body_path), None, body_path)
    begun_s = time.monotonic()
    stats = process(
        payload,
        OutputRules(types=types),
        temporary_prefix=".sfr-memory-",
        on_progress=lambda: None,
        on_proof=lambda _: None,
    )
    if not stats.is_valid or stats.rows is None or stats.size_bytes is None:
        raise SystemExit(stats.message)
    peak_kb = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    measured = Measured(stats.rows, int(peak_kb.split()[1]) * 1024, time.monotonic() - begun_s, stats.size_bytes)
    sending.send(measured)


def _read_back(name: str, path: Path) -> tuple[str, int]:
    """An outside reader and how many records it finds."""
    if name == "parquet":
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(path) as file:
            records = sum(file.read_row_group(number).num_rows for number in range(file.num_row_groups))
        return f"pyarrow {pyarrow.__version__}", records
    if name == "xlsx":
        import openpyxl

        sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
        return f"openpyxl {openpyxl.__version__}", sum(1 for _ in sheet.iter_rows(values_only=True)) - 1
    if name == "jsonl":
        counted = subprocess.run(
            ["jq", "-n", "[inputs | 1] | length"], stdin=path.open(), capture_output=True, check=True
        )
        return "jq", int(counted.stdout)
    command = {"csv": "cat", "csv.gz": "gzip -dc", "csv.zst": "zstd -dcq"}[name].split()
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not installed")
    with subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE) as unpacking:
        assert unpacking.stdout is not None
        import csv
        import io

        text = io.TextIOWrapper(unpacking.stdout, "utf-8", newline="")
        records = sum(1 for record in csv.reader(text) if record) - 1
    if unpacking.returncode:
        raise SystemExit(f"{command[0]} ended with {unpacking.returncode}")
    return f"{command[0]} and csv", records


if __name__ == "__main__":
    raise SystemExit(main())
