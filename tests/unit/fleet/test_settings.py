"""The options of a fleet's file, and their description."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from sfr.config.declared import DeclaredOptions
from sfr.config.output_settings import Notify
from sfr.errors import ConfigurationError
from sfr.fleet.loading import load_fleet
from sfr.fleet.settings import FleetSettings

DOCUMENT = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text()
EXAMPLE = yaml.safe_load(re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)[1])
CERTIFICATES = ("ca_file", "cert_file", "key_file")
OPTIONS = [
    option.path for option in DeclaredOptions(FleetSettings).walk() if not option.path.startswith(("notify", "orgs"))
]


@pytest.mark.parametrize("path", OPTIONS)
def test_example_of_the_document_shows_every_option_with_its_default(path):
    """A new option has to be described."""
    value, default = EXAMPLE, FleetSettings.model_validate({"orgs": [{"glob": "*.yaml"}]})
    for name in path.split("."):
        value, default = value[name], getattr(default, name)

    assert str(default).endswith(str(value)) if path == "output" else value == default


def test_notices_of_a_fleet_are_those_of_a_run():
    """One channel serves both."""
    assert FleetSettings.model_fields["notify"].annotation is Notify


def load(tmp_path, text, environ=None):
    """The fleet of this file."""
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    return load_fleet(str(path), environ or {})


def test_references_are_filled_in_and_secrets_of_notices_are_known(tmp_path):
    """As in a configuration."""
    (tmp_path / "a.yaml").touch()
    fleet = load(
        tmp_path,
        f"orgs: [{{glob: '{tmp_path}/a.yaml'}}]\nat_once: ${{N}}\nnotify: {{webhook: '${{HOOK}}'}}\n",
        {"N": "7", "HOOK": "https://chat.example/secret-token"},
    )

    assert fleet.settings.at_once == 7
    assert [org.name for org in fleet.orgs] == ["a"]
    assert fleet.settings.orgs == ()  # thousands of entries are not kept twice
    assert fleet.secret_variables == {"HOOK"}
    assert "secret-token" not in fleet.redactor.redact("see https://chat.example/secret-token")


@pytest.mark.parametrize(
    ("dask", "said"),
    [
        ("{scheduler: 'tcp://10.0.0.1:8786'}", "`tls://`"),
        ("{scheduler: 'tls://cluster:8786'}", "needs `ca_file`"),
        ("{scheduler: 'http://localhost'}", "tls://host:8786"),
        ("{scheduler: 'tcp://localhost:x'}", "tls://host:8786"),
    ],
)
def test_scheduler_without_encryption_is_refused_unless_it_is_local(tmp_path, dask, said):
    """Whatever the engine."""
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        load(tmp_path, f"orgs: [{{name: a, config: a.yaml}}]\ndask: {dask}\n")


def test_local_scheduler_needs_no_certificates(tmp_path):
    """A loopback address."""
    assert load(tmp_path, "orgs: [{name: a, config: a.yaml}]\ndask: {scheduler: 'tcp://127.0.0.1:8786'}\n")


@pytest.mark.parametrize("text", ["", "orgs:\n", "[]", "orgs: {a: b}\n", "orgs: [a]\n", "orgs: [{name: a}\n"])
def test_file_that_is_no_fleet_is_a_usage_error(tmp_path, text):
    """It names the file, and never ends in a traceback."""
    with pytest.raises(ConfigurationError, match=r"fleet\.yaml"):
        load(tmp_path, text)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no modes")
def test_secrets_that_others_can_read_are_warned_of(tmp_path):
    """As in a configuration: the key of the cluster's client, and what is in the file itself."""
    for name in ("a.yaml", "ca", "crt", "key"):
        (tmp_path / name).touch()
    files = ", ".join(
        f"{option}: '{tmp_path}/{name}'" for option, name in zip(CERTIFICATES, ("ca", "crt", "key"), strict=True)
    )
    text = (
        f"orgs: [{{glob: '{tmp_path}/a.yaml'}}]\ndask: {{scheduler: 'tls://cluster:8786', {files}}}\n"
        "notify: {webhook: 'https://chat.example/hook'}\n"
    )
    (tmp_path / "fleet.yaml").touch(mode=0o644)
    (tmp_path / "key").chmod(0o644)

    by_key, by_file = load(tmp_path, text).warnings
    for name in ("key", "fleet.yaml"):
        (tmp_path / name).chmod(0o600)

    assert by_key.startswith("dask.key_file: ")
    assert "may be read by" in by_key
    assert by_file.startswith("`notify.webhook`: the configuration contains a secret")
    assert load(tmp_path, text).warnings == ()
