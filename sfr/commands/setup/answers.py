"""What `sfr init` knows about a set-up: the answers, the files' names, and the configuration that they make."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sfr.commands.setup.org_domain import is_sandbox
from sfr.config.settings import Config, LoadedConfig
from sfr.redaction import Redactor, Secret
from sfr.salesforce.domains import EMULATOR

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SANDBOX_AUDIENCE = "https://test.salesforce.com"
SCHEMA_PATH = "conf/sfr.schema.json"


def checked_name(text: str) -> str:
    """A name for files. Raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError("letters, digits, `-` and `_`, such as `prod`")
    return text


@dataclass(frozen=True, slots=True)
class SetupFiles:
    """The files of a set-up, relative to the working directory."""

    name: str

    @property
    def config(self) -> str:
        """The configuration."""
        return f"conf/{self.name}.yaml"

    @property
    def key(self) -> str:
        """The private key for `jwt`."""
        return f"conf/{self.name}.key"

    @property
    def certificate(self) -> str:
        """Its certificate."""
        return f"conf/{self.name}.crt"

    @property
    def token(self) -> str:
        """The refresh token."""
        return f"conf/{self.name}.token"

    @property
    def env(self) -> str:
        """Contains the secrets, and nothing else."""
        return f".env.{self.name}"

    @property
    def list(self) -> str:
        """The report list."""
        return f"input/{self.name}.csv"


@dataclass(frozen=True, slots=True)
class Answers:
    """A complete set of answers. `secrets`: variable → value."""

    name: str
    domain: str
    method: str
    client_id: str = ""
    username: str = ""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    proxy: str | None = None
    ca_bundle: str | None = None

    @property
    def files(self) -> SetupFiles:
        """Its files."""
        return SetupFiles(self.name)

    def auth(self) -> dict[str, str]:
        """The options below `salesforce.auth.<method>`, secrets as references."""
        options: dict[str, str] = {}
        if self.method in ("jwt", "client_credentials", "refresh_token"):
            options["client_id"] = self.client_id
        if self.method == "jwt":
            options["username"] = self.username
            if self.domain != EMULATOR:  # the embedded org has a key of its own
                options["private_key_file"] = self.files.key
            if is_sandbox(self.domain):
                options["audience"] = SANDBOX_AUDIENCE
        if self.method == "refresh_token":
            options["token_file"] = self.files.token
        if self.method == "sf_cli":
            options["org"] = self.username
        names = {"SFDC_CLIENT_SECRET": "client_secret", "SFDC_SID": "value"}
        return {**options, **{names[variable]: f"${{{variable}}}" for variable in self.secrets}}

    def loaded(self) -> LoadedConfig:
        """The configuration as a run would load it, without a file."""
        revealed = {f"${{{variable}}}": secret for variable, secret in self.secrets.items()}
        auth: dict[str, Any] = {key: revealed.get(value, value) for key, value in self.auth().items()}
        salesforce = {
            "domain": self.domain,
            "auth": {self.method: auth},
            "proxy": self.proxy,
            "ca_bundle": self.ca_bundle,
        }
        output = {"directory": f"output/{self.name}"}
        reports = {"list": self.files.list}
        config = Config.model_validate({"salesforce": salesforce, "reports": reports, "output": output})
        redactor = Redactor()
        redactor.add(*self.secrets.values())
        return LoadedConfig(config, redactor)

    def config_text(self) -> str:
        """The contents of `conf/NAME.yaml`."""
        more = {"proxy": self.proxy, "ca_bundle": self.ca_bundle}
        lines = [
            "# yaml-language-server: $schema=sfr.schema.json",
            f"# Made by `sfr init`. Secrets are in {self.files.env}, never here. All options: docs/configuration.md.",
            "salesforce:",
            f"  domain: {_quoted(self.domain)}",
            *(f"  {key}: {_quoted(value)}" for key, value in more.items() if value),
            "  auth:",
            f"    {self.method}:",
            *(f"      {key}: {value if value[:2] == '${' else _quoted(value)}" for key, value in self.auth().items()),
            "",
            "reports:",
            f"  list: {self.files.list}",
            "",
            "output:",
            f"  directory: output/{self.name}      # one directory for each configuration: it holds the lock",
            "",
            "# fetch: {deadline_s: 7200}      # stop after two hours, keeping the reports fetched by then",
            "# guards: {max_drop_pct: 50}     # losing more than half the rows suggests an error, not a quiet day",
            "",
            "logging:",
            f"  file: {{path: logs/{self.name}.log}}",
        ]
        return "\n".join(lines) + "\n"

    def env_text(self) -> str:
        """The contents of `.env.NAME`."""
        head = f"# Secrets of {self.files.config}, read by every command with that configuration. Keep it private.\n"
        return head + "".join(f"{name}={_env_quoted(secret.reveal())}\n" for name, secret in self.secrets.items())


def _quoted(value: str) -> str:
    """A YAML scalar in double quotes, in which `${` is no reference."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${")


def _env_quoted(value: str) -> str:
    r"""A value in single quotes, where only `\'` and `\\` are escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
