"""Says on what the benchmarks ran."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import zlib
from pathlib import Path

from benchmarks.nginx_server import nginx_program
from benchmarks.programs import CHECKOUT

_LIBRARIES = ("requests", "urllib3", "isal", "stringzilla", "zlib-ng")


def describe() -> dict[str, str]:
    """Label → value, for people."""
    return {
        "processor": _first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo"),
        "SHA extensions": "yes"
        if re.search(r"\bsha_ni\b|\bsha2\b", _first(r"^(?:flags|Features)\s*:\s*(.+)$", "/proc/cpuinfo"))
        else "no",
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB",
        "system": _first(r'^PRETTY_NAME="?([^"\n]+)', "/etc/os-release") + f", Linux {platform.release()}",
        "SFR": _said([sys.executable, str(CHECKOUT / "sfr.py"), "--version"], r"sfr (\S+)"),
        "Python": platform.python_version(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "curl": _said(["curl", "--version"], r"curl (\S+)"),
        "nginx": _said([nginx_program() or "nginx", "-v"], r"nginx/(\S+)"),
        **{name: _version(name) for name in _LIBRARIES},
    }


def _first(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    except OSError:
        return "unknown"
    return found[1] if found else "unknown"


def _said(command: list[str], pattern: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    found = re.search(pattern, ended.stdout + ended.stderr)
    return found[1] if found else "unknown"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
