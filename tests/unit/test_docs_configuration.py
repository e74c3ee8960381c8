"""docs/configuration.md and conf/ describe every option as it is declared."""

import argparse
import re
import typing
from pathlib import Path

import pytest
import yaml

from sfr.arguments import make_parser
from sfr.commands import COMMANDS
from sfr.config.declared import DeclaredOptions
from sfr.config.load import load_config
from sfr.config.report_columns import COLUMNS
from sfr.config.settings import Config
from sfr.destinations import KINDS
from sfr.redaction import Secret
from sfr.salesforce.auth import METHODS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
FULL = ROOT / "conf" / "sfr.yaml"
REQUIRED = object()


OPTIONS = {
    option.path: option
    for option in DeclaredOptions().walk()
    # the report list's columns, which have a table of their own
    if not option.path.startswith("reports.items[]")
}


def field_of(section, key):
    """The field of this key; None if there is none."""
    return {field.alias or name: field for name, field in section.model_fields.items()}.get(key)


def default_of(key_path):
    """An option's default as the model has it, before paths are made absolute; REQUIRED if it has none."""
    if key_path == "destinations.NAME":
        return REQUIRED
    if key_path.startswith("destinations.NAME."):
        kind, option = key_path.split(".")[2:]
        fields = KINDS[kind].settings.model_fields
        field = next(each for name, each in fields.items() if (each.alias or name) == option)
        return REQUIRED if field.is_required() else field.get_default(call_default_factory=True)
    section = Config
    *names, last = key_path.replace("[]", "").split(".")
    for name in names:
        annotation = METHODS[name].settings if name in METHODS else field_of(section, name)
        section = getattr(annotation, "annotation", annotation)
        section = (typing.get_args(section) or (section,))[0] if section is not typing.Any else section
    field = field_of(section, last)
    return REQUIRED if field.is_required() else field.get_default(call_default_factory=True)


def shown_default(default):
    """A default as YAML would have it."""
    if default is REQUIRED:
        return "required"
    if isinstance(default, Secret):
        default = default.reveal()
    if isinstance(default, tuple):
        return f"`[{', '.join(getattr(item, 'format', item) for item in default)}]`"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    if default is None or isinstance(default, bool):
        return f"`{'null' if default is None else str(default).lower()}`"
    is_quoted = isinstance(default, str) and (not default or default[0].isdigit())
    return f'`"{default}"`' if is_quoted else f"`{default}`"


def expected_row(key_path):
    """The option's row of the document's tables."""
    option = OPTIONS[key_path]
    kinds = [form.get("type") for form in option.forms]
    values = (
        "a mapping"
        if key_path == "destinations"
        else "a mapping with one key"
        if "object" in kinds
        else "a list"
        if "array" in kinds
        else option.describe()
    )
    return f"| `{key_path}` | {values} | {shown_default(default_of(key_path))} | {option.description} |"


@pytest.mark.parametrize("key_path", OPTIONS)
def test_document_describes_option_as_declared(key_path):
    """Every option has its row, with its values, default and meaning."""
    row = expected_row(key_path)
    assert row in DOCUMENT.splitlines(), f"docs/configuration.md has no row {row}"


def test_document_describes_no_removed_option():
    """Every table row that starts with a key path is a current option."""
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| `") and line.count(" | ") == 3]

    assert {row.split("`")[1] for row in rows} == set(OPTIONS)


@pytest.mark.parametrize("column", COLUMNS)
def test_document_describes_column_of_report_list(column):
    """Every column of the report list is explained."""
    assert f"| `{column}` |" in DOCUMENT


def test_document_describes_every_option_of_the_command_line():
    """Each has its row in the last table, under all of its names."""
    table = DOCUMENT.partition("\n## The command line\n")[2]
    declared = [action for action in make_parser(COMMANDS)._actions if action.help != argparse.SUPPRESS]
    names = {name for action in declared for name in action.option_strings}

    assert names == set(re.findall(r"`(--?[a-z][a-z-]*)", "\n".join(re.findall(r"^\| (.*?) \|", table, re.M))))


def test_full_example_sets_every_option_to_its_default():
    """conf/sfr.yaml shows each option once, with its default value."""
    tree = yaml.safe_load(FULL.read_text())

    for key_path in OPTIONS:
        default = default_of(key_path)
        if key_path.startswith(("salesforce.auth", "salesforce.domain", "destinations.")) or "[]" in key_path:
            continue
        value = tree
        for name in key_path.split("."):
            value = value[name]
            if value is None:
                break
        if value is None and default is not None:
            assert f"{key_path.rpartition('.')[2]}:" in FULL.read_text(), (
                key_path
            )  # of a section that is null: a comment
            continue
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
        for name in entry.settings.model_fields:
            assert f"{name}:" in text.partition(f"{method}:")[2], f"{method}.{name}"


def test_full_example_names_every_setting_of_every_kind_of_destination():
    """conf/sfr.yaml has each kind, as comments, with all of its keys."""
    text = FULL.read_text().partition("\ndestinations:")[2]

    for kind, entry in KINDS.items():
        lines = [line for line in text.splitlines() if f" {{{kind}: {{" in line]
        assert lines, kind
        for name, field in entry.settings.model_fields.items():
            assert f"{field.alias or name}:" in lines[0], f"{kind}.{name}"


ENVIRONMENT = {
    "SFDC_DOMAIN": "https://acme.my.salesforce.com",
    "SFDC_SID": "00D000000000062!canary",
    "SFDC_CLIENT_ID": "client",
    "SFDC_USERNAME": "reader@acme.example",
}


@pytest.mark.parametrize("name", ["sfr.yaml", "demo.yaml"])
def test_shipped_configuration_loads_when_its_variables_are_set(name, tmp_path, monkeypatch):
    """The shipped configurations are valid."""
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
