"""The programs that are compared, each made ready in a fresh directory: SFR, curl, bare loops."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.nginx_server import API_VERSION, SESSION_ID, Site
from benchmarks.process_run import Command
from benchmarks.report_sets import ReportFile

CHECKOUT = Path(__file__).resolve().parent.parent
OUTPUT = "out"
URLS = "urls.csv"
SID_LOGIN = {"sid": {"value": SESSION_ID}}
SECRET_LOGIN = {"client_credentials": {"client_id": "benchmark", "client_secret": "benchmark-secret"}}


@dataclass(frozen=True, slots=True)
class SfrOptions:
    """How SFR is run; `libraries` False hides those that it has for their speed alone."""

    threads: int = 8
    workers: int | None = 2
    checksum: str = "sha256"
    libraries: bool = True
    format: str = "csv"
    login: str = "sid"


def fresh_directory(directory: Path) -> Path:
    """An empty directory with an empty folder for the output."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / OUTPUT).mkdir(parents=True)
    return directory


def sfr(directory: Path, site: Site, reports: tuple[ReportFile, ...], options: SfrOptions) -> Command:
    """SFR with a generated list and configuration."""
    with (directory / "reports.csv").open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["report_type", "report_file_name", "report_id"])
        rows.writerows(["SFDC", report.name, report.report_id] for report in reports)
    configuration = {
        "salesforce": {
            "domain": site.url,
            "ca_bundle": str(site.ca_file) if site.ca_file else None,
            "api_version": API_VERSION,
            "auth": SID_LOGIN if options.login == "sid" else SECRET_LOGIN,
        },
        "reports": {"list": "reports.csv"},
        "output": {"directory": OUTPUT, "checksum": options.checksum, "format": options.format},
    }
    # JSON is YAML, too.
    (directory / "sfr.yaml").write_text(json.dumps(configuration, indent=1))
    arguments = [sys.executable, str(CHECKOUT / "sfr.py"), "--config", "sfr.yaml", "--threads", str(options.threads)]
    if options.workers is not None:
        arguments += ["--workers", str(options.workers)]
    return Command(tuple(arguments), directory, {} if options.libraries else _without_libraries(directory))


def curl(directory: Path, site: Site, reports: tuple[ReportFile, ...], *, compressed: bool) -> Command:
    """`curl --parallel --parallel-max 8`, which writes the bodies, decoded if requested, with their footers."""
    lines = []
    for report in reports:
        lines += [f'url = "{_export_url(site.url, report)}"', f'output = "{OUTPUT}/{report.name}.csv"']
    (directory / "curl.config").write_text("\n".join(lines) + "\n")
    arguments = ["curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-max", "8"]
    arguments += ["--cookie", f"sid={SESSION_ID}", "--config", "curl.config"]
    if compressed:
        arguments.append("--compressed")
    if site.ca_file:
        arguments += ["--cacert", str(site.ca_file)]
    return Command(tuple(arguments), directory)


def requests_loop(
    directory: Path, site: Site, reports: tuple[ReportFile, ...], *, threads: int, is_durable: bool = False
) -> Command:
    """Threads that get and write, see requests_loop.py."""
    _write_urls(directory, site, reports)
    script = str(CHECKOUT / "benchmarks" / "requests_loop.py")
    return Command((sys.executable, script, URLS, str(threads), SESSION_ID, str(int(is_durable))), directory)


def primitives_loop(directory: Path, site: Site, reports: tuple[ReportFile, ...], *, work: str) -> Command:
    """Two processes that do SFR's work with its primitives alone, the largest report first, see primitives_loop.py."""
    _write_urls(directory, site, tuple(sorted(reports, key=lambda report: -report.body_bytes)))
    script = str(CHECKOUT / "benchmarks" / "primitives_loop.py")
    trusted = (str(site.ca_file),) if site.ca_file else ()
    return Command((sys.executable, script, URLS, "2", SESSION_ID, work, *trusted), directory)


def require_output(directory: Path, reports: tuple[ReportFile, ...], *, with_footer: bool) -> None:
    """Stop the benchmark unless every report was written with its exact size."""
    for report in reports:
        path = directory / OUTPUT / f"{report.name}.csv"
        wanted = report.body_bytes if with_footer else report.saved_bytes
        found = path.stat().st_size if path.exists() else None
        if found != wanted:
            raise SystemExit(f"bench: {path} should have {wanted} bytes, but has {found}.")


def _write_urls(directory: Path, site: Site, reports: tuple[ReportFile, ...]) -> None:
    with (directory / URLS).open("w", newline="") as target:
        csv.writer(target).writerows(
            [_export_url(site.url, report), f"{OUTPUT}/{report.name}.csv"] for report in reports
        )


def _export_url(url: str, report: ReportFile) -> str:
    return f"{url}/{report.report_id}?export=1&enc=UTF-8&xf=csv&isdtp=p1"


def _without_libraries(directory: Path) -> dict[str, str]:
    """Put packages that cannot be imported before the real ones."""
    hiding = directory / "without-libraries"
    for name in ("isal", "stringzilla", "zlib_ng"):
        (hiding / name).mkdir(parents=True, exist_ok=True)
        (hiding / name / "__init__.py").write_text("raise ImportError('hidden by the benchmark')\n")
    return {"PYTHONPATH": str(hiding)}
