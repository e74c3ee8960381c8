"""Dependencies point one way, and importing stays light."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sfr"

#: Packages of SFR, and modules beside them. Each may import only from rows above its own, for types as well.
ORDER = (
    {"escaping", "search_path"},
    {
        "errors",
        "odd_characters",
        "redaction",
        "shapes",
        "wording",
        "version",
        "environment",
        "threads",
        "inbox",
        "signals",
        "late_imports",
        "programs",
        "emulator",
    },
    {"terminal"},
    {"model", "arguments", "options"},
    {"results"},
    {"storage"},
    {"body", "history"},
    {"formats", "summaries"},
    {"processing"},
    {"workers", "salesforce", "destinations"},
    {"config"},
    {"report_list", "logs", "notify"},
    {"console", "progress"},
    {"runner"},
    {"fleet"},
    {"commands"},
    {"cli"},
    {"launcher"},
    {"__init__", "__main__"},
)
#: Borders that the order alone would not hold.
FORBIDDEN = {
    "workers": {"salesforce", "config", "history", "summaries", "destinations"},
    "processing": {"salesforce", "config", "history", "summaries", "destinations"},
    "salesforce": {"workers", "processing", "history", "summaries", "config", "destinations"},
    "destinations": {"salesforce", "workers", "processing", "history", "summaries", "config"},
}
#: No module of these, and none that they import, imports itself by way of others.
WITHOUT_CIRCLES = ("sfr",)
#: A string that names a module of SFR, or something in one, as registries and `-m` do.
NAMED = re.compile(r"sfr(\.\w+)+(:\w+)?")
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
    "rich",
    "sqlite3",
    "pyarrow",
    "xlsxwriter",
    "boto3",
    "smtplib",
    "jinja2",
    "shtab",
    "pydantic",
    "psycopg",
    "duckdb",
    "obstore",
    "paramiko",
    "dask",
    "distributed",
    "tornado",
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
def test_module_imports_only_from_rows_above_its_own(name, path):
    """Dependencies point one way, and no two packages know each other."""
    layer = {part: number for number, parts in enumerate(ORDER) for part in parts}
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


def import_graph(package):
    """Which modules each module of a package named `sfr` imports: at the top, inside functions, for types, by a string.

    Does not count that importing a module loads the packages around it.
    """
    files = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in package.rglob("*.py")
    }

    def module(name):
        while name and name not in files:
            name = name.rpartition(".")[0]
        return name

    def imported(path):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                yield from (module(f"{node.module}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from (module(alias.name) for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMED.fullmatch(node.value):
                yield module(node.value.partition(":")[0])

    return {name: set(imported(path)) - {name, "", "sfr"} for name, path in files.items()}


def first_circle(graph, package):
    """The modules of a circle that can be reached from this package, the first one again at the end; empty if none."""
    reached = {}
    waiting = [name for name in graph if f"{name}.".startswith(f"{package}.")]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = graph[name]
            waiting += graph[name]
    try:
        TopologicalSorter(reached).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize("package", WITHOUT_CIRCLES)
def test_package_has_no_import_circle(package):
    """A reader can begin with any module and go down from there, without coming back to it."""
    assert first_circle(import_graph(PACKAGE), package) == []


@pytest.mark.parametrize(
    "back",
    [
        "import sfr.part.upper",
        "from sfr.part import upper",
        "from sfr.part.upper import name",
        "def f():\n    from sfr.part.upper import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sfr.part.upper import Name",
        "MODULE = 'sfr.part.upper'",
        "MODULE = 'sfr.part.upper:Name'",
        "from sfr.other import detour",
    ],
)
def test_first_circle_finds_every_way_to_import(tmp_path, back):
    """Whatever form the import takes, and by way of another package too."""
    sources = {
        "sfr/__init__.py": "",
        "sfr/part/__init__.py": "",
        "sfr/part/upper.py": "from sfr.part.lower import name",
        "sfr/part/lower.py": back,
        "sfr/other/__init__.py": "",
        "sfr/other/detour.py": "from sfr.part.upper import name",
    }
    for place, source in sources.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(source)
    graph = import_graph(tmp_path / "sfr")

    assert {"sfr.part.upper", "sfr.part.lower"} <= set(first_circle(graph, "sfr.part"))
    assert first_circle({**graph, "sfr.part.lower": set()}, "sfr.part") == []


def loaded_by(statement):
    """Modules that this statement loads in a fresh interpreter, beyond what the interpreter itself has loaded."""
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(' '.join(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["sfr", "sfr.cli", "sfr.workers.worker", "sfr.emulator"])
def test_import_loads_no_heavy_library(module):
    """`--help` and workers start at once: requests, yaml and their like are loaded where they are used."""
    assert not HEAVY & loaded_by(f"import {module}")


def test_summaries_load_jinja2_only_with_the_page():
    """A run without an HTML summary does not pay for its templates."""
    assert "jinja2" not in loaded_by("import sfr.summaries, sfr.runner.finishing")


def test_run_loads_what_its_end_needs_only_at_its_end():
    """Tables and HTML's names of characters, while workers and fetch threads need the memory."""
    assert not {"rich", "html.entities"} & loaded_by("import sfr.commands.run, sfr.runner.pipeline")


def test_worker_loads_only_what_it_needs():
    """What a worker loads is paid once per worker, in memory and in start-up time; `typing` alone costs 0.5 MB."""
    loaded = loaded_by("import sfr.workers.worker, sfr.workers.payload_queue")
    needless = {"logging", "ssl", "http.client", "urllib.request", "json", "csv", "pathlib", "argparse", "typing"}

    assert not needless & loaded


def test_run_loads_the_analytics_connector_only_with_a_report_that_takes_it():
    """It is the largest of the connectors, and most runs take `classic` from end to end."""
    assert not {
        name for name in loaded_by("import sfr.runner.pipeline") if name.startswith("sfr.salesforce.routes.analytics")
    }
