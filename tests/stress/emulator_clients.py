"""`python -m tests.stress.emulator_clients [DIRECTORY]`: clients written by others agree with the embedded org.

jsforce and the Salesforce CLI come from npm (about 600 MB, installed into DIRECTORY, default a temporary one; a
directory used before is used again). Each drives the org by itself; then SFR downloads reports with the log-in method
`sf_cli`, whose `sf` is that real CLI. Needs npm and a connection to the npm registry. Ends with 0 when all agree.
simple-salesforce, the third client, is in tests/integration/test_emulator_simple_salesforce.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT
from tests.stress.cli_web_log_in import run_cli_web

HERE = Path(__file__).resolve().parent
PACKAGES = ("jsforce@3", "@salesforce/cli@2", "node@22")
#: Reports that SFR downloads: in one answer, in slices, and a query.
REPORTS = ("Awkward Cells", "Open Pipeline", "Deals by Stage")
SOQL, SOQL_ROWS = "SELECT Id, Name, Description FROM Account", 3_200
#: The CLI keeps its log-ins in HOME, encrypted with a key in a file where there is no keychain.
CLI_ENVIRON = {
    "SF_DISABLE_TELEMETRY": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
}


class DisagreementError(Exception):
    """What a client saw or SFR brought is not what it should be."""


def main() -> int:
    """0 if all clients agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.emulator_clients", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, help="of the npm packages")
    directory = parser.parse_args().directory
    with tempfile.TemporaryDirectory(prefix="sfr-clients-") as temporary:
        packages = directory.resolve() if directory else Path(temporary, "npm")
        install(packages)
        home = Path(temporary, "home")
        home.mkdir()
        return check(packages, home)


def install(directory: Path) -> None:
    """Install the packages unless they are there."""
    if (directory / "node_modules" / "@salesforce" / "cli").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=directory, check=True)


def check(packages: Path, home: Path) -> int:
    """Let each client have its turn; one that disagrees does not keep the others from theirs."""
    modules = packages / "node_modules"
    command = [sys.executable, "-m", "sfr.emulator", "--quiet", "--directory", str(home / "org")]
    outcomes = []
    with subprocess.Popen(command, cwd=SCRIPT.parent, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            ready = json.loads(emulator.stdout.readline()) if emulator.stdout else {}
            environ = {
                "PATH": f"{_install_sf(modules, home)}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(home),
                "EMULATOR": json.dumps(ready),
                "NODE": str(modules / "node" / "bin" / "node"),
                "SF": str(modules / "@salesforce" / "cli" / "bin" / "run.js"),
                **CLI_ENVIRON,
            }
            outcomes = [
                _outcome("jsforce", lambda: _run_jsforce(packages, environ)),
                _outcome("Salesforce CLI", lambda: _run_cli(environ)),
                _outcome("CLI, web log-in", lambda: run_cli_web(ready, environ, modules)),
                _outcome("SFR, route auto", lambda: _run_sfr(ready, environ, home, "by-jwt", "auto")),
                _outcome("SFR, analytics", lambda: _run_sfr(ready, environ, home, "by-token", "analytics")),
            ]
        finally:
            emulator.terminate()
    print(f"with {_versions(modules)}")
    return 0 if outcomes and all(outcomes) else 1


def _install_sf(modules: Path, home: Path) -> Path:
    """A directory for PATH, with `sf` as npm would put it there, run by the Node of the packages."""
    folder = home / "bin"
    folder.mkdir()
    program = folder / "sf"
    node, cli = modules / "node" / "bin" / "node", modules / "@salesforce" / "cli" / "bin" / "run.js"
    program.write_text(f'#!/bin/sh\nexec "{node}" "{cli}" "$@"\n')
    program.chmod(0o755)
    return folder


def _outcome(client: str, run: Callable[[], str]) -> bool:
    begun_clock_s = time.monotonic()
    try:
        said, is_well = run(), True
    except (DisagreementError, OSError, ValueError, subprocess.SubprocessError) as error:
        said, is_well = f"DISAGREES: {error}", False
    print(f"{client:16}{time.monotonic() - begun_clock_s:6.1f} s  {said}", flush=True)
    return is_well


def _run_jsforce(packages: Path, environ: Mapping[str, str]) -> str:
    script = packages / "jsforce_check.mjs"
    shutil.copyfile(HERE / "clients" / "jsforce_check.mjs", script)
    subprocess.run([environ["NODE"], str(script)], env=environ, check=True, timeout=300, stdout=subprocess.DEVNULL)
    return "agrees: log-in, web log-in with PKCE, refresh, identity, query, describe, run, instances, Bulk 2.0, limits"


def _run_cli(environ: Mapping[str, str]) -> str:
    script = HERE / "clients" / "sf_cli_check.sh"
    subprocess.run(["sh", str(script)], env=environ, check=True, timeout=900, stdout=subprocess.DEVNULL)
    return "agrees: log-in by token and by JWT, query, bulk export"


def _run_sfr(ready: Mapping[str, Any], environ: Mapping[str, str], home: Path, org: str, route: str) -> str:
    """Reports and a query by the program, logged in by the real CLI; what it brings and what it lets slip."""
    _log_in_to_cli(ready, environ, org)
    directory = home / f"sfr-{route}"
    directory.mkdir()
    ids = {entry["name"]: entry["id"] for entry in ready["reports"]}
    items = [{"report_type": "SFDC", "report_file_name": name, "report_id": ids[name]} for name in REPORTS]
    config = {
        "salesforce": {"domain": ready["url"], "route": route, "auth": {"sf_cli": {"org": org}}},
        "reports": {"list": None, "items": [*items, {"report_type": "SOQL", "report_file_name": "q", "soql": SOQL}]},
        "workers": {"count": 1},
    }
    (directory / "sfr.yaml").write_text(yaml.safe_dump(config))
    (directory / "sfr.yaml").chmod(0o600)
    command = [sys.executable, str(SCRIPT), "--config", "sfr.yaml"]
    ended = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=300)
    if ended.returncode:
        raise DisagreementError(f"exit code {ended.returncode}: {ended.stdout}{ended.stderr}")
    told = json.loads((directory / "output" / "summary_report.json").read_text())["reports"]
    with Emulator() as same_rows:
        for name in REPORTS:
            if (directory / "output" / f"{name}.csv").read_bytes() != b"".join(same_rows.expected_csv(name)):
                raise DisagreementError(f"{name} is not what the org holds")
    if told[-1]["rows"] != SOQL_ROWS:
        raise DisagreementError(f"the query brought {told[-1]['rows']} rows")
    token = _token(environ, org)
    written = [ended.stdout.encode(), ended.stderr.encode()]
    written += [path.read_bytes() for path in directory.rglob("*") if path.is_file()]
    if any(token.encode() in text for text in written):
        raise DisagreementError("the CLI's token stands in what SFR wrote")
    routes = ", ".join(sorted({one["route"] for one in told}))
    return f"agrees: {len(told)} reports by {routes}, every byte; the token of `{org}` is nowhere in its files"


def _log_in_to_cli(ready: Mapping[str, Any], environ: Mapping[str, str], alias: str) -> None:
    """As a person would once, on the machine that SFR is to run on. A log-in that failed before ended all others."""
    url = ready["url"]
    how = {
        "by-jwt": [
            *("jwt", "--instance-url", url, "--username", ready["username"], "--client-id", ready["client_id"]),
            *("--jwt-key-file", ready["private_key_file"]),
        ],
        "by-token": ["access-token", "--instance-url", url, "--no-prompt"],
    }[alias]
    command = ["sf", "org", "login", *how, "--alias", alias, "--json"]
    given = {**environ, "SF_ACCESS_TOKEN": ready["sid"]} if alias == "by-token" else dict(environ)
    subprocess.run(command, env=given, check=True, timeout=300, stdout=subprocess.DEVNULL)


def _token(environ: Mapping[str, str], org: str) -> str:
    """What the CLI gives as the token, to look for it."""
    command = ["sf", "org", "auth", "show-access-token", "--target-org", org, "--json"]
    said = subprocess.run(command, env=environ, check=True, capture_output=True, text=True, timeout=120)
    return str(json.loads(said.stdout)["result"]["accessToken"])


def _versions(modules: Path) -> str:
    names = ("jsforce", "@salesforce/cli", "node")
    return ", ".join(f"{name} {json.loads((modules / name / 'package.json').read_text())['version']}" for name in names)


if __name__ == "__main__":
    sys.exit(main())
