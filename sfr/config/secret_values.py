"""Finds the secrets of a configuration, and the variables to remove from the environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from sfr.config.file_tree import FileTree
from sfr.config.references import argument_secrets
from sfr.config.settings import Config
from sfr.options.tree import Findings

#: Key paths of the secrets that are URLs.
_URLS = ("salesforce.proxy", "notify.ping", "notify.webhook")
#: The secret of a destination that is a URL.
_DATABASE_URL = re.compile(r"destinations\.[^.]+\.postgres\.url")
#: Names of variables that contain secrets, wherever they are used.
SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|SID|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
#: Its output is logged, and may repeat its arguments; most of them are not secrets.
_NOTIFY_COMMAND = "notify.command["
#: Variables with the URL for `proxy: env`, which usually contains a password.
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def secrets_of(config: Config, file: FileTree, findings: Findings, environ: Mapping[str, str]) -> Iterator[str]:
    """Every text that must be masked: secret options, credentials, values put into command lines."""
    urls = [scalar.text for scalar in findings.secrets if scalar.path in _URLS]
    databases = [scalar for scalar in findings.secrets if _DATABASE_URL.fullmatch(scalar.path)]
    others = (scalar for scalar in findings.secrets if scalar.path not in _URLS and scalar not in databases)
    yield from (scalar.text for scalar in others)
    yield from (part for scalar in databases for part in _database_secrets(scalar.text))
    yield from (value for scalar in findings.arguments for value in argument_secrets(scalar).values())
    yield from (value for scalar in file.scalars.values() for value in scalar.credentials.values())
    yield from _in_notify_command(file)
    if config.salesforce.proxy == "env":
        urls += [environ.get(name, "") for name in _PROXY_VARIABLES]
    yield from _secret_parts(urls)


def _database_secrets(url: str) -> Iterator[str]:
    """The password of a database's URL; host, database and user are part of messages and targets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        yield url
        return
    passwords = [parts.password or "", *(value for name, value in parse_qsl(parts.query) if SECRET_NAME.search(name))]
    for password in passwords:
        yield password
        yield unquote(password)
    if not any(passwords):  # whatever it is
        yield url


def _in_notify_command(file: FileTree) -> Iterator[str]:
    arguments = [scalar for path, scalar in file.scalars.items() if path.startswith(_NOTIFY_COMMAND)]
    for name, value in (pair for scalar in arguments for pair in argument_secrets(scalar).items()):
        if SECRET_NAME.search(name):
            yield value


def secret_variables_of(findings: Findings) -> frozenset[str]:
    """The variables whose values are part of secrets."""
    secret = {name for scalar in findings.secrets for name in scalar.variables}
    return frozenset(secret | {name for scalar in findings.arguments for name in argument_secrets(scalar)})


def _secret_parts(urls: Iterable[str]) -> Iterator[str]:
    """The secret parts of URLs: the password, or the username used as one, and everything after the host.

    Not the whole URL: its first half may match the org's URL, and masking that would garble every message.
    """
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:  # of the environment; the configuration's own URLs have been checked
            yield url
            continue
        credential = parts.password or parts.username or ""
        yield credential
        yield unquote(credential)
        after_host = parts.path + (f"?{parts.query}" if parts.query else "")
        yield after_host.rstrip("/")
