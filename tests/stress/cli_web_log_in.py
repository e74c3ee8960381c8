"""Drives `sf org login web` of the real Salesforce CLI against the embedded org, with a browser that consents.

Part of `python -m tests.stress.emulator_clients`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BROWSER = Path(__file__).resolve().parents[1] / "consenting_browser.py"


def run_cli_web(ready: Mapping[str, Any], environ: Mapping[str, str], modules: Path) -> str:
    """Log in, and query with the session. Raises ValueError if the CLI disagrees."""
    import pexpect

    _put_browser_in_place(modules)
    options = ["--instance-url", ready["url"], "--client-id", ready["client_id"], "--alias", "by-web"]
    command = [environ["SF"], "org", "login", "web", *options]
    child = pexpect.spawn(environ["NODE"], command, env={**environ, "DISPLAY": ":0"}, encoding="utf-8", timeout=120)
    child.expect("secret")
    child.expect("masked")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    if child.exitstatus != 0:
        raise ValueError(f"exit code {child.exitstatus}: {child.before[-500:]}")
    query = ["sf", "data", "query", "--target-org", "by-web", "--query", "SELECT Id FROM Account LIMIT 2", "--json"]
    said = subprocess.run(query, env=dict(environ), check=True, capture_output=True, text=True, timeout=120)
    if json.loads(said.stdout)["result"]["totalSize"] != 2:
        raise ValueError(said.stdout)
    return "agrees: web log-in with PKCE, query"


def _put_browser_in_place(modules: Path) -> None:
    """The CLI starts the `xdg-open` of its package `open`, and listens only once that has returned."""
    for program in modules.rglob("open/xdg-open"):
        program.write_text(
            f'#!/bin/sh\n(sleep 2; exec "{sys.executable}" "{BROWSER}" "$1") > /dev/null 2>&1 &\nexit 0\n'
        )
        program.chmod(0o755)
