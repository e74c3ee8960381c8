"""What of a configuration is secret: for the redactor, and the variables that leave the environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from sfr.config.file_tree import FileTree
from sfr.config.references import brought_secrets
from sfr.config.settings import Config
from sfr.options.tree import Findings

#: Key paths of the secrets that are URLs.
_URLS = ("salesforce.proxy", "notify.ping", "notify.webhook")
#: Variables of such names hold secrets, wherever they are used.
SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|SID|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
#: Its output is logged, and may repeat its arguments; most of them are no secrets.
_NOTIFY_COMMAND = "notify.command["
#: Where `proxy: env` finds its URL; with a password in it, as a rule.
_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def secrets_of(config: Config, file: FileTree, findings: Findings, environ: Mapping[str, str]) -> Iterator[str]:
    """Every text that no message may show: options that are secrets, credentials, what a command line was given."""
    urls = [scalar.text for scalar in findings.secrets if scalar.path in _URLS]
    yield from (scalar.text for scalar in findings.secrets if scalar.path not in _URLS)
    yield from (value for scalar in findings.arguments for value in brought_secrets(scalar).values())
    yield from (value for scalar in file.scalars.values() for value in scalar.credentials.values())
    yield from _in_notify_command(file)
    if config.salesforce.proxy == "env":
        urls += [environ.get(name, "") for name in _PROXY_VARIABLES]
    yield from _secret_parts(urls)


def _in_notify_command(file: FileTree) -> Iterator[str]:
    arguments = [scalar for path, scalar in file.scalars.items() if path.startswith(_NOTIFY_COMMAND)]
    for name, value in (pair for scalar in arguments for pair in brought_secrets(scalar).items()):
        if SECRET_NAME.search(name):
            yield value


def secret_variables_of(findings: Findings) -> frozenset[str]:
    """The variables whose values are in secrets."""
    secret = {name for scalar in findings.secrets for name in scalar.variables}
    return frozenset(secret | {name for scalar in findings.arguments for name in brought_secrets(scalar)})


def _secret_parts(urls: Iterable[str]) -> Iterator[str]:
    """What is secret of URLs: the password, or the user name that stands for one, and all that follows the host.

    Not the whole URL: its first half may be that of the org's own URL, and masking that would garble every message.
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
