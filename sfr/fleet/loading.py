"""Loads a fleet's file: YAML, environment and `.env` → checked settings and the orgs in list order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from sfr.config.declared import DeclaredOptions
from sfr.config.dotenv_file import read_env_file
from sfr.config.file_tree import FileTree
from sfr.config.messages import add_problems
from sfr.config.problems import Problems
from sfr.config.references import References
from sfr.config.secret_files import check_files, warn_of_literal_secrets, warn_of_readable_files
from sfr.config.secret_values import secret_variables_of
from sfr.config.yaml_file import read_yaml
from sfr.errors import ConfigurationError
from sfr.fleet.names import check_name
from sfr.fleet.settings import FleetSettings
from sfr.fleet.values import Org
from sfr.options.path_text import expand_path
from sfr.options.tree import Findings, Scalar
from sfr.redaction import Redactor
from sfr.wording import quoted


@dataclass(frozen=True, slots=True)
class LoadedFleet:
    """A fleet's file, checked; the configurations of its orgs are not yet."""

    #: File name without ending.
    name: str
    #: Without the entries of `orgs`.
    settings: FleetSettings
    #: In list order.
    orgs: tuple[Org, ...]
    #: Knows the secrets of `notify`.
    redactor: Redactor
    #: Environment variables that `notify` uses as secrets.
    secret_variables: frozenset[str] = frozenset()
    #: About secrets that others can read.
    warnings: tuple[str, ...] = ()


def load_fleet(path: str, environ: Mapping[str, str]) -> LoadedFleet:
    """Load the YAML file at `path`. Raises ConfigurationError with all problems found, without secrets."""
    problems = Problems(_expand(path))
    root = read_yaml(problems, "`orgs`", "docs/fleet.md shows what it may contain.")
    if root is None:
        problems.raise_any()
        raise AssertionError("a file without a mapping has a problem")
    dotenv = read_env_file(None)
    file, findings = FileTree(problems, References(environ, dotenv.values, dotenv.hint_about)), Findings()
    tree, settings = file.filled(root), None
    try:
        settings = FleetSettings.model_validate(tree, context=findings)
    except ValidationError as error:
        add_problems(error, file, findings, DeclaredOptions(FleetSettings))
    redactor = _redactor(findings, file)
    check_files(findings, problems)
    orgs = tuple(_orgs(settings, problems)) if settings is not None else ()
    problems.raise_any(redactor)
    assert settings is not None  # noqa: S101 - an invalid file has a problem
    name, variables = _stem(problems.file), secret_variables_of(findings) & frozenset(environ)
    warnings = (*warn_of_readable_files(file, findings), *warn_of_literal_secrets(file, findings))
    # The entries of `orgs` take as much memory as all else that a fleet keeps of an org.
    return LoadedFleet(name, settings.model_copy(update={"orgs": ()}), orgs, redactor, variables, warnings)


def _redactor(findings: Findings, file: FileTree) -> Redactor:
    redactor = Redactor()
    notify = (scalar for path, scalar in file.scalars.items() if path.startswith(("notify.ping", "notify.webhook")))
    scalars: list[Scalar] = [*findings.secrets, *notify]
    redactor.add(*(text for scalar in scalars for text in (scalar.text, *scalar.variables.values())))
    return redactor


def _expand(path: str) -> str:
    try:
        return expand_path(path)
    except ValueError as error:
        raise ConfigurationError(f"FLEET.yaml: expected {error}; found {quoted(path, 300)}") from error


def _orgs(settings: FleetSettings, problems: Problems) -> Iterator[Org]:
    """The orgs in list order, each pattern's files in the order of their names."""
    owners: dict[str, Org] = {}
    for position, entry in enumerate(settings.orgs):
        place = f"orgs[{position}]"
        if entry.glob is None:
            assert entry.name is not None and entry.config is not None  # noqa: S101, PT018 - see `OrgEntry`
            found = [Org(entry.name, entry.config, entry.env_file)]
        else:
            found = [Org(_stem(path), path, entry.env_file) for path in _matching(entry.glob)]
            if not found:
                problems.add(f"{place}.glob", f"no file matches {quoted(entry.glob, 300)}; expected configurations")
        for org in found:
            problem = _name_problem(org, owners)
            if problem is not None:
                problems.add(place, problem)
            yield org


def _matching(pattern: str) -> list[str]:
    """Files, and links that lead nowhere: those are an error, not an org less."""
    found = sorted(glob.glob(pattern))
    return [path for path in found if os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))]


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _name_problem(org: Org, owners: dict[str, Org]) -> str | None:
    try:
        check_name(org.name)
    except ValueError as error:
        return f"expected {error}; found {quoted(org.name)}"
    first = owners.setdefault(org.name.casefold(), org)
    if first is not org:
        return (
            f"the name {quoted(org.name)} is used twice, for {quoted(first.config, 300)} and "
            f"{quoted(org.config, 300)}; expected another name"
        )
    return None
