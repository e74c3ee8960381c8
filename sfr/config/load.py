"""Loads a configuration: YAML file, environment, `.env` and credential files → a checked `Config`.

    read_env_file ─► read_yaml ─► FileTree ─────► read_models ─► apply_rules ─► LoadedConfig
    (.env)           (nodes)      (references)    (pydantic)     (the whole)

All problems are reported in one ConfigurationError. Does not change the environment or open connections.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from sfr.config.dotenv_file import EnvFile, read_env_files
from sfr.config.file_tree import FileTree
from sfr.config.odd_values import doubt_about_value
from sfr.config.problems import Problems
from sfr.config.reading import read_models
from sfr.config.references import References
from sfr.config.rules import apply_rules
from sfr.config.secret_files import warn_if_readable
from sfr.config.secret_values import secret_variables_of, secrets_of
from sfr.config.settings import LoadedConfig
from sfr.config.time_zone import doubt_about_local_zone
from sfr.config.yaml_file import read_yaml
from sfr.errors import ConfigurationError
from sfr.options.path_text import expand_path
from sfr.options.tree import Findings
from sfr.redaction import Redactor
from sfr.wording import quoted, shown


def load_config(
    path: str,
    *,
    environ: Mapping[str, str],
    env_file: str | None = None,
    may_be_missing: Collection[str] = (),
) -> LoadedConfig:
    """Load the YAML file at `path`.

    environ: where references are looked up first; the process environment.
    env_file: where they are looked up next; None = `.env.NAME`, then `.env`, in the working directory, as far as they
        exist; NAME is the configuration file's name without its ending.
    may_be_missing: key paths of secret files that need not exist yet.
    `~` is expanded in both names.

    Raises ConfigurationError with all problems found, without secrets.
    """
    path = _expand(os.fspath(path))
    dotenvs = read_env_files(path, env_file)
    problems = Problems(path)
    root = read_yaml(problems)
    if root is None:
        problems.raise_any()
        raise AssertionError("a file without a mapping has a problem")
    values = {name: value for dotenv in reversed(dotenvs) for name, value in dotenv.values.items()}
    file = FileTree(problems, References(environ, values, lambda name: _hint_about(name, dotenvs)))
    findings = Findings()
    config = read_models(file, root, findings)
    redactor = Redactor()
    redactor.add(*secrets_of(config, file, findings, environ))
    config, warnings = apply_rules(config, file, findings, may_be_missing)
    problems.raise_any(redactor)
    zone_doubt = doubt_about_local_zone(environ)
    warnings += [*_doubts(file, environ, dotenvs), *([zone_doubt] if zone_doubt else [])]
    lent = environ.get("CREDENTIALS_DIRECTORY")
    for dotenv in reversed(dotenvs):
        if dotenv.path is not None:
            warnings = [*dotenv.warnings, *warn_if_readable(dotenv.path, "", lent), *warnings]
    return LoadedConfig(
        config,
        redactor,
        secret_variables_of(findings) & frozenset(environ),
        tuple(redactor.redact(text) for text in warnings),
    )


def _expand(path: str) -> str:
    try:
        return expand_path(path)
    except ValueError as error:
        raise ConfigurationError(f"--config: expected {error}; found {quoted(path, 300)}") from error


def _hint_about(name: str, dotenvs: Sequence[EnvFile]) -> str:
    """The first hint about an undefined variable; empty if no file has one."""
    return next((hint for dotenv in dotenvs if (hint := dotenv.hint_about(name))), "")


def _doubts(file: FileTree, environ: Mapping[str, str], dotenvs: Sequence[EnvFile]) -> Iterator[str]:
    """Warnings about the values of the variables that the configuration uses."""
    used = {name: value for scalar in file.scalars.values() for name, value in scalar.variables.items()}
    for name, value in sorted(used.items()):
        doubt = doubt_about_value(value)
        if doubt:
            source = next((dotenv.path for dotenv in dotenvs if name in dotenv.values), None)
            where = "of the environment" if name in environ else f"of {shown(source or '', 300)}"
            yield f"the value of `${{{name}}}` {where} {doubt}"
