"""Loads a configuration: YAML file, environment, `.env` and credential files → a checked `Config`.

    read_env_file ─► read_yaml ─► SchemaReader ─► apply_rules ─► LoadedConfig
    (.env)           (nodes)      (dataclasses)   (the whole)

Whatever is wrong is reported in one ConfigurationError. Changes no environment, opens no connection.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from sfr.config.dotenv_file import EnvFile, read_env_file
from sfr.config.odd_values import doubt_about_value
from sfr.config.path_text import expand_path
from sfr.config.problems import Problems
from sfr.config.settings import Config, LoadedConfig
from sfr.config.time_zone import doubt_about_local_zone
from sfr.errors import ConfigurationError
from sfr.redaction import Redactor, Secret
from sfr.wording import quoted, shown

#: Where `proxy: env` finds its URL; with a password in it, as a rule.
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def load_config(path: str, *, environ: Mapping[str, str], env_file: str | None = None) -> LoadedConfig:
    """Load the YAML file at `path`.

    environ: where references look first; the process environment.
    env_file: where they look next; None = `.env` of the working directory, which may be missing.
    `~` is filled in, in both names.

    Raises ConfigurationError with every problem found, no secret in any of them.
    """
    from sfr.config.references import References
    from sfr.config.rules import apply_rules
    from sfr.config.schema import SchemaReader
    from sfr.config.secret_files import warn_if_readable
    from sfr.config.yaml_file import read_yaml

    path = _expand(os.fspath(path))
    dotenv = read_env_file(env_file)
    problems = Problems(path)
    root = read_yaml(problems)
    if root is None:
        problems.raise_any()
        raise AssertionError("a file without a mapping has a problem")
    reader = SchemaReader(problems, References(environ, dotenv.values, dotenv.hint_about), Config)
    config: Config = reader.read_mapping(root, Config, "")
    redactor = Redactor()
    urls = (config.salesforce.proxy, config.notify.ping, config.notify.webhook)
    proxies = [Secret(environ.get(name, "")) for name in _PROXY_VARIABLES if config.salesforce.proxy == "env"]
    redactor.add(*(secret for secret in reader.secrets if secret not in urls), *_secret_parts([*urls, *proxies]))
    config, warnings = apply_rules(config, reader, problems)
    problems.raise_any(redactor)
    zone_doubt = doubt_about_local_zone(environ)
    warnings += [*reader.doubts, *_doubts(reader.variables, environ, dotenv), *([zone_doubt] if zone_doubt else [])]
    if dotenv.path is not None:
        warnings = [*dotenv.warnings, *warn_if_readable(dotenv.path, "", reader.credentials_directory), *warnings]
    return LoadedConfig(
        config, redactor, frozenset(reader.secret_variables), tuple(redactor.redact(text) for text in warnings)
    )


def _expand(path: str) -> str:
    try:
        return expand_path(path)
    except ValueError as error:
        raise ConfigurationError(f"--config: expected {error}; found {quoted(path, 300)}") from error


def _doubts(names: Iterable[str], environ: Mapping[str, str], dotenv: EnvFile) -> Iterator[str]:
    """Warnings about the values of the variables that the configuration uses."""
    for name in sorted(names):
        doubt = doubt_about_value(environ[name] if name in environ else dotenv.values[name])
        if doubt:
            where = "of the environment" if name in environ else f"of {shown(dotenv.path or '', 300)}"
            yield f"the value of `${{{name}}}` {where} {doubt}"


def _secret_parts(urls: Iterable[Secret | str | None]) -> Iterator[str]:
    """What is secret of URLs: the password, or the user name that stands for one, and all that follows the host.

    Not the whole URL: its first half may be that of the org's own URL, and masking that would garble every message.
    """
    for url in urls:
        if not isinstance(url, Secret):
            continue
        try:
            parts = urlsplit(url.reveal())
        except ValueError:  # of the environment; the configuration's own URLs have been checked
            yield url.reveal()
            continue
        credential = parts.password or parts.username or ""
        yield credential
        yield unquote(credential)
        after_host = parts.path + (f"?{parts.query}" if parts.query else "")
        yield after_host.rstrip("/")
