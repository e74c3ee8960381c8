"""Reads the tree of a file into the models. Valid options are read even if others are invalid."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from pydantic import ValidationError

from sfr.config.file_tree import FileTree
from sfr.config.nodes import YamlMapping
from sfr.config.org_settings import Salesforce
from sfr.config.settings import Config
from sfr.options.tree import Findings


def read_models(file: FileTree, root: YamlMapping, findings: Findings) -> Config:
    """The configuration; invalid options are added to the file's problems and replaced by their defaults.

    This way rules can still check the other options.
    """
    tree = file.filled(root)
    assert isinstance(tree, dict)  # noqa: S101 -- made of a mapping
    file.problems.lines.setdefault("salesforce", root.line)
    if tree.get("salesforce") is None:
        tree["salesforce"] = {}
    try:
        return Config.model_validate(tree, context=findings)
    except ValidationError as error:
        from sfr.config.messages import add_problems  # only imported on errors

        add_problems(error, file, findings)
        return _read_valid_options(tree, error)


def _read_valid_options(tree: dict[str, object], error: ValidationError) -> Config:
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        _leave_out(tree, detail["loc"])
    # `domain` and `auth` have no default.
    salesforce = {"salesforce": Salesforce.model_construct(domain="", auth=None)}
    for right in (tree, {**tree, **salesforce}):
        with contextlib.suppress(ValidationError):
            return Config.model_validate(right)
    return Config.model_validate(salesforce)


def _leave_out(tree: dict[str, object], steps: Sequence[str | int]) -> None:
    """Remove the option at these steps, using the first two; of a list, all items."""
    section, *rest = steps
    options = tree.get(str(section))
    if rest and isinstance(options, dict):
        options.pop(rest[0], None)
    elif rest and isinstance(options, list):
        options.clear()
    else:
        tree.pop(str(section), None)
