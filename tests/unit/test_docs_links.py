"""What the documents point at is there: files, headings, paths of the checkout, names in the examples."""

from __future__ import annotations

import ast
import builtins
import bz2
import re
import textwrap
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXTENDING = ROOT / "docs" / "extending.md"

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
CHECKOUT_PATH = re.compile(r"(?:sfr|tests|docs|scripts|conf|deploy|benchmarks|\.ci)/[\w./@-]*\w")
#: Files that an example or `sfr init` makes.
MADE_BY_EXAMPLES = {"sfr/formats/bzip2_csv.py", "conf/prod.yaml", "conf/prod.crt", "conf/prod.token"}
#: Names in the fragments of docs/extending.md that only what is left out of them binds.
LEFT_OUT = {"CSV_BZ2", "dataclass", "device", "markdown_summary", "block", "Iterator"}


def read(document: Path) -> str:
    """The document's text."""
    return document.read_text(encoding="utf-8")


@cache
def anchors(document: Path) -> frozenset[str]:
    """What links to its headings may say after the `#`, by GitHub's rule."""
    headings = HEADING.findall(FENCED.sub("", read(document)))
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    repeated = [f"{slug}-{slugs[:index].count(slug)}" for index, slug in enumerate(slugs) if slug in slugs[:index]]
    return frozenset([*slugs, *repeated])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_document_links_to_files_and_headings_that_exist(document: Path) -> None:
    """A renamed file or heading is renamed in every link to it."""
    text = CODE_SPAN.sub("", FENCED.sub("", read(document)))
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        there = (document.parent / place).resolve() if place else document
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_document_names_paths_that_exist(document: Path) -> None:
    """A path of the checkout between backquotes is there; one with a placeholder is not looked for."""
    named = {span for span in CODE_SPAN.findall(FENCED.sub("", read(document))) if CHECKOUT_PATH.fullmatch(span)}
    paths = {path for path in named if "NAME" not in path} - MADE_BY_EXAMPLES

    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def python_examples() -> list[str]:
    """The Python blocks of docs/extending.md."""
    return [body for language, body in FENCED.findall(read(EXTENDING)) if language == "python"]


def parsed(example: str) -> ast.AST:
    """The example's syntax: `…` stands for what is left out, a lone entry for a line of a registry."""
    code = textwrap.dedent(example).replace("…", "...")
    return ast.parse(f"{{{code}}}" if code.startswith('"') and not code.startswith('"""') else code)


@cache
def names_of_sfr() -> frozenset[str]:
    """Every function, class and constant of SFR."""
    found: set[str] = set()
    for path in (ROOT / "sfr").rglob("*.py"):
        for node in ast.parse(read(path)).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                found.update(name.id for name in ast.walk(node) if isinstance(name, ast.Name))
    return frozenset(found)


@pytest.mark.parametrize("example", python_examples(), ids=lambda text: text.strip().split("\n")[0][:40])
def test_example_uses_names_that_exist(example: str) -> None:
    """Imports define what they name, and every other name is the example's own, Python's or SFR's."""
    nodes = list(ast.walk(parsed(example)))
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.alias)}
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sfr"):
            module = import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)

    assert used - bound - names_of_sfr() - set(dir(builtins)) - LEFT_OUT == set()


def test_example_of_an_output_format_works() -> None:
    """The format that docs/extending.md calls complete compresses what it is given."""
    example = next(body for body in python_examples() if "CSV_BZ2 = Format" in body)
    space: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "docs/extending.md", "exec"), space)
    written: list[bytes] = []

    class Sink:
        def write(self, block: bytes, /) -> None:
            written.append(block)

    space["CSV_BZ2"].write([b"a,b\n", b"1,2\n"], Sink(), None)

    assert bz2.decompress(b"".join(written)) == b"a,b\n1,2\n"
