"""Dependencies point one way, and importing stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sfr"

#: Packages of SFR, and modules beside them. Each may import only from layers above its own, for types as well.
LAYERS = (
    {"escaping", "search_path"},
    {
        "errors",
        "odd_characters",
        "redaction",
        "wording",
        "version",
        "terminal",
        "shutdown",
        "environment",
        "lazy",
        "emulator",
    },
    {"model", "report_id", "arguments", "network"},
    {"files"},
    {"content", "history", "packing", "exit_code"},
    {"formats", "summaries"},
    {"config", "workers"},
    {"auth", "report_list", "logs", "notify", "embedded_org"},
    {"session", "console", "finishing"},
    {"connectors", "org_check"},
    {"fetching"},
    {"run_loop"},
    {"assembly", "progress"},
    {"pipeline", "connection"},
    {"commands"},
    {"cli"},
    {"__init__", "__main__"},
)
#: What layers alone would allow.
FORBIDDEN = {"workers": {"history", "summaries"}, "connectors": {"history", "summaries", "workers"}}
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


def part_of(module):
    """The package or the module right below `sfr` that this dotted name belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def parts_imported_by(path):
    """The parts of SFR that a module imports anywhere, for types as well."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "sfr":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sfr."):
            yield part_of(node.module)
        elif isinstance(node, ast.Import):
            yield from (part_of(alias.name) for alias in node.names if alias.name.split(".")[0] == "sfr")


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda each: each if isinstance(each, str) else "")
def test_module_imports_only_from_layers_above_its_own(name, path):
    """Dependencies point one way, and no two packages know each other."""
    layer = {part: number for number, parts in enumerate(LAYERS) for part in parts}
    part = part_of(name)

    for imported in parts_imported_by(path):
        if imported != part:
            assert layer[imported] < layer[part], f"{name} imports from {imported}"
            assert imported not in FORBIDDEN.get(part, ()), f"{name} imports from {imported}"


def test_emulator_imports_nothing_else_of_sfr():
    """The org in a box is a tool of its own."""
    for name, path in modules():
        if part_of(name) == "emulator":
            assert set(parts_imported_by(path)) <= {"emulator", "version"}, name


def loaded_by(statement):
    """Modules that this statement loads in a fresh interpreter, beyond what the interpreter itself has loaded."""
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(' '.join(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["sfr", "sfr.cli", "sfr.workers.worker", "sfr.emulator"])
def test_import_loads_no_heavy_library(module):
    """`--help` and workers start at once: requests, yaml and their like are loaded where they are used."""
    assert not HEAVY & loaded_by(f"import {module}")


def test_worker_loads_only_what_it_needs():
    """What a worker loads is paid once per worker, in memory and in start-up time; `typing` alone costs 0.5 MB."""
    loaded = loaded_by("import sfr.workers.worker, sfr.workers.payload_queue")
    needless = {"logging", "ssl", "http.client", "urllib.request", "json", "csv", "pathlib", "argparse", "typing"}

    assert not needless & loaded


def test_run_loads_the_analytics_connector_only_with_a_report_that_takes_it():
    """It is the largest of the connectors, and most runs take `classic` from end to end."""
    assert not {name for name in loaded_by("import sfr.pipeline") if name.startswith("sfr.connectors.analytics")}
