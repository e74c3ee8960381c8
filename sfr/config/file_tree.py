"""Resolves references in the nodes of a YAML file: a tree for the models to read and for messages to quote."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfr.config.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, plain_value
from sfr.config.problems import Problems
from sfr.config.references import BrokenReferenceError, References
from sfr.options.tree import Branch, Scalar
from sfr.wording import shown


@dataclass(slots=True)
class FileTree:
    """A configuration file with its references resolved."""

    problems: Problems
    references: References
    #: Key path → its node in the file.
    nodes: dict[str, YamlNode] = field(default_factory=dict)
    #: Key path → scalar, for all but null and broken references.
    scalars: dict[str, Scalar] = field(default_factory=dict)

    def filled(self, node: YamlNode, path: str = "") -> object:
        """The value of a node: `Branch`, list, `Scalar`, or None for null. Broken references become problems."""
        self.nodes[path] = node
        if isinstance(node, YamlMapping):
            branch = Branch(f"{shown(self.problems.file, 300)}:{node.line}: {path}")
            for key, line, value in node.pairs:
                key_path = f"{path}.{key}" if path else key
                self.problems.lines[key_path] = line
                branch[key] = self.filled(value, key_path)
            return branch
        if isinstance(node, YamlSequence):
            items: list[object] = []
            for position, item in enumerate(node.items):
                self.problems.lines[f"{path}[{position}]"] = item.line
                items.append(self.filled(item, f"{path}[{position}]"))
            return items
        return None if node.value is None else self._filled_scalar(node, path)

    def _filled_scalar(self, node: YamlScalar, path: str) -> Scalar:
        try:
            filled = self.references.fill(node.text)
        except BrokenReferenceError as error:
            self.problems.add(path, str(error))
            return Scalar(path, node.text, "", None, is_reference=True)
        is_reference = filled.is_reference
        value = plain_value(filled.text) if is_reference else node.value if filled.text == node.text else filled.text
        scalar = Scalar(path, node.text, filled.text, value, is_reference, filled.variables, filled.credentials)
        self.scalars[path] = scalar
        return scalar
