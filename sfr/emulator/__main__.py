"""`python -m sfr.emulator`: prints a JSON line with all that a client needs, then serves until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from sfr.emulator.emulator import Emulator
from sfr.emulator.scenarios.actions import ScenarioError


def ready_line(emulator: Emulator) -> str:
    """The JSON line: the org's URL, its credentials and its reports."""
    line = {
        "url": emulator.url,
        "ca_file": emulator.ca_file,
        **asdict(emulator.credentials),
        "reports": [asdict(report) for report in emulator.reports],
    }
    return json.dumps(line, ensure_ascii=False)


def _check_certificate(path: str | None) -> None:
    """Raise ValueError for a file that is no certificate, OSError if it cannot be read; it may be missing."""
    if path is None:
        return
    from sfr.emulator.log_in.keys import read_certificate

    try:
        read_certificate(Path(path))
    except FileNotFoundError:
        logging.getLogger(__name__).warning("there is no %s yet; it is read once it is there", path)
    except ValueError as error:
        raise ValueError(f"{path} is not a PEM certificate with an RSA key: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. 0 = stopped, 2 = invalid scenario or certificate, or the port cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m sfr.emulator", description="Emulates a Salesforce org.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 = any free one")
    parser.add_argument(
        "--directory", metavar="DIR", help="where keys and certificates are written; default: temporary"
    )
    parser.add_argument("--tls", action="store_true", help="https, with a certificate from a throw-away CA (ca_file)")
    parser.add_argument("--scenario", metavar="FILE", help="YAML or JSON: settings, faults, extra reports")
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        help="PEM certificate that JWT log-ins are trusted with, as if uploaded to the app; may be made later",
    )
    parser.add_argument("--quiet", action="store_true", help="do not log requests")
    options = parser.parse_args(arguments)
    level = logging.WARNING if options.quiet else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        _check_certificate(options.certificate)
        emulator = Emulator(
            options.scenario,
            tls=options.tls,
            directory=options.directory,
            port=options.port,
            certificate=options.certificate,
        ).start()
    except (ScenarioError, OSError, ValueError) as error:
        print(f"the emulator cannot start: {error}", file=sys.stderr)
        return 2
    try:
        print(ready_line(emulator), flush=True)
        stop.wait()
    finally:
        emulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
