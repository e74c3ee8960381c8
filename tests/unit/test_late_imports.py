"""Modules that threads import late: never two at a time, since Python may end one of the threads with an error."""

import ast
import threading
from pathlib import Path

import pytest

import sfr.salesforce.routes
from sfr.destinations import KINDS, Destination
from sfr.late_imports import import_late

ROUTES = Path(sfr.salesforce.routes.__file__).parent
#: These modules run in fetch threads.
IN_FETCH_THREADS = sorted(ROUTES.rglob("*.py"))


def test_import_late_imports_one_module_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second thread waits until the first module has been loaded, with all that it imports."""
    (tmp_path / "slow_one.py").write_text(
        "import tests_import_gate as gate\ngate.entered.set()\ngate.leave.wait(20)\ngate.order.append('one')\n"
    )
    (tmp_path / "quick_two.py").write_text("import tests_import_gate as gate\ngate.order.append('two')\n")
    (tmp_path / "tests_import_gate.py").write_text(
        "import threading\nentered, leave, order = threading.Event(), threading.Event(), []\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    gate = import_late("tests_import_gate")
    first = threading.Thread(target=import_late, args=("slow_one",))
    second = threading.Thread(target=import_late, args=("quick_two",))

    first.start()
    assert gate.entered.wait(20)
    second.start()
    second.join(0.2)
    is_waiting = second.is_alive()
    gate.leave.set()
    first.join(20)
    second.join(20)

    assert is_waiting
    assert gate.order == ["one", "two"]


@pytest.mark.parametrize("path", IN_FETCH_THREADS, ids=lambda path: str(path.relative_to(ROUTES)))
def test_fetch_threads_import_late_by_import_late_only(path: Path) -> None:
    """No module of a route imports another of SFR within a function."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    imports = [node for function in functions for node in ast.walk(function) if isinstance(node, ast.ImportFrom)]

    assert [node.module for node in imports if (node.module or "").startswith("sfr")] == []


@pytest.mark.parametrize("name", KINDS)
def test_destination_with_a_library_has_it_loaded_before_its_delivery(name: str) -> None:
    """A kind that needs an extra names the modules in `libraries`, and they can be imported."""
    kind = KINDS[name]
    made = [each for each in _classes(Destination) if each.libraries and each.__module__ in _modules(kind.make)]
    if kind.missing_extra.__module__ == Destination.__module__:  # the default: nothing can be missing
        return
    if kind.missing_extra():
        pytest.skip(str(kind.missing_extra()))

    assert made
    for library in made[0].libraries:
        import_late(library)


def _classes(base: type[Destination]) -> list[type[Destination]]:
    return [base, *(each for child in base.__subclasses__() for each in _classes(child))]


def _modules(make: object) -> set[str]:
    """The module that makes a destination, and those whose classes it has imported."""
    module = import_late(str(getattr(make, "__module__", "")))
    return {str(getattr(each, "__module__", "")) for each in vars(module).values() if isinstance(each, type)}
