"""`python -m tests.stress.remote_delivery`: memory and time of delivering a large report to S3 and to an SFTP server.

One run without a destination, one to a bucket of moto's S3 server, one to OpenSSH's, each on this machine. Prints
seconds and peak memory of SFR's processes; ends with 1 if a run failed, a copy differs, or a peak is over the limit.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from sfr.emulator import Emulator
from tests.s3_server import Bucket, s3_server
from tests.sftp_server import SftpServer
from tests.stress.measured_run import HEAD, MIB, MeasuredRun, measured_run

#: Of the whole tree of processes.
MAX_PEAK_BYTES = 140 * MIB
#: Of a row of the generated report.
ROW_BYTES = 172


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.remote_delivery", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=300, help="of the report; default %(default)s")
    rows = parser.parse_args().megabytes * 1_000_000 // ROW_BYTES
    problems: list[str] = []
    with (
        Emulator() as org,
        tempfile.TemporaryDirectory(prefix="sfr-remote-") as temporary,
        s3_server() as url,
        SftpServer(Path(temporary, "server")) as server,
    ):
        report = {"report_type": "SFDC", "report_file_name": "Large", "report_id": org.add_report("Large", rows=rows)}
        keys = {"access_key_id": "x", "secret_access_key": "y"}
        kinds: dict[str, dict[str, Any]] = {
            "s3": {"s3": {"bucket": "acme", "endpoint": url, **keys}},
            "sftp": {"sftp": server.settings()},
        }
        bucket = Bucket(url)
        print(HEAD)
        for name in ("none", *kinds):
            sections = {} if name == "none" else {"destinations": {name: kinds[name]}, "output": {"deliver": [name]}}
            run = measured_run(Path(temporary, name), org, report, "classic", **sections)
            deliveries = run.told["deliveries"]
            spent = f"delivered in {deliveries[0]['seconds']} s" if deliveries else ""
            print(run.line(name), f"{run.path.stat().st_size:,} bytes", spent)
            copy = {"none": run.path.read_bytes, "s3": lambda: bucket.get("Large.csv")}.get(
                name, (server.inbox / "Large.csv").read_bytes
            )
            problems += _problems(name, run, copy())
    print("\n".join(problems) or "every promise held")
    return 1 if problems else 0


def _problems(name: str, run: MeasuredRun, copy: bytes) -> list[str]:
    found = []
    if run.exit_code:
        found.append(f"{name}: exit code {run.exit_code}: {run.told['message']}")
    if hashlib.sha256(copy).hexdigest() != run.told["sha256"]:
        found.append(f"{name}: the copy differs")
    if run.peak_pss_bytes > MAX_PEAK_BYTES:
        found.append(f"{name}: the peak is {run.peak_pss_bytes / MIB:.0f} MB")
    return found


if __name__ == "__main__":
    sys.exit(main())
