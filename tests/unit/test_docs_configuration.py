"""docs/configuration.md and conf/ say of every option what the declarations say."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from sfr.config.declared import declared_options, default_of, item_hint
from sfr.config.load import load_config
from sfr.config.report_columns import COLUMNS
from sfr.config.settings import Config
from sfr.config.values import Expectation
from sfr.redaction import Secret
from sfr.salesforce.auth import METHODS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
FULL = ROOT / "conf" / "sfr.yaml"


def options(settings, path=""):
    """(key path, type hint, declaration, default) of every option, those of list items as `summary[].format`."""
    for name, (hint, declaration, field) in declared_options(settings).items():
        key_path = f"{path}.{name}" if path else name
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from options(hint, key_path)
            continue
        yield key_path, hint, declaration, default_of(field)
        item = item_hint(hint)
        if dataclasses.is_dataclass(item):
            yield from options(item, f"{key_path}[]")
        if key_path == "salesforce.auth":
            for method, entry in METHODS.items():
                yield from options(entry.settings, f"{key_path}.{method}")


OPTIONS = {key_path: rest for key_path, *rest in options(Config)}


def shown_default(default):
    """A default as YAML would have it."""
    if default is dataclasses.MISSING:
        return "required"
    if isinstance(default, Secret):
        default = default.reveal()
    if isinstance(default, tuple):
        return f"`[{', '.join(target.format for target in default)}]`"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    if default is None or isinstance(default, bool):
        return f"`{'null' if default is None else str(default).lower()}`"
    is_quoted = isinstance(default, str) and (not default or default[0].isdigit())
    return f'`"{default}"`' if is_quoted else f"`{default}`"


def expected_row(key_path):
    """The option's row of the document's tables."""
    hint, declaration, default = OPTIONS[key_path]
    if key_path == "salesforce.auth":
        takes = "a mapping with one key"
    elif item_hint(hint):
        takes = "a list"
    else:
        takes = Expectation.of(hint, declaration).describe()
    return f"| `{key_path}` | {takes} | {shown_default(default)} | {declaration.doc} |"


@pytest.mark.parametrize("key_path", OPTIONS)
def test_document_describes_option_as_declared(key_path):
    """Every option has its row, with what it takes, its default and its meaning."""
    assert expected_row(key_path) in DOCUMENT.splitlines()


def test_document_describes_no_option_that_is_gone():
    """A row of a table that begins with a key path is one of today's options."""
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| `") and line.count(" | ") == 3]

    assert {row.split("`")[1] for row in rows} == set(OPTIONS)


@pytest.mark.parametrize("column", COLUMNS)
def test_document_describes_column_of_report_list(column):
    """Every column of the report list is explained."""
    assert f"| `{column}` |" in DOCUMENT


def test_full_example_sets_every_option_to_its_default():
    """conf/sfr.yaml shows each option once, with the value it has anyway."""
    tree = yaml.safe_load(FULL.read_text())

    for key_path, (_, _, default) in OPTIONS.items():
        if key_path.startswith(("salesforce.auth", "salesforce.domain")) or "[]" in key_path:
            continue
        value = tree
        for name in key_path.split("."):
            value = value[name]
        if key_path == "summary":
            value = tuple(target["format"] for target in value)
            default = tuple(target.format for target in default)
        expected = list(default) if isinstance(default, tuple) and key_path != "summary" else default
        assert value == expected, key_path


def test_full_example_names_every_setting_of_every_log_in_method():
    """conf/sfr.yaml has each log-in method, all but one as comments, with all of its keys."""
    text = FULL.read_text()

    for method, entry in METHODS.items():
        assert f"{method}:" in text
        for name in declared_options(entry.settings):
            assert f"{name}:" in text.partition(f"{method}:")[2], f"{method}.{name}"


ENVIRONMENT = {
    "SFDC_DOMAIN": "https://acme.my.salesforce.com",
    "SFDC_SID": "00D000000000062!canary",
    "SFDC_CLIENT_ID": "client",
    "SFDC_USERNAME": "reader@acme.example",
}


@pytest.mark.parametrize("name", ["sfr.yaml", "prod.yaml", "demo.yaml"])
def test_shipped_configuration_loads_when_its_variables_are_set(name, tmp_path, monkeypatch):
    """What is shipped is right as it stands."""
    key_file = tmp_path / "key.pem"
    key_file.touch(mode=0o600)
    env_file = tmp_path / "empty.env"
    env_file.touch(mode=0o600)
    monkeypatch.chdir(ROOT)

    loaded = load_config(
        f"conf/{name}", environ={**ENVIRONMENT, "SFDC_PRIVATE_KEY_FILE": str(key_file)}, env_file=str(env_file)
    )

    assert loaded.warnings == ()
    assert loaded.config.salesforce.is_emulator == (name == "demo.yaml")


def test_env_example_names_the_variables_of_the_contract():
    """.env.example lists the names that the documents use, without a value that could be taken for real."""
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line]
    names = {line.lstrip("# ").partition("=")[0] for line in lines}

    assert names == {
        "SFDC_DOMAIN", "SFDC_SID", "SFDC_USERNAME", "SFDC_PASSWORD", "SFDC_SECURITY_TOKEN", "SFDC_CLIENT_ID",
        "SFDC_CLIENT_SECRET", "SFDC_PRIVATE_KEY_FILE",
    }  # fmt: skip
