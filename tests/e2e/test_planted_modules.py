"""Modules in the working directory that are named as Python's own: nobody runs them, whoever put them there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = ("Awkward Cells", "Deals by Stage")
PLANTED = "import os\nos.write(2, b'planted ' + __name__.encode() + b'\\n')\nraise ImportError('planted')\n"
#: What Python itself imports for `-m`, before the program's first line.
BEFORE_THE_PROGRAM = {"__future__", "collections", "contextlib", "functools", "importlib", "keyword", "operator"} | {
    *(
        "reprlib",
        "types",
        "warnings",
        "runpy",
        "pkgutil",
        "typing",
        "inspect",
        "weakref",
        "abc",
        "re",
        "enum",
        "copyreg",
    )
}
LAUNCHERS = {
    "sfr.py": ([str(CHECKOUT / "sfr.py")], frozenset()),
    "-P sfr.py": (["-P", str(CHECKOUT / "sfr.py")], frozenset()),
    "-I sfr.py": (["-I", str(CHECKOUT / "sfr.py")], frozenset()),
    "-P -m sfr": (["-P", "-m", "sfr"], frozenset()),
    "-m sfr": (["-m", "sfr"], BEFORE_THE_PROGRAM),
}


def plant(directory: Path, except_for: frozenset[str] | set[str] = frozenset()) -> None:
    """A module of each name that the standard library and the program's packages have."""
    for name in (*sys.stdlib_module_names, "yaml", "requests", "isal", "psutil"):
        if name not in except_for:
            (directory / f"{name}.py").write_text(PLANTED)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_modules_in_the_working_directory_are_not_run(org, job, expected, launcher):
    """Neither by the program nor by its workers, which take their modules from where it takes its own."""
    arguments, except_for = LAUNCHERS[launcher]
    job.for_org(org, *NAMES)
    job.environ["PYTHONPATH"] = str(CHECKOUT)
    plant(job.directory, except_for)

    ended = job.start_command([sys.executable, *arguments, "--config", "sfr.yaml"]).end()

    assert (ended.code, ended.stderr) == (0, "")
    assert all(job.file(name).read_bytes() == expected(name) for name in NAMES)


def test_modules_in_the_working_directory_are_not_run_when_threads_call_at_once(org, job):
    """Two runs in one program, whose own search path and environment stay as they are."""
    job.for_org(org, *NAMES)
    text = (job.directory / "sfr.yaml").read_text()
    (job.directory / "other.yaml").write_text(text + "output: {directory: other}\n")
    (job.directory / "other.yaml").chmod(0o600)
    job.environ["PYTHONPATH"] = str(CHECKOUT)
    (job.directory / "scripts").mkdir()
    (job.directory / "scripts" / "job.py").write_text(
        "import os, sys, threading, sfr\n"
        "main, before, codes = sys.modules['__main__'], (list(sys.path), dict(os.environ)), []\n"
        "run = lambda config: codes.append(int(sfr.run(config).exit_code))\n"
        "threads = [threading.Thread(target=run, args=(f'{name}.yaml',)) for name in ('sfr', 'other')]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(codes, before == (sys.path, dict(os.environ)), main is sys.modules['__main__'])\n"
    )
    plant(job.directory)

    ended = job.start_command([sys.executable, os.path.join("scripts", "job.py")]).end()

    assert (ended.stdout, ended.stderr) == ("[0, 0] True True\n", "")
