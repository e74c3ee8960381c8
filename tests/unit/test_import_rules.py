"""Dependencies point one way, and importing stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sfr"

#: What a module (or package) of SFR may never import at its top, and why.
FORBIDDEN = {
    "errors": {"sfr"},
    "model": {"sfr.config", "sfr.transport", "sfr.session", "sfr.pool", "sfr.log"},
    "worker": {"sfr.log", "sfr.config", "sfr.transport", "sfr.session", "sfr.fetch", "sfr.history", "sfr.summaries"},
    "processing": {
        "sfr.log",
        "sfr.config",
        "sfr.transport",
        "sfr.session",
        "sfr.fetch",
        "sfr.history",
        "sfr.summaries",
    },
    "config": {"sfr.pipeline", "sfr.fetch", "sfr.pool", "sfr.cli", "sfr.commands"},
    "auth": {"sfr.pipeline", "sfr.fetch", "sfr.pool", "sfr.cli", "sfr.commands"},
    "connectors": {"sfr.pipeline", "sfr.pool", "sfr.cli", "sfr.commands", "sfr.summaries", "sfr.history"},
    "summaries": {"sfr.pipeline", "sfr.fetch", "sfr.pool", "sfr.transport", "sfr.session", "sfr.connectors"},
    "ledger": {"sfr.pipeline", "sfr.pool", "sfr.fetch", "sfr.transport"},
    "pool": {"sfr.pipeline", "sfr.fetch", "sfr.ledger", "sfr.transport", "sfr.session"},
    "fetch": {"sfr.pipeline", "sfr.pool", "sfr.cli", "sfr.summaries", "sfr.history"},
}
#: Loaded where they are used, never with the program.
HEAVY = {
    "requests",
    "urllib3",
    "yaml",
    "psutil",
    "colorlog",
    "dotenv",
    "jwt",
    "cryptography",
    "tqdm",
    "sqlite3",
    "pyarrow",
}


def modules():
    """Every module of the package, as its dotted name and its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def imports_at_top(path):
    """Dotted names that a module imports when it is loaded, those under TYPE_CHECKING left out."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("owner", FORBIDDEN)
def test_module_does_not_import_what_lies_above_it(owner):
    """Values know no machinery, workers know no network, parts know no pipeline."""
    for name, path in modules():
        if name == f"sfr.{owner}" or name.startswith(f"sfr.{owner}."):
            for imported in imports_at_top(path):
                above = [other for other in FORBIDDEN[owner] if imported == other or imported.startswith(f"{other}.")]
                assert not above or imported in ("sfr.version",), f"{name} imports {imported}"


def test_emulator_imports_nothing_else_of_sfr():
    """The org in a box is a tool of its own."""
    for name, path in modules():
        if name.startswith("sfr.emulator"):
            for imported in imports_at_top(path):
                if imported.startswith("sfr"):
                    assert imported.startswith(("sfr.emulator", "sfr.version")), f"{name} imports {imported}"


def loaded_by(statement):
    """Modules that this statement loads in a fresh interpreter, beyond what the interpreter itself has loaded."""
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(' '.join(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import sfr", "import sfr.cli", "import sfr.worker", "import sfr.emulator"])
def test_import_loads_no_heavy_library(statement):
    """`--help` and workers start at once: requests, yaml and their like are loaded where they are used."""
    assert not HEAVY & loaded_by(statement)


def test_worker_loads_only_what_it_needs():
    """What a worker loads is paid once per worker, in memory and in start-up time; `typing` alone costs 0.5 MB."""
    loaded = loaded_by("import sfr.worker, sfr.payload_queue")
    needless = {"logging", "ssl", "http.client", "urllib.request", "json", "csv", "pathlib", "argparse", "typing"}

    assert not needless & loaded
