"""The JSON Schema takes what SFR takes, refuses unknown keys and wrong words, and lies beside the configurations."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sfr.config.declared import DeclaredOptions
from sfr.config.json_schema import configuration_schema, schema_text
from sfr.destinations import KINDS
from sfr.salesforce.auth import METHODS
from tests.unit.config.test_fuzz import FEW, TREES, load

#: Those of SFR: `sfr init` and its users put their own beside them.
CONFIGURATIONS = [Path(__file__).parents[3] / "conf" / name for name in ("demo.yaml", "sfr.yaml")]
EMAIL = {"host": "mail.acme.example", "from": "sfr@acme.example", "to": ["ops@acme.example"]}
SALESFORCE = {"domain": "emulator", "auth": {"sf_cli": {"org": "x"}}}
VALIDATOR = Draft202012Validator(configuration_schema())
REFERENCE = "${NAME:-default}"
OPTIONS = {option.path: option for option in DeclaredOptions().walk()}


def is_valid(**sections):
    """Whether the schema takes a configuration of these sections, and of the org's unless it is among them."""
    return VALIDATOR.is_valid({"salesforce": SALESFORCE, **sections})


def nested(path, value):
    """The sections that say this value at this key path."""
    names = path.replace("[]", ".[]").split(".")
    for name in reversed(names):
        value = [value] if name == "[]" else {name: value}
    return value


def test_schema_is_one_of_the_dialect_it_names():
    """Draft 2020-12."""
    schema = configuration_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_schema_beside_the_configurations_is_that_of_the_models():
    """`python sfr.py schema > conf/sfr.schema.json` after a change of options."""
    assert (CONFIGURATIONS[0].parent / "sfr.schema.json").read_text() == schema_text()


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.name)
def test_shipped_configuration_is_valid_and_names_its_schema_in_the_first_line(file):
    """Where editors look for it."""
    text = file.read_text()

    assert text.startswith("# yaml-language-server: $schema=sfr.schema.json\n")
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize("path", [path for path in OPTIONS if not path.startswith(("salesforce.auth", "destinations"))])
def test_schema_accepts_a_reference_for_every_scalar(path):
    """Numbers, booleans, words and nulls may come from the environment; a list, as a whole, may not."""
    is_list = any(form.get("type") == "array" for form in OPTIONS[path].forms)
    has_texts = is_list and "$ref" not in str(OPTIONS[path].forms) and path != "reports.items"
    sections = nested(path, [REFERENCE] if has_texts else REFERENCE)
    if path.startswith("summary[]"):
        sections["summary"][0].setdefault("format", "csv")
    if path.startswith("notify.email."):
        sections["notify"]["email"] = EMAIL | sections["notify"]["email"]
    if path.startswith("salesforce."):
        sections["salesforce"] = SALESFORCE | sections["salesforce"]

    assert is_valid(**sections) == (has_texts or not is_list)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_accepts_references_in_every_kind_of_destination(kind):
    """Scalars of theirs are no exception; a second kind, an unknown key and `none` as a name are refused."""
    options = KINDS[kind].settings.model_json_schema()["properties"]
    settings = {name: [REFERENCE] if each.get("type") == "array" else REFERENCE for name, each in options.items()}

    assert is_valid(destinations={"a_B-1": {kind: settings}})
    assert not is_valid(destinations={"a": {kind: {**settings, "x": "y"}}})
    assert not is_valid(destinations={"a": {kind: settings, "x": {}}})
    assert not is_valid(destinations={"none": {kind: settings}})
    assert not is_valid(destinations={"a b": {kind: settings}})


@pytest.mark.parametrize("method", METHODS)
def test_schema_accepts_references_in_every_log_in_method(method):
    """Scalars of theirs are no exception."""
    names = METHODS[method].settings.model_fields
    settings = {name: [REFERENCE] if name == "command" else REFERENCE for name in names}

    assert is_valid(salesforce={"domain": REFERENCE, "auth": {method: settings}})
    assert not is_valid(salesforce={"domain": REFERENCE, "auth": {method: {**settings, "x": "y"}}})


@pytest.mark.parametrize(
    "sections",
    [
        {"fetch": None},
        {"summary": None, "reports": {"items": None}},
        {"summary": []},
        {"output": {"format": "CSV.gz", "footer": "Optional"}},
        {"guards": {"may_be_empty": True}},
        {"logging": {"console": {"level": "info"}}},
        {"fetch": {"timeout_s": 5, "deadline_s": None}},
        {"salesforce": {**SALESFORCE, "api_version": 64.0}},
        {"salesforce": {**SALESFORCE, "auth": {"soap": {"username": "u", "password": 123, "security_token": ""}}}},
        {"reports": {"items": [{"report_type": "SFDC", "min_rows": 5, "route": None}]}},
    ],
)
def test_schema_accepts_every_way_to_write_a_value(sections):
    """Empty sections, words in any case, numbers where they are taken as written."""
    assert is_valid(**sections)


@pytest.mark.parametrize(
    "sections",
    [
        {"x": 1},
        {"fetch": {"timout_s": 5}},
        {"fetch": {"backoff": {"x": 1}}},
        {"fetch": {"threads": "many"}},
        {"fetch": {"threads": 0}},
        {"fetch": {"threads": None}},
        {"output": {"format": "csvv"}},
        {"output": {"keep_footer": "yes"}},
        {"output": {"directory": 5}},
        {"summary": [{"path": "x"}]},
        {"summary": [{"format": "csv", "columns": ["rowz"]}]},
        {"reports": {"items": [{"report_nam": "x"}]}},
        {"workers": {"count": "some"}},
        {"salesforce": {"domain": "emulator"}},
        {"salesforce": {"domain": "emulator", "auth": {}}},
        {"salesforce": {"domain": "emulator", "auth": {"password": {}}}},
        {"salesforce": {"domain": "emulator", "auth": {"sf_cli": {"org": "x"}, "sid": {"value": "y"}}}},
    ],
)
def test_schema_rejects_unknown_keys_and_wrong_words(sections):
    """An editor underlines them before SFR sees them."""
    assert not is_valid(**sections)


@FEW
@given(st.sampled_from(["fetch", "output", "guards", "logging", "reports", "summary"]), TREES)
def test_schema_accepts_whatever_is_loaded(tmp_path, name, tree):
    """No configuration that runs is underlined."""
    sections = {"salesforce": SALESFORCE, name: tree}

    if load(tmp_path, json.dumps(sections).encode("utf-8", "surrogatepass")) is not None:
        assert VALIDATOR.is_valid(sections)


@pytest.mark.parametrize(
    ("filters", "is_right"),
    [
        ("1=x", True),
        ({1: "x", "scope": "mine"}, True),
        ({"1": 5, "2": None}, True),
        (["x"], False),
        ({"1": ["x"]}, False),
    ],
)
def test_schema_accepts_filters_as_a_text_or_a_mapping(filters, is_right):
    """Of a row in `reports.items`; each entry is one text."""
    if isinstance(filters, dict):
        filters = {str(key): value for key, value in filters.items()}

    assert is_valid(reports={"items": [{"filters": filters}]}) is is_right
