"""Proof that clients nobody here wrote agree with the emulator: jsforce and the Salesforce CLI, both from npm.

`python tests/stress/emulator_clients.py [DIRECTORY]` installs them (about 600 MB) into DIRECTORY, default a temporary
one; a directory used before is used again. Needs npm and a connection to the npm registry. Ends with 0 when both agree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = ("jsforce@3", "@salesforce/cli@2", "node@22")


def install(directory: Path) -> None:
    """Install the packages unless they are there."""
    if (directory / "node_modules" / "@salesforce" / "cli").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=directory, check=True)


def check(directory: Path, ready: dict[str, object], home: Path) -> None:
    """Run both clients against a running emulator; CalledProcessError when one of them disagrees."""
    modules = directory / "node_modules"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "EMULATOR": json.dumps(ready),
        "NODE": str(modules / "node" / "bin" / "node"),
        "SF": str(modules / "@salesforce" / "cli" / "bin" / "run.js"),
    }
    script = directory / "jsforce_check.mjs"
    shutil.copyfile(HERE / "clients" / "jsforce_check.mjs", script)
    subprocess.run([environ["NODE"], str(script)], env=environ, check=True, timeout=120)
    subprocess.run(["sh", str(HERE / "clients" / "sf_cli_check.sh")], env=environ, check=True, timeout=600)


def main(directory: Path) -> int:
    """Install, start the emulator, check, stop it."""
    install(directory)
    command = [sys.executable, "-m", "sfr.emulator", "--quiet"]
    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as emulator,
    ):
        try:
            if emulator.stdout is None:
                return 1
            check(directory, json.loads(emulator.stdout.readline()), Path(home))
        except subprocess.CalledProcessError as error:
            print(f"disagrees: {error}", file=sys.stderr)
            return 1
        finally:
            emulator.terminate()
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1]).resolve()))
    with tempfile.TemporaryDirectory() as made:
        sys.exit(main(Path(made)))
